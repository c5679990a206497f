/**
 * The eight alerts, each with what it takes for it to mean something: a threshold, a time, and enough traffic. Expressions
 * are whole by themselves, so that Grafana's rules work on a Prometheus that does not have ours; all of their values are
 * above 0, which is what Grafana's threshold asks for. None counts a call that somebody left as a failure.
 */
import { ATTR_GEN_AI_PROVIDER_NAME, ATTR_GEN_AI_REQUEST_MODEL } from '../../../src/telemetry/semconv.js';
import { COMPLETED, DECIDED, FAILED, IN_OUTPUT, SLOW_FIRST_TOKEN_SECONDS } from './conditions.js';
import { losses, marked } from './losses.js';
import {
  ACTIVE,
  CALLS,
  COMPLETED_WITHOUT_USAGE,
  type Counter,
  IDLE,
  JOB,
  LE,
  label,
  TIME_TO_FIRST_TOKEN,
} from './metrics.js';
import { type Matcher, PLAIN, Promql, sum } from './promql.js';
import { ERROR_BUDGET } from './rows/is-it-broken.js';

export interface Alert {
  /** As Prometheus has it; its anchor in the runbook is the same in lower case. */
  readonly name: string;
  /** Grafana's id of it: kept for good. */
  readonly uid: string;
  /** As a person reads it. */
  readonly title: string;
  /** The panel to look at. */
  readonly panelId: number;
  /** Its series are what there is to do something about. */
  readonly expr: string;
  readonly for: string;
  /** `page`: users feel it now. `ticket`: it can wait for the morning. */
  readonly severity: 'page' | 'ticket';
  /** Go templates that Prometheus and Grafana read alike; where the value is found differs, so that it is given. */
  readonly summary: (value: Value) => string;
  readonly description: string;
}

/** The value in a template, formatted by one of the functions that both programs have. */
export type Value = (format: 'humanize' | 'humanizePercentage' | typeof WHOLE) => string;

/** Of calls: what `increase()` extrapolates has decimals. */
const WHOLE = 'printf "%.0f"';

const MODEL = [JOB, ...[ATTR_GEN_AI_PROVIDER_NAME, ATTR_GEN_AI_REQUEST_MODEL].map(label)];
const PROVIDER = [JOB, label(ATTR_GEN_AI_PROVIDER_NAME)];
const SERVICE = [JOB];

/** Below so many calls in the time looked at, a share says nothing. */
const ENOUGH_CALLS = 20;

/** What one may want otherwise. The runbook says for each what it is weighed against. */
export const THRESHOLDS = {
  failureShare: 0.05,
  interruptions: 5,
  interruptedShare: 0.01,
  firstTokenSeconds: SLOW_FIRST_TOKEN_SECONDS,
  slowShare: 0.05,
  missingUsageShare: 0.2,
  idleShare: 0.05,
  burnRate: 14.4,
} as const;

/** What is not up says nothing else either. Jobs of `prometheus.yaml`, of the desk and of the gateway. */
const COLLECTOR_JOBS = 'otel-.*';

/** As both text formats and Prometheus write the bound. */
const AT_ONCE: Matcher = { label: LE, text: `${LE}="${SLOW_FIRST_TOKEN_SECONDS}"` };

/**
 * The half hours before and after this time, yesterday and a week ago. The one after is what tells a service that fell
 * silent from one that closes at this time or works in batches; the week tells a Saturday from the Friday before it.
 */
const USUAL_HALF_HOURS = ['1d', '23h30m', '1w', '6d23h30m'] as const;

const FIRST_TOKENS = new Promql(PLAIN).over('10m');

