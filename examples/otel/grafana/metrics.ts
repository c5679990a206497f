/**
 * What Prometheus calls the metrics: as the collector's `prometheus` exporter and Prometheus's own OTLP receiver write
 * them. Dots become underscores, a unit in braces is dropped, the others and `_total` are appended.
 */
import {
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_REQUEST_MODEL,
  ATTR_GEN_AI_RESPONSE_MODEL,
  ATTR_GEN_AI_TOKEN_TYPE,
  ATTR_LLM_STREAM_ERROR_CATEGORY,
  ATTR_LLM_STREAM_FAILURE_STAGE,
  ATTR_LLM_STREAM_FALLBACK_ATTEMPT,
  ATTR_LLM_STREAM_FAULT,
  ATTR_LLM_STREAM_FEATURE,
  ATTR_LLM_STREAM_OUTCOME,
  ATTR_LLM_STREAM_RETRY_ATTEMPT,
  ATTR_LLM_STREAM_ROUTE,
  ATTR_LLM_STREAM_STAGE,
  ATTR_LLM_STREAM_USAGE_AVAILABLE,
  ATTR_LLM_STREAM_USAGE_SOURCE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  METRIC_GEN_AI_CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK,
  METRIC_GEN_AI_CLIENT_TOKEN_USAGE,
  METRIC_LLM_STREAM_STREAM_ACTIVE,
  METRIC_LLM_STREAM_STREAM_ATTEMPTS,
  METRIC_LLM_STREAM_STREAM_CHUNKS,
  METRIC_LLM_STREAM_STREAM_IDLE,
  METRIC_LLM_STREAM_STREAM_MAX_CHUNK_GAP,
  METRIC_LLM_STREAM_STREAM_OUTCOMES,
  METRIC_LLM_STREAM_STREAM_STALLS,
  METRIC_LLM_STREAM_STREAM_TIME_TO_FIRST_TOKEN,
  METRIC_LLM_STREAM_STREAM_TIME_TO_HEADERS,
  METRIC_LLM_STREAM_STREAM_USAGE_MISSING,
} from '../../../src/telemetry/semconv.js';

/** One metric, as it is asked for. */
export interface Metric {
  /** As Prometheus has it; of a histogram, without `_bucket`, `_sum` and `_count`. */
  readonly name: string;
  /** Absent where the collector makes it. */
  readonly recorded?: Recorded;
  /** What it is broken down by, as Prometheus has it. */
  readonly labels: readonly string[];
  /** Of the collector: its job is no service, and what a dashboard is narrowed down to is none of its business. */
  readonly ofCollector?: true;
}

/** As `semconv.ts` describes it; a test holds one against the other. */
export interface Recorded {
  readonly metric: string;
  readonly instrument: Instrument;
  readonly unit: string;
}

export type Instrument = 'counter' | 'histogram' | 'observable up-down counter';

/** What a unit appends. */
const UNITS: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };

/** Names of labels that are attributes. */
export function label(attribute: string): string {
  return attribute.replaceAll('.', '_');
}

/** The service: `service.name`, after `service.namespace/` where there is one. Written by whatever exports to Prometheus. */
export const JOB = 'job';
/** The upper bound of a histogram's bucket. */
export const LE = 'le';

const CALL = [JOB, ...[ATTR_GEN_AI_OPERATION_NAME, ATTR_GEN_AI_PROVIDER_NAME, ATTR_GEN_AI_REQUEST_MODEL].map(label)];
const CONTEXT = [ATTR_LLM_STREAM_FEATURE, ATTR_LLM_STREAM_ROUTE].map(label);

export const OUTCOMES = own(METRIC_LLM_STREAM_STREAM_OUTCOMES, 'counter', '{call}', [
  ATTR_LLM_STREAM_OUTCOME,
  ATTR_LLM_STREAM_FAILURE_STAGE,
  ATTR_LLM_STREAM_STAGE,
  ATTR_LLM_STREAM_ERROR_CATEGORY,
  ATTR_LLM_STREAM_FAULT,
]);
export const ACTIVE = own(METRIC_LLM_STREAM_STREAM_ACTIVE, 'observable up-down counter', '{stream}', [
  ATTR_LLM_STREAM_STAGE,
]);
export const IDLE = own(METRIC_LLM_STREAM_STREAM_IDLE, 'observable up-down counter', '{stream}', [
  ATTR_LLM_STREAM_STAGE,
]);
export const TIME_TO_HEADERS = own(METRIC_LLM_STREAM_STREAM_TIME_TO_HEADERS, 'histogram', 's', [
  ATTR_LLM_STREAM_OUTCOME,
]);
export const TIME_TO_FIRST_TOKEN = own(METRIC_LLM_STREAM_STREAM_TIME_TO_FIRST_TOKEN, 'histogram', 's', [
  ATTR_LLM_STREAM_OUTCOME,
]);
export const MAX_CHUNK_GAP = own(METRIC_LLM_STREAM_STREAM_MAX_CHUNK_GAP, 'histogram', 's', [ATTR_LLM_STREAM_OUTCOME]);
export const CHUNKS = own(METRIC_LLM_STREAM_STREAM_CHUNKS, 'histogram', '{chunk}', [
  ATTR_LLM_STREAM_OUTCOME,
  ATTR_LLM_STREAM_FAILURE_STAGE,
]);
export const STALLS = own(METRIC_LLM_STREAM_STREAM_STALLS, 'counter', '{stall}', [ATTR_LLM_STREAM_OUTCOME]);
export const ATTEMPTS = own(METRIC_LLM_STREAM_STREAM_ATTEMPTS, 'histogram', '{attempt}', [
  ATTR_LLM_STREAM_OUTCOME,
  ATTR_LLM_STREAM_RETRY_ATTEMPT,
  ATTR_LLM_STREAM_FALLBACK_ATTEMPT,
]);
export const USAGE_MISSING = own(METRIC_LLM_STREAM_STREAM_USAGE_MISSING, 'counter', '{call}', [
  ATTR_LLM_STREAM_OUTCOME,
  ATTR_LLM_STREAM_USAGE_SOURCE,
]);

