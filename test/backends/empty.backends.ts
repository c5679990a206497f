/** Before there is any traffic, and after it has stopped: no panel shows NaN as a number, no alert fires. */
import { afterEach, describe, expect, inject, test } from 'vitest';
import { fill, PANEL_QUERIES } from '../../examples/otel/grafana/queries.js';
import { type Sender, startSender } from './sender.js';
import { type Stack, startStack } from './stack.js';
import { until } from './until.js';

const programs = inject('programs');
const LIMIT_MS = 60_000;

let stack: Stack;
let sender: Sender | undefined;
afterEach(async () => {
  await sender?.close();
  sender = undefined;
  await stack?.stop();
});

/** Each rule was asked at least once, more than a second after the first scrape. */
async function evaluated(): Promise<void> {
  await until('all rules to be evaluated', LIMIT_MS, async () => {
    const rules = await stack.prometheus.rules();
    const scrapes = await stack.prometheus.query('min(count_over_time(up[1m]))');
    const isSo = rules.length > 0 && rules.every(({ health }) => health === 'ok') && (scrapes[0]?.value ?? 0) > 3;
    return isSo ? true : undefined;
  });
}

/** Queries of the dashboard that show what is no number. */
async function showingNoNumber(rateInterval: string): Promise<readonly string[]> {
  const shown = await Promise.all(
    PANEL_QUERIES.map(async ({ panel, refId, expr }) => {
      const samples = await stack.prometheus.query(fill(expr, { rateInterval, range: rateInterval }));
      return samples.some(({ value }) => !Number.isFinite(value)) ? [`${panel}, ${refId}`] : [];
    }),
  );
  return shown.flat();
}

describe('a Prometheus with a collector that has seen nothing', () => {
  test('shows no NaN, and no alert is firing or about to', async () => {
    stack = await startStack(programs);
    await evaluated();
    expect(PANEL_QUERIES.length).toBeGreaterThan(20);
    expect(await showingNoNumber('5m')).toEqual([]);
    expect(await stack.prometheus.alerts()).toEqual([]);
  });
});

describe('a Prometheus without anything to scrape', () => {
  test('shows no NaN, and says only that telemetry is lost', async () => {
    stack = await startStack(programs, { collector: false });
    await evaluated();
    expect(await showingNoNumber('5m')).toEqual([]);
    const names = (await stack.prometheus.alerts()).map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(['LlmStreamTelemetryLost']));
  });
});

describe('a Prometheus after a few calls, once none come any more', () => {
  test('shows no NaN, and no alert fires', async () => {
    stack = await startStack(programs);
    const application = await startSender(stack.otlpUrl);
    sender = application;
    for (const model of ['good', 'cut', 'good'] as const) await application.call(model);
    await application.flush();
    await until('calls in Prometheus', LIMIT_MS, async () => {
      const [calls] = await stack.prometheus.query('sum(llm_stream_calls_total)');
      return calls?.value === 3 ? true : undefined;
    });
    // Within such a window, all rates are 0: each ratio is 0 / 0.
    await until('rates that are 0', LIMIT_MS, async () => {
      const [rate] = await stack.prometheus.query('sum(rate(llm_stream_calls_total[4s]))');
      return rate?.value === 0 ? true : undefined;
    });
    expect(await showingNoNumber('4s')).toEqual([]);
    expect(await stack.prometheus.alerts()).toEqual([]);
  });
});