export const ALERTS: readonly Alert[] = [
  {
    name: 'LlmStreamFailureRatio',
    uid: 'llm-stream-failure-ratio',
    title: 'LLM calls fail',
    panelId: 6,
    expr: and(
      `${ratio(CALLS, [FAILED], CALLS, [DECIDED], MODEL, '5m')} > ${THRESHOLDS.failureShare}`,
      enough(CALLS, [DECIDED], MODEL, '5m'),
    ),
    for: '5m',
    severity: 'page',
    summary: (value) => `${value('humanizePercentage')} of ${OF_MODEL} fail`,
    description: `More than ${percent(THRESHOLDS.failureShare)} of the calls that completed or failed in the last 5 minutes failed, of at least ${ENOUGH_CALLS}. Calls that somebody left are not counted.`,
  },
  {
    name: 'LlmStreamInterrupted',
    uid: 'llm-stream-interrupted',
    title: 'LLM answers break off',
    panelId: 24,
    expr: and(
      `${grown(CALLS, [FAILED, IN_OUTPUT], PROVIDER, '10m')} > ${THRESHOLDS.interruptions}`,
      `${ratio(CALLS, [FAILED, IN_OUTPUT], CALLS, [DECIDED], PROVIDER, '10m')} > ${THRESHOLDS.interruptedShare}`,
    ),
    for: '1m',
    severity: 'page',
    summary: (value) => `Answers of ${OF_PROVIDER} that broke off within 10 minutes: ${value(WHOLE)}`,
    description: `More than ${THRESHOLDS.interruptions} calls failed after their first token or in a tool call, and more than ${percent(THRESHOLDS.interruptedShare)} of those that completed or failed: users see half an answer.`,
  },
  {
    name: 'LlmStreamFirstTokenSlow',
    uid: 'llm-stream-first-token-slow',
    title: 'LLM answers are slow to begin',
    panelId: 61,
    expr: and(
      `1 - ${sum(FIRST_TOKENS.rate(TIME_TO_FIRST_TOKEN, [AT_ONCE], '_bucket'), MODEL)} / ${sum(FIRST_TOKENS.rate(TIME_TO_FIRST_TOKEN, [], '_count'), MODEL)} > ${THRESHOLDS.slowShare}`,
      `${sum(FIRST_TOKENS.increase(TIME_TO_FIRST_TOKEN, [], '_count'), MODEL)} >= ${ENOUGH_CALLS}`,
    ),
    for: '10m',
    severity: 'page',
    summary: (value) =>
      `${value('humanizePercentage')} of ${OF_MODEL} wait more than ${THRESHOLDS.firstTokenSeconds} s for their first token`,
    description: `Of the streams of the last 10 minutes that had output, at least ${ENOUGH_CALLS}, more than ${percent(THRESHOLDS.slowShare)} had none before ${THRESHOLDS.firstTokenSeconds} s.`,
  },
  {
    name: 'LlmStreamUsageMissing',
    uid: 'llm-stream-usage-missing',
    title: 'LLM usage is not reported',
    panelId: 101,
    expr: and(
      `${ratio(COMPLETED_WITHOUT_USAGE, [COMPLETED], CALLS, [COMPLETED], MODEL, '15m')} > ${THRESHOLDS.missingUsageShare}`,
      enough(CALLS, [COMPLETED], MODEL, '15m'),
    ),
    for: '15m',
    severity: 'ticket',
    summary: (value) => `${value('humanizePercentage')} of the completed ${OF_MODEL} have no usage`,
    description: `More than ${percent(THRESHOLDS.missingUsageShare)} of the calls that completed in the last 15 minutes, at least ${ENOUGH_CALLS}, ended without final usage: what they cost is not known.`,
  },
  {
    name: 'LlmStreamIdle',
    uid: 'llm-stream-idle',
    title: 'LLM streams are silent',
    panelId: 66,
    expr: and(
      `${sum(IDLE.name, PROVIDER)} > 0`,
      `${sum(IDLE.name, PROVIDER)} / ${sum(ACTIVE.name, PROVIDER)} > ${THRESHOLDS.idleShare}`,
    ),
    // Longer than the five minutes for which the collector goes on to show a process that is gone.
    for: '7m',
    severity: 'ticket',
    summary: (value) => `Open streams of ${OF_PROVIDER} that are silent: ${value(WHOLE)}`,
    description: `For 7 minutes there have been streams whose reader waits for a chunk for longer than the stall threshold, more than ${percent(THRESHOLDS.idleShare)} of those open. No trace shows them before they end.`,
  },
  {
    name: 'LlmStreamErrorBudgetBurn',
    uid: 'llm-stream-error-budget-burn',
    title: 'LLM error budget is spent too fast',
    panelId: 7,
    expr: and(
      `${ratio(CALLS, [FAILED], CALLS, [DECIDED], SERVICE, '1h')} / ${ERROR_BUDGET} > ${THRESHOLDS.burnRate}`,
      `${ratio(CALLS, [FAILED], CALLS, [DECIDED], SERVICE, '5m')} / ${ERROR_BUDGET} > ${THRESHOLDS.burnRate}`,
      enough(CALLS, [DECIDED], SERVICE, '1h'),
    ),
    for: '2m',
    severity: 'page',
    summary: (value) => `{{ .Labels.${JOB} }} spends its error budget ${value('humanize')} times too fast`,
    description: `Over the last hour and over the last 5 minutes more than ${THRESHOLDS.burnRate} times as many calls failed as a budget of ${percent(ERROR_BUDGET)} allows, of at least ${ENOUGH_CALLS}: what was to last a month is gone in two days.`,
  },
  {
    name: 'LlmStreamSilent',
    uid: 'llm-stream-silent',
    title: 'No LLM calls any more',
    panelId: 1,
    expr: `${and(...USUAL_HALF_HOURS.map(usual))}\nunless\n${grown(CALLS, [], SERVICE, '30m')} > 0`,
    // A batch, or an opening, may be late.
    for: '30m',
    severity: 'ticket',
    summary: (value) =>
      `{{ .Labels.${JOB} }} has made no LLM call for an hour, and made ${value(WHOLE)} in the last half hour of it yesterday`,
    description: `No call ended for an hour in a service that all this time had at least ${ENOUGH_CALLS} in half an hour and in the next one, yesterday and a week ago: it is down, its telemetry is off, or nobody asks.`,
  },
  {
    name: 'LlmStreamTelemetryLost',
    uid: 'llm-stream-telemetry-lost',
    title: 'LLM telemetry is lost',
    panelId: 105,
    expr: `${sum(telemetryLost(), [JOB, 'lost'])} > 0`,
    for: '5m',
    severity: 'ticket',
    summary: () => `{{ .Labels.${JOB} }} loses telemetry: {{ .Labels.lost }}`,
    description:
      'For 5 minutes the collector has refused or lost spans or metrics, or has not answered. What dashboards and the other alerts say is too little.',
  },
];

