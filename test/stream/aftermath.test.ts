/** What the application says of an answer, joined with how the call ended: three endings × every status. */
import { describe, expect, test } from 'vitest';
import { type Aftermath, createAftermath, withAftermath } from '../../src/stream/aftermath.js';
import type { CallOutcome, ToolCallOutcome } from '../../src/stream/outcome.js';
import { bytes, done, eof, finish, headers, left, RESET, read, run, started, text, thrown } from './signals.js';

const inText = [started, [5, headers()], [6, read], [10, bytes()], text()] as const;

function outcomeOf(...script: Parameters<typeof run>[0]): CallOutcome {
  return run([...inText, ...script]).outcome ?? expect.fail('not settled');
}

const ENDINGS = {
  completed: outcomeOf(finish(), done, [20, read], [21, eof]),
  failed: outcomeOf([20, read], [21, thrown(RESET)]),
  cancelled: outcomeOf([20, left]),
};

/** What was said, in short. */
function said(words: Partial<Pick<Aftermath, 'persistence' | 'processing' | 'delivery'>>): Aftermath {
  return { ...createAftermath(), ...words };
}

function verdictOf(outcome: CallOutcome) {
  const { stage, failureStage, terminationKind, errorCategory, errorType, retryable, fault } = outcome;
  return { outcome: outcome.outcome, stage, failureStage, terminationKind, errorCategory, errorType, retryable, fault };
}

const COMPLETED = { outcome: 'completed', stage: 'done', terminationKind: 'done_event' };
const FAILED_AFTERWARDS = {
  outcome: 'failed',
  stage: 'after_finish_reason',
  failureStage: 'after_finish_reason',
  terminationKind: 'done_event',
  retryable: false,
  fault: 'application',
};
const CLIENT_LEFT = {
  outcome: 'cancelled',
  stage: 'after_finish_reason',
  failureStage: 'client_aborted',
  terminationKind: 'done_event',
  fault: 'client',
};

describe('a completed call', () => {
  test.each([
    [{}, COMPLETED],
    [{ persistence: 'ok' }, COMPLETED],
    [{ processing: 'ok' }, COMPLETED],
    [{ delivery: 'ok' }, COMPLETED],
    [
      { persistence: 'failed' },
      { ...FAILED_AFTERWARDS, errorCategory: 'persistence_failed', errorType: 'persistence_failed' },
    ],
    [
      { processing: 'failed' },
      { ...FAILED_AFTERWARDS, errorCategory: 'processing_failed', errorType: 'processing_failed' },
    ],
    [{ delivery: 'failed' }, { ...FAILED_AFTERWARDS, errorCategory: 'delivery_failed', errorType: 'delivery_failed' }],
    [{ delivery: 'client_left' }, CLIENT_LEFT],
    [
      { persistence: 'failed', delivery: 'client_left' },
      { ...FAILED_AFTERWARDS, errorCategory: 'persistence_failed', errorType: 'persistence_failed' },
    ],
    [
      { persistence: 'failed', processing: 'failed', delivery: 'failed' },
      { ...FAILED_AFTERWARDS, errorCategory: 'processing_failed', errorType: 'processing_failed' },
    ],
    [{ persistence: 'ok', processing: 'ok', delivery: 'client_left' }, CLIENT_LEFT],
  ] as const)('of which %o is said', (words, expected) => {
    expect(verdictOf(withAftermath(ENDINGS.completed, said(words)))).toEqual(expected);
  });

  test('with a soft finding keeps it, unless the client left', () => {
    const soft: CallOutcome = { ...ENDINGS.completed, errorCategory: 'missing_done_event' };
    expect(withAftermath(soft, said({ persistence: 'ok' })).errorCategory).toBe('missing_done_event');
    expect(withAftermath(soft, said({ persistence: 'failed' })).errorCategory).toBe('persistence_failed');
    expect(withAftermath(soft, said({ delivery: 'client_left' })).errorCategory).toBeUndefined();
  });
});

describe.each(['failed', 'cancelled'] as const)('a %s call', (ending) => {
  test.each([
    {},
    { persistence: 'failed' },
    { processing: 'failed' },
    { delivery: 'failed' },
    { delivery: 'client_left' },
  ] as const)('stays what it is, where %o is said', (words) => {
    const outcome = withAftermath(ENDINGS[ending], said(words));
    expect(verdictOf(outcome)).toEqual(verdictOf(ENDINGS[ending]));
  });
});

