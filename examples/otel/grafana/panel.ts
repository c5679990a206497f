/**
 * What a panel is: a question, the queries that answer it, and the traces behind the answer.
 */
import { JOB, label } from './metrics.js';
import type { Promql } from './promql.js';
import type { Condition, Traces } from './traces.js';

export interface Row {
  readonly question: string;
  readonly panels: readonly Panel[];
}

export interface Panel {
  /** Kept for good: alerts and links name it. */
  readonly id: number;
  readonly title: string;
  /** What it means, and what to do. */
  readonly description: string;
  readonly unit: Unit;
  /** A number, lines, areas that add up, or bars by length. */
  readonly kind: 'stat' | 'lines' | 'stacked' | 'ranking';
  /** Of 24. */
  readonly width: number;
  readonly queries: readonly Query[];
  readonly traces: Traces;
  /** Attributes that its series differ in, and spans have: a click on one finds its own traces. */
  readonly seriesBy?: readonly string[];
  /** From where on it is yellow, and red. */
  readonly limits?: readonly [warning: number, bad: number];
}

export interface Query {
  readonly refId: string;
  readonly expr: (at: Promql) => string;
  /** How a series is named. */
  readonly legend: string;
  /** The calls behind its series, where they are others than the panel's. */
  readonly where?: readonly Condition[];
  /** Of a histogram: single calls are drawn as points that lead to their traces. */
  readonly exemplars?: true;
}

export interface Unit {
  /** Grafana's name of it. */
  readonly name: 'short' | 'percentunit' | 'cpm' | 'ops' | 's';
  /** Unless Grafana may choose. */
  readonly decimals?: number;
}

export const UNITS = {
  /** Whole ones: what `increase()` says is extrapolated to the window's ends, and 17.74 calls are none. */
  calls: { name: 'short', decimals: 0 },
  average: { name: 'short', decimals: 1 },
  share: { name: 'percentunit' },
  perMinute: { name: 'cpm' },
  perSecond: { name: 'ops' },
  seconds: { name: 's' },
  times: { name: 'short' },
} as const satisfies Readonly<Record<string, Unit>>;

/** The values of labels, as a series is named by them. */
export function named(...attributes: readonly string[]): string {
  return attributes.map((attribute) => `{{${label(attribute)}}}`).join(' ');
}

export const BY_SERVICE = `{{${JOB}}}`;
