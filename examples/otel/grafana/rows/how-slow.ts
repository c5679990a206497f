/** Row "How slow?": the waits that a reader feels. */
import {
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_REQUEST_MODEL,
  ATTR_LLM_STREAM_MAX_CHUNK_GAP_MS,
  ATTR_LLM_STREAM_OUTCOME,
  ATTR_LLM_STREAM_STAGE,
  ATTR_LLM_STREAM_STALL_COUNT,
  ATTR_LLM_STREAM_STREAM_DURATION_MS,
  ATTR_LLM_STREAM_TIME_TO_FIRST_TOKEN_MS,
  ATTR_LLM_STREAM_TIME_TO_HEADERS_MS,
} from '../../../../src/telemetry/semconv.js';
import { ALL_SPANS, SLOW_FIRST_TOKEN_SECONDS } from '../conditions.js';
import type { Metric } from '../metrics.js';
import {
  ACTIVE,
  IDLE,
  label,
  MAX_CHUNK_GAP,
  SPAN_DURATION,
  STALLS,
  TIME_PER_OUTPUT_CHUNK,
  TIME_TO_FIRST_TOKEN,
  TIME_TO_HEADERS,
} from '../metrics.js';
import { named, type Query, type Row, UNITS } from '../panel.js';
import { quantile, sum } from '../promql.js';

const MODEL = [ATTR_GEN_AI_PROVIDER_NAME, ATTR_GEN_AI_REQUEST_MODEL];
const BY_PROVIDER = [label(ATTR_GEN_AI_PROVIDER_NAME)];
const OF_SPANS = `span.${ATTR_GEN_AI_REQUEST_MODEL}`;