export const TIME_PER_OUTPUT_CHUNK = recorded(
  METRIC_GEN_AI_CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK,
  'histogram',
  's',
  CALL,
);
export const TOKEN_USAGE = recorded(METRIC_GEN_AI_CLIENT_TOKEN_USAGE, 'histogram', '{token}', [
  ...CALL,
  ...[ATTR_GEN_AI_RESPONSE_MODEL, ATTR_SERVER_ADDRESS, ATTR_SERVER_PORT, ATTR_GEN_AI_TOKEN_TYPE].map(label),
]);

/**
 * What the collector's `span_metrics` makes of spans, with the namespace and the dimensions of `collector.yaml`. Its
 * dimensions need no option of the application: route and feature are among them.
 */
export const SPAN_METRICS_NAMESPACE = 'llm_stream';
/** What the label of an attribute says there where a span has no such attribute; of all others the label is not there, either. */
export const ABSENT: Readonly<Record<string, string>> = {
  [ATTR_LLM_STREAM_ROUTE]: 'unknown',
  [ATTR_LLM_STREAM_FEATURE]: 'unknown',
};
const SPAN_LABELS = [
  JOB,
  ...[
    ATTR_GEN_AI_PROVIDER_NAME,
    ATTR_GEN_AI_REQUEST_MODEL,
    ATTR_LLM_STREAM_OUTCOME,
    ATTR_LLM_STREAM_ROUTE,
    ATTR_LLM_STREAM_FEATURE,
  ].map(label),
];
export const SPAN_CALLS: Metric = {
  name: `${SPAN_METRICS_NAMESPACE}_calls_total`,
  labels: [
    ...SPAN_LABELS,
    ...[
      ATTR_LLM_STREAM_FAILURE_STAGE,
      ATTR_LLM_STREAM_ERROR_CATEGORY,
      ATTR_LLM_STREAM_FAULT,
      ATTR_LLM_STREAM_STAGE,
      ATTR_LLM_STREAM_USAGE_AVAILABLE,
    ].map(label),
  ],
};
export const SPAN_DURATION: Metric = { name: `${SPAN_METRICS_NAMESPACE}_duration_seconds`, labels: SPAN_LABELS };

/** What is counted twice: by the application itself, and by the collector out of its spans. */
export interface Counter {
  readonly own: Metric;
  /** Which of the counted spans are the same calls. */
  readonly ofSpans: Readonly<Record<string, string>>;
}

export const CALLS: Counter = { own: OUTCOMES, ofSpans: {} };
/** Completed ones: of failed calls without usage the collector does not know which were answered. */
export const COMPLETED_WITHOUT_USAGE: Counter = {
  own: USAGE_MISSING,
  ofSpans: { [ATTR_LLM_STREAM_USAGE_AVAILABLE]: 'false' },
};

/** What the collector says of itself. The series of an exporter that sends are not there before it could not. */
export const COLLECTOR = {
  acceptedSpans: ofCollector('otelcol_receiver_accepted_spans_total', 'receiver'),
  refusedSpans: ofCollector('otelcol_receiver_refused_spans_total', 'receiver'),
  refusedPoints: ofCollector('otelcol_receiver_refused_metric_points_total', 'receiver'),
  brokenSpans: ofCollector('otelcol_receiver_failed_spans_total', 'receiver'),
  brokenPoints: ofCollector('otelcol_receiver_failed_metric_points_total', 'receiver'),
  failedSpans: ofCollector('otelcol_exporter_send_failed_spans_total', 'exporter'),
  failedPoints: ofCollector('otelcol_exporter_send_failed_metric_points_total', 'exporter'),
  unqueuedSpans: ofCollector('otelcol_exporter_enqueue_failed_spans_total', 'exporter'),
  undecidedTraces: ofCollector('otelcol_processor_tail_sampling_sampling_trace_dropped_too_early_total'),
} as const;

/** Every metric that is asked for, for the tests. */
export const ALL_METRICS: readonly Metric[] = [
  OUTCOMES,
  ACTIVE,
  IDLE,
  TIME_TO_HEADERS,
  TIME_TO_FIRST_TOKEN,
  MAX_CHUNK_GAP,
  CHUNKS,
  STALLS,
  ATTEMPTS,
  USAGE_MISSING,
  TIME_PER_OUTPUT_CHUNK,
  TOKEN_USAGE,
  SPAN_CALLS,
  SPAN_DURATION,
  ...Object.values(COLLECTOR),
];

/** Names of the series under which Prometheus keeps it. */
export function seriesOf({ name, recorded: how }: Metric): readonly string[] {
  const isHistogram = how?.instrument === 'histogram' || name === SPAN_DURATION.name;
  return isHistogram ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

function own(metric: string, instrument: Instrument, unit: string, attributes: readonly string[]): Metric {
  return recorded(metric, instrument, unit, [...CALL, ...CONTEXT, ...attributes.map(label)]);
}

function recorded(metric: string, instrument: Instrument, unit: string, labels: readonly string[]): Metric {
  const suffixes = `${UNITS[unit] ?? ''}${instrument === 'counter' ? '_total' : ''}`;
  return { name: label(metric) + suffixes, recorded: { metric, instrument, unit }, labels };
}

function ofCollector(name: string, ...parts: readonly ('receiver' | 'exporter')[]): Metric {
  return { name, labels: [JOB, ...parts], ofCollector: true };
}
