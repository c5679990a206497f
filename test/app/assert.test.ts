import { describe, expect, test } from 'vitest';
import { assertCompleted, assertToolCallsComplete } from '../../src/app/assert.js';
import { LlmStreamError } from '../../src/app/errors.js';
import { outcomeOf } from '../../src/app/outcome-of.js';
import { processState } from '../../src/process-state.js';
import { completed, cut, left, observe, observeTwice, open, unseen, withToolCalls } from './observe.js';

/** What an assertion says: `passes`, or the code and the message of what it throws. */
function said(assertion: (subject: unknown) => unknown, subject: unknown): readonly string[] {
  try {
    assertion(subject);
  } catch (error) {
    if (error instanceof LlmStreamError) return [error.code, error.message];
    throw error;
  }
  return ['passes'];
}

const finished = { stage: 'after_finish_reason', finishReasonReceived: true } as const;
const afterFinish = { ...cut, ...finished, failureStage: 'after_finish_reason' } as const;

describe('assertCompleted', () => {
  test('gives back the outcome of a completed call', () => {
    expect(assertCompleted(observe({}, completed))).toEqual(outcomeOf(observe({}, completed)));
  });

  test.each([
    [
      'cut, although its loop ended well',
      cut,
      'expected a completed LLM call, got one that failed (`after_first_token`, `stream_interrupted`); what was delivered is no whole answer',
    ],
    [
      'left by its reader',
      left,
      'expected a completed LLM call, got one that was cancelled (`client_aborted`, `consumer_break`); what was delivered is no whole answer',
    ],
    [
      'open',
      open,
      'expected a completed LLM call, got one that is still open (`after_first_token`): its answer was not read to the end; what was delivered is no whole answer',
    ],
    [
      'failed after its finish reason',
      afterFinish,
      'expected a completed LLM call, got one that failed (`after_finish_reason`, `stream_interrupted`); what was delivered is no whole answer',
    ],
  ])('throws for a call that is %s', (_, outcome, message) => {
    expect(said(assertCompleted, observe({}, outcome))).toEqual(['LLM_STREAM_NOT_COMPLETED', message]);
  });

  test('looks at no tool call: of an answer cut by its limit, one may be half', () => {
    const limited = { ...withToolCalls(completed, false), completion: 'length' } as const;
    expect(assertCompleted(observe({}, limited))).toMatchObject({ completion: 'length', toolCallsComplete: false });
  });
});

describe('assertToolCallsComplete', () => {
  test('gives back the outcome where each tool call is whole', () => {
    const outcome = assertToolCallsComplete(observe({}, withToolCalls(completed, true, true)));
    expect(outcome.toolCalls).toEqual([
      { choice: 0, index: 0, id: 'call_0', name: 'get_weather', complete: true },
      { choice: 0, index: 1, id: 'call_1', name: 'get_time', complete: true },
    ]);
  });

  test.each([
    ['completed, without a tool call', completed],
    ['completed by its limit, without a tool call', { ...completed, completion: 'length' as const }],
    ['finished, and its loop still runs', { ...open, ...finished }],
    ['finished, and cut behind that', afterFinish],
    ['finished with whole tool calls, and cut behind that', withToolCalls(afterFinish, true)],
    ['a stream of nothing but its own end', { ...completed, chunkCount: 0, outputChunkCount: 0 }],
    ['one document', { ...completed, streamed: false, doneEventReceived: false, chunkCount: 1 }],
  ])('passes for an answer that is %s', (_, outcome) => {
    expect(said(assertToolCallsComplete, observe({}, outcome))).toEqual(['passes']);
  });

  test.each([
    [
      'cut in a tool call',
      withToolCalls({ ...cut, stage: 'during_tool_call' }, true, false),
      'expected complete tool calls, got 1 of 2 incomplete: call 1 "get_time" (call_1); they must not be executed',
    ],
    [
      'left in a tool call',
      withToolCalls(left, false),
      'expected complete tool calls, got 1 of 1 incomplete: call 0 "get_weather" (call_0); they must not be executed',
    ],
    [
      'open in a tool call',
      withToolCalls(open, false, false),
      'expected complete tool calls, got 2 of 2 incomplete: call 0 "get_weather" (call_0), call 1 "get_time" (call_1), and the answer not read to its end; they must not be executed',
    ],
    [
      'completed by its limit in a tool call',
      withToolCalls({ ...completed, completion: 'length' }, false),
      'expected complete tool calls, got 1 of 1 incomplete: call 0 "get_weather" (call_0); they must not be executed',
    ],
    [
      'cut in a tool call of another choice, of which neither name nor id is known',
      { ...withToolCalls(cut, false), toolCalls: [{ choice: 2, index: 1, complete: false }] },
      'expected complete tool calls, got 1 of 1 incomplete: call 1 of choice 2; they must not be executed',
    ],
  ])('names the tool calls of an answer that is %s', (_, outcome, message) => {
    expect(said(assertToolCallsComplete, observe({}, outcome))).toEqual(['LLM_STREAM_TOOL_CALLS_INCOMPLETE', message]);
  });

  test('names sixteen of many, each cut at 128 characters', () => {
    const name = 'n'.repeat(200);
    const toolCalls = Array.from({ length: 18 }, (_, index) => ({ choice: 0, index, name, complete: false }));
    const [, message] = said(assertToolCallsComplete, observe({}, { ...cut, toolCallCount: 18, toolCalls }));
    expect(message).toMatch(/^expected complete tool calls, got 18 of 18 incomplete: call 0 "n{128}", /);
    expect(message).toMatch(/call 15 "n{128}", and 2 more; they must not be executed$/);
  });

  test.each([
    [
      'cut before a tool call began: one may have been to come',
      cut,
      'got one that failed (`after_first_token`, `stream_interrupted`)',
    ],
    ['left before a tool call began', left, 'got one that was cancelled (`client_aborted`, `consumer_break`)'],
    ['open', open, 'got one that is still open (`after_first_token`): its answer was not read to the end'],
    [
      'cut when its first tool call was whole: another may have been to come',
      withToolCalls(cut, true),
      'got one that failed (`after_first_token`, `stream_interrupted`)',
    ],
    [
      'one with more tool calls than are followed',
      { ...withToolCalls(completed, true, true), toolCallCount: 129, toolCallArgumentsCompleted: undefined },
      'got one with 129 tool calls, of which 2 are followed',
    ],
    ['one that nobody could see', unseen, 'got one that was read where nobody could see it'],
    [
      'a document that is larger than what is kept',
      { ...completed, streamed: false, doneEventReceived: false, chunkCount: 0, outputChunkCount: 0 },
      'got one whose content was not read',
    ],
    [
      'one with a chunk that could not be read: it may have held arguments',
      { ...withToolCalls(completed, true), invalidChunkCount: 1 },
      'got one of which 1 chunk could not be read',
    ],
    ['one with several of them', { ...completed, invalidChunkCount: 2 }, 'got one of which 2 chunks could not be read'],
  ])('does not pass for an answer that is %s', (_, outcome, got) => {
    const [code, message] = said(assertToolCallsComplete, observe({}, outcome));
    expect(code).toBe('LLM_STREAM_TOOL_CALLS_UNKNOWN');
    expect(message).toBe(`expected an answer whose tool calls can be checked, ${got}; none of them should be executed`);
  });
});

