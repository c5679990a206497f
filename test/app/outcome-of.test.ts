import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import type { CallOutcome } from '../../src/app/call-outcome.js';
import { outcomeOf } from '../../src/app/outcome-of.js';
import { processState } from '../../src/process-state.js';
import type { CallOutcome as MachineOutcome, OpenOutcome } from '../../src/stream/outcome.js';
import {
  callOf,
  completed,
  cut,
  left,
  observe,
  observeTwice,
  open,
  TRACE_ID,
  unseen,
  withToolCalls,
} from './observe.js';

describe('what a call is found by', () => {
  test('the object itself', () => {
    const subjects = [new Response('x'), { iterator() {} }, { choices: [] }, new TypeError('terminated')];
    for (const subject of subjects) observe(subject, completed);
    expect(subjects.map((subject) => outcomeOf(subject)?.outcome)).toEqual(Array(4).fill('completed'));
  });

  test('its controller, which the branches of a tee share', () => {
    const controller = observe(new AbortController(), completed);
    expect(outcomeOf({ controller })?.outcome).toBe('completed');
  });

  test("its controller's signal, which a runner gives to its request", () => {
    const controller = new AbortController();
    observe(controller.signal, completed);
    expect(outcomeOf({ controller })?.outcome).toBe('completed');
  });

  test('the cause of an error, however deep an application wrapped it', () => {
    let error: unknown = observe(new TypeError('terminated'), cut);
    for (let depth = 0; depth < 10; depth += 1) error = new Error('wrapped', { cause: error });
    expect(outcomeOf(error)?.outcome).toBe('failed');
  });

  test('a cause that is a stream', () => {
    const controller = observe(new AbortController(), cut);
    expect(outcomeOf(new Error('wrapped', { cause: { controller } }))?.outcome).toBe('failed');
  });

  test('the nearest one, where a cause is of another call', () => {
    const error = observe(new Error('later', { cause: observe(new Error('earlier'), cut) }), left);
    expect(outcomeOf(error)?.outcome).toBe('cancelled');
    const stream = observe({ controller: observe(new AbortController(), cut) }, completed);
    expect(outcomeOf(stream)?.outcome).toBe('completed');
  });
});

describe('undefined', () => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['text', 'an abort reason'],
    ['a number', 4],
    ['a symbol', Symbol('reason')],
    ['an object of no call', new Response('x')],
    ['a function', () => {}],
    ['a controller of no call', { controller: new AbortController() }],
    ['a controller that is none', { controller: 'text' }],
    ['a Promise', Promise.resolve(observe(new Response('x'), completed))],
  ])('of %s', (_, subject) => {
    expect(outcomeOf(subject)).toBeUndefined();
  });

  test('of what came out of several calls', () => {
    expect(outcomeOf(observeTwice(new DOMException('left', 'AbortError')))).toBeUndefined();
  });

  test('of an error that wraps what came out of several calls, whatever is behind it', () => {
    const shared = observeTwice(new Error('reason', { cause: observe(new Error('one'), cut) }));
    expect(outcomeOf(new Error('wrapped', { cause: shared }))).toBeUndefined();
  });

  test('of a stream that has no call of its own, where its signal ended several', () => {
    const controller = new AbortController();
    observeTwice(controller.signal);
    expect(outcomeOf({ controller })).toBeUndefined();
  });

  test('of causes that go in a circle', () => {
    const first: { cause?: unknown } = {};
    const second = { cause: first };
    first.cause = second;
    expect(outcomeOf(first)).toBeUndefined();
    expect(outcomeOf(second)).toBeUndefined();
  });

  test('of causes that never end, each asked for once', () => {
    let asked = 0;
    const endless = (): object => ({
      get cause() {
        asked += 1;
        return endless();
      },
    });
    expect(outcomeOf(endless())).toBeUndefined();
    expect(asked).toBeLessThan(100);
  });

  test('of objects whose getters throw', () => {
    const hostile = {
      get controller(): never {
        throw new Error('controller');
      },
      get cause(): never {
        throw new Error('cause');
      },
    };
    expect(outcomeOf(hostile)).toBeUndefined();
    expect(outcomeOf({ controller: { ...Object.defineProperty({}, 'signal', { get: () => hostile.cause }) } })).toBe(
      undefined,
    );
  });

  test('of a revoked proxy', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(outcomeOf(proxy)).toBeUndefined();
  });

  test('where the call itself cannot say', () => {
    const response = new Response('x');
    const report = vi.fn(() => {
      throw new Error('ours');
    });
    processState().calls.set(response, { report });
    expect(outcomeOf(response)).toBeUndefined();
    expect(report).toHaveBeenCalledOnce();
  });
});

