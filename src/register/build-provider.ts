/** What the environment asks for, and the packages that are there, become a tracer provider. It is not made the global one. */
import type { IdGenerator } from './deferred-span.js';
import type { DetectorName, ExporterName, SamplerPlan, SdkPlan } from './environment.js';
import { warn } from './say.js';
import {
  createOtlpExporter,
  createZipkinExporter,
  type FlushableProvider,
  type FromSdk,
  loadPackages,
  type Resource,
  type ResourcesPackage,
  type Sampler,
  type Samplers,
  type SpanExporter,
  type SpanProcessor,
  type TracePackage,
} from './sdk-packages.js';

/** What an SDK is built from. */
export interface Materials {
  readonly fromSdk: FromSdk;
  readonly plan: SdkPlan;
  readonly idGenerator: IdGenerator;
  /** Hears of each span after those that export it. */
  readonly last: SpanProcessor;
}

/** Builds it in steps, between which the application may run. Throws where a package is broken. */
export function* buildProvider({
  fromSdk,
  plan,
  idGenerator,
  last,
}: Materials): Generator<undefined, FlushableProvider> {
  const { resources, trace } = yield* loadPackages(fromSdk);
  const processors: SpanProcessor[] = [];
  for (const name of plan.exporters) {
    const exporter = EXPORTERS[name](fromSdk, plan, trace);
    if (exporter === undefined) continue;
    processors.push(name === 'console' ? trace.createSimple(exporter) : trace.createBatch(exporter, plan.batch));
    yield;
  }
  const sampler = plan.sampler && createSampler(trace.samplers, plan.sampler);
  return trace.createProvider({
    resource: createResource(resources, plan.detectors),
    ...(sampler && { sampler }),
    spanLimits: plan.limits,
    spanProcessors: [...processors, last],
    idGenerator,
  });
}

type CreateExporter = (fromSdk: FromSdk, plan: SdkPlan, trace: TracePackage) => SpanExporter | undefined;

const EXPORTERS: Readonly<Record<ExporterName, CreateExporter>> = {
  otlp: (fromSdk, { protocol }) => {
    const exporter = createOtlpExporter(fromSdk, protocol);
    if (exporter !== undefined) return exporter;
    warn(`the exporter for \`OTEL_EXPORTER_OTLP_PROTOCOL\` "${protocol}" is not installed; using http/json`);
    return createOtlpExporter(fromSdk, 'http/json');
  },
  console: (_fromSdk, _plan, trace) => trace.createConsole(),
  zipkin: (fromSdk) => {
    const exporter = createZipkinExporter(fromSdk);
    if (exporter === undefined)
      warn('the exporter for `OTEL_TRACES_EXPORTER` "zipkin" is not installed; it is ignored');
    return exporter;
  },
};

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
