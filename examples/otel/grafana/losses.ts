/** Where telemetry is lost between the SDK and the stores: what the alert fires for, and its panel shows. */
import { COLLECTOR, type Metric } from './metrics.js';

const LOSSES: readonly (readonly [Metric, string])[] = [
  [COLLECTOR.refusedSpans, 'spans refused'],
  [COLLECTOR.refusedPoints, 'metrics refused'],
  [COLLECTOR.brokenSpans, 'spans not processed'],
  [COLLECTOR.brokenPoints, 'metrics not processed'],
  [COLLECTOR.undecidedTraces, 'traces dropped before their verdict'],
  [COLLECTOR.failedSpans, 'spans not sent'],
  [COLLECTOR.failedPoints, 'metrics not sent'],
  [COLLECTOR.unqueuedSpans, 'spans that found no room in the queue'],
];

/** Each of them, by the label `lost`. */
export function losses(rate: (metric: Metric) => string): readonly string[] {
  return LOSSES.map(([metric, lost]) => marked(rate(metric), lost));
}

/** `vector`, with `lost` said of it. */
export function marked(vector: string, lost: string): string {
  return `label_replace(${vector}, "lost", "${lost}", "", "")`;
}
