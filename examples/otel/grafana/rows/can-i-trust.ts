/** Row "Can I trust the numbers?": usage that is missing, findings on good answers, and telemetry that is lost. */
import type { ErrorCategory } from '../../../../src/stream/outcome.js';
import {
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_TOKEN_TYPE,
  ATTR_GEN_AI_USAGE_OUTPUT_TOKENS,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_LLM_STREAM_ERROR_CATEGORY,
  ATTR_LLM_STREAM_OUTCOME,
  ATTR_LLM_STREAM_USAGE_AVAILABLE,
} from '../../../../src/telemetry/semconv.js';
import { ALL_SPANS, COMPLETED, COMPLETED_SPANS, FAILED, FAILED_SPANS } from '../conditions.js';
import { losses } from '../losses.js';
import {
  CALLS,
  COLLECTOR,
  COMPLETED_WITHOUT_USAGE,
  JOB,
  label,
  OUTCOMES,
  SPAN_CALLS,
  TOKEN_USAGE,
  USAGE_MISSING,
} from '../metrics.js';
import { named, type Row, UNITS } from '../panel.js';
import { isKnown, share, sum } from '../promql.js';
import type { Tag } from '../traces.js';

const WITHOUT_USAGE: Tag = { attribute: ATTR_LLM_STREAM_USAGE_AVAILABLE, is: false };
const ANSWERED: Tag = { attribute: ATTR_HTTP_RESPONSE_STATUS_CODE, is: 200 };
const BY_PROVIDER = [label(ATTR_GEN_AI_PROVIDER_NAME)];
/** What a completed call may have been found to be. */
const FINDINGS = [
  'missing_done_event',
  'invalid_stream_chunk',
  'incomplete_tool_arguments',
] as const satisfies readonly ErrorCategory[];
const PROVIDER = named(ATTR_GEN_AI_PROVIDER_NAME);

