import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { generatedFiles } from '../../examples/otel/grafana/generated.js';
import { ABSENT, ALL_METRICS } from '../../examples/otel/grafana/metrics.js';
import {
  ALERT_QUERIES,
  fill,
  PANEL_QUERIES,
  RECORDED_QUERIES,
  TRACE_SEARCHES,
} from '../../examples/otel/grafana/queries.js';
import { ROWS } from '../../examples/otel/grafana/rows.js';
import { describedNames } from '../telemetry/render-attributes.js';
import {
  ATTRIBUTES,
  foreignLabels,
  groupings,
  unknownInTraceql,
  unknownLabels,
  unknownSeries,
  unknownTraceql,
} from './names.js';

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly exemplar?: boolean;
  readonly instant?: boolean;
}

interface Link {
  readonly title: string;
  readonly url: string;
}

interface BuiltPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
  readonly links?: readonly Link[];
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly decimals?: number; readonly links?: readonly Link[] };
    readonly overrides?: readonly {
      readonly matcher: { readonly id: string; readonly options: string };
      readonly properties: readonly { readonly id: string; readonly value: readonly Link[] }[];
    }[];
  };
}

interface Built {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly BuiltPanel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: { readonly query: string } }[];
  };
}

// `as`: what is read is what is tested.
const built = JSON.parse(read('examples/otel/grafana/dashboards/llm-streams.json')) as Built;
const panels = built.panels.filter(({ type }) => type !== 'row');

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

