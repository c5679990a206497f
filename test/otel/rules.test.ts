import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROWS } from '../../examples/otel/grafana/rows.js';
import { RUNBOOK } from '../../examples/otel/grafana/runbook-address.js';
import { groupings } from './names.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface GrafanaRule {
  readonly uid: string;
  readonly title: string;
  readonly condition: string;
  readonly for: string;
  readonly noDataState: string;
  readonly execErrState: string;
  readonly panelId: number;
  readonly dashboardUid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: readonly {
    readonly refId: string;
    readonly datasourceUid: string;
    readonly model: Readonly<Record<string, unknown>>;
  }[];
}

interface UnitTest {
  readonly name: string;
  readonly promql_expr_test?: readonly { readonly expr: string }[];
  readonly alert_rule_test?: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
}

const ALERTS = [
  'LlmStreamFailureRatio',
  'LlmStreamInterrupted',
  'LlmStreamFirstTokenSlow',
  'LlmStreamUsageMissing',
  'LlmStreamIdle',
  'LlmStreamErrorBudgetBurn',
  'LlmStreamSilent',
  'LlmStreamTelemetryLost',
];

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

const rulesText = read('examples/otel/prometheus/rules.yaml');
const alertingText = read('examples/otel/grafana/provisioning/alerting/llm-streams.yaml');
// `as`, four times: what is read is what is tested.
const [rules = []] = (
  parse(rulesText) as { readonly groups: readonly { readonly rules: readonly Rule[] }[] }
).groups.map((group) => group.rules);
const [grafana = []] = (
  parse(alertingText) as { readonly groups: readonly { readonly rules: readonly GrafanaRule[] }[] }
).groups.map((group) => group.rules);
const unitTests = ['rules.test.yaml', 'rules-silent.test.yaml', 'rules-spans.test.yaml'].flatMap(
  (name) => (parse(read(`examples/otel/prometheus/${name}`)) as { readonly tests: readonly UnitTest[] }).tests,
);
const runbook = read('docs/runbook.md');

/** As GitHub and most readers make them of headings. */
const anchors = new Set(
  [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  ),
);

describe('the alerts', () => {
  test('are eight', () => {
    expect(rules.map(({ alert }) => alert)).toEqual(ALERTS);
  });

  test.each(rules)('$alert waits, says how bad it is, what it is and what to do', ({ alert, ...rule }) => {
    expect(rule.for).toMatch(/^\d+m$/);
    expect(['page', 'ticket']).toContain(rule.labels['severity']);
    expect(rule.annotations['summary']).toContain('{{ .Labels.job }}');
    expect(rule.annotations['description']).toMatch(/^[A-Z].{60,}\.$/);
    expect(rule.annotations['runbook_url']).toBe(`${RUNBOOK}#${alert.toLowerCase()}`);
    expect(anchors).toContain(alert.toLowerCase());
  });

  test('link to a page, or to the file of this checkout', () => {
    expect(RUNBOOK.startsWith('https://') || existsSync(new URL(`../../${RUNBOOK}`, import.meta.url))).toBe(true);
  });

  test.each(rules)('$alert says in its summary only labels that its series have', ({ alert, annotations, expr }) => {
    const said = [...(annotations['summary'] ?? '').matchAll(/\.Labels\.([a-z_]+)/g)].map(([, name = '']) => name);
    const has = groupings(expr).map(({ by }) => by);
    expect(said.length).toBeGreaterThan(0);
    for (const by of has) expect(by, alert).toEqual(expect.arrayContaining(said));
    expect(has.length).toBeGreaterThan(0);
  });

  test.each(rules)('$alert has a threshold', ({ expr }) => {
    expect(expr).toMatch(/ > [\d.]+($|\n)/m);
  });

  test('about shares and times ask for at least 20 calls', () => {
    const needing = [
      'LlmStreamFailureRatio',
      'LlmStreamFirstTokenSlow',
      'LlmStreamUsageMissing',
      'LlmStreamErrorBudgetBurn',
      'LlmStreamSilent',
    ];
    for (const { alert, expr } of rules.filter((rule) => needing.includes(rule.alert))) {
      expect(expr, alert).toMatch(/ >= 20($|\n)/m);
    }
  });

  test('about failures count calls that somebody left neither as failures nor as calls', () => {
    const about = rules.filter(({ expr }) => expr.includes('llm_stream_outcome="failed"'));
    expect(about.map(({ alert }) => alert)).toEqual([
      'LlmStreamFailureRatio',
      'LlmStreamInterrupted',
      'LlmStreamErrorBudgetBurn',
    ]);
    for (const { alert, expr } of about) {
      const selectors = [...expr.matchAll(/llm_stream_(?:stream_outcomes|calls)_total\{([^}]*)\}/g)].map(
        ([, matchers = '']) => matchers,
      );
      expect(
        selectors.filter((matchers) => !/llm_stream_outcome(="failed"|!="cancelled")/.test(matchers)),
        alert,
      ).toEqual([]);
    }
  });

  test('that count calls count them out of spans, too', () => {
    const counting = rules.filter(({ expr }) => expr.includes('llm_stream_calls_total'));
    expect(counting.map(({ alert }) => alert)).toEqual([
      'LlmStreamFailureRatio',
      'LlmStreamInterrupted',
      'LlmStreamUsageMissing',
      'LlmStreamErrorBudgetBurn',
      'LlmStreamSilent',
    ]);
  });

  test('about the first token counts what is above a bound of its buckets', () => {
    const { expr } = rules.find(({ alert }) => alert === 'LlmStreamFirstTokenSlow') ?? {};
    const [, bound] = /_seconds_bucket\{le="([\d.]+)"\}/.exec(expr ?? '') ?? [];
    expect(bound).toBe('5.12');
    expect(read('src/telemetry/instruments.ts')).toMatch(/const SECONDS = \[[\d., ]* 5\.12, /);
    expect(expr).not.toContain('histogram_quantile');
  });

  test('about silence asks for calls around this time yesterday and a week ago', () => {
    const { expr = '', labels } = rules.find(({ alert }) => alert === 'LlmStreamSilent') ?? {};
    const asked = expr
      .split('\nand\n')
      .map((part) => [...part.matchAll(/\[30m\] offset (\w+)\)/g)].map(([, ago]) => ago));
    expect(asked).toEqual([
      ['1d', '1d'],
      ['23h30m', '23h30m'],
      ['1w', '1w'],
      ['6d23h30m', '6d23h30m'],
    ]);
    expect(expr.match(/ >= 20$/gm)).toHaveLength(4);
    expect(labels).toEqual({ severity: 'ticket' });
  });

  test('say that Prometheus needs its flag for the first failures of a process, and Compose gives it', () => {
    const flag = '--enable-feature=created-timestamp-zero-ingestion';
    expect(rulesText).toContain(flag);
    expect(runbook).toContain(flag);
    const { services } = parse(read('docker-compose.otel.yml')) as {
      readonly services: Readonly<Record<string, { readonly command?: readonly string[] }>>;
    };
    const features = services['prometheus']?.command?.find((each) => each.startsWith('--enable-feature=')) ?? '';
    expect(features.split(/[=,]/)).toContain('created-timestamp-zero-ingestion');
  });

  test.each(ALERTS)('%s has a promtool test in which it fires, and one in which it does not', (alert) => {
    const expectations = unitTests.flatMap(({ alert_rule_test: asked = [] }) =>
      asked.filter(({ alertname }) => alertname === alert).map(({ exp_alerts: alerts }) => alerts.length > 0),
    );
    expect(new Set(expectations)).toEqual(new Set([true, false]));
  });
});

