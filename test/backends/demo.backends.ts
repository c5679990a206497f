/**
 * The demo's traffic through the shipped stack: what the application counted is what Prometheus and Jaeger have, each panel
 * and each search finds something, and an alert arrives.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { ALL_METRICS, seriesOf } from '../../examples/otel/grafana/metrics.js';
import { fill, PANEL_QUERIES, TRACE_SEARCHES } from '../../examples/otel/grafana/queries.js';
import { RUNBOOK } from '../../examples/otel/grafana/runbook-address.js';
import * as semconv from '../../src/telemetry/semconv.js';
import { type Alerting, startAlerting } from './alerting.js';
import { type Counted, runDemo, sumOf } from './demo.js';
import { askJaeger, type FoundSpan, type Jaeger } from './jaeger.js';
import { settled } from './settled.js';
import { type Stack, startStack } from './stack.js';

const programs = inject('programs');
const SERVICE = 'llm-stream-demo';
const ROUNDS = 3;
/** Calls of which the application itself says that they failed before there was a request. */
const UNSENT_IN_A_ROUND = 2;
const LIMIT_MS = 60_000;
/** Flush, scrape and verdict take a while: asked until it is so. */
const POLL = { timeout: LIMIT_MS, interval: 500 };

const FAILURE_STAGES = [
  'before_request',
  'request_rejected',
  'before_first_token',
  'after_first_token',
  'during_tool_call',
  'after_finish_reason',
  'client_aborted',
  'unknown',
] as const;

let alerting: Alerting;
let stack: Stack;
let jaeger: Jaeger;
let counted: Counted;

beforeAll(async () => {
  alerting = await startAlerting(programs);
  stack = await startStack(programs, { alertmanagerUrl: alerting.alertmanagerUrl });
  jaeger = askJaeger(stack.backends.jaegerUrl, SERVICE);
  counted = await runDemo(inject('built'), stack.otlpUrl, ROUNDS);
  await settled(stack, counted.spans.accepted, jaeger.all);
}, 400_000);
afterAll(async () => {
  await stack?.stop();
  await alerting?.stop();
});

/** A query's values, by what a label says of each. */
async function byLabels(expression: string, ...names: readonly string[]): Promise<Readonly<Record<string, number>>> {
  const samples = await stack.prometheus.query(expression);
  return Object.fromEntries(
    samples.map(({ labels, value }) => [names.map((name) => labels[name] || 'none').join(' '), value]),
  );
}

async function total(expression: string): Promise<number | undefined> {
  return (await stack.prometheus.query(expression))[0]?.value;
}

