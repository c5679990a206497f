/**
 * Every query of dashboard, alerts and recording rules, with the place it stands in: what the proof against real programs
 * and the tests of names go through.
 */
import { ALERTS } from './alerts.js';
import { DASHBOARD, PLAIN, Promql } from './promql.js';
import { RECORDINGS } from './records.js';
import { ROWS } from './rows.js';
import { jaegerTags, traceql, traceqlSearches } from './traces.js';

export interface PanelQuery {
  readonly panelId: number;
  readonly panel: string;
  readonly refId: string;
  /** As the dashboard has it, with Grafana's variables. */
  readonly expr: string;
  /** The same over everything: what a prompt takes. */
  readonly plain: string;
}

export const PANEL_QUERIES: readonly PanelQuery[] = ROWS.flatMap(({ panels }) =>
  panels.flatMap(({ id, title, queries }) =>
    queries.map(({ refId, expr }) => ({
      panelId: id,
      panel: title,
      refId,
      expr: expr(new Promql(DASHBOARD)),
      plain: expr(new Promql(PLAIN)),
    })),
  ),
);

export interface RuleQuery {
  /** Of the alert, or of what is recorded. */
  readonly name: string;
  readonly expr: string;
}

export const ALERT_QUERIES: readonly RuleQuery[] = ALERTS.map(({ name, expr }) => ({ name, expr }));
export const RECORDED_QUERIES: readonly RuleQuery[] = RECORDINGS.map(({ record, expr }) => ({ name: record, expr }));

export interface TraceSearch {
  readonly panelId: number;
  readonly panel: string;
  /** What Tempo selects, and where it can count, the query that does. */
  readonly traceql: readonly string[];
  /** Tags for Jaeger's API; several are alternatives. */
  readonly jaeger: readonly Readonly<Record<string, string>>[];
}

export const TRACE_SEARCHES: readonly TraceSearch[] = ROWS.flatMap(({ panels }) =>
  panels.map(({ id, title, queries, traces }) => ({
    panelId: id,
    panel: title,
    traceql: [...traceqlSearches(traces), ...queries.flatMap(({ where }) => (where ? [traceql(where)] : []))],
    jaeger: jaegerTags(traces),
  })),
);

/** What Grafana puts in for its variables. */
export interface Filling {
  /** At least four scrapes. */
  readonly rateInterval: string;
  readonly range: string;
  /** What is chosen; "All" of everything else. */
  readonly chosen?: Readonly<Partial<Record<Chosen, string>>>;
}

export type Chosen = 'service' | 'provider' | 'model' | 'route' | 'feature';

/** A query of the dashboard as Grafana sends it. */
export function fill(expr: string, { rateInterval, range, chosen = {} }: Filling): string {
  return expr
    .replaceAll('$__rate_interval', rateInterval)
    .replaceAll('$__range', range)
    .replace(/\$(service|provider|model|route|feature)\b/g, (_, name: Chosen) => chosen[name] ?? '.*');
}