test("the query of the month's error budget is tested as the docs have it", () => {
  const asked = unitTests.flatMap(({ promql_expr_test: queries = [] }) => queries.map(({ expr }) => expr));
  const budget = asked.filter((expr) => expr.includes('[30d]'));
  expect(budget).toHaveLength(1);
  expect(read('docs/queries.md')).toContain(`\`\`\`promql\n${budget[0]}\n\`\`\``);
});

describe("Grafana's alerts", () => {
  test('are the same: expression, time, severity, link', () => {
    expect(
      grafana.map((rule) => ({
        alert: rule.labels['alert'],
        expr: rule.data[0]?.model['expr'],
        for: rule.for,
        severity: rule.labels['severity'],
        runbook: rule.annotations['runbook_url'],
        description: rule.annotations['description'],
      })),
    ).toEqual(
      rules.map((rule) => ({
        alert: rule.alert,
        expr: rule.expr,
        for: rule.for,
        severity: rule.labels['severity'],
        runbook: rule.annotations['runbook_url'],
        description: rule.annotations['description'],
      })),
    );
  });

  test.each(grafana)(
    '"$title" asks the provisioned Prometheus, fires on each series of the answer, and is silent without any',
    (rule) => {
      expect(rule.data.map(({ refId, datasourceUid }) => [refId, datasourceUid])).toEqual([
        ['A', 'prometheus'],
        ['C', '__expr__'],
      ]);
      expect(rule.data[0]?.model).toMatchObject({ instant: true, range: false });
      expect(rule.data[1]?.model).toMatchObject({
        type: 'threshold',
        expression: 'A',
        conditions: [{ evaluator: { type: 'gt', params: [0] } }],
      });
      expect(rule).toMatchObject({ condition: 'C', noDataState: 'OK', execErrState: 'Error' });
      expect(rule.uid).toMatch(/^[a-z-]{8,40}$/);
    },
  );

  test('lead to a panel of the dashboard', () => {
    const ids = ROWS.flatMap(({ panels }) => panels.map(({ id }) => id));
    for (const { title, panelId, dashboardUid, annotations } of grafana) {
      expect(ids, title).toContain(panelId);
      expect(dashboardUid).toBe('llm-streams');
      expect(annotations).toMatchObject({ __dashboardUid__: 'llm-streams', __panelId__: String(panelId) });
    }
  });

  test('have no dollar sign, which would be an environment variable of Grafana', () => {
    expect(alertingText).not.toContain('$');
  });

  test('say the value where Grafana has it, and Prometheus where it has it', () => {
    expect(grafana[0]?.annotations['summary']).toBe(
      '{{ .Values.A.Value | humanizePercentage }} of calls of {{ .Labels.job }} to {{ .Labels.gen_ai_provider_name }} {{ with .Labels.gen_ai_request_model }}{{ . }}{{ else }}(no model named){{ end }} fail',
    );
    expect(rules[0]?.annotations['summary']).toBe(
      '{{ .Value | humanizePercentage }} of calls of {{ .Labels.job }} to {{ .Labels.gen_ai_provider_name }} {{ with .Labels.gen_ai_request_model }}{{ . }}{{ else }}(no model named){{ end }} fail',
    );
  });
});

describe('the jobs of the alert on lost telemetry', () => {
  test("are those that prometheus.yaml scrapes the collector's metrics under", () => {
    const { scrape_configs: scraped } = parse(read('examples/otel/prometheus.yaml')) as {
      readonly scrape_configs: readonly { readonly job_name: string }[];
    };
    const [, pattern = ''] = /up\{job=~"([^"]+)"\}/.exec(rules.at(-1)?.expr ?? '') ?? [];
    const jobs = scraped.map(({ job_name: job }) => job);
    expect(jobs.filter((job) => new RegExp(`^(?:${pattern})$`).test(job))).toEqual(jobs);
    expect(jobs).toHaveLength(2);
  });
});