export const HOW_SLOW: Row = {
  question: 'How slow?',
  panels: [
    {
      id: 61,
      title: 'Time to first token',
      description:
        'Half of the streams, and 95 of 100, had their first generated output by then, whatever channel it came on; retries of the SDK are in it. At 5.12 s the 95 of 100 are counted exactly, and above it an alert fires; between other bounds of the buckets lines are estimates. Compare the time to headers: what lies between the two is the model, what lies before is the queue and the way there.',
      unit: UNITS.seconds,
      kind: 'lines',
      width: 12,
      limits: [2, SLOW_FIRST_TOKEN_SECONDS],
      queries: quantiles(TIME_TO_FIRST_TOKEN, [0.5, 0.95], MODEL),
      traces: {
        where: [{ attribute: ATTR_LLM_STREAM_TIME_TO_FIRST_TOKEN_MS, above: SLOW_FIRST_TOKEN_SECONDS * 1000 }],
        counted: [ALL_SPANS],
        metrics: `| quantile_over_time(span.${ATTR_LLM_STREAM_TIME_TO_FIRST_TOKEN_MS}, .5, .95) by (${OF_SPANS})`,
      },
      seriesBy: MODEL,
    },
    {
      id: 62,
      title: 'Time to headers',
      description:
        '95 of 100 calls had the headers of their answer by then. High together with the time to first token: the provider queues, or a proxy holds the answer back until it is whole.',
      unit: UNITS.seconds,
      kind: 'lines',
      width: 12,
      queries: quantiles(TIME_TO_HEADERS, [0.95], MODEL),
      traces: {
        where: [{ attribute: ATTR_LLM_STREAM_TIME_TO_HEADERS_MS, above: 2000 }],
        counted: [ALL_SPANS],
        metrics: `| quantile_over_time(span.${ATTR_LLM_STREAM_TIME_TO_HEADERS_MS}, .95) by (${OF_SPANS})`,
      },
      seriesBy: MODEL,
    },
    {
      id: 63,
      title: 'Longest gap within a stream',
      description:
        'The longest wait for a chunk that a stream had, the silence in which it died included: of 50, 95 and 99 streams in a hundred it was no longer than this. Near a round number such as 30 s or 60 s: the read time-out of a proxy.',
      unit: UNITS.seconds,
      kind: 'lines',
      width: 12,
      queries: quantiles(MAX_CHUNK_GAP, [0.5, 0.95, 0.99], [ATTR_GEN_AI_PROVIDER_NAME]),
      traces: {
        where: [{ attribute: ATTR_LLM_STREAM_MAX_CHUNK_GAP_MS, above: 10000 }],
        counted: [ALL_SPANS],
        metrics: `| quantile_over_time(span.${ATTR_LLM_STREAM_MAX_CHUNK_GAP_MS}, .99) by (span.${ATTR_GEN_AI_PROVIDER_NAME})`,
      },
      seriesBy: [ATTR_GEN_AI_PROVIDER_NAME],
    },
    {
      id: 64,
      title: 'Time between chunks',
      description:
        'From one chunk with output to the next, by model: how fast text appears. Much higher than usual with few stalls: the model is slow today. Bursts of zero between long waits: something buffers. Spans have the longest gap alone.',
      unit: UNITS.seconds,
      kind: 'lines',
      width: 12,
      queries: quantiles(TIME_PER_OUTPUT_CHUNK, [0.5, 0.95], MODEL),
      traces: { where: [ALL_SPANS] },
      seriesBy: MODEL,
    },
    {
      id: 65,
      title: 'How long calls take',
      description:
        'From the start of a call to its end, 95 of 100, counted from spans. The points are single calls: click one to open its trace.',
      unit: UNITS.seconds,
      kind: 'lines',
      width: 12,
      queries: quantiles(SPAN_DURATION, [0.95], [ATTR_LLM_STREAM_OUTCOME]),
      traces: {
        where: [{ attribute: ATTR_LLM_STREAM_STREAM_DURATION_MS, above: 60000 }],
        counted: [ALL_SPANS],
        metrics: `| quantile_over_time(span.${ATTR_LLM_STREAM_STREAM_DURATION_MS}, .95) by (span.${ATTR_LLM_STREAM_OUTCOME})`,
      },
      seriesBy: [ATTR_LLM_STREAM_OUTCOME],
    },
    {
      id: 66,
      title: 'Open and idle streams',
      description:
        'Calls under way by how far they are, and those whose reader has been waiting for a chunk for longer than the stall threshold. Idle for seven minutes: an alert fires. Only metrics show a stall while it lasts.',
      unit: UNITS.calls,
      kind: 'lines',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) => sum(at.select(ACTIVE), [label(ATTR_LLM_STREAM_STAGE)]),
          legend: `open, ${named(ATTR_LLM_STREAM_STAGE)}`,
        },
        { refId: 'B', expr: (at) => sum(at.select(IDLE)), legend: 'idle' },
      ],
      traces: {
        where: [{ attribute: ATTR_LLM_STREAM_STALL_COUNT, above: 0 }],
        metrics: '| rate()',
        jaeger: [[{ attribute: ATTR_LLM_STREAM_STALL_COUNT, is: 1 }]],
      },
    },
    {
      id: 67,
      title: 'Stalls',
      description:
        'Silences a minute, within streams, that reached the stall threshold, whether or not the stream went on. Stalls with no failures: readers wait, nothing alerts; set an idle budget if they should not.',
      unit: UNITS.perMinute,
      kind: 'lines',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) => `60 * ${sum(at.rate(STALLS), BY_PROVIDER)}`,
          legend: named(ATTR_GEN_AI_PROVIDER_NAME),
        },
      ],
      traces: {
        where: [{ attribute: ATTR_LLM_STREAM_STALL_COUNT, above: 0 }],
        metrics: `| sum_over_time(span.${ATTR_LLM_STREAM_STALL_COUNT}) by (span.${ATTR_GEN_AI_PROVIDER_NAME})`,
        jaeger: [[{ attribute: ATTR_LLM_STREAM_STALL_COUNT, is: 1 }]],
      },
      seriesBy: [ATTR_GEN_AI_PROVIDER_NAME],
    },
  ],
};

function quantiles(metric: Metric, shares: readonly number[], by: readonly string[]): readonly Query[] {
  return shares.map((q, index) => ({
    refId: 'ABC'.charAt(index),
    expr: (at) => quantile(q, at.rate(metric, [], '_bucket'), by.map(label)),
    legend: `p${q * 100} ${named(...by)}`,
    exemplars: true,
  }));
}