describe('nothing is lost between application, collector and backends', () => {
  /** `failed after_first_token`: how often, by the application's own count. */
  const byEnding = (): Readonly<Record<string, number>> =>
    Object.fromEntries(
      counted.ended.map(({ outcome, failureStage = 'none', calls }) => [`${outcome} ${failureStage}`, calls]),
    );
  const ENDING = ['llm_stream_outcome', 'llm_stream_failure_stage'] as const;

  test('the application made calls of every outcome and failure stage, and the exporter was told that all was taken', () => {
    expect(new Set(counted.ended.map(({ outcome }) => outcome))).toEqual(new Set(['completed', 'cancelled', 'failed']));
    const stages = new Set(counted.ended.flatMap(({ failureStage }) => failureStage ?? []));
    expect(stages).toEqual(new Set(FAILURE_STAGES));
    expect(counted.spans.accepted).toBeGreaterThanOrEqual(sumOf(counted.ended));
    expect(counted.spans.lost).toBe(0);
    expect(counted.metrics.lost).toBe(0);
  });

  test("the package's own counter says in Prometheus what the application counted", async () => {
    await expect
      .poll(() => byLabels(`sum by (${ENDING.join(', ')}) (llm_stream_stream_outcomes_total)`, ...ENDING), POLL)
      .toEqual(byEnding());
  });

  test('so do the calls that the collector counted from spans', async () => {
    await expect
      .poll(() => byLabels(`sum by (${ENDING.join(', ')}) (llm_stream_calls_total)`, ...ENDING), POLL)
      .toEqual(byEnding());
  });

  test('both histograms of durations have one value for each call, the convention’s for each that made a request', async () => {
    const calls = sumOf(counted.ended);
    const requested = calls - UNSENT_IN_A_ROUND * ROUNDS;
    await expect.poll(() => total('sum(gen_ai_client_operation_duration_seconds_count)'), POLL).toBe(requested);
    await expect.poll(() => total('sum(llm_stream_duration_seconds_count)'), POLL).toBe(calls);
  });

  test('the collector took every span that the exporter was told was taken, and refused none', async () => {
    await expect.poll(() => total('sum(otelcol_receiver_accepted_spans_total)'), POLL).toBe(counted.spans.accepted);
    expect(await total('sum(otelcol_receiver_refused_spans_total)')).toBe(0);
  });

  test('Jaeger has every failed and every cancelled call, and some of the completed ones', async () => {
    for (const outcome of ['failed', 'cancelled'] as const) {
      await expect
        .poll(async () => (await jaeger.byTags({ 'llm_stream.outcome': outcome })).length, POLL)
        .toBe(sumOf(counted.ended, { outcome }));
    }
    const completed = sumOf(counted.ended, { outcome: 'completed' });
    const kept = (await jaeger.byTags({ 'llm_stream.outcome': 'completed' })).length;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(completed);
  });

  test("what is sent to Tempo's place is what is sent to Jaeger", async () => {
    await expect
      .poll(async () => {
        const sent = await byLabels('sum by (exporter) (otelcol_exporter_sent_spans_total)', 'exporter');
        return sent['otlp_grpc/tempo'] === sent['otlp_grpc/jaeger'] && sent['otlp_grpc/jaeger'];
      }, POLL)
      .toBe((await jaeger.all()).length);
  });

  test('every metric of the package is in Prometheus under its name', async () => {
    const names = await stack.prometheus.metricNames();
    const metrics = Object.entries(semconv).flatMap(([name, value]) => (name.startsWith('METRIC_') ? [value] : []));
    expect(metrics.length).toBeGreaterThan(15);
    const missing = metrics.filter((metric) => !names.some((name) => isNameOf(metric.replaceAll('.', '_'), name)));
    expect(missing).toEqual([]);
  });
});

/** With what the exporter appends: unit, kind, part of a histogram. */
function isNameOf(metric: string, name: string): boolean {
  return name.startsWith(metric) && /^(_seconds|_bytes)?(_total|_bucket)?$/.test(name.slice(metric.length));
}

describe('Jaeger finds each failure stage', () => {
  test.each(FAILURE_STAGES)('%s by its tag search, and by API v3', async (stage) => {
    const calls = sumOf(counted.ended, { failureStage: stage });
    const found = await jaeger.byTags({ 'llm_stream.failure_stage': stage });
    expect(found).toHaveLength(calls);
    const first = found[0]?.traceId ?? 'none';
    const named = (span: { readonly attributes: Readonly<Record<string, unknown>> }) =>
      span.attributes['llm_stream.failure_stage'] === stage;
    expect((await jaeger.trace(first)).filter(named).length).toBeGreaterThan(0);
    expect((await jaeger.all()).filter(named)).toHaveLength(calls);
  });

  test.each([
    [{ 'llm_stream.outcome': 'failed', 'llm_stream.failure_stage': 'request_rejected' }],
    [{ 'llm_stream.usage_available': 'false', 'llm_stream.outcome': 'completed' }],
  ])('and calls by %o', async (tags) => {
    expect((await jaeger.byTags(tags)).length).toBeGreaterThan(0);
  });
});

describe('the search in Jaeger behind the panel', () => {
  const searches = TRACE_SEARCHES.map(({ panel, jaeger: alternatives }) => [panel, alternatives] as const);
  test.each(searches)('%s finds the calls that are there', async (_panel, alternatives) => {
    const all = await jaeger.all();
    for (const tags of alternatives) {
      const byHand = all.filter(({ attributes }) =>
        Object.entries(tags).every(([name, value]) => String(attributes[name]) === value),
      );
      expect(idsOf(await jaeger.byTags(tags))).toEqual(idsOf(byHand));
    }
    const found = await Promise.all(alternatives.map((tags) => jaeger.byTags(tags)));
    expect(found.flat().length).toBeGreaterThan(0);
  });
});

function idsOf(spans: readonly FoundSpan[]): readonly string[] {
  return spans.map(({ traceId }) => traceId).sort();
}

