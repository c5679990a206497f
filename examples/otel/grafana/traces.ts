/**
 * The traces behind a number: one condition in the three tongues that ask for it, and links that ask in Grafana's Explore.
 */
import { ABSENT, label } from './metrics.js';

/** One condition on attributes of the span. */
export type Condition =
  | Tag
  | { readonly attribute: string; readonly isOneOf: readonly string[] }
  | { readonly attribute: string; readonly above: number }
  | { readonly attribute: string; readonly isPresent: true };

/** What can be said by equality. */
export interface Tag {
  readonly attribute: string;
  readonly is: string | boolean | number;
}

/** Which spans, and what TraceQL may count of them. */
export interface Traces {
  readonly where: readonly Condition[];
  /** Of what TraceQL counts, all but the selection. */
  readonly metrics?: string;
  /** What that counts, where it is more than the calls to look at: a median of the slow ones is not the median. */
  readonly counted?: readonly Condition[];
  /** Instead of `where`, for Jaeger: its tags are equal or not there. Read as alternatives. */
  readonly jaeger?: readonly (readonly Tag[])[];
}

/** What to ask Tempo: for the calls, and where it can count, for the number. */
export function traceqlSearches({ where, metrics, counted = where }: Traces): readonly string[] {
  return metrics === undefined ? [traceql(where)] : [traceql(where), `${traceql(counted)} ${metrics}`];
}

/** What TraceQL selects. */
export function traceql(conditions: readonly Condition[]): string {
  return `{ ${conditions.map(inTraceql).join(' && ')} }`;
}

function inTraceql(condition: Condition): string {
  const name = `span.${condition.attribute}`;
  if ('above' in condition) return `${name} > ${condition.above}`;
  if ('isPresent' in condition) return `${name} != nil`;
  // Anchored at both ends in Tempo.
  if ('isOneOf' in condition) return `${name} =~ "${condition.isOneOf.join('|')}"`;
  return `${name} = ${JSON.stringify(condition.is)}`;
}

/** Tag searches, in JSON as Jaeger's API takes them: one, or several where Jaeger cannot say "or". */
export function jaegerTags({ where, jaeger }: Traces): readonly Readonly<Record<string, string>>[] {
  const alternatives = jaeger ?? expand(where);
  return alternatives.map((tags) => Object.fromEntries(tags.map(({ attribute, is }) => [attribute, String(is)])));
}

/** What cannot be said by equality is left out: a wider search. */
function expand(conditions: readonly Condition[]): readonly (readonly Tag[])[] {
  let alternatives: readonly (readonly Tag[])[] = [[]];
  for (const condition of conditions) {
    const values = 'isOneOf' in condition ? condition.isOneOf : 'is' in condition ? [condition.is] : [];
    if (values.length === 0) continue;
    const { attribute } = condition;
    alternatives = alternatives.flatMap((tags) => values.map((is) => [...tags, { attribute, is }]));
  }
  return alternatives;
}

/** Tags as a person types them. */
export function logfmt(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** The services chosen: `pipe` and not `regex`, whose backslashes are no JSON. */
const SERVICES = `resource.service.name =~ "${variable('service:pipe')}"`;

/** Opens Tempo with the spans of a panel, in the services and the time that are shown. */
export function tempoLink({ where }: Traces): string {
  return explore('tempo', { queryType: 'traceql', query: narrowed(traceql(where), [SERVICES]), limit: 100 });
}

/** The same for the series under the pointer, which is known by its labels. */
export function tempoSeriesLink(where: readonly Condition[], by: readonly string[]): string {
  return explore('tempo', {
    queryType: 'traceql',
    query: narrowed(traceql(where), [...by.map(isOfSeries), SERVICES]),
    limit: 100,
  });
}

/**
 * Where a span has no such attribute, the label is not there, or says what the collector puts in for it: to TraceQL both
 * are `nil`. A link cannot branch, so the query does, on the value that Grafana has put into it.
 */
function isOfSeries(attribute: string): string {
  const name = `span.${attribute}`;
  const value = `"${variable(`__field.labels.${label(attribute)}`)}"`;
  const absent = ['', ABSENT[attribute] ?? []].flat().map((text) => `${value} = "${text}"`);
  return `(${name} = ${value} || (${name} = nil && (${absent.join(' || ')})))`;
}

/** Opens Jaeger, which takes one service and no "or": one link for each of what it may be asked for. */
export function jaegerLinks(traces: Traces): readonly { readonly title: string; readonly url: string }[] {
  const alternatives = jaegerTags(traces);
  return alternatives.map((tags) => {
    const own = Object.entries(tags).filter(([name, value]) => alternatives.some((other) => other[name] !== value));
    return {
      title: `Traces in Jaeger${own.map(([name, value]) => `, ${name.replace(/^llm_stream\./, '')} ${value}`).join('')}`,
      url: explore('jaeger', {
        queryType: 'search',
        service: variable('traced_service'),
        tags: logfmt(tags),
        limit: 100,
      }),
    };
  });
}

function narrowed(selection: string, conditions: readonly string[]): string {
  return selection.replace(/ \}$/, ` && ${conditions.join(' && ')} }`);
}

/** A pane of Explore. Grafana fills in what stands in `${…}`, which has to stay readable for it. */
function explore(source: 'tempo' | 'jaeger', query: Readonly<Record<string, string | number>>): string {
  const datasource = { type: source, uid: source };
  const pane = {
    datasource: source,
    queries: [{ refId: 'A', datasource, ...query }],
    range: { from: variable('__from'), to: variable('__to') },
  };
  const panes = encodeURIComponent(JSON.stringify({ traces: pane })).replace(/%24%7B(.*?)%7D/g, (_, name: string) =>
    variable(decodeURIComponent(name)),
  );
  return `/explore?schemaVersion=1&orgId=1&panes=${panes}`;
}

/** What Grafana fills in. */
function variable(name: string): string {
  return `\${${name}}`;
}
