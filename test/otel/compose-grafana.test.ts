import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { compose, read, readYaml } from './compose-file.js';

/** Nothing here runs Grafana, and it passes over a key that it does not know: these are the ones that it does. */
const PROVISIONING = 'examples/otel/grafana/provisioning';
const source = z.strictObject({ type: z.string(), uid: z.string() });

const condition = z.strictObject({
  evaluator: z.strictObject({ type: z.enum(['gt', 'lt']), params: z.array(z.number()) }),
});
const rule = z.strictObject({
  uid: z.string().regex(/^[a-z0-9-]{1,40}$/),
  title: z.string(),
  condition: z.string(),
  data: z.array(
    z.strictObject({
      refId: z.string(),
      relativeTimeRange: z.strictObject({ from: z.number(), to: z.number() }),
      datasourceUid: z.enum(['prometheus', '__expr__']),
      model: z.strictObject({
        refId: z.string(),
        datasource: source,
        expr: z.string().optional(),
        instant: z.boolean().optional(),
        range: z.boolean().optional(),
        type: z.literal('threshold').optional(),
        expression: z.string().optional(),
        conditions: z.array(condition).optional(),
      }),
    }),
  ),
  dashboardUid: z.string(),
  panelId: z.number(),
  noDataState: z.enum(['OK', 'NoData', 'Alerting', 'KeepLast']),
  execErrState: z.enum(['OK', 'Error', 'Alerting', 'KeepLast']),
  for: z.string(),
  keepFiringFor: z.string(),
  annotations: z.record(z.string(), z.string()),
  labels: z.record(z.string(), z.string()),
  isPaused: z.boolean(),
});

const tag = z.strictObject({ key: z.string(), value: z.string() });
const datasource = z.strictObject({
  name: z.string(),
  uid: z.string(),
  type: z.enum(['prometheus', 'tempo', 'jaeger']),
  access: z.literal('proxy'),
  url: z.url(),
  isDefault: z.boolean().optional(),
  jsonData: z.strictObject({
    httpMethod: z.enum(['GET', 'POST']).optional(),
    timeInterval: z.string().optional(),
    prometheusType: z.literal('Prometheus').optional(),
    exemplarTraceIdDestinations: z
      .array(z.strictObject({ name: z.string(), datasourceUid: z.string(), urlDisplayLabel: z.string() }))
      .optional(),
    streamingEnabled: z.strictObject({ search: z.boolean(), metrics: z.boolean() }).optional(),
    nodeGraph: z.strictObject({ enabled: z.boolean() }).optional(),
    traceIdTimeParams: z.strictObject({ enabled: z.boolean() }).optional(),
    tracesToMetrics: z
      .strictObject({
        datasourceUid: z.string(),
        spanStartTimeShift: z.string(),
        spanEndTimeShift: z.string(),
        tags: z.array(tag),
        queries: z.array(z.strictObject({ name: z.string(), query: z.string() })),
      })
      .optional(),
  }),
});

const FILES = {
  'alerting/llm-streams.yaml': z.strictObject({
    apiVersion: z.literal(1),
    groups: z
      .array(
        z.strictObject({
          orgId: z.number(),
          name: z.string(),
          folder: z.string(),
          interval: z.string(),
          rules: z.array(rule).min(8),
        }),
      )
      .length(1),
  }),
  'alerting/contact-points.yaml': z.strictObject({
    apiVersion: z.literal(1),
    contactPoints: z.array(
      z.strictObject({
        orgId: z.number(),
        name: z.string(),
        receivers: z.array(
          z.strictObject({
            uid: z.string(),
            type: z.literal('webhook'),
            disableResolveMessage: z.boolean(),
            settings: z.strictObject({ url: z.url(), httpMethod: z.literal('POST') }),
          }),
        ),
      }),
    ),
    policies: z.array(
      z.strictObject({
        orgId: z.number(),
        receiver: z.string(),
        group_by: z.array(z.string()),
        group_wait: z.string(),
        group_interval: z.string(),
        repeat_interval: z.string(),
      }),
    ),
  }),
  'dashboards/dashboards.yaml': z.strictObject({
    apiVersion: z.literal(1),
    providers: z.array(
      z.strictObject({
        name: z.string(),
        type: z.literal('file'),
        folder: z.string(),
        allowUiUpdates: z.boolean(),
        disableDeletion: z.boolean(),
        updateIntervalSeconds: z.number(),
        options: z.strictObject({ path: z.string() }),
      }),
    ),
  }),
  'datasources/datasources.yaml': z.strictObject({
    apiVersion: z.literal(1),
    prune: z.boolean(),
    datasources: z.array(datasource).length(3),
  }),
} as const;

describe('Grafana', () => {
  test.each(Object.entries(FILES))('%s has only keys that it reads, and all that are needed', (path, schema) => {
    expect(schema.safeParse(readYaml(`${PROVISIONING}/${path}`)).error?.issues ?? []).toEqual([]);
  });

  test('is given only variables that it reads', () => {
    expect(Object.keys(compose.services['grafana']?.environment ?? {}).sort()).toEqual([
      'GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES',
      'GF_ANALYTICS_CHECK_FOR_UPDATES',
      'GF_ANALYTICS_REPORTING_ENABLED',
      'GF_AUTH_ANONYMOUS_ENABLED',
      'GF_AUTH_ANONYMOUS_ORG_ROLE',
      'GF_AUTH_DISABLE_LOGIN_FORM',
      'GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH',
      'GF_NEWS_NEWS_FEED_ENABLED',
    ]);
  });
});

describe("Jaeger's page", () => {
  const item = z.strictObject({ label: z.string(), url: z.string(), anchorTarget: z.literal('_blank') });
  const page = z.strictObject({
    monitor: z.strictObject({ menuEnabled: z.boolean() }),
    search: z.strictObject({ maxLookback: z.strictObject({ label: z.string(), value: z.string() }) }),
    menu: z.array(z.strictObject({ label: z.string(), items: z.array(item) })),
    linkPatterns: z.array(z.strictObject({ type: z.literal('traces'), url: z.string(), text: z.string() })),
  });

  test('has only keys that it reads, and leads to where Grafana and Prometheus are published', () => {
    const { menu, linkPatterns } = page.parse(JSON.parse(read('examples/otel/jaeger-ui.json')));
    const urls = [...menu.flatMap(({ items }) => items.map(({ url }) => url)), ...linkPatterns.map(({ url }) => url)];
    expect(urls.map((url) => new URL(url).origin)).toEqual([
      'http://localhost:3000',
      'http://localhost:9090',
      'http://localhost:3000',
    ]);
    const published = [compose.services['grafana'], compose.services['prometheus']].flatMap((each) => each?.ports);
    expect(published.map((port) => /:-(\d+)\}/.exec(port ?? '')?.[1])).toEqual(['3000', '9090']);
  });
});
