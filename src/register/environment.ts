/**
 * The `OTEL_*` variables of an SDK of our own, read as NodeSDK reads them: into plain data, which names what is to be
 * built. A bad value costs one `diag` line, and the default is used.
 */
import { warn } from './say.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Our name in `OTEL_NODE_ENABLED_INSTRUMENTATIONS` and `OTEL_NODE_DISABLED_INSTRUMENTATIONS`. */
export const INSTRUMENTATION_SHORT_NAME = 'llm-stream';

/** What the environment asks for. */
export interface SdkPlan {
  /** In the order in which they were named. */
  readonly exporters: readonly ExporterName[];
  readonly protocol: Protocol;
  /** Undefined: the SDK's default. */
  readonly sampler: SamplerPlan | undefined;
  readonly limits: SpanLimits;
  readonly batch: BatchLimits;
  /** Undefined: the SDK's default. */
  readonly detectors: readonly DetectorName[] | undefined;
}

export type ExporterName = 'otlp' | 'console' | 'zipkin';
export type DetectorName = 'env' | 'host' | 'os' | 'process' | 'serviceinstance';
export type Protocol = 'http/json' | 'http/protobuf' | 'grpc';

export interface SamplerPlan {
  readonly root: 'always_on' | 'always_off' | 'traceidratio';
  readonly ratio: number;
  readonly parentBased: boolean;
}

/** As the SDK's constructors want it. */
export type SpanLimits = Readonly<Record<(typeof SPAN_LIMITS)[number][0] | 'eventCountLimit', number>>;
export type BatchLimits = Readonly<Record<(typeof BATCH_LIMITS)[number][0], number>>;

/** Reads what an SDK of ours is to be made of; `eventCountLimit` is {@link spanEventLimit}. Never throws. */
export function readPlan(environment: Environment, eventCountLimit: number): SdkPlan {
  return {
    exporters: exporters(environment),
    protocol: protocol(environment),
    sampler: sampler(environment),
    limits: { ...counts(environment, SPAN_LIMITS, 0), eventCountLimit },
    // A batch processor for which one of these is 0 loses spans, or spins.
    batch: counts(environment, BATCH_LIMITS, 1),
    detectors: detectors(environment),
  };
}

const DEFAULT_SPAN_EVENT_LIMIT = 512;

/** Of an SDK of our own: the SDK's variable, else that of our budget, else more than the SDK's 128, for tool-call fragments. */
export function spanEventLimit(environment: Environment): number {
  return (
    countOf(environment, 'OTEL_SPAN_EVENT_COUNT_LIMIT', 0) ??
    // Who reads it for the budget says so where it is no number.
    countFrom(textOf(environment, 'LLM_STREAM_SPAN_EVENT_LIMIT'), 0) ??
    DEFAULT_SPAN_EVENT_LIMIT
  );
}

type LimitTable<Name extends string> = readonly (readonly [name: Name, otherwise: number, ...variables: string[]])[];

