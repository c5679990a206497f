/** An application that exports spans and no metrics, beside one that exports both: what the dashboard shows, what alerts know. */
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { fill, PANEL_QUERIES } from '../../examples/otel/grafana/queries.js';
import { type Sender, startSender } from './sender.js';
import { type Stack, startStack } from './stack.js';

const POLL = { timeout: 60_000, interval: 500 };
const FILLING = { rateInterval: '1m', range: '5m' };
/** Two thirds of those that nobody leaves fail. */
const MODELS = ['good', 'without an end', 'cut', 'cut in a tool call', 'refused', 'refused', 'left'] as const;
// Those to a model, which are `refused`, are enough for an alert on its share.
const ROUNDS = 12;
const CALLS = MODELS.length * ROUNDS;

/** What no span says to a collector before it ends, or no collector counts. */
const KNOWN_TO_THE_APPLICATION = [
  'Open streams, A',
  'Idle streams, A',
  'Chunks before an interruption, A',
  'Time to first token, A',
  'Time to first token, B',
  'Time to headers, A',
  'Longest gap within a stream, A',
  'Longest gap within a stream, B',
  'Longest gap within a stream, C',
  'Time between chunks, A',
  'Time between chunks, B',
  'Open and idle streams, A',
  'Open and idle streams, B',
  'Stalls, A',
  'Attempts per call, A',
  'Retried calls that completed, A',
  'Application’s retries that completed, A',
  'Fallbacks that completed, A',
  'Usage missing, B',
  'Tokens, A',
  'Calls that have a span, A',
];

let stack: Stack;
let sender: Sender | undefined;
beforeEach(async () => {
  stack = await startStack(inject('programs'));
});
afterEach(async () => {
  await sender?.close();
  sender = undefined;
  await stack?.stop();
});

async function makeCalls(metrics: boolean): Promise<void> {
  sender = await startSender(stack.otlpUrl, { metrics });
  for (let round = 0; round < ROUNDS; round += 1) for (const model of MODELS) await sender.call(model);
  await sender.flush();
  await expect
    .poll(async () => (await stack.prometheus.query('sum(increase(llm_stream_calls_total[5m]))'))[0]?.value, POLL)
    .toBeGreaterThanOrEqual(CALLS);
}

function queryOf(panel: string): string {
  return fill(PANEL_QUERIES.find((query) => query.panel === panel)?.expr ?? '', FILLING);
}

async function emptyPanels(): Promise<readonly string[]> {
  const all = await Promise.all(
    PANEL_QUERIES.map(async ({ panel, refId, expr }) => {
      const samples = await stack.prometheus.query(fill(expr, FILLING));
      return samples.length === 0 ? [`${panel}, ${refId}`] : [];
    }),
  );
  return all.flat();
}

async function value(expression: string): Promise<number | undefined> {
  return (await stack.prometheus.query(expression))[0]?.value;
}

describe('spans alone', () => {
  test('fill each panel that counts calls, and bring the alerts that do near', async () => {
    await makeCalls(false);
    expect(await stack.prometheus.query('{__name__=~"llm_stream_stream_.+|gen_ai_.+"}')).toEqual([]);
    await expect.poll(emptyPanels, POLL).toEqual(KNOWN_TO_THE_APPLICATION);
    expect(await value(queryOf('Calls that ended'))).toBeGreaterThanOrEqual(CALLS);
    expect(await value(queryOf('Failure rate'))).toBeCloseTo(2 / 3, 1);
    const alerts = async (): Promise<readonly string[]> =>
      (await stack.prometheus.alerts()).map(({ name }) => name).toSorted();
    await expect
      .poll(alerts, POLL)
      .toEqual(['LlmStreamErrorBudgetBurn', 'LlmStreamFailureRatio', 'LlmStreamInterrupted']);
  });
});

describe('spans beside metrics', () => {
  test('are not counted a second time', async () => {
    await makeCalls(true);
    const own = 'sum(increase(llm_stream_stream_outcomes_total[5m]))';
    await expect.poll(() => value(own), POLL).toBeGreaterThanOrEqual(CALLS);
    // In one query, as each moment has another estimate.
    expect(await value(`(${queryOf('Calls that ended')}) / ${own}`)).toBeCloseTo(1, 1);
  });
});
