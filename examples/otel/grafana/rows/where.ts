/** Row "Where in the stream?": what a status code cannot say. */
import type { FailureStage } from '../../../../src/stream/outcome.js';
import {
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_LLM_STREAM_CHUNK_COUNT,
  ATTR_LLM_STREAM_FAILURE_STAGE,
} from '../../../../src/telemetry/semconv.js';
import {
  AFTER_OUTPUT,
  BEFORE_OUTPUT,
  FAILED,
  FAILED_SPANS,
  IN_OUTPUT,
  ofStage,
  STAGES_AFTER_OUTPUT,
  STAGES_BEFORE_OUTPUT,
  STAGES_IN_OUTPUT,
} from '../conditions.js';
import { CALLS, CHUNKS, label } from '../metrics.js';
import { named, type Row, UNITS } from '../panel.js';
import { average, is, sum } from '../promql.js';

const BY_STAGE = [label(ATTR_LLM_STREAM_FAILURE_STAGE)];
const BY_PROVIDER = [label(ATTR_GEN_AI_PROVIDER_NAME)];

export const WHERE: Row = {
  question: 'Where in the stream?',
  panels: [
    {
      id: 21,
      title: 'Failures by stage',
      description:
        'Failed calls a minute, by how far they had got. `request_rejected`: the provider said no. `before_first_token`: nobody saw anything yet, a retry costs only time. `after_first_token` and `during_tool_call`: somebody saw half an answer. `after_finish_reason`: the answer was whole, usage may be missing. The runbook has a section for each.',
      unit: UNITS.perMinute,
      kind: 'stacked',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) => `60 * ${at.callRate(CALLS, [FAILED], BY_STAGE)}`,
          legend: named(ATTR_LLM_STREAM_FAILURE_STAGE),
        },
      ],
      traces: {
        where: [FAILED_SPANS],
        metrics: `| count_over_time() by (span.${ATTR_LLM_STREAM_FAILURE_STAGE})`,
      },
      seriesBy: [ATTR_LLM_STREAM_FAILURE_STAGE],
    },
    {
      id: 22,
      title: 'Failures before and after the first token',
      description:
        'Before: the user waited and got an error, and a retry or another model hides it. After: the user saw text that breaks off; show it as cut, and continue or begin anew. Many after, few before: look for read time-outs of proxies on the way.',
      unit: UNITS.perMinute,
      kind: 'lines',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) => `60 * ${at.callRate(CALLS, [FAILED, BEFORE_OUTPUT])}`,
          legend: 'before the first token',
          where: [FAILED_SPANS, ofStage(...STAGES_BEFORE_OUTPUT)],
        },
        {
          refId: 'B',
          expr: (at) => `60 * ${at.callRate(CALLS, [FAILED, AFTER_OUTPUT])}`,
          legend: 'after the first token',
          where: [FAILED_SPANS, ofStage(...STAGES_AFTER_OUTPUT)],
        },
      ],
      traces: {
        where: [FAILED_SPANS],
        metrics: `| rate() by (span.${ATTR_LLM_STREAM_FAILURE_STAGE})`,
      },
    },
    {
      id: 23,
      title: 'Chunks before an interruption',
      description:
        'How many chunks, on average, a stream had delivered when it broke after its first token or in a tool call. Always about the same number: a limit, such as a buffer, a token limit of a gateway or a time-out at a steady pace. All over the place: connections that are cut.',
      unit: UNITS.average,
      kind: 'lines',
      width: 8,
      queries: [
        {
          refId: 'A',
          expr: (at) =>
            average(
              sum(at.rate(CHUNKS, [FAILED, IN_OUTPUT], '_sum'), BY_PROVIDER),
              sum(at.rate(CHUNKS, [FAILED, IN_OUTPUT], '_count'), BY_PROVIDER),
            ),
          legend: named(ATTR_GEN_AI_PROVIDER_NAME),
        },
      ],
      traces: {
        where: [FAILED_SPANS, ofStage(...STAGES_IN_OUTPUT)],
        metrics: `| avg_over_time(span.${ATTR_LLM_STREAM_CHUNK_COUNT}) by (span.${ATTR_GEN_AI_PROVIDER_NAME})`,
      },
      seriesBy: [ATTR_GEN_AI_PROVIDER_NAME],
    },
    {
      id: 24,
      title: 'Interrupted answers by provider',
      description:
        'Calls a minute that broke after their first token or in a tool call, whoever did it. This is what users complain of. Above 5 in ten minutes and 1 % of calls an alert fires.',
      unit: UNITS.perMinute,
      kind: 'lines',
      width: 8,
      queries: [
        {
          refId: 'A',
          expr: (at) => `60 * ${at.callRate(CALLS, [FAILED, IN_OUTPUT], BY_PROVIDER)}`,
          legend: named(ATTR_GEN_AI_PROVIDER_NAME),
        },
      ],
      traces: {
        where: [FAILED_SPANS, ofStage(...STAGES_IN_OUTPUT)],
        metrics: `| rate() by (span.${ATTR_GEN_AI_PROVIDER_NAME})`,
      },
      seriesBy: [ATTR_GEN_AI_PROVIDER_NAME],
    },
    {
      id: 25,
      title: 'Broken tool calls',
      description:
        'Calls a minute that failed while a tool call was open: its arguments are cut. None of them may be executed; `assertToolCallsComplete` throws for each. Arguments that a token limit cut are a finding on a completed call, in the last row.',
      unit: UNITS.perMinute,
      kind: 'lines',
      width: 8,
      queries: [
        {
          refId: 'A',
          expr: (at) =>
            `60 * ${at.callRate(CALLS, [FAILED, is<FailureStage>(ATTR_LLM_STREAM_FAILURE_STAGE, 'during_tool_call')], BY_PROVIDER)}`,
          legend: named(ATTR_GEN_AI_PROVIDER_NAME),
        },
      ],
      traces: { where: [FAILED_SPANS, ofStage('during_tool_call')], metrics: '| rate()' },
      seriesBy: [ATTR_GEN_AI_PROVIDER_NAME],
    },
  ],
};
