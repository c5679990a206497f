/** What budgets watch and nobody records is nobody's call: not a context's, nor one that an error can be known by. */
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fetchWithBudgets } from '../../src/budgets.js';
import { instrumentFetch, LlmStreamInstrumentation, recordFailure, withCallContext } from '../../src/index.js';
import { type FaultyProvider, startFaultyProvider } from '../../src/testing/index.js';
import { only, pauseFor } from './askers.js';
import { TEXT } from './rows.js';

const exporter = new InMemorySpanExporter();
let provider: FaultyProvider;
beforeAll(async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  provider = await startFaultyProvider({
    scenarios: { good: { reply: TEXT }, opening: { reply: TEXT, hold: { afterChunks: 1, until: 'client_gone' } } },
  });
});
afterEach(() => exporter.reset());
afterAll(() => provider.close());

const ask = (send: typeof fetch, model: string) =>
  send(`${provider.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model, stream: true, messages: [] }),
  });

/** The outcomes that a context is told of while `send` asks for a good answer. */
async function outcomesOf(send: typeof fetch): Promise<readonly string[]> {
  const outcomes: string[] = [];
  const onOutcome = ({ outcome }: { outcome: string }) => void outcomes.push(outcome);
  await withCallContext({ onOutcome }, async () => (await ask(send, 'good')).text());
  return outcomes;
}

const hidden: typeof fetch = (...args) => instrumentFetch(fetch)(...args);

describe('where no instrumentation is registered', () => {
  test.each([
    ['budgets alone', () => fetchWithBudgets(fetch), []],
    ['budgets around instrumentFetch', () => fetchWithBudgets(instrumentFetch(fetch)), ['completed']],
    ['budgets around a function that uses it', () => fetchWithBudgets(hidden), ['completed']],
    ['instrumentFetch around budgets', () => instrumentFetch(fetchWithBudgets(fetch)), ['completed']],
  ])('%s: the context is told of the recorded call', async (_, make, outcomes) => {
    expect(await outcomesOf(make())).toEqual(outcomes);
  });

  test.each([
    ['around instrumentFetch', (budgets: object) => fetchWithBudgets(instrumentFetch(fetch), budgets)],
    ['around a function that uses it', (budgets: object) => fetchWithBudgets(hidden, budgets)],
    ['inside instrumentFetch', (budgets: object) => instrumentFetch(fetchWithBudgets(fetch, budgets))],
  ])('budgets %s: the time before the consumer reads is its own', async (_, make) => {
    const response = await ask(make(only({ firstTokenMs: 400, totalMs: 20_000 })), 'opening');
    await pauseFor(900);
    const began = performance.now();
    await expect(response.text()).rejects.toMatchObject({ budget: 'first_token' });
    // Timers may fire a fraction early.
    expect(performance.now() - began).toBeGreaterThan(300);
    await expect
      .poll(() => exporter.getFinishedSpans().map(({ attributes }) => attributes))
      .toMatchObject([
        {
          'llm_stream.timeout_kind': 'first_token',
          'llm_stream.budget.first_token_ms': 400,
          'llm_stream.budget.total_ms': 20_000,
        },
      ]);
  });
});

describe('where an instrumentation ignores the request', () => {
  let instrumentation: LlmStreamInstrumentation;
  beforeAll(() => {
    instrumentation = new LlmStreamInstrumentation({ ignoreRequest: () => true });
  });
  afterAll(() => instrumentation.disable());

  test.each([
    ['with budgets', () => fetchWithBudgets(fetch)],
    ['without', () => fetch],
  ])('the context is told of nothing, %s', async (_, make) => {
    expect(await outcomesOf(make())).toEqual([]);
  });

  test.each([
    ['with budgets', () => fetchWithBudgets(fetch)],
    ['without', () => fetch],
  ])('its error can be recorded by hand, %s', async (_, make) => {
    const error = await make()('http://127.0.0.1:1/v1/chat/completions', {
      method: 'POST',
      body: JSON.stringify({ model: 'refused', stream: true, messages: [] }),
    }).then(
      () => expect.fail('nobody listens there'),
      (reason: unknown) => reason,
    );
    recordFailure(error, { operation: 'chat', model: 'refused' });
    recordFailure(error, { operation: 'chat', model: 'refused' });
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['chat refused']);
  });
});
