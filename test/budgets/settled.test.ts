/** Budgets of calls whose span is over although somebody reads on: what is recorded decides nothing of them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchWithBudgets } from '../../src/budgets.js';
import { endOpenCalls } from '../../src/index.js';
import type { Scenario } from '../../src/testing/index.js';
import { type Harness, startHarness } from '../scenarios/harness.js';
import { only } from './askers.js';
import { TEXT } from './rows.js';

const SILENT: Scenario = { reply: TEXT, hold: { afterChunks: 3, until: 'client_gone' } };
const NOTHING: Scenario = { reply: TEXT, hold: { after: 'headers', until: 'client_gone' } };

let harness: Harness;
beforeAll(async () => {
  // Well over the second that a released reader has, and well below the budgets that are spent after it.
  harness = await startHarness({ idleTimeoutMs: 3_000 });
});
afterAll(() => harness.close());

/** Node cancels a body that nobody reads once its Response is collected. */
const responses: Response[] = [];

async function bodyOf(model: string, scenario: Scenario, budgets: Parameters<typeof only>[0]): Promise<ReadableStream> {
  const { url, init } = harness.ask(model, scenario);
  const response = await fetchWithBudgets(fetch, only(budgets))(url, init);
  responses.push(response);
  return response.body ?? expect.fail('no body');
}

/** Reads to the end, and says what it was. */
async function endOf(body: ReadableStream): Promise<unknown> {
  const reader = body.getReader();
  try {
    while (!(await reader.read()).done);
  } catch (error) {
    return error;
  }
  return 'end';
}

describe.concurrent('a budget is spent all the same', () => {
  test.each([
    ['idle', SILENT, { idleMs: 8_000 }],
    ['first_token', NOTHING, { firstTokenMs: 8_000 }],
    ['first_token', NOTHING, { firstTokenMs: 8_000, idleMs: 100 }],
  ] as const)('where its call was given up as idle before: %s', async (budget, scenario, budgets) => {
    const model = `idle sweep | ${JSON.stringify(budgets)}`;
    const body = await bodyOf(model, scenario, budgets);
    expect(await endOf(body)).toMatchObject({ budget });
    // The sweep came first, or this proves nothing.
    expect((await harness.span(model)).attributes).toMatchObject({ 'llm_stream.termination_kind': 'idle' });
  });

  test('where its reader was released, and another one was taken long after', async () => {
    const body = await bodyOf('released', SILENT, { idleMs: 1_500 });
    const reader = body.getReader();
    await reader.read();
    reader.releaseLock();
    const { attributes } = await harness.span('released');
    expect(attributes).toMatchObject({ 'llm_stream.termination_kind': 'consumer_break' });
    expect(await endOf(body)).toMatchObject({ budget: 'idle' });
  });

  test('but not while its reader does something else', async () => {
    const body = await bodyOf('elsewhere', SILENT, { idleMs: 300, totalMs: 6_000 });
    await harness.span('elsewhere');
    expect(body.locked).toBe(false);
    const received = harness.provider.requests.find(({ model }) => model === 'elsewhere');
    await received?.closed;
    expect(await endOf(body)).toMatchObject({ budget: 'total' });
  });
});

test('a budget is spent where open calls were ended by hand', async () => {
  const body = await bodyOf('by hand', SILENT, { idleMs: 600 });
  const ending = endOf(body);
  await expect.poll(() => harness.provider.requests.some(({ model }) => model === 'by hand')).toBe(true);
  endOpenCalls();
  expect((await harness.span('by hand')).attributes).toMatchObject({ 'llm_stream.termination_kind': 'shutdown' });
  expect(await ending).toMatchObject({ budget: 'idle' });
});
