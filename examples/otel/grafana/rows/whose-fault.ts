/** Row "Whose fault?": provider, network, application or reader. */
import {
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_REQUEST_MODEL,
  ATTR_LLM_STREAM_ERROR_CATEGORY,
  ATTR_LLM_STREAM_FAULT,
  ATTR_LLM_STREAM_STAGE,
} from '../../../../src/telemetry/semconv.js';
import { CANCELLED, CANCELLED_SPANS, FAILED, FAILED_SPANS } from '../conditions.js';
import { CALLS, label } from '../metrics.js';
import { named, type Row, UNITS } from '../panel.js';
import { share } from '../promql.js';

const MODEL = [ATTR_GEN_AI_PROVIDER_NAME, ATTR_GEN_AI_REQUEST_MODEL];
const BY_MODEL = MODEL.map(label);
const LEFT = [ATTR_LLM_STREAM_STAGE, ATTR_LLM_STREAM_FAULT];
const CATEGORY = [ATTR_GEN_AI_PROVIDER_NAME, ATTR_LLM_STREAM_ERROR_CATEGORY];

export const WHOSE_FAULT: Row = {
  question: 'Whose fault?',
  panels: [
    {
      id: 41,
      title: 'Failures by fault',
      description:
        'Failed calls a minute, by whose doing it was. `provider`: it said so itself. `network`: it was never reached. `upstream`: the provider or the way there, which cannot be told apart from here. `application`: yours to fix, such as a key, an argument or a time-out of your own. Without a name: not known.',
      unit: UNITS.perMinute,
      kind: 'stacked',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) => `60 * ${at.callRate(CALLS, [FAILED], [label(ATTR_LLM_STREAM_FAULT)])}`,
          legend: named(ATTR_LLM_STREAM_FAULT),
        },
      ],
      traces: { where: [FAILED_SPANS], metrics: `| count_over_time() by (span.${ATTR_LLM_STREAM_FAULT})` },
      seriesBy: [ATTR_LLM_STREAM_FAULT],
    },
    {
      id: 42,
      title: 'What went wrong, by provider',
      description:
        'Failed calls in the time shown, by the kind of error. `rate_limit` and `quota`: ask for less or for more quota. `auth`: the key. `overloaded` and `server_error`: the provider’s status page. `stream_interrupted`: the connection was cut. The time-outs: whose they are is the fault.',
      unit: UNITS.calls,
      kind: 'ranking',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) => `topk(15, ${at.callIncrease(CALLS, [FAILED], CATEGORY.map(label))})`,
          legend: named(...CATEGORY),
        },
      ],
      traces: {
        where: [FAILED_SPANS],
        metrics: `| count_over_time() by (${CATEGORY.map((name) => `span.${name}`).join(', ')}) | topk(15)`,
      },
      seriesBy: CATEGORY,
    },
    {
      id: 43,
      title: 'Abort rate',
      description:
        'Calls that were cancelled, of all: the reader stopped, went away, or never read. It is no failure and fires no alert. A rate that rises together with the time to the first token is readers who lose patience.',
      unit: UNITS.share,
      kind: 'lines',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) => share(at.callRate(CALLS, [CANCELLED], BY_MODEL), at.callRate(CALLS, [], BY_MODEL)),
          legend: named(...MODEL),
        },
      ],
      traces: { where: [CANCELLED_SPANS], metrics: '| rate()' },
      seriesBy: MODEL,
    },
    {
      id: 44,
      title: 'Where readers leave',
      description:
        'Cancelled calls in the time shown, by how far they had got and whose doing it was. `before_first_token`: too slow. `after_first_token`: they had read enough, or it was not what they wanted. Fault `application`: your loop threw, stopped reading, or the process ended.',
      unit: UNITS.calls,
      kind: 'ranking',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) => at.callIncrease(CALLS, [CANCELLED], LEFT.map(label)),
          legend: named(...LEFT),
        },
      ],
      traces: {
        where: [CANCELLED_SPANS],
        metrics: `| count_over_time() by (${LEFT.map((name) => `span.${name}`).join(', ')})`,
      },
      seriesBy: LEFT,
    },
  ],
};
