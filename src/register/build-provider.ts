/** What the environment asks for, and the packages that are there, become a tracer provider. It is not made the global one. */
import type { IdGenerator } from './deferred-span.js';
import type { DetectorName, SamplerPlan } from './environment.js';
import { createProcessors, type ExporterMaterials } from './processors.js';
import {
  type FlushableProvider,
  loadPackages,
  type Resource,
  type ResourcesPackage,
  type Sampler,
  type Samplers,
  type SpanProcessor,
} from './sdk-packages.js';
import { WritingProcessor } from './writing-processor.js';

/** What an SDK is built from. */
export interface Materials extends ExporterMaterials {
  readonly idGenerator: IdGenerator;
  /** Hears of each span after those that export it. */
  readonly last: SpanProcessor;
}

export interface Built {
  readonly provider: FlushableProvider;
  /** What writes spans as they end, where that is asked for. */
  readonly writing: WritingProcessor | undefined;
}

/** Builds it in steps, between which the application may run. Throws where a package is broken. */
export function* buildProvider(materials: Materials): Generator<undefined, Built> {
  const { fromSdk, plan, idGenerator, last } = materials;
  const { resources, trace } = yield* loadPackages(fromSdk);
  // First: some of it is found out while the rest is loaded.
  const resource = createResource(resources, plan.detectors);
  const processors: SpanProcessor[] = [];
  for (const name of plan.exporters) {
    processors.push(...createProcessors(name, materials, trace, resource));
    yield;
  }
  const sampler = plan.sampler && createSampler(trace.samplers, plan.sampler);
  const provider = trace.createProvider({
    resource,
    ...(sampler && { sampler }),
    spanLimits: plan.limits,
    spanProcessors: [...processors, last],
    idGenerator,
  });
  return { provider, writing: processors.find((one) => one instanceof WritingProcessor) };
}

function createSampler(samplers: Samplers, { root, ratio, parentBased }: SamplerPlan): Sampler {
  const sampler = {
    always_on: () => new samplers.AlwaysOnSampler(),
    always_off: () => new samplers.AlwaysOffSampler(),
    traceidratio: () => new samplers.TraceIdRatioBasedSampler(ratio),
  }[root]();
  return parentBased ? new samplers.ParentBasedSampler({ root: sampler }) : sampler;
}

type DetectorKey = Exclude<keyof ResourcesPackage, 'defaultResource' | 'detectResources'>;

const DETECTORS: Readonly<Record<DetectorName, DetectorKey>> = {
  env: 'envDetector',
  host: 'hostDetector',
  os: 'osDetector',
  process: 'processDetector',
  serviceinstance: 'serviceInstanceIdDetector',
};

/** NodeSDK's of the 2.x line. */
const DEFAULT_DETECTORS: readonly DetectorName[] = ['env', 'process', 'host'];

function createResource(resources: ResourcesPackage, names = DEFAULT_DETECTORS): Resource {
  const detectors = names.map((name) => resources[DETECTORS[name]]);
  return resources.defaultResource().merge(resources.detectResources({ detectors }));
}
