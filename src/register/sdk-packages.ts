/**
 * Finds and loads what an SDK of ours is made of: packages that `@opentelemetry/sdk-node` brings along. They are taken
 * from beside it, so that they fit each other, and one by one: the rest of `sdk-node` (metrics, logs, propagators) costs
 * as much again, and is not used.
 */
import { createRequire } from 'node:module';
import type { Attributes, TracerProvider } from '@opentelemetry/api';
import type { IdGenerator } from './deferred-span.js';
import type { BatchLimits, Protocol, SpanLimits } from './environment.js';
import { ownRequire } from './require.js';

/** Parts of an SDK, as far as they are the same from 2.0 to 3.x. */
export interface SdkPackages {
  readonly resources: ResourcesPackage;
  readonly trace: TracePackage;
}

/** `@opentelemetry/resources`. */
export interface ResourcesPackage {
  defaultResource(): Resource;
  detectResources(config: { detectors: readonly unknown[] }): Resource;
  readonly envDetector: unknown;
  readonly hostDetector: unknown;
  readonly osDetector: unknown;
  readonly processDetector: unknown;
  readonly serviceInstanceIdDetector: unknown;
}

export interface Resource {
  readonly attributes: Attributes;
  /** A detector is still at work. */
  readonly asyncAttributesPending?: boolean;
  waitForAsyncAttributes?(): Promise<void>;
  getRawAttributes(): readonly (readonly [name: string, value: unknown])[];
  merge(other: Resource): Resource;
}

/** `@opentelemetry/sdk-trace`, and `@opentelemetry/sdk-trace-base`, which came before it: what differs is made equal here. */
export interface TracePackage {
  createProvider(options: ProviderOptions): FlushableProvider;
  createBatch(exporter: SpanExporter, limits: BatchLimits): SpanProcessor;
  createConsole(): SpanExporter;
  readonly samplers: Samplers;
}

export interface ProviderOptions {
  readonly resource: Resource;
  readonly sampler?: Sampler;
  readonly spanLimits: SpanLimits;
  readonly spanProcessors: readonly SpanProcessor[];
  readonly idGenerator: IdGenerator;
}

export interface FlushableProvider extends TracerProvider {
  forceFlush(): Promise<void>;
}

export interface Samplers {
  readonly AlwaysOnSampler: new () => Sampler;
  readonly AlwaysOffSampler: new () => Sampler;
  readonly TraceIdRatioBasedSampler: new (ratio: number) => Sampler;
  readonly ParentBasedSampler: new (options: { root: Sampler }) => Sampler;
}

/** Somebody else's: made by one part of the SDK and given to another. */
export type Sampler = object;

export interface SpanExporter {
  export(spans: readonly unknown[], done: (result: ExportResult) => void): void;
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
}

export interface ExportResult {
  readonly code: number;
  readonly error?: Error;
}

export interface SpanProcessor {
  onStart(span: unknown, context: unknown): void;
  onEnd(span: unknown): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** `require` as from inside `@opentelemetry/sdk-node`; undefined where that is not installed. */
export type FromSdk = NodeJS.Require;

export function findSdk(): FromSdk | undefined {
  try {
    return createRequire(ownRequire().resolve('@opentelemetry/sdk-node'));
  } catch {
    return undefined;
  }
}

/** Loads one part after the other: each step takes a few tens of milliseconds at most. The last one gives them all. */
export function* loadPackages(fromSdk: FromSdk): Generator<undefined, SdkPackages> {
  fromSdk('@opentelemetry/core');
  yield;
  // What `require` gives is these packages' affair; their shape is stated above.
  const resources = fromSdk('@opentelemetry/resources') as ResourcesPackage;
  yield;
  const trace = tracePackage(fromSdk);
  yield;
  return { resources, trace };
}

interface CurrentTrace extends Samplers {
  readonly TracerProvider: new (options: ProviderOptions) => FlushableProvider;
  readonly BatchSpanProcessor: new (options: BatchLimits & { exporter: SpanExporter }) => SpanProcessor;
  readonly ConsoleSpanExporter: new () => SpanExporter;
}

interface EarlierTrace extends Samplers {
  readonly BasicTracerProvider: new (options: ProviderOptions) => FlushableProvider;
  readonly BatchSpanProcessor: new (exporter: SpanExporter, limits: BatchLimits) => SpanProcessor;
  readonly ConsoleSpanExporter: new () => SpanExporter;
}

function tracePackage(fromSdk: FromSdk): TracePackage {
  if (isInstalled(fromSdk, '@opentelemetry/sdk-trace')) {
    const current = fromSdk('@opentelemetry/sdk-trace') as CurrentTrace;
    return {
      createProvider: (options) => new current.TracerProvider(options),
      createBatch: (exporter, limits) => new current.BatchSpanProcessor({ ...limits, exporter }),
      createConsole: () => new current.ConsoleSpanExporter(),
      samplers: current,
    };
  }
  const earlier = fromSdk('@opentelemetry/sdk-trace-base') as EarlierTrace;
  return {
    createProvider: (options) => new earlier.BasicTracerProvider(options),
    createBatch: (exporter, limits) => new earlier.BatchSpanProcessor(exporter, limits),
    createConsole: () => new earlier.ConsoleSpanExporter(),
    samplers: earlier,
  };
}

const OTLP_EXPORTERS: Readonly<Record<Protocol, string>> = {
  'http/json': '@opentelemetry/exporter-trace-otlp-http',
  'http/protobuf': '@opentelemetry/exporter-trace-otlp-proto',
  grpc: '@opentelemetry/exporter-trace-otlp-grpc',
};

/** The exporter of a protocol; undefined where it is not installed. It reads its own variables. */
export function createOtlpExporter(fromSdk: FromSdk, protocol: Protocol): SpanExporter | undefined {
  const name = OTLP_EXPORTERS[protocol];
  if (!isInstalled(fromSdk, name)) return undefined;
  const { OTLPTraceExporter } = fromSdk(name) as { OTLPTraceExporter: new () => SpanExporter };
  return new OTLPTraceExporter();
}

/** As {@link createOtlpExporter}. */
export function createZipkinExporter(fromSdk: FromSdk): SpanExporter | undefined {
  const name = '@opentelemetry/exporter-zipkin';
  if (!isInstalled(fromSdk, name)) return undefined;
  const { ZipkinExporter } = fromSdk(name) as { ZipkinExporter: new () => SpanExporter };
  return new ZipkinExporter();
}

function isInstalled(fromSdk: FromSdk, name: string): boolean {
  try {
    fromSdk.resolve(name);
    return true;
  } catch {
    return false;
  }
}