describe('the outcome', () => {
  test('is what the machine knows, under the names of the public type', () => {
    expect(
      outcomeOf(observe({}, { ...cut, usage: { inputTokens: 3 }, providerError: { code: 'overloaded' } })),
    ).toEqual({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      outcome: 'failed',
      stage: 'after_first_token',
      failureStage: 'after_first_token',
      terminationKind: 'eof',
      errorCategory: 'stream_interrupted',
      errorType: 'stream_interrupted',
      retryable: true,
      fault: 'upstream',
      providerError: { code: 'overloaded' },
      partialOutput: true,
      toolCalls: [],
      toolCallCount: 0,
      toolCallCompletedCount: 0,
      toolCallFragmentCount: 0,
      toolCallArgumentCharacters: 0,
      status: 200,
      streamed: true,
      finishReasons: ['error'],
      finishReasonReceived: false,
      doneEventReceived: false,
      usage: { inputTokens: 3 },
      usageSource: 'none',
      chunkCount: 4,
      outputChunkCount: 2,
      invalidChunkCount: 0,
      bytesReceived: 900,
      keepAliveCount: 0,
      outputCharacters: 11,
      reasoningCharacters: 0,
      attemptCount: 1,
      timeToHeadersMs: 20.4,
      timeToFirstTokenMs: 31.6,
      firstTokenChannel: 'text',
      timeToLastChunkMs: 50,
      streamDurationMs: 52.2,
      stallCount: 0,
      observedBy: ['fetch', 'openai'],
    });
  });

  test('has every fact of the machine; tool names are in `toolCalls`', () => {
    type Renamed = 'answerCompleted' | 'toolCallArgumentsCompleted' | 'toolCallNames' | 'toolCallIncompleteNames';
    expectTypeOf<Exclude<keyof MachineOutcome | keyof OpenOutcome, keyof CallOutcome | Renamed>>().toBeNever();
    expectTypeOf<Pick<MachineOutcome, Exclude<keyof MachineOutcome, Renamed>>>().toExtend<Partial<CallOutcome>>();
  });

  test('shows what is known: an unknown fact is no property', () => {
    const known = Object.keys(outcomeOf(observe({}, completed)) ?? {});
    expect(known).not.toContain('failureStage');
    expect(known).not.toContain('errorCategory');
    expect(known).toContain('completion');
  });

  test('has no ids where no tracer gave valid ones', () => {
    const response = new Response('x');
    processState().calls.set(response, callOf(completed, { traceId: undefined, spanId: undefined }));
    const outcome = outcomeOf(response);
    expect(outcome).not.toHaveProperty('traceId');
    expect(outcome).not.toHaveProperty('spanId');
    expect(outcome?.toJSON()).not.toHaveProperty('trace_id');
  });

  test('is a snapshot: what the call does next does not change it, and nobody can', () => {
    let now: MachineOutcome | OpenOutcome = open;
    const stream = {};
    processState().calls.set(stream, { report: () => ({ traceId: TRACE_ID, spanId: undefined, outcome: now }) });
    const before = outcomeOf(stream);
    now = completed;
    expect(before?.outcome).toBe('open');
    expect(before?.toJSON()['llm_stream.outcome']).toBe('open');
    expect(outcomeOf(stream)?.outcome).toBe('completed');
    expect(Object.isFrozen(before)).toBe(true);
  });

  test('shares nothing with the call', () => {
    const known: MachineOutcome = {
      ...withToolCalls(cut, true),
      usage: { inputTokens: 3 },
      providerError: { code: 'x' },
    };
    const outcome = outcomeOf(observe({}, known));
    expect(outcome?.toolCalls[0]).toEqual(known.toolCalls[0]);
    expect(outcome?.toolCalls[0]).not.toBe(known.toolCalls[0]);
    expect(outcome?.usage).not.toBe(known.usage);
    expect(outcome?.providerError).not.toBe(known.providerError);
    expect(outcome?.finishReasons).not.toBe(known.finishReasons);
    expect(outcome?.observedBy).not.toBe(known.observedBy);
  });

  test('can be sent to a worker', () => {
    const outcome = outcomeOf(observe({}, withToolCalls(completed, true)));
    expect(structuredClone(outcome)).toEqual(outcome);
  });
});

describe('output is partial', () => {
  test.each([
    ['completed', completed, false],
    ['cut in the text', cut, true],
    ['left in the text', left, true],
    ['open, with text', open, true],
    ['not stored, after it was whole', { ...cut, answerCompleted: true }, false],
    ['cut before any output', { ...cut, outputChunkCount: 0, timeToFirstTokenMs: undefined }, false],
    ['failed in the only output there was', { ...cut, outputChunkCount: 1 }, true],
    ['read where nobody could see it', unseen, undefined],
    ['read where nobody could see it, after a first token', { ...unseen, timeToFirstTokenMs: 30 }, true],
  ])('%s', (_, outcome, expected) => {
    expect(outcomeOf(observe({}, outcome))?.partialOutput).toBe(expected);
  });
});