// Each with the variables that set it, the more special one first; some have changed their names between 2.x and 3.x. The
// defaults are the SDK's, and stated: where a limit is not given, SDK 2.0 reads the variable itself, also a bad one.
const SPAN_LIMITS = [
  ['attributeCountLimit', 128, 'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
  [
    'attributeValueLengthLimit',
    Number.POSITIVE_INFINITY,
    'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  ],
  ['linkCountLimit', 128, 'OTEL_SPAN_LINK_COUNT_LIMIT'],
  ['attributePerEventCountLimit', 128, 'OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', 'OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT'],
  ['attributePerLinkCountLimit', 128, 'OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', 'OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT'],
] as const satisfies LimitTable<string>;

const BATCH_LIMITS = [
  ['maxQueueSize', 2_048, 'OTEL_BSP_MAX_QUEUE_SIZE'],
  // The SDK's 5 s are what is lost where a process is killed; LLM calls are few.
  ['scheduledDelayMillis', 1_000, 'OTEL_BSP_SCHEDULE_DELAY'],
  ['exportTimeoutMillis', 30_000, 'OTEL_BSP_EXPORT_TIMEOUT'],
  ['maxExportBatchSize', 512, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE'],
] as const satisfies LimitTable<string>;

const EXPORTERS: readonly ExporterName[] = ['otlp', 'console', 'zipkin'];

function exporters(environment: Environment): readonly ExporterName[] {
  const asked = listOf(environment, 'OTEL_TRACES_EXPORTER');
  if (asked.length === 0) return ['otlp'];
  const known = asked.flatMap((name) => {
    const one = oneOf(EXPORTERS, name);
    if (one === undefined)
      warn(`\`OTEL_TRACES_EXPORTER\` must be ${EXPORTERS.join(', ')} or none, got ${quote(name)}; it is ignored`);
    return one ?? [];
  });
  return [...new Set(known)];
}

const PROTOCOLS: readonly Protocol[] = ['http/json', 'http/protobuf', 'grpc'];

function protocol(environment: Environment): Protocol {
  const asked =
    textOf(environment, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? textOf(environment, 'OTEL_EXPORTER_OTLP_PROTOCOL');
  if (asked === undefined) return 'http/json';
  const known = oneOf(PROTOCOLS, asked);
  if (known === undefined) {
    warn(`\`OTEL_EXPORTER_OTLP_PROTOCOL\` must be ${PROTOCOLS.join(' or ')}, got ${quote(asked)}; using http/json`);
  }
  return known ?? 'http/json';
}

const SAMPLERS: ReadonlyMap<string, Pick<SamplerPlan, 'root' | 'parentBased'>> = new Map([
  ['always_on', { root: 'always_on', parentBased: false }],
  ['always_off', { root: 'always_off', parentBased: false }],
  ['traceidratio', { root: 'traceidratio', parentBased: false }],
  ['parentbased_always_on', { root: 'always_on', parentBased: true }],
  ['parentbased_always_off', { root: 'always_off', parentBased: true }],
  ['parentbased_traceidratio', { root: 'traceidratio', parentBased: true }],
]);

function sampler(environment: Environment): SamplerPlan | undefined {
  const asked = textOf(environment, 'OTEL_TRACES_SAMPLER');
  if (asked === undefined) return undefined;
  const known = SAMPLERS.get(asked.toLowerCase());
  if (known === undefined) {
    warn(
      `\`OTEL_TRACES_SAMPLER\` must be one of ${[...SAMPLERS.keys()].join(', ')}, got ${quote(asked)}; using parentbased_always_on`,
    );
    return undefined;
  }
  return { ...known, ratio: known.root === 'traceidratio' ? ratio(environment) : 1 };
}

function ratio(environment: Environment): number {
  const asked = textOf(environment, 'OTEL_TRACES_SAMPLER_ARG');
  const value = asked === undefined ? Number.NaN : Number(asked);
  if (value >= 0 && value <= 1) return value;
  warn(
    `\`OTEL_TRACES_SAMPLER_ARG\` must be a number from 0 to 1, got ${asked === undefined ? 'nothing' : quote(asked)}; using 1`,
  );
  return 1;
}

const DETECTORS: readonly DetectorName[] = ['host', 'os', 'serviceinstance', 'process', 'env'];

function detectors(environment: Environment): readonly DetectorName[] | undefined {
  const asked = listOf(environment, 'OTEL_NODE_RESOURCE_DETECTORS');
  if (asked.length === 0) return undefined;
  if (names(asked, 'all')) return DETECTORS;
  if (names(asked, 'none')) return [];
  return asked.flatMap((name) => {
    // The word of the 3.x line.
    const known = names([name], 'service') ? 'serviceinstance' : oneOf(DETECTORS, name);
    if (known === undefined) {
      warn(
        `\`OTEL_NODE_RESOURCE_DETECTORS\` must be all, none or of ${DETECTORS.join(', ')}, got ${quote(name)}; it is ignored`,
      );
    }
    return known ?? [];
  });
}

function counts<Name extends string>(
  environment: Environment,
  table: LimitTable<Name>,
  least: number,
): Record<Name, number> {
  const read: Partial<Record<Name, number>> = {};
  for (const [name, otherwise, ...variables] of table) {
    for (const variable of variables) read[name] ??= countOf(environment, variable, least);
    read[name] ??= otherwise;
  }
  // Each name has its default.
  return read as Record<Name, number>;
}

function countOf(environment: Environment, variable: string, least: number): number | undefined {
  const text = textOf(environment, variable);
  if (text === undefined) return undefined;
  const value = countFrom(text, least);
  if (value === undefined)
    warn(`\`${variable}\` must be a whole number, ${least} or more, got ${quote(text)}; using the default`);
  return value;
}

function countFrom(text: string | undefined, least: number): number | undefined {
  const value = text === undefined ? Number.NaN : Number(text);
  return Number.isInteger(value) && value >= least ? value : undefined;
}

function oneOf<Name extends string>(known: readonly Name[], asked: string): Name | undefined {
  // The specification wants the case of enums ignored.
  return known.find((one) => one === asked.toLowerCase());
}

export function names(list: readonly string[], name: string): boolean {
  return list.some((one) => oneOf([name], one) !== undefined);
}

/** A variable's value; empty is not set. */
export function textOf(environment: Environment, variable: string): string | undefined {
  return environment[variable]?.trim() || undefined;
}

/** A list by commas; not set is empty. */
export function listOf(environment: Environment, variable: string): readonly string[] {
  return (textOf(environment, variable) ?? '').split(',').flatMap((one) => one.trim() || []);
}

function quote(text: string): string {
  return `"${text.length > 80 ? `${text.slice(0, 80)}…` : text}"`;
}
