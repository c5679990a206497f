/** What feeds an exporter: in batches, or, for the console, as spans end. */
import { endpointOf } from './endpoint.js';
import type { Environment, ExporterName, Protocol, SdkPlan } from './environment.js';
import { warn } from './say.js';
import { sayFirstFailure } from './say-first-failure.js';
import {
  createOtlpExporter,
  createZipkinExporter,
  type FromSdk,
  type Resource,
  type SpanExporter,
  type SpanProcessor,
  type TracePackage,
} from './sdk-packages.js';
import { WritingProcessor } from './writing-processor.js';

export interface ExporterMaterials {
  readonly fromSdk: FromSdk;
  readonly environment: Environment;
  readonly plan: SdkPlan;
}

type Create = (materials: ExporterMaterials, trace: TracePackage, resource: Resource) => readonly SpanProcessor[];

/** Nothing where that exporter is not installed. */
export function createProcessors(name: ExporterName, ...made: Parameters<Create>): ReturnType<Create> {
  return PROCESSORS[name](...made);
}

const PROCESSORS: Readonly<Record<ExporterName, Create>> = {
  otlp: (materials, trace) => {
    const exporter = createSayingOtlp(materials, materials.plan.protocol) ?? createUsualOtlp(materials);
    return exporter ? [trace.createBatch(exporter, materials.plan.batch)] : [];
  },
  console: (_materials, trace, resource) => [new WritingProcessor(trace.createConsole(), resource)],
  zipkin: ({ fromSdk, environment, plan }, trace) => {
    const exporter = createZipkinExporter(fromSdk);
    if (exporter) return [trace.createBatch(sayFirstFailure(exporter, endpointOf(environment, 'zipkin')), plan.batch)];
    warn('the exporter for `OTEL_TRACES_EXPORTER` "zipkin" is not installed; it is ignored');
    return [];
  },
};

function createUsualOtlp(materials: ExporterMaterials): SpanExporter | undefined {
  const { protocol } = materials.plan;
  warn(`the exporter for \`OTEL_EXPORTER_OTLP_PROTOCOL\` "${protocol}" is not installed; using http/json`);
  return createSayingOtlp(materials, 'http/json');
}

function createSayingOtlp({ fromSdk, environment }: ExporterMaterials, protocol: Protocol): SpanExporter | undefined {
  const exporter = createOtlpExporter(fromSdk, protocol);
  return exporter && sayFirstFailure(exporter, endpointOf(environment, protocol));
}
