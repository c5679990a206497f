/**
 * The names of attributes, labels and metrics in a text, whatever it is written in: PromQL, TraceQL, logfmt, YAML, prose.
 */
import { ALL_METRICS, JOB, LE, label, type Metric, seriesOf } from '../../examples/otel/grafana/metrics.js';
import { RECORDINGS } from '../../examples/otel/grafana/records.js';
import * as semconv from '../../src/telemetry/semconv.js';

const exported: readonly (readonly [string, string])[] = Object.entries(semconv);
const values = (prefix: RegExp): readonly string[] =>
  exported.filter(([constant]) => prefix.test(constant)).map(([, value]) => value);

export const ATTRIBUTES: ReadonlySet<string> = new Set(values(/^ATTR_/));
const DOTTED: ReadonlySet<string> = new Set(values(/^(ATTR|EVENT|METRIC|LOG)_/));
const LABELS: ReadonlySet<string> = new Set([...ATTRIBUTES].map(label));

/** As Prometheus keeps them: by the panels' table, and of every other metric with all that may be appended. */
const SERIES: ReadonlySet<string> = new Set([
  ...ALL_METRICS.flatMap(seriesOf),
  ...ALL_METRICS.map(({ name }) => name),
  ...values(/^METRIC_/).flatMap((name) => ['', '_seconds', '_total'].map((suffix) => label(name) + suffix)),
]);
const RECORDED: ReadonlySet<string> = new Set(RECORDINGS.map(({ record }) => record));

/** Labels that are nobody's attribute: of Prometheus, and the one that an alert makes. */
const OTHER_LABELS: ReadonlySet<string> = new Set([JOB, LE, 'instance', 'receiver', 'exporter', 'transport', 'lost']);

/** Dotted names of ours and of the conventions that the package does not write. `llm_stream.x.` as a beginning is none. */
export function unknownAttributes(text: string): readonly string[] {
  return [...text.matchAll(/\b(?:llm_stream|gen_ai)(?:\.[a-z0-9_]+)+\b(?!\.\*|\*)/g)]
    .map(([name]) => name)
    .filter((name) => !DOTTED.has(name));
}

/** Names with underscores, as Prometheus has them, that are neither a series nor a label. */
export function unknownSeries(text: string): readonly string[] {
  return [...text.matchAll(/\b(?:llm_stream|gen_ai|otelcol)_[a-z0-9_]+\b|\bllm_stream:[a-z0-9_:]+/g)]
    .map(([name]) => name)
    .filter((name) => !SERIES.has(name) && !LABELS.has(name) && !RECORDED.has(name));
}

