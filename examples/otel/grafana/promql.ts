/**
 * PromQL, put together from metrics and attributes, so that a name cannot be mistyped and no ratio is forgotten to be
 * guarded: where nothing happened there is no series, instead of a NaN that is drawn as a number.
 */
import {
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_REQUEST_MODEL,
  ATTR_LLM_STREAM_FEATURE,
  ATTR_LLM_STREAM_ROUTE,
} from '../../../src/telemetry/semconv.js';
import { type Counter, JOB, LE, label, type Metric, SPAN_CALLS } from './metrics.js';

/** Where a query stands: what it is narrowed down to, and over what time its rates are. */
export interface Scope {
  /** Of each label, the matcher that narrows it down. */
  readonly filters: Readonly<Record<string, string>>;
  /** Of rates. */
  readonly window: string;
  /** Of sums over all that is shown. */
  readonly range: string;
  /** How long before now. */
  readonly ago?: string | undefined;
}

/** In a dashboard: by its variables. `(.+/)?` is the namespace that a job may begin with. */
export const DASHBOARD: Scope = {
  filters: {
    [JOB]: '=~"(.+/)?$service"',
    [label(ATTR_GEN_AI_PROVIDER_NAME)]: '=~"$provider"',
    [label(ATTR_GEN_AI_REQUEST_MODEL)]: '=~"$model"',
    [label(ATTR_LLM_STREAM_ROUTE)]: '=~"$route"',
    [label(ATTR_LLM_STREAM_FEATURE)]: '=~"$feature"',
  },
  window: '$__rate_interval',
  range: '$__range',
};

/** For a prompt: everything. */
export const PLAIN: Scope = { filters: {}, window: '5m', range: '1h' };

/** One matcher of a selector. */
export interface Matcher {
  readonly label: string;
  readonly text: string;
}

export function is<T extends string>(attribute: string, value: T): Matcher {
  return matcher(attribute, `="${value}"`);
}

export function isNot<T extends string>(attribute: string, value: T): Matcher {
  return matcher(attribute, `!="${value}"`);
}

export function isOneOf<T extends string>(attribute: string, values: readonly T[]): Matcher {
  return matcher(attribute, `=~"${values.join('|')}"`);
}

/** The attribute is there. */
export function isKnown(attribute: string): Matcher {
  return matcher(attribute, '!=""');
}

/** A number, written as text, that is not 0. */
export function isPositive(attribute: string): Matcher {
  return matcher(attribute, '=~"[1-9][0-9]*"');
}

/** The bucket of what is at most 1: written `1` in the text format, `1.0` in OpenMetrics and by Prometheus 3. */
export const AT_MOST_ONE: Matcher = { label: LE, text: `${LE}=~"1|1[.]0"` };

function matcher(attribute: string, condition: string): Matcher {
  const name = label(attribute);
  return { label: name, text: name + condition };
}

/** The queries of one place. */
export class Promql {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** The same place, over another time. */
  over(time: string, ago?: string): Promql {
    return new Promql({ ...this.#scope, window: time, range: time, ago });
  }

  /** Per second. */
  rate(metric: Metric, matchers: readonly Matcher[] = [], part: Part = ''): string {
    return `rate(${this.select(metric, matchers, part)}${this.#within(this.#scope.window)})`;
  }

  /** How much it grew in all that is shown. */
  increase(metric: Metric, matchers: readonly Matcher[] = [], part: Part = ''): string {
    return `increase(${this.select(metric, matchers, part)}${this.#within(this.#scope.range)})`;
  }

  /** Calls per second. */
  callRate(counter: Counter, matchers: readonly Matcher[] = [], by: readonly string[] = []): string {
    return this.#counted((metric, all) => this.rate(metric, all), counter, matchers, by);
  }

  /** How many calls there were in all that is shown. */
  callIncrease(counter: Counter, matchers: readonly Matcher[] = [], by: readonly string[] = []): string {
    return this.#counted((metric, all) => this.increase(metric, all), counter, matchers, by);
  }

  /**
   * Of each service whichever is more: what it counts itself, or what the collector counts of its spans. Calls are missing
   * from spans under head sampling, and from metrics where processes have none; only a batch that a collector sends
   * twice is too much. A label keeps the two apart until then.
   */
  #counted(
    count: (metric: Metric, matchers: readonly Matcher[]) => string,
    { own, ofSpans }: Counter,
    matchers: readonly Matcher[],
    by: readonly string[],
  ): string {
    const each = by.includes(JOB) ? by : [JOB, ...by];
    const ownCalls = sum(count(own, matchers), each);
    const same = Object.entries(ofSpans).map(([attribute, value]) => is(attribute, value));
    const spans = sum(count(SPAN_CALLS, [...matchers, ...same]), each);
    const more = `max by (${each.join(', ')}) (\n  ${ownCalls}\n  or label_replace(${spans}, "counted", "spans", "", "")\n)`;
    return by.includes(JOB) ? more : sum(more, by);
  }

  #within(time: string): string {
    const { ago } = this.#scope;
    return `[${time}]${ago === undefined ? '' : ` offset ${ago}`}`;
  }

  select(metric: Metric, matchers: readonly Matcher[] = [], part: Part = ''): string {
    const filters = Object.entries(metric.ofCollector ? {} : this.#scope.filters)
      .filter(([name]) => metric.labels.includes(name))
      .map(([name, condition]) => name + condition);
    const all = [...filters, ...matchers.map(({ text }) => text)];
    return metric.name + part + (all.length === 0 ? '' : `{${all.join(', ')}}`);
  }
}

/** What a histogram is kept as. */
export type Part = '' | '_bucket' | '_sum' | '_count';

/** @param by - labels */
export function sum(vector: string, by: readonly string[] = []): string {
  return by.length === 0 ? `sum(${vector})` : `sum by (${by.join(', ')}) (${vector})`;
}

/** Of two sums by the same labels: 0 where there is nothing of the part, nothing where there is nothing of the whole. */
export function share(part: string, whole: string): string {
  return `(${orZero(part, whole)})\n/\n(${whole} > 0)`;
}

/** Of two sums by the same labels. */
export function average(total: string, count: string): string {
  return `${total}\n/\n(${count} > 0)`;
}

/** Of rates of buckets; `>= 0` is what no NaN is. */
export function quantile(q: number, buckets: string, by: readonly string[] = []): string {
  return `histogram_quantile(${q}, ${sum(buckets, [LE, ...by])}) >= 0`;
}

/** What a difference of two rates is more than, unless they are the same but for rounding. */
export function difference(whole: string, part: string): string {
  return `(${whole} - ${part} > 0.000001)`;
}

/** 0 where the other one is and this one is not. */
export function orZero(vector: string, beside: string): string {
  return `${vector}\nor 0 * ${beside}`;
}
