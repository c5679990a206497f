/** Row "Do retries help?": the SDK's own attempts, the application's retries, and its fallbacks. */
import {
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_REQUEST_MODEL,
  ATTR_LLM_STREAM_ATTEMPT_COUNT,
  ATTR_LLM_STREAM_FALLBACK_ATTEMPT,
  ATTR_LLM_STREAM_OUTCOME,
  ATTR_LLM_STREAM_RETRY_ATTEMPT,
} from '../../../../src/telemetry/semconv.js';
import { ALL_SPANS, COMPLETED, COMPLETED_SPANS, DECIDED } from '../conditions.js';
import { ATTEMPTS, label } from '../metrics.js';
import { named, type Row, UNITS } from '../panel.js';
import { AT_MOST_ONE, average, difference, isPositive, type Matcher, type Promql, share, sum } from '../promql.js';

const MODEL = [ATTR_GEN_AI_PROVIDER_NAME, ATTR_GEN_AI_REQUEST_MODEL];
const BY_MODEL = MODEL.map(label);
/** Two numbers instead of their ratio. All calls of these kinds are kept, so that both are right. */
const BECAME = `| count_over_time() by (span.${ATTR_LLM_STREAM_OUTCOME})`;
const BY_PROVIDER = [label(ATTR_GEN_AI_PROVIDER_NAME)];

export const DO_RETRIES_HELP: Row = {
  question: 'Do retries help?',
  panels: [
    {
      id: 81,
      title: 'Attempts per call',
      description:
        'HTTP requests that a call took, on average: 1 is a call without a retry of the SDK. Each further attempt is waited for by a reader, and may be paid for.',
      unit: UNITS.times,
      kind: 'lines',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) =>
            average(sum(at.rate(ATTEMPTS, [], '_sum'), BY_MODEL), sum(at.rate(ATTEMPTS, [], '_count'), BY_MODEL)),
          legend: named(...MODEL),
        },
      ],
      traces: {
        where: [{ attribute: ATTR_LLM_STREAM_ATTEMPT_COUNT, above: 1 }],
        counted: [ALL_SPANS],
        metrics: `| avg_over_time(span.${ATTR_LLM_STREAM_ATTEMPT_COUNT}) by (span.${ATTR_GEN_AI_REQUEST_MODEL})`,
        jaeger: [
          [{ attribute: ATTR_LLM_STREAM_ATTEMPT_COUNT, is: 2 }],
          [{ attribute: ATTR_LLM_STREAM_ATTEMPT_COUNT, is: 3 }],
        ],
      },
      seriesBy: MODEL,
    },
    {
      id: 82,
      title: 'Retried calls that completed',
      description:
        'Of the calls that took the SDK more than one attempt and were not cancelled, those that completed. Near 0: the retries only keep readers waiting; the error is not one that a retry helps with, or all attempts meet the same trouble.',
      unit: UNITS.share,
      kind: 'lines',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) => share(retried(at, [COMPLETED]), retried(at, [DECIDED])),
          legend: named(ATTR_GEN_AI_PROVIDER_NAME),
        },
      ],
      traces: {
        where: [{ attribute: ATTR_LLM_STREAM_ATTEMPT_COUNT, above: 1 }, COMPLETED_SPANS],
        metrics: BECAME,
        counted: [{ attribute: ATTR_LLM_STREAM_ATTEMPT_COUNT, above: 1 }],
        jaeger: [2, 3].map((is) => [{ attribute: ATTR_LLM_STREAM_ATTEMPT_COUNT, is }, COMPLETED_SPANS]),
      },
      seriesBy: [ATTR_GEN_AI_PROVIDER_NAME],
    },
    {
      id: 83,
      title: 'Application’s retries that completed',
      description:
        'Of the calls that the application itself made again (`retryAttempt` above 0 in its call context) and that were not cancelled, those that completed. Near 1: worth it. Near 0: give up earlier, or fall back. Each has a span link to the call before it.',
      unit: UNITS.share,
      kind: 'lines',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) => completedOf(at, [isPositive(ATTR_LLM_STREAM_RETRY_ATTEMPT)]),
          legend: named(ATTR_GEN_AI_PROVIDER_NAME),
        },
      ],
      traces: {
        where: [{ attribute: ATTR_LLM_STREAM_RETRY_ATTEMPT, above: 0 }],
        metrics: BECAME,
        jaeger: [
          [{ attribute: ATTR_LLM_STREAM_RETRY_ATTEMPT, is: 1 }],
          [{ attribute: ATTR_LLM_STREAM_RETRY_ATTEMPT, is: 2 }],
        ],
      },
      seriesBy: [ATTR_GEN_AI_PROVIDER_NAME],
    },
    {
      id: 84,
      title: 'Fallbacks that completed',
      description:
        'Of the calls to another model or provider after the first one failed (`fallbackAttempt` above 0), those that completed. Low: the fallback shares what broke the first one, such as a region, a gateway or the prompt itself.',
      unit: UNITS.share,
      kind: 'lines',
      width: 12,
      queries: [
        {
          refId: 'A',
          expr: (at) => completedOf(at, [isPositive(ATTR_LLM_STREAM_FALLBACK_ATTEMPT)]),
          legend: named(ATTR_GEN_AI_PROVIDER_NAME),
        },
      ],
      traces: {
        where: [{ attribute: ATTR_LLM_STREAM_FALLBACK_ATTEMPT, above: 0 }],
        metrics: BECAME,
        jaeger: [
          [{ attribute: ATTR_LLM_STREAM_FALLBACK_ATTEMPT, is: 1 }],
          [{ attribute: ATTR_LLM_STREAM_FALLBACK_ATTEMPT, is: 2 }],
        ],
      },
      seriesBy: [ATTR_GEN_AI_PROVIDER_NAME],
    },
  ],
};

/** Calls with more than one attempt: all of them but those in the first bucket. */
function retried(at: Promql, matchers: readonly Matcher[]): string {
  return difference(
    sum(at.rate(ATTEMPTS, matchers, '_count'), BY_PROVIDER),
    sum(at.rate(ATTEMPTS, [...matchers, AT_MOST_ONE], '_bucket'), BY_PROVIDER),
  );
}

function completedOf(at: Promql, matchers: readonly Matcher[]): string {
  return share(
    sum(at.rate(ATTEMPTS, [COMPLETED, ...matchers], '_count'), BY_PROVIDER),
    sum(at.rate(ATTEMPTS, [DECIDED, ...matchers], '_count'), BY_PROVIDER),
  );
}