describe.each([
  ['assertCompleted', assertCompleted],
  ['assertToolCallsComplete', assertToolCallsComplete],
] as const)('%s does not pass where it cannot check:', (_, assertion) => {
  const NOTHING =
    'nothing can be said of it: was the instrumentation registered before the call, and is its endpoint known?';
  test.each([
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['text, which may be content', 'CANARY', 'a string'],
    ['an object of no call', new Response('CANARY'), 'an object of class `Response`'],
    ['an object without a class', Object.create(null), 'an object'],
    ['data with a constructor of its own', { constructor: { name: 'CANARY' } }, 'an object'],
    ['an error of no call', new RangeError('CANARY'), 'an object of class `RangeError`'],
    ['a Promise', Promise.resolve(), 'a Promise, which has to be awaited first'],
  ])('%s', (__, subject, got) => {
    expect(said(assertion, subject)).toEqual([
      'LLM_STREAM_NOT_OBSERVED',
      `expected what came out of an observed LLM call (a Response, a stream, a runner, an answer, an error), got ${got}; ${NOTHING}`,
    ]);
  });

  test('what came out of several calls', () => {
    expect(said(assertion, observeTwice(new DOMException('CANARY', 'AbortError')))).toEqual([
      'LLM_STREAM_AMBIGUOUS',
      'expected what came out of one LLM call, got something that several share; ask with the stream or the Response of the call itself',
    ]);
  });

  test('a call that cannot say', () => {
    const response = new Response('x');
    const report = () => {
      throw new Error('CANARY');
    };
    processState().calls.set(response, { report });
    expect(said(assertion, response)[0]).toBe('LLM_STREAM_NOT_OBSERVED');
  });
});

describe('what is thrown', () => {
  function thrown(subject: unknown): LlmStreamError {
    try {
      assertCompleted(subject);
    } catch (error) {
      if (error instanceof LlmStreamError) return error;
    }
    throw new Error('nothing was thrown');
  }

  test('is an Error with a name, a code and the outcome', () => {
    const error = thrown(observe({}, cut));
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toMatch(/^LlmStreamError: expected a completed LLM call/);
    expect(Object.keys(error)).toEqual(['code', 'outcome']);
    expect(error.outcome?.errorCategory).toBe('stream_interrupted');
    expect(error).not.toHaveProperty('cause');
    expect(thrown('text').outcome).toBeUndefined();
  });

  test('keeps the error that was asked about as its cause', () => {
    const original = observe(new TypeError('terminated'), cut);
    expect(thrown(original).cause).toBe(original);
  });

  test('leads to the call, wrapped too', () => {
    const error = thrown(observe({}, cut));
    expect(outcomeOf(error)?.failureStage).toBe('after_first_token');
    expect(outcomeOf(new Error('wrapped', { cause: error }))?.failureStage).toBe('after_first_token');
  });
});