describe('the panel', () => {
  const queries = PANEL_QUERIES.map(({ panel, refId, expr }) => [panel, refId, expr] as const);
  test.each(queries)('%s, query %s, has data', async (_panel, _refId, expr) => {
    const samples = await stack.prometheus.query(fill(expr, { rateInterval: '5m', range: '15m' }));
    expect(samples.length).toBeGreaterThan(0);
    expect(samples.filter(({ value }) => !Number.isFinite(value))).toEqual([]);
  });

  const byService = PANEL_QUERIES.filter(({ expr }) => expr.includes('$service'));
  test('most have a service to choose', () => expect(byService.length).toBeGreaterThan(PANEL_QUERIES.length / 2));
  test.each(byService.map(({ panel, refId, expr }) => [panel, refId, expr] as const))(
    '%s, query %s, says the same of the only service, and nothing of another',
    async (_panel, _refId, expr) => {
      const values = async (service?: string) => {
        const chosen = service === undefined ? {} : { service };
        const query = fill(expr, { rateInterval: '5m', range: '15m', chosen });
        return (await stack.prometheus.query(query)).map(({ labels }) => JSON.stringify(labels)).sort();
      };
      expect(await values(SERVICE)).toEqual(await values());
      expect(await values('another')).toEqual([]);
    },
  );
});

describe('what dashboard and alerts ask for arrived', () => {
  // Before that the collector does not have them; lost.backends.ts makes one.
  const ONLY_AFTER_A_LOSS = /^otelcol_exporter_(send|enqueue)_failed_/;
  const metrics = ALL_METRICS.filter(({ name }) => !ONLY_AFTER_A_LOSS.test(name)).map(
    (metric) => [metric.name, metric] as const,
  );
  test.each(metrics)('%s, with the labels that it is broken down by', async (_name, metric) => {
    const labels = await stack.prometheus.labels(seriesOf(metric)[0] ?? metric.name);
    expect(metric.labels.filter((label) => !labels.includes(label))).toEqual([]);
  });

  test('each attribute that TraceQL asks for is on a span', async () => {
    const asked = TRACE_SEARCHES.flatMap(({ traceql }) =>
      traceql.flatMap((query) => [...query.matchAll(/\bspan\.([a-z_.]+[a-z])/g)].flatMap(([, name]) => name ?? [])),
    );
    expect(asked.length).toBeGreaterThan(0);
    const arrived = new Set((await jaeger.all()).flatMap(({ attributes }) => Object.keys(attributes)));
    expect([...new Set(asked)].filter((name) => !arrived.has(name))).toEqual([]);
  });
});

describe('exemplars', () => {
  test('name traces of which Jaeger has some', async () => {
    const labels = await stack.prometheus.exemplars('llm_stream_duration_seconds_bucket');
    const ids = new Set(labels.flatMap((each) => each['trace_id'] ?? []));
    expect(ids.size).toBeGreaterThan(0);
    const kept = new Set((await jaeger.all()).map(({ traceId }) => traceId));
    expect([...ids].some((id) => kept.has(id))).toBe(true);
  });
});

describe('alerts', () => {
  test('all rules were evaluated without an error', async () => {
    const rules = await stack.prometheus.rules();
    expect(rules.length).toBeGreaterThan(8);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  });

  test.each(['LlmStreamFailureRatio', 'LlmStreamInterrupted'])('%s fires, and reaches the webhook', async (name) => {
    await expect
      .poll(async () => {
        const alerts = await stack.prometheus.alerts();
        return alerts.find((alert) => alert.name === name)?.state;
      }, POLL)
      .toBe('firing');
    await expect
      .poll(async () => (await alerting.arrived()).find(({ labels }) => labels['alertname'] === name), POLL)
      .toMatchObject({
        status: 'firing',
        labels: { severity: 'page' },
        annotations: {
          // With its values filled in.
          summary: expect.stringMatching(/^(?=.*\d)[^{}<]*llm-stream-demo[^{}<]*$/),
          runbook_url: `${RUNBOOK}#${name.toLowerCase()}`,
        },
      });
    expect(alerting.printed()).toContain(`FIRING ${name} |`);
  });

  test('none says that telemetry is lost', async () => {
    const names = (await stack.prometheus.alerts()).map(({ name }) => name);
    expect(names).not.toContain('LlmStreamTelemetryLost');
  });
});