describe.each(['completed', 'failed', 'cancelled'] as const)('the words of a %s call', (ending) => {
  test('are those that were said', () => {
    const words = { persistence: 'ok', processing: 'failed', delivery: 'client_left' } as const;
    expect(withAftermath(ENDINGS[ending], said(words))).toMatchObject({
      persistenceStatus: 'ok',
      processingStatus: 'failed',
      clientDeliveryStatus: 'client_left',
    });
  });

  test('are unknown where nothing was said, and nothing is said of tools', () => {
    expect(withAftermath(ENDINGS[ending], createAftermath())).toMatchObject({
      persistenceStatus: 'unknown',
      processingStatus: 'unknown',
      clientDeliveryStatus: 'unknown',
      toolCallsValidated: undefined,
      toolCallExecutionStarted: undefined,
      toolCallExecutionCompleted: undefined,
    });
  });
});

describe('tool calls', () => {
  const [first, second, third] = ['call_0', 'call_1', undefined].map(
    (id, index): ToolCallOutcome => ({ choice: 0, index, id, name: 'book', complete: true }),
  );

  function calling(toolCalls: readonly (ToolCallOutcome | undefined)[], count = toolCalls.length): CallOutcome {
    const followed = toolCalls.filter((call) => call !== undefined);
    return { ...ENDINGS.completed, toolCalls: followed, toolCallCount: count };
  }

  test.each<readonly [string, CallOutcome, readonly (readonly [string, boolean])[], boolean | undefined]>([
    ['nothing is said', calling([first]), [], undefined],
    ['the one there is is valid', calling([first]), [['call_0', true]], true],
    [
      'one is not',
      calling([first, second]),
      [
        ['call_0', true],
        ['call_1', false],
      ],
      false,
    ],
    ['one is not, and the other was never said to be', calling([first, second]), [['call_1', false]], false],
    ['of two, one is valid', calling([first, second]), [['call_0', true]], undefined],
    [
      'of two, one is valid, and one that is none of them',
      calling([first, second]),
      [
        ['call_0', true],
        ['x', true],
      ],
      undefined,
    ],
    [
      'both are valid',
      calling([first, second]),
      [
        ['call_0', true],
        ['call_1', true],
      ],
      true,
    ],
    [
      'one has no id, and the application gave it one',
      calling([first, third]),
      [
        ['call_0', true],
        ['mine', true],
      ],
      true,
    ],
    ['one has no id, and nothing is said of it', calling([first, third]), [['call_0', true]], undefined],
    ['there are more than are followed', calling([first], 200), [['call_0', true]], undefined],
    ['nobody saw one', calling([]), [['call_0', true]], undefined],
    ['nobody saw one, and it is not valid', calling([]), [['call_0', false]], false],
  ])('where %s', (_, outcome, validated, expected) => {
    const aftermath = { ...createAftermath(), validated: new Map(validated) };
    expect(withAftermath(outcome, aftermath).toolCallsValidated).toBe(expected);
  });

  test.each<
    readonly [string, readonly (readonly [string, boolean | undefined])[], boolean | undefined, boolean | undefined]
  >([
    ['begun', [['call_0', undefined]], true, undefined],
    ['executed', [['call_0', true]], true, true],
    ['failed', [['call_0', false]], true, false],
    [
      'one executed, one begun',
      [
        ['call_0', true],
        ['call_1', undefined],
      ],
      true,
      undefined,
    ],
    [
      'one failed, one begun',
      [
        ['call_0', false],
        ['call_1', undefined],
      ],
      true,
      false,
    ],
    ['never begun', [], undefined, undefined],
  ])('that were %s', (_, executed, begun, completed) => {
    const outcome = withAftermath(ENDINGS.completed, { ...createAftermath(), executed: new Map(executed) });
    expect(outcome.toolCallExecutionStarted).toBe(begun);
    expect(outcome.toolCallExecutionCompleted).toBe(completed);
  });

  test('whose execution began make a failed call not retryable, and say nothing of one that did not fail', () => {
    const executing = { ...createAftermath(), executed: new Map([['call_0', undefined]]) };
    expect(ENDINGS.failed.retryable).toBe(true);
    expect(withAftermath(ENDINGS.failed, executing).retryable).toBe(false);
    expect(withAftermath(ENDINGS.completed, executing).retryable).toBeUndefined();
    expect(withAftermath(ENDINGS.cancelled, executing).retryable).toBeUndefined();
  });
});
