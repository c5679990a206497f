/** Goes the answers that spend a budget with each client, without the instrumentation and with it. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { TimeoutError } from '../../src/budgets.js';
import { type Harness, startHarness } from '../scenarios/harness.js';
import { type Asker, budgetIn, only, timeoutKindOf } from './askers.js';
import { SPENT, type SpentRow, TEXT } from './rows.js';

// Most answers wait for somebody: more of them at a time than vitest's five.
vi.setConfig({ maxConcurrency: 8 });

export function describeSpent(askers: readonly Asker[]): void {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
    harness.instrumentation.disable();
    // The first request of a process takes longer than a small budget.
    const ask = harness.ask('first', { reply: TEXT });
    for (const { tell } of askers) await tell({ ask, budgets: only({}) });
  });
  afterAll(() => harness.close());

  const run = async (asker: Asker, row: SpentRow, how: string): Promise<string> => {
    const model = `${row.name} | ${asker.name}, ${how}`;
    const ask = harness.ask(model, row.scenario);
    const { messages, error } = await asker.tell({ ask, budgets: row.budgets });
    expect(budgetIn(error)).toBe(toldOf(row, asker));
    if (row.messages !== undefined) expect(messages).toBe(row.messages);
    const isOwn = asker.kind === 'raw' || row.beforeHeaders !== true;
    if (isOwn) expect(error).toBeInstanceOf(TimeoutError);
    expect(timeoutKindOf(error)).toBe(row.attributes['llm_stream.timeout_kind']);

    const received = harness.provider.requests.find((request) => request.model === model);
    await received?.closed;
    expect(received).toMatchObject({ closedBy: 'client' });
    return model;
  };

  describe('without the instrumentation', () => {
    describe.concurrent.each(askers.map((asker) => ({ name: asker.name, asker })))('$name', ({ asker }) => {
      test.each(SPENT.map((row) => ({ name: row.name, row })))('$name', async ({ row }) => {
        if (asker.kind === 'raw') await run(asker, row, 'alone');
        // An SDK that nobody observes leads to no call.
        else {
          const { error } = await asker.tell({
            ask: harness.ask(`${row.name} | ${asker.name}, alone`, row.scenario),
            budgets: row.budgets,
          });
          expect(budgetIn(error)).toBe(toldOf(row, asker));
        }
      });
    });

    test('nothing is recorded', () => {
      expect(harness.spans).toEqual([]);
    });
  });

  describe('with the instrumentation', () => {
    beforeAll(() => harness.instrumentation.enable());

    describe.concurrent.each(askers.map((asker) => ({ name: asker.name, asker })))('$name', ({ asker }) => {
      test.each(SPENT.map((row) => ({ name: row.name, row })))('$name', async ({ row }) => {
        const model = await run(asker, row, 'observed');
        const span = await harness.span(model);
        expect(span.attributes).toMatchObject(row.attributes);
        expect(budgetsOf(span)).toEqual(budgetsOf({ attributes: row.attributes }));
      });
    });

    test('each call has one span', () => {
      expect(harness.spans).toHaveLength(askers.length * SPENT.length);
    });
  });
}

/** openai 4, 5 and 6 keep no cause of a time-out. */
function toldOf(row: SpentRow, { kind, major }: Asker): string {
  const isSilent = kind === 'sdk' && row.beforeHeaders === true && (major === 5 || major === 6);
  return isSilent ? 'APIConnectionTimeoutError' : row.spent;
}

function budgetsOf({ attributes }: { readonly attributes: Readonly<Record<string, unknown>> }) {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => name.startsWith('llm_stream.budget.')));
}