export const CAN_I_TRUST: Row = {
  question: 'Can I trust the numbers?',
  panels: [
    {
      id: 101,
      title: 'Usage missing',
      description:
        'Completed calls without final usage, and failed calls that were answered without it, of all that completed or failed. Completed: the request did not ask for usage (OpenAI: `stream_options.include_usage`), or a gateway drops it. Failed: what was generated is billed all the same; the spans have an estimate. Above 20 % of completed an alert fires.',
      unit: UNITS.share,
      kind: 'lines',
      width: 12,
      limits: [0.05, 0.2],
      queries: [
        {
          refId: 'A',
          expr: (at) =>
            share(
              at.callRate(COMPLETED_WITHOUT_USAGE, [COMPLETED], BY_PROVIDER),
              at.callRate(CALLS, [COMPLETED], BY_PROVIDER),
            ),
          legend: `completed, ${PROVIDER}`,
        },
        {
          refId: 'B',
          expr: (at) =>
            share(sum(at.rate(USAGE_MISSING, [FAILED]), BY_PROVIDER), sum(at.rate(OUTCOMES, [FAILED]), BY_PROVIDER)),
          legend: `failed, ${PROVIDER}`,
          where: [WITHOUT_USAGE, FAILED_SPANS, ANSWERED],
        },
      ],
      traces: {
        where: [WITHOUT_USAGE, COMPLETED_SPANS],
        metrics: `| rate() by (span.${ATTR_GEN_AI_PROVIDER_NAME})`,
      },
      seriesBy: [ATTR_GEN_AI_PROVIDER_NAME],
    },
    {
      id: 102,
      title: 'Tokens',
      description:
        'Tokens a second, in and out, as providers reported them. What they did not report is in no line: read it together with the missing usage.',
      unit: UNITS.perSecond,
      kind: 'lines',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) =>
            sum(at.rate(TOKEN_USAGE, [], '_sum'), [ATTR_GEN_AI_PROVIDER_NAME, ATTR_GEN_AI_TOKEN_TYPE].map(label)),
          legend: named(ATTR_GEN_AI_PROVIDER_NAME, ATTR_GEN_AI_TOKEN_TYPE),
        },
      ],
      traces: {
        where: [{ attribute: ATTR_LLM_STREAM_USAGE_AVAILABLE, is: true }],
        metrics: `| sum_over_time(span.${ATTR_GEN_AI_USAGE_OUTPUT_TOKENS}) by (span.${ATTR_GEN_AI_PROVIDER_NAME})`,
      },
      seriesBy: [ATTR_GEN_AI_PROVIDER_NAME],
    },
    {
      id: 103,
      title: 'Findings on completed calls',
      description:
        'Completed calls in the time shown on which something was not right. `missing_done_event`: the finish reason came, the end of stream did not. `invalid_stream_chunk`: a message that did not parse was passed over. `incomplete_tool_arguments`: a tool call was cut by a token limit; do not execute it.',
      unit: UNITS.calls,
      kind: 'ranking',
      width: 8,
      queries: [
        {
          refId: 'A',
          expr: (at) =>
            at.callIncrease(
              CALLS,
              [COMPLETED, isKnown(ATTR_LLM_STREAM_ERROR_CATEGORY)],
              [ATTR_GEN_AI_PROVIDER_NAME, ATTR_LLM_STREAM_ERROR_CATEGORY].map(label),
            ),
          legend: named(ATTR_GEN_AI_PROVIDER_NAME, ATTR_LLM_STREAM_ERROR_CATEGORY),
        },
      ],
      traces: {
        where: [COMPLETED_SPANS, { attribute: ATTR_LLM_STREAM_ERROR_CATEGORY, isPresent: true }],
        metrics: `| count_over_time() by (span.${ATTR_LLM_STREAM_ERROR_CATEGORY})`,
        jaeger: FINDINGS.map((is) => [COMPLETED_SPANS, { attribute: ATTR_LLM_STREAM_ERROR_CATEGORY, is }]),
      },
      seriesBy: [ATTR_GEN_AI_PROVIDER_NAME, ATTR_LLM_STREAM_ERROR_CATEGORY],
    },
    {
      id: 104,
      title: 'Calls that have a span',
      description:
        'Calls counted from spans, of those that the applications counted themselves; services that count none are left out. 1 is right. Above 1: some processes of a service have no metrics. Lower: head sampling, or spans that are lost on the way to the collector; panels that count spans (by route, by feature, duration) are low by as much. For a minute around a restart it is off.',
      unit: UNITS.share,
      kind: 'lines',
      width: 8,
      queries: [
        {
          refId: 'A',
          expr: (at) =>
            share(
              sum(`${at.rate(SPAN_CALLS)} and on (${JOB}) ${at.rate(OUTCOMES)}`, [label(ATTR_LLM_STREAM_OUTCOME)]),
              sum(at.rate(OUTCOMES), [label(ATTR_LLM_STREAM_OUTCOME)]),
            ),
          legend: named(ATTR_LLM_STREAM_OUTCOME),
        },
      ],
      traces: { where: [ALL_SPANS], metrics: `| rate() by (span.${ATTR_LLM_STREAM_OUTCOME})` },
      seriesBy: [ATTR_LLM_STREAM_OUTCOME],
    },
    {
      id: 105,
      title: 'Does the collector take and send everything?',
      description:
        'Spans a second that the collector took, and what it lost. Refused: it is near its memory limit, and SDKs try again for a while. Not sent, no room in the queue: Jaeger or Tempo is away. Dropped before their verdict: more traces at once than sampling keeps in memory. Any of them fires an alert.',
      unit: UNITS.perSecond,
      kind: 'lines',
      width: 8,
      queries: [
        { refId: 'A', expr: (at) => sum(at.rate(COLLECTOR.acceptedSpans)), legend: 'taken' },
        {
          refId: 'B',
          expr: (at) => sum(losses((metric) => at.rate(metric)).join('\nor '), ['lost']),
          legend: '{{lost}}',
        },
      ],
      traces: { where: [ALL_SPANS], metrics: '| rate()' },
    },
  ],
};