describe('the generated files', () => {
  test.each(generatedFiles())('$path is what examples/otel/grafana says', ({ path, content }) => {
    expect(read(path)).toBe(content);
  });

  test('are seven', () => {
    expect(generatedFiles().map(({ path }) => path)).toEqual([
      'examples/otel/grafana/dashboards/llm-streams.json',
      'examples/otel/prometheus/rules.yaml',
      'examples/otel/prometheus/rules.test.yaml',
      'examples/otel/prometheus/rules-silent.test.yaml',
      'examples/otel/prometheus/rules-spans.test.yaml',
      'examples/otel/grafana/provisioning/alerting/llm-streams.yaml',
      'docs/queries.md',
    ]);
  });

  test('lead to another runbook all together, with what tests expect of them', () => {
    const links = generatedFiles('https://runbooks.example/llm').flatMap(({ path, content }) =>
      [...content.matchAll(/runbook_url: (.*)/g)].map(([, link = '']) => ({ path, link })),
    );
    expect(new Set(links.map(({ path }) => path)).size).toBe(5);
    expect(links.length).toBeGreaterThan(40);
    for (const { path, link } of links)
      expect(link, path).toMatch(/^https:\/\/runbooks\.example\/llm#llmstream[a-z]+$/);
  });
});

describe('the dashboard', () => {
  test('asks one question in each row', () => {
    expect(built.panels.filter(({ type }) => type === 'row').map(({ title }) => title)).toEqual([
      'Is it broken?',
      'Where in the stream?',
      'Whose fault?',
      'How slow?',
      'Do retries help?',
      'Can I trust the numbers?',
    ]);
  });

  test('is classic JSON with an id of its own', () => {
    expect(built).toMatchObject({ uid: 'llm-streams', schemaVersion: 42 });
  });

  test.each(panels)('the panel "$title" has a description, a unit, data and links to its traces', (panel) => {
    expect(panel.title).toMatch(/^\S.{4,60}$/);
    expect(panel.description).toMatch(/^[^a-z].{60,}[.]$/s);
    expect(['short', 'percentunit', 'cpm', 'ops', 's']).toContain(panel.fieldConfig?.defaults.unit);
    expect(panel.datasource?.uid).toBe('prometheus');
    expect(panel.targets?.length).toBeGreaterThan(0);
    const [tempo, ...jaeger] = panel.links?.map(({ title }) => title) ?? [];
    expect(tempo).toBe('Traces in Tempo');
    expect(jaeger.length).toBeGreaterThan(0);
    for (const title of jaeger) expect(title).toMatch(/^Traces in Jaeger(, [a-z_.]+ \w+)*$/);
    expect(new Set(jaeger).size).toBe(jaeger.length);
  });

  test('writes whole calls, where what it counts are calls', () => {
    const counting = panels.filter(({ targets = [] }) =>
      targets.some(({ expr }) =>
        /^(topk\(\d+, |sum\(|sum by \([^)]*\) \(|max by \([^)]*\) \(|\s)*(increase|llm)/.test(expr),
      ),
    );
    expect(counting.map(({ title }) => title)).toEqual([
      'Calls that ended',
      'Open streams',
      'Idle streams',
      'Failures by route',
      'Failures by feature',
      'What went wrong, by provider',
      'Where readers leave',
      'Open and idle streams',
      'Findings on completed calls',
    ]);
    for (const { fieldConfig, title } of counting) expect(fieldConfig?.defaults.decimals, title).toBe(0);
  });

  test('draws every histogram over time with its exemplars, and nothing else', () => {
    const overTime = panels.flatMap(({ targets = [] }) => targets.filter(({ instant }) => instant !== true));
    expect(overTime.length).toBeGreaterThan(20);
    for (const { expr, exemplar } of overTime) expect(exemplar, expr).toBe(expr.includes('histogram_quantile'));
  });

  test('has no two panels with one id or in one place', () => {
    expect(new Set(built.panels.map(({ id }) => id)).size).toBe(built.panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos, title } of panels) expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
  });

  test('is narrowed down by service, provider, model, route and feature', () => {
    expect(built.templating.list.map(({ name }) => name)).toEqual([
      'service',
      'provider',
      'model',
      'route',
      'feature',
      'traced_service',
    ]);
    for (const { query } of built.templating.list) {
      expect(unknownSeries(query.query)).toEqual([]);
      expect(query.query).toMatch(
        /^label_values\(\{__name__=~"llm_stream_stream_outcomes_total\|llm_stream_calls_total"(, .+)?\}, [a-z_]+\)$/,
      );
    }
  });

  test('uses no variable that it does not have', () => {
    const known = [...built.templating.list.map(({ name }) => name), '__rate_interval', '__range', '__from', '__to'];
    const used = [...JSON.stringify(built.panels).matchAll(/\$\{?([a-z_]+)\b/g)].map(([, name = '']) => name);
    expect(used.length).toBeGreaterThan(100);
    expect(used.filter((name) => !known.includes(name) && name !== '__field')).toEqual([]);
  });

  test('asks data sources that are provisioned', () => {
    const { datasources } = parse(read('examples/otel/grafana/provisioning/datasources/datasources.yaml')) as {
      readonly datasources: readonly { readonly uid: string; readonly type: string }[];
    };
    const provisioned = datasources.map(({ uid, type }) => `${type} ${uid}`);
    const asked = [...JSON.stringify(panes()).matchAll(/"datasource":\{"type":"(\w+)","uid":"(\w+)"\}/g)];
    expect(new Set(asked.map(([, type, uid]) => `${type} ${uid}`))).toEqual(new Set(['tempo tempo', 'jaeger jaeger']));
    expect(provisioned).toEqual(expect.arrayContaining(['prometheus prometheus', 'tempo tempo', 'jaeger jaeger']));
  });
});

/** What links open, with something in the place of each of Grafana's variables. */
function panes(): readonly { readonly traces: { readonly queries: readonly Readonly<Record<string, unknown>>[] } }[] {
  return panels.flatMap((panel) => [...(panel.links ?? []), ...seriesLinks(panel)]).map(({ url }) => opened(url));
}

function opened(url: string, value = 'x') {
  const filled = url.replace(/\$\{[^}]+\}/g, value);
  return JSON.parse(new URL(filled, 'http://localhost').searchParams.get('panes') ?? '');
}

/** Those of its series, of single queries too. */
function seriesLinks({ fieldConfig }: BuiltPanel): readonly Link[] {
  const { defaults, overrides = [] } = fieldConfig ?? {};
  return [
    ...(defaults?.links ?? []),
    ...overrides.flatMap(({ properties }) => properties.flatMap(({ value }) => value)),
  ];
}

function titled(title: string): BuiltPanel {
  const panel = panels.find((each) => each.title === title);
  if (panel === undefined) throw new Error(`no panel "${title}"`);
  return panel;
}

describe('links', () => {
  test('open Explore with a query that TraceQL and logfmt can have', () => {
    const queries = panes().flatMap(({ traces }) => traces.queries);
    expect(queries.length).toBeGreaterThan(70);
    for (const query of queries) {
      if (query['queryType'] === 'traceql') {
        expect(query['query']).toMatch(/^\{ span\.\S.+ && resource\.service\.name =~ "x" \}$/);
        expect(unknownInTraceql(String(query['query']))).toEqual([]);
        expect(unknownTraceql(String(query['query']))).toEqual([]);
      } else {
        expect(query).toMatchObject({ queryType: 'search', service: 'x' });
        expect(query['tags']).toMatch(/^([a-z_.]+=\S+( |$))*$/);
      }
    }
  });

  test("leave Grafana's variables readable for it", () => {
    const [first] = panels[5]?.fieldConfig?.defaults.links ?? [];
    expect(first?.url).toContain('%22%20%26%26%20(span.gen_ai.provider.name%20%3D%20');
    // As it stands in the file, for Grafana to fill in.
    expect(first?.url).toContain(['$', '{__field.labels.gen_ai_provider_name}'].join(''));
    expect(first?.url).toContain(['$', '{service:pipe}'].join(''));
  });

  test.each([
    [
      '/chat',
      '(span.llm_stream.route = "/chat" || (span.llm_stream.route = nil && ("/chat" = "" || "/chat" = "unknown")))',
    ],
    [
      'unknown',
      '(span.llm_stream.route = "unknown" || (span.llm_stream.route = nil && ("unknown" = "" || "unknown" = "unknown")))',
    ],
  ])('of the series "%s" find the calls without the attribute where that is what it stands for', (value, condition) => {
    const [link] = seriesLinks(titled('Failures by route'));
    expect(opened(link?.url ?? '', value).traces.queries[0].query).toBe(
      `{ span.llm_stream.outcome = "failed" && ${condition} && resource.service.name =~ "${value}" }`,
    );
  });

  test.each([
    [
      'Failures before and after the first token',
      [
        '{ span.llm_stream.outcome = "failed" && span.llm_stream.failure_stage =~ "before_request|request_rejected|before_first_token" && resource.service.name =~ "x" }',
        '{ span.llm_stream.outcome = "failed" && span.llm_stream.failure_stage =~ "after_first_token|during_tool_call|after_finish_reason" && resource.service.name =~ "x" }',
      ],
    ],
    [
      'Usage missing',
      [
        '{ span.llm_stream.usage_available = false && span.llm_stream.outcome = "failed" && span.http.response.status_code = 200 && (span.gen_ai.provider.name = "x" || (span.gen_ai.provider.name = nil && ("x" = ""))) && resource.service.name =~ "x" }',
      ],
    ],
  ])('of "%s" find the calls of the query that a series belongs to', (title, queries) => {
    const { overrides = [] } = titled(title).fieldConfig ?? {};
    expect(overrides.map(({ matcher }) => matcher.id)).toEqual(queries.map(() => 'byFrameRefID'));
    expect(
      overrides.map(({ properties }) => opened(properties[0]?.value[0]?.url ?? '').traces.queries[0].query),
    ).toEqual(queries);
  });

  test('into Jaeger are one for each search that the panel needs', () => {
    const tags = (title: string) =>
      (titled(title).links ?? []).slice(1).map((link) => [link.title, opened(link.url).traces.queries[0].tags]);
    expect(tags('Retried calls that completed')).toEqual([
      ['Traces in Jaeger, attempt_count 2', 'llm_stream.attempt_count=2 llm_stream.outcome=completed'],
      ['Traces in Jaeger, attempt_count 3', 'llm_stream.attempt_count=3 llm_stream.outcome=completed'],
    ]);
    expect(tags('Interrupted answers by provider')).toEqual([
      [
        'Traces in Jaeger, failure_stage after_first_token',
        'llm_stream.outcome=failed llm_stream.failure_stage=after_first_token',
      ],
      [
        'Traces in Jaeger, failure_stage during_tool_call',
        'llm_stream.outcome=failed llm_stream.failure_stage=during_tool_call',
      ],
    ]);
    for (const { panelId, jaeger } of TRACE_SEARCHES) {
      expect(panels.find(({ id }) => id === panelId)?.links?.length, String(panelId)).toBe(1 + jaeger.length);
    }
  });
});

describe('queries', () => {
  test('are all those of the dashboard', () => {
    const inDashboard = panels.flatMap(({ id, targets = [] }) =>
      targets.map(({ refId, expr }) => ({ id, refId, expr })),
    );
    expect(PANEL_QUERIES.map(({ panelId, refId, expr }) => ({ id: panelId, refId, expr }))).toEqual(inDashboard);
    expect(ROWS.flatMap((row) => row.panels).length).toBe(panels.length);
  });

  test.each([
    ...PANEL_QUERIES.map(({ panel, refId, expr }) => [`${panel}, ${refId}`, expr] as const),
    ...[...ALERT_QUERIES, ...RECORDED_QUERIES].map(({ name, expr }) => [name, expr] as const),
  ])('%s names only metrics and labels that there are', (_, expr) => {
    expect(expr).toMatch(/\b(llm_stream|gen_ai|otelcol)_/);
    expect(unknownSeries(expr)).toEqual([]);
    expect(unknownLabels(expr)).toEqual([]);
    expect(foreignLabels(expr)).toEqual([]);
    const others = expr.replaceAll(' and on (job) rate(', '');
    expect(groupings(expr)).toHaveLength(others.split(/\b(?:by|on|without|ignoring|group_left)\b/).length - 1);
  });

  test('are named in legends, and by links of series, by what they are grouped by', () => {
    const named = ROWS.flatMap((row) => row.panels).flatMap(({ id, seriesBy = [], queries }) =>
      queries.map(({ refId, legend }) => ({
        of: `${id} ${refId}`,
        by: [...legend.matchAll(/\{\{([a-z_]+)\}\}/g)].map(([, name = '']) => name),
        links: seriesBy.map((attribute) => attribute.replaceAll('.', '_')),
      })),
    );
    expect(named.length).toBe(PANEL_QUERIES.length);
    for (const { of, by, links } of named) {
      const expr = PANEL_QUERIES.find(({ panelId, refId }) => `${panelId} ${refId}` === of)?.expr ?? '';
      const grouped = groupings(expr).at(0)?.by ?? [];
      expect(
        [...by, ...links].filter((name) => !grouped.includes(name)),
        of,
      ).toEqual([]);
    }
  });

  test.each(TRACE_SEARCHES)(
    'the traces of "$panel" are asked for by attributes that there are',
    ({ traceql, jaeger }) => {
      expect(traceql.flatMap(unknownInTraceql)).toEqual([]);
      expect(traceql.flatMap(unknownTraceql)).toEqual([]);
      expect(jaeger.length).toBeGreaterThan(0);
      expect(jaeger.flatMap(Object.keys).filter((name) => !ATTRIBUTES.has(name))).toEqual([]);
    },
  );

  test('count in TraceQL what the panel asks, and not only the calls that it leads to', () => {
    const counted = (id: number) => TRACE_SEARCHES.find(({ panelId }) => panelId === id)?.traceql[1];
    expect([61, 62, 63, 65, 81].map((id) => counted(id)?.split(' | ')[0])).toEqual(
      Array(5).fill('{ span.llm_stream.outcome != nil }'),
    );
    expect([82, 83, 84].map(counted)).toEqual([
      '{ span.llm_stream.attempt_count > 1 } | count_over_time() by (span.llm_stream.outcome)',
      '{ span.llm_stream.retry_attempt > 0 } | count_over_time() by (span.llm_stream.outcome)',
      '{ span.llm_stream.fallback_attempt > 0 } | count_over_time() by (span.llm_stream.outcome)',
    ]);
  });

  test('divide by nothing that may be 0', () => {
    const ratios = PANEL_QUERIES.filter(({ plain }) => plain.includes('\n/\n'));
    expect(ratios.length).toBeGreaterThan(8);
    for (const { plain, panel } of ratios) expect(plain, panel).toMatch(/\n\/\n\(.+ > 0(\.000001\))?\)/s);
    const quantiles = PANEL_QUERIES.filter(({ plain }) => plain.includes('histogram_quantile'));
    expect(quantiles.length).toBeGreaterThan(8);
    for (const { plain, panel } of quantiles) expect(plain, panel).toMatch(/\) >= 0$/);
  });

  test('have no variable left when Grafana has filled them in', () => {
    const filled = PANEL_QUERIES.map(({ expr }) => fill(expr, { rateInterval: '1m', range: '30m' }));
    expect(filled.filter((expr) => expr.includes('$'))).toEqual([]);
    expect(filled[0]).toBe(
      [
        'sum(max by (job) (',
        '  sum by (job) (increase(llm_stream_stream_outcomes_total{job=~"(.+/)?.*", gen_ai_provider_name=~".*", gen_ai_request_model=~".*", llm_stream_route=~".*", llm_stream_feature=~".*"}[30m]))',
        '  or label_replace(sum by (job) (increase(llm_stream_calls_total{job=~"(.+/)?.*", gen_ai_provider_name=~".*", gen_ai_request_model=~".*", llm_stream_route=~".*", llm_stream_feature=~".*"}[30m])), "counted", "spans", "", "")',
        '))',
      ].join('\n'),
    );
  });

  test('are narrowed down to what is chosen, and those about the collector are not', () => {
    const chosen = { service: 'shop', provider: 'openai', model: 'gpt-5.1', route: '/chat', feature: 'search' };
    const queries = PANEL_QUERIES.map(({ panelId, expr }) => ({
      panelId,
      filled: fill(expr, { rateInterval: '1m', range: '30m', chosen }),
    }));
    const ofCollector = queries.filter(({ filled }) => filled.includes('otelcol_'));
    expect(ofCollector.map(({ filled }) => filled)).toEqual([
      'sum(rate(otelcol_receiver_accepted_spans_total[1m]))',
      expect.stringContaining(
        'label_replace(rate(otelcol_receiver_refused_spans_total[1m]), "lost", "spans refused", "", "")',
      ),
    ]);
    for (const { panelId, filled } of queries.filter((query) => !ofCollector.includes(query))) {
      expect(filled, String(panelId)).toContain('job=~"(.+/)?shop", ');
      expect(filled, String(panelId)).not.toMatch(/_total\[|_bucket\[|_sum\[|_count\[/);
      expect(filled, String(panelId)).not.toContain('"(.+/)?.*"');
    }
  });

  test('look like this where a ratio is guarded', () => {
    expect(PANEL_QUERIES.find(({ panelId, refId }) => panelId === 101 && refId === 'B')?.plain).toBe(
      [
        '(sum by (gen_ai_provider_name) (rate(llm_stream_stream_usage_missing_total{llm_stream_outcome="failed"}[5m]))',
        'or 0 * sum by (gen_ai_provider_name) (rate(llm_stream_stream_outcomes_total{llm_stream_outcome="failed"}[5m])))',
        '/',
        '(sum by (gen_ai_provider_name) (rate(llm_stream_stream_outcomes_total{llm_stream_outcome="failed"}[5m])) > 0)',
      ].join('\n'),
    );
  });
});

describe('the table of metrics', () => {
  const recorded = ALL_METRICS.flatMap(({ recorded: how, labels, name }) => (how ? [{ ...how, labels, name }] : []));
  const described = describedNames();

  test.each(recorded)(
    'has instrument, unit and labels of $metric from semconv.ts',
    ({ metric, instrument, unit, labels }) => {
      const facts = described.find(({ name }) => name === metric)?.facts ?? {};
      expect({ instrument, unit }).toEqual({ instrument: facts['instrument'], unit: facts['unit'] });
      const attributes = (facts['attributes'] ?? '').split(/,\s*/).map((name) => name.replaceAll('.', '_'));
      expect([...labels].sort()).toEqual(['job', ...attributes].sort());
    },
  );

  test('writes names as Prometheus has them', () => {
    expect(recorded.map(({ name }) => name)).toEqual([
      'llm_stream_stream_outcomes_total',
      'llm_stream_stream_active',
      'llm_stream_stream_idle',
      'llm_stream_stream_time_to_headers_seconds',
      'llm_stream_stream_time_to_first_token_seconds',
      'llm_stream_stream_max_chunk_gap_seconds',
      'llm_stream_stream_chunks',
      'llm_stream_stream_stalls_total',
      'llm_stream_stream_attempts',
      'llm_stream_stream_usage_missing_total',
      'gen_ai_client_operation_time_per_output_chunk_seconds',
      'gen_ai_client_token_usage',
    ]);
  });

  test("asks the collector's span_metrics for dimensions that collector.yaml gives them", () => {
    const { connectors } = parse(read('examples/otel/collector.yaml')) as {
      readonly connectors: Readonly<
        Record<string, Readonly<Record<string, readonly { readonly name: string; readonly default?: string }[]>>>
      >;
    };
    const { namespace, dimensions = [], calls_dimensions: ofCalls = [] } = connectors['span_metrics/llm'] ?? {};
    expect(namespace).toBe('llm_stream');
    const absent = [...dimensions, ...ofCalls].flatMap((each) => (each.default ? [[each.name, each.default]] : []));
    expect(ABSENT).toEqual(Object.fromEntries(absent));
    const labels = (names: readonly { readonly name: string }[]) => names.map(({ name }) => name.replaceAll('.', '_'));
    const labelsOf = (name: string) => ALL_METRICS.find((metric) => metric.name === name)?.labels;
    expect(labelsOf('llm_stream_duration_seconds')).toEqual(['job', ...labels(dimensions)]);
    expect(labelsOf('llm_stream_calls_total')).toEqual(['job', ...labels(dimensions), ...labels(ofCalls)]);
  });
});
