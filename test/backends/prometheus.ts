/** What Prometheus knows, by its own API. */
import { askJson } from './http.js';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  /** `NaN` as a number, as a panel would show it. */
  readonly value: number;
}

export interface Alert {
  readonly name: string;
  readonly state: 'pending' | 'firing';
  readonly labels: Labels;
  readonly annotations: Labels;
}

export interface Rule {
  readonly name: string;
  readonly type: 'alerting' | 'recording';
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError: string;
}

export interface Prometheus {
  query(expression: string): Promise<readonly Sample[]>;
  exemplars(selector: string): Promise<readonly Labels[]>;
  metricNames(): Promise<readonly string[]>;
  /** Names of labels on a metric. */
  labels(metric: string): Promise<readonly string[]>;
  alerts(): Promise<readonly Alert[]>;
  rules(): Promise<readonly Rule[]>;
  targets(): Promise<readonly { readonly job: string; readonly health: string; readonly lastError: string }[]>;
}

export function askPrometheus(url: string): Prometheus {
  // In the shape that the API documents; another one fails the test that reads it.
  const data = async <T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> =>
    ((await askJson(`${url}/api/v1/${path}?${new URLSearchParams(query)}`)) as { data: T }).data;
  return {
    async query(expression) {
      const { resultType, result } = await data<
        | { resultType: 'vector'; result: { metric: Labels; value: [number, string] }[] }
        | { resultType: 'scalar'; result: [number, string] }
      >('query', { query: expression });
      if (resultType === 'scalar') return [{ labels: {}, value: Number(result[1]) }];
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    async exemplars(selector) {
      const found = await data<{ exemplars: { labels: Labels }[] }[]>('query_exemplars', {
        query: selector,
        start: String(Date.now() / 1000 - 3600),
        end: String(Date.now() / 1000 + 60),
      });
      return found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels));
    },
    metricNames: () => data<string[]>('label/__name__/values'),
    labels: (metric) => data<string[]>('labels', { 'match[]': metric }),
    async alerts() {
      const { alerts } = await data<{ alerts: { state: Alert['state']; labels: Labels; annotations: Labels }[] }>(
        'alerts',
      );
      return alerts.map((alert) => ({ ...alert, name: alert.labels['alertname'] ?? '' }));
    },
    async rules() {
      const { groups } = await data<{ groups: { rules: (Rule & { lastError?: string })[] }[] }>('rules');
      return groups.flatMap(({ rules }) => rules.map((rule) => ({ ...rule, lastError: rule.lastError ?? '' })));
    },
    async targets() {
      const { activeTargets } = await data<{
        activeTargets: { labels: Labels; health: string; lastError: string }[];
      }>('targets', { state: 'active' });
      return activeTargets.map(({ labels, health, lastError }) => ({ job: labels['job'] ?? '', health, lastError }));
    },
  };
}