const OF_MODEL = `calls of {{ .Labels.${JOB} }} to {{ .Labels.${label(ATTR_GEN_AI_PROVIDER_NAME)} }} {{ with .Labels.${label(ATTR_GEN_AI_REQUEST_MODEL)} }}{{ . }}{{ else }}(no model named){{ end }}`;
const OF_PROVIDER = `{{ .Labels.${label(ATTR_GEN_AI_PROVIDER_NAME)} }} in {{ .Labels.${JOB} }}`;

function usual(ago: (typeof USUAL_HALF_HOURS)[number]): string {
  return `${new Promql(PLAIN).over('30m', ago).callIncrease(CALLS, [], SERVICE)} >= ${ENOUGH_CALLS}`;
}

/** Each kind of loss is a series of its own: `send failed` of one exporter is not another one's. */
function telemetryLost(): string {
  const counted = losses((metric) => new Promql(PLAIN).over('5m').rate(metric));
  const away = marked(`1 - up{${JOB}=~"${COLLECTOR_JOBS}"}`, 'everything, it does not answer');
  return `\n${[...counted, away].join('\nor ')}\n`;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

function and(...conditions: readonly string[]): string {
  return conditions.join('\nand\n');
}

function enough(counter: Counter, matchers: readonly Matcher[], by: readonly string[], window: string): string {
  return `${grown(counter, matchers, by, window)} >= ${ENOUGH_CALLS}`;
}

function grown(counter: Counter, matchers: readonly Matcher[], by: readonly string[], window: string): string {
  return new Promql(PLAIN).over(window).callIncrease(counter, matchers, by);
}

/** Where there is no whole, NaN is above no threshold. */
function ratio(
  part: Counter,
  ofPart: readonly Matcher[],
  whole: Counter,
  ofWhole: readonly Matcher[],
  by: readonly string[],
  window: string,
): string {
  const at = new Promql(PLAIN).over(window);
  return `${at.callRate(part, ofPart, by)} / ${at.callRate(whole, ofWhole, by)}`;
}
