/** Row "Is it broken?": how many calls failed of those that nobody cut short. */
import {
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_REQUEST_MODEL,
  ATTR_LLM_STREAM_FEATURE,
  ATTR_LLM_STREAM_OUTCOME,
  ATTR_LLM_STREAM_ROUTE,
  ATTR_LLM_STREAM_STALL_COUNT,
} from '../../../../src/telemetry/semconv.js';
import { ALL_SPANS, DECIDED, FAILED, FAILED_SPANS, failureRate } from '../conditions.js';
import { ACTIVE, CALLS, IDLE, JOB, label, SPAN_CALLS } from '../metrics.js';
import { BY_SERVICE, named, type Row, UNITS } from '../panel.js';
import { share, sum } from '../promql.js';

const MODEL = [ATTR_GEN_AI_PROVIDER_NAME, ATTR_GEN_AI_REQUEST_MODEL];
/** One call in a hundred may fail. */
export const ERROR_BUDGET = 0.01;

export const IS_IT_BROKEN: Row = {
  question: 'Is it broken?',
  panels: [
    {
      id: 1,
      title: 'Calls that ended',
      description:
        'All calls in the time shown, whatever became of them. A call is what the application asked for: the attempts of its SDK are one call. Prometheus estimates what lies between its scrapes: a few more or fewer than you count. Nothing here while your application is at work: see the runbook, LlmStreamSilent.',
      unit: UNITS.calls,
      kind: 'stat',
      width: 4,
      queries: [{ refId: 'A', expr: (at) => at.callIncrease(CALLS), legend: 'calls' }],
      traces: { where: [ALL_SPANS], metrics: '| rate()' },
    },
    {
      id: 2,
      title: 'Failure rate',
      description:
        'Failed calls of those that completed or failed, in the time shown. Calls that somebody left are in neither. Above 5 % an alert fires for the model that it is; the rows below say where in the stream, and whose fault.',
      unit: UNITS.share,
      kind: 'stat',
      width: 4,
      limits: [0.01, 0.05],
      queries: [
        {
          refId: 'A',
          expr: (at) => share(at.callIncrease(CALLS, [FAILED]), at.callIncrease(CALLS, [DECIDED])),
          legend: 'failed',
        },
      ],
      traces: { where: [FAILED_SPANS], metrics: '| count_over_time()' },
    },
    {
      id: 3,
      title: 'Open streams',
      description:
        'Calls under way when metrics were last collected. A number that only grows is a leak: streams that nobody reads to their end and nobody cancels. An open span is not exported, so no trace shows them before they end.',
      unit: UNITS.calls,
      kind: 'stat',
      width: 4,
      queries: [{ refId: 'A', expr: (at) => sum(at.select(ACTIVE)), legend: 'open' }],
      traces: { where: [ALL_SPANS] },
    },
    {
      id: 4,
      title: 'Idle streams',
      description:
        'Of the open streams, those whose reader has been waiting for a chunk for longer than the stall threshold (10 s unless set). More than a few for minutes: the provider is stuck, or something on the way there buffers. They show in no trace before they end; the traces behind this panel are of streams that had a stall.',
      unit: UNITS.calls,
      kind: 'stat',
      width: 4,
      limits: [1, 5],
      queries: [{ refId: 'A', expr: (at) => sum(at.select(IDLE)), legend: 'idle' }],
      traces: {
        where: [{ attribute: ATTR_LLM_STREAM_STALL_COUNT, above: 0 }],
        jaeger: [[{ attribute: ATTR_LLM_STREAM_STALL_COUNT, is: 1 }]],
      },
    },
    {
      id: 5,
      title: 'How calls end',
      description:
        'Calls a minute by outcome: completed, failed, or cancelled because somebody left. Cancelled is nobody’s failure; see the abort rate below for what drives readers away.',
      unit: UNITS.perMinute,
      kind: 'stacked',
      width: 8,
      queries: [
        {
          refId: 'A',
          expr: (at) => `60 * ${at.callRate(CALLS, [], [label(ATTR_LLM_STREAM_OUTCOME)])}`,
          legend: named(ATTR_LLM_STREAM_OUTCOME),
        },
      ],
      traces: {
        where: [ALL_SPANS],
        metrics: `| rate() by (span.${ATTR_LLM_STREAM_OUTCOME})`,
      },
      seriesBy: [ATTR_LLM_STREAM_OUTCOME],
    },
    {
      id: 6,
      title: 'Failure rate by provider and model',
      description:
        'Failed calls of those that completed or failed. One line that rises is that provider or model: look at the next two rows, then send traffic elsewhere. All lines that rise together are your own network, key or code.',
      unit: UNITS.share,
      kind: 'lines',
      width: 12,
      limits: [0.01, 0.05],
      queries: [
        {
          refId: 'A',
          expr: (at) => failureRate(at, MODEL.map(label)),
          legend: named(...MODEL),
        },
      ],
      traces: {
        where: [FAILED_SPANS],
        metrics: `| count_over_time() by (span.${ATTR_GEN_AI_PROVIDER_NAME}, span.${ATTR_GEN_AI_REQUEST_MODEL})`,
      },
      seriesBy: MODEL,
    },
    {
      id: 7,
      title: 'How fast is the error budget spent?',
      description:
        'The failure rate of a service over one hour, as a multiple of a budget of 1 %. At 1 the budget of a month lasts a month, at 14.4 two days. An alert fires above 14.4.',
      unit: UNITS.times,
      kind: 'lines',
      width: 12,
      limits: [1, 14.4],
      queries: [
        {
          refId: 'A',
          expr: (at) => `(${failureRate(at.over('1h'), [JOB])})\n/ ${ERROR_BUDGET}`,
          legend: BY_SERVICE,
        },
      ],
      traces: { where: [FAILED_SPANS], metrics: '| count_over_time() by (resource.service.name)' },
    },
    {
      id: 8,
      title: 'Failures by route',
      description:
        'Failed calls in the time shown, by the route that the application gave with `withCallContext`, counted from spans. `unknown` are calls outside of a call context. One route alone: its prompt, its model or its code.',
      unit: UNITS.calls,
      kind: 'ranking',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) => `topk(10, ${sum(at.increase(SPAN_CALLS, [FAILED]), [label(ATTR_LLM_STREAM_ROUTE)])})`,
          legend: named(ATTR_LLM_STREAM_ROUTE),
        },
      ],
      traces: {
        where: [FAILED_SPANS],
        metrics: `| count_over_time() by (span.${ATTR_LLM_STREAM_ROUTE}) | topk(10)`,
      },
      seriesBy: [ATTR_LLM_STREAM_ROUTE],
    },
    {
      id: 9,
      title: 'Failures by feature',
      description: 'The same by feature: what the user was doing. Read it beside the routes to see who notices.',
      unit: UNITS.calls,
      kind: 'ranking',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) => `topk(10, ${sum(at.increase(SPAN_CALLS, [FAILED]), [label(ATTR_LLM_STREAM_FEATURE)])})`,
          legend: named(ATTR_LLM_STREAM_FEATURE),
        },
      ],
      traces: {
        where: [FAILED_SPANS],
        metrics: `| count_over_time() by (span.${ATTR_LLM_STREAM_FEATURE}) | topk(10)`,
      },
      seriesBy: [ATTR_LLM_STREAM_FEATURE],
    },
  ],
};