describe('tool calls are complete', () => {
  test.each([
    ['none came', completed, undefined, 0],
    ['all are whole', withToolCalls(completed, true, true), true, 2],
    ['one is not', withToolCalls(cut, true, false), false, 2],
    ['one is on its way', withToolCalls(open, false), false, 1],
    [
      'more than are followed',
      { ...withToolCalls(completed, true), toolCallCount: 129, toolCallArgumentsCompleted: undefined },
      undefined,
      129,
    ],
    ['nobody could see', unseen, undefined, undefined],
  ])('%s', (_, machine, expected, count) => {
    const outcome = outcomeOf(observe({}, machine));
    expect(outcome?.toolCallsComplete).toBe(expected);
    expect(outcome?.toolCallCount).toBe(count);
  });

  test('of what nobody could see, nothing is claimed', () => {
    const outcome = outcomeOf(observe({}, unseen));
    expect(outcome?.toolCalls).toEqual([]);
    for (const fact of ['finishReasonReceived', 'doneEventReceived', 'stallCount', 'toolCallCompletedCount']) {
      expect(outcome).not.toHaveProperty(fact);
    }
  });
});

describe('toJSON()', () => {
  test("is what the span's attributes say, with the ids for a log", () => {
    expect(outcomeOf(observe({}, withToolCalls(cut, true, false)))?.toJSON()).toEqual({
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      span_id: 'b7ad6b7169203331',
      'llm_stream.outcome': 'failed',
      'llm_stream.failure_stage': 'after_first_token',
      'llm_stream.stage': 'after_first_token',
      'llm_stream.termination_kind': 'eof',
      'llm_stream.error_category': 'stream_interrupted',
      'error.type': 'stream_interrupted',
      'llm_stream.retryable': true,
      'llm_stream.fault': 'upstream',
      'http.response.status_code': 200,
      'gen_ai.response.finish_reasons': ['error'],
      'llm_stream.finish_reason_received': false,
      'llm_stream.done_event_received': false,
      'llm_stream.usage_available': false,
      'llm_stream.usage_source': 'none',
      'llm_stream.chunk_count': 4,
      'llm_stream.output_chunk_count': 2,
      'llm_stream.invalid_chunk_count': 0,
      'llm_stream.bytes_received': 900,
      'llm_stream.keep_alive_count': 0,
      'llm_stream.output_characters': 11,
      'llm_stream.reasoning_characters': 0,
      'llm_stream.attempt_count': 1,
      'llm_stream.time_to_headers_ms': 20,
      'llm_stream.time_to_first_token_ms': 32,
      'llm_stream.first_token_channel': 'text',
      'llm_stream.time_to_last_chunk_ms': 50,
      'llm_stream.stream_duration_ms': 52,
      'llm_stream.tool_call.count': 2,
      'llm_stream.tool_call.completed_count': 1,
      'llm_stream.tool_call.fragment_count': 0,
      'llm_stream.tool_call.argument_characters': 0,
      'llm_stream.tool_call.arguments_completed': false,
      'llm_stream.observed_by': ['fetch', 'openai'],
      'gen_ai.request.stream': true,
      'gen_ai.response.time_to_first_chunk': 0.0316,
      'llm_stream.stall_count': 0,
    });
  });

  test('has tool names', () => {
    const names = { toolCallNames: ['get_weather', 'book'], toolCallIncompleteNames: ['book'] };
    expect(outcomeOf(observe({}, { ...withToolCalls(cut, true, false), ...names }))?.toJSON()).toMatchObject({
      'llm_stream.tool_call.names': ['get_weather', 'book'],
      'llm_stream.tool_call.incomplete_names': ['book'],
    });
  });

  test('says `open` of an open call, and nothing that is not decided', () => {
    const json = outcomeOf(observe({}, open))?.toJSON();
    expect(json).toMatchObject({ 'llm_stream.outcome': 'open', 'llm_stream.stage': 'after_first_token' });
    expect(Object.keys(json ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/failure_stage|termination_kind|error|fault|retryable/)]),
    );
  });

  test('is what JSON.stringify writes', () => {
    const outcome = outcomeOf(observe({}, completed));
    expect(JSON.parse(JSON.stringify({ outcome })).outcome).toMatchObject({ 'llm_stream.outcome': 'completed' });
  });
});