/** Labels that a PromQL query selects or groups by, and that nothing has. */
export function unknownLabels(promql: string): readonly string[] {
  const selected = [...promql.matchAll(/([a-z_]+)(?:=~|!~|!=|=)"/g)].map(([, name = '']) => name);
  const grouped = [...promql.matchAll(/\b(?:by|on|without|group_left) \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((name) => name.trim()),
  );
  return [...selected, ...grouped].filter((name) => !LABELS.has(name) && !OTHER_LABELS.has(name));
}

/** What each series can be asked by. */
const LABELS_OF: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ...ALL_METRICS.flatMap((metric) => seriesOf(metric).map((name) => [name, labelsOf(metric, name)] as const)),
  ...RECORDINGS.map(({ record, expr }) => [record, new Set(groupings(expr).flatMap(({ by }) => by))] as const),
  ['up', new Set([JOB, 'instance'])],
]);

function labelsOf({ labels }: Metric, series: string): ReadonlySet<string> {
  return new Set(series.endsWith('_bucket') ? [...labels, LE] : labels);
}

/** Labels that a query selects or groups by, and that the metric it asks there does not have: `label of series`. */
export function foreignLabels(promql: string): readonly string[] {
  const selected = selections(promql).flatMap(({ series, matched }) => matched.map((name) => [name, series] as const));
  const grouped = groupings(promql).flatMap(({ by, of }) => {
    const made = [...of.matchAll(/, "([a-z_]+)", "[^"]*", "[^"]*", "[^"]*"\)/g)].map(([, name = '']) => name);
    return selections(of).flatMap(({ series }) =>
      by.filter((name) => !made.includes(name)).map((name) => [name, series] as const),
    );
  });
  return [...selected, ...grouped]
    .filter(([name, series]) => LABELS_OF.get(series)?.has(name) === false)
    .map(([name, series]) => `${name} of ${series}`);
}

/** Each series that is asked for, with the labels in its braces. */
function selections(promql: string): readonly { readonly series: string; readonly matched: readonly string[] }[] {
  return [...promql.matchAll(/(?<!["\w:])([a-z_][a-z0-9_:]*)(?:\{((?:"[^"]*"|[^"}])*)\})?/g)]
    .filter(([, series = '']) => LABELS_OF.has(series))
    .map(([, series = '', matchers = '']) => ({
      series,
      matched: [...matchers.matchAll(/([a-z_]+)(?:=~|!~|!=|=)"/g)].map(([, name = '']) => name),
    }));
}

/** Each `by (…)`, and the parenthesis after it. */
export function groupings(promql: string): readonly { readonly by: readonly string[]; readonly of: string }[] {
  return [...promql.matchAll(/\bby \(([^)]*)\) (?=\()/g)].map(({ 0: text, 1: list = '', index }) => ({
    by: list.split(', '),
    of: parenthesis(promql.slice(index + text.length)),
  }));
}

/** What the parenthesis at the beginning has in it. Those within quotes come in pairs here. */
function parenthesis(text: string): string {
  let depth = 0;
  for (const [at, character] of [...text].entries()) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (depth === 0) return text.slice(1, at);
  }
  throw new Error(`no end: ${text}`);
}

/** Of TraceQL, as far as it is used here: what Tempo 3 was seen to take. */
const TRACEQL_FUNCTIONS: ReadonlySet<string> = new Set([
  'rate',
  'count_over_time',
  'sum_over_time',
  'avg_over_time',
  'quantile_over_time',
  'topk',
]);
const NAME = String.raw`(?:span|event|resource)\.[a-z][a-z0-9_.]*[a-z0-9_]|event:name`;
const VALUE = String.raw`"[^"]*"|\d+|true|false|nil`;
const COMPARISON = new RegExp(`^(?:${NAME}|"[^"]*") (?:=|!=|>|<|>=|<=|=~|!~) (?:${VALUE})$`);
const STEP = new RegExp(
  String.raw`^([a-z_]+)\(((?:${NAME})?(?:, \.\d+)*|\d+)\)(?: by \((?:${NAME})(?:, (?:${NAME}))*\))?$`,
);

/** Parts of a TraceQL query that are neither a known comparison nor a known function. No parser of Tempo's: a list. */
export function unknownTraceql(query: string): readonly string[] {
  const { selection = '', steps = '' } = /^\{ (?<selection>.*) \}(?<steps>(?: \| .*)?)$/s.exec(query)?.groups ?? {};
  if (selection === '') return [query];
  const comparisons = parts(selection);
  const counted = steps.split(' | ').slice(1);
  return [
    ...(comparisons === undefined ? [selection] : comparisons.filter((part) => !COMPARISON.test(part))),
    ...counted.filter((step) => !TRACEQL_FUNCTIONS.has(STEP.exec(step)?.[1] ?? '')),
  ];
}

/** The comparisons between `&&`, `||` and parentheses; nothing where parentheses do not close. */
function parts(selection: string): readonly string[] | undefined {
  const bare = selection.replace(/"[^"]*"/g, '""');
  if (bare.split('(').length !== bare.split(')').length) return undefined;
  return selection
    .split(/ (?:&&|\|\|) (?=(?:[^"]*"[^"]*")*[^"]*$)/)
    .map((part) => part.replace(/^\(+/, '').replace(/\)+$/, ''));
}

/** Attributes that a TraceQL query asks a span for, and that no span of ours has. */
export function unknownInTraceql(query: string): readonly string[] {
  return [...query.matchAll(/\b(?:span|event)\.([a-z0-9_.]+)/g)]
    .map(([, name = '']) => name)
    .filter((name) => !ATTRIBUTES.has(name));
}
