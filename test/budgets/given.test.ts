/** Budgets that are none: said at once, to whoever wrote them. */
import { describe, expect, test } from 'vitest';
import { type Budgets, fetchWithBudgets, TimeoutError } from '../../src/budgets.js';

const given = (budgets: unknown) => () => fetchWithBudgets(fetch, budgets as Budgets);

describe('a bad budget', () => {
  test.each([
    [{ idleMs: '5s' }, '`idleMs` must be a positive number of milliseconds, or `false` for none, got "5s"'],
    [{ totalMs: 0 }, '`totalMs` must be a positive number of milliseconds, or `false` for none, got 0'],
    [{ headersMs: -1 }, '`headersMs` must be a positive number of milliseconds, or `false` for none, got -1'],
    [
      { firstTokenMs: Number.NaN },
      '`firstTokenMs` must be a positive number of milliseconds, or `false` for none, got NaN',
    ],
    [{ connectMs: true }, '`connectMs` must be a positive number of milliseconds, or `false` for none, got true'],
    [{ idleMs: null }, '`idleMs` must be a positive number of milliseconds, or `false` for none, got null'],
    [
      { firstTokensMs: 1 },
      '`fetchWithBudgets` expects the budgets connectMs, headersMs, firstTokenMs, idleMs, totalMs, got "firstTokensMs"',
    ],
    [null, '`fetchWithBudgets` expects an object of budgets, got null'],
    [5, '`fetchWithBudgets` expects an object of budgets, got 5'],
  ])('%j is a TypeError', (budgets, message) => {
    expect(given(budgets)).toThrow(new TypeError(message));
  });

  test('so is what is no fetch', () => {
    expect(() => fetchWithBudgets(null as unknown as typeof fetch)).toThrow(
      new TypeError('`fetchWithBudgets` expects a fetch function, got null'),
    );
  });
});

test.each([{}, { idleMs: false }, { totalMs: Number.POSITIVE_INFINITY }, { headersMs: undefined }, { totalMs: 1e12 }])(
  '%j is fine',
  (budgets) => {
    expect(given(budgets)()).toBeTypeOf('function');
  },
);

test.each([
  ['connect', '`connectMs`: there was no connection within 5 ms; nothing was sent'],
  ['headers', '`headersMs`: no response headers came within 5 ms of the request; it is aborted'],
  ['first_token', '`firstTokenMs`: no generated output came within 5 ms of the request; it is aborted'],
  ['idle', '`idleMs`: no chunk came for 5 ms; the request is aborted'],
  ['total', '`totalMs`: the answer was not over within 5 ms of the request; it is aborted'],
] as const)('the error of the %s budget says so', (budget, message) => {
  const error = new TimeoutError(budget, 5);
  expect(String(error)).toBe(`TimeoutError: ${message}`);
  expect({ ...error }).toEqual({ budget, limitMs: 5, code: 'LLM_STREAM_BUDGET_EXCEEDED' });
  expect(error).toBeInstanceOf(Error);
});
