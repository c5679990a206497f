/** What an application asks about calls that it made with the OpenAI SDK. */
import OpenAI from 'openai';
import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  assertCompleted,
  assertToolCallsComplete,
  type CallOutcome,
  instrumentOpenAI,
  LlmStreamError,
  outcomeOf,
} from '../../src/index.js';
import { chatText, chatToolCalls, httpError, type Scenario } from '../../src/testing/index.js';
import { CANARY, type Harness, startHarness } from '../scenarios/harness.js';

const TEXT = chatText([CANARY, ' says', ' hello']);
const ONE_TOOL = chatToolCalls([{ name: 'book', fragments: ['{"room": ', `"${CANARY}"`, '}'] }]);
/** Their fragments take turns: the body can end in both of them. */
const TWO_TOOLS = chatToolCalls(
  [
    { name: 'get_weather', fragments: ['{"city": ', `"${CANARY}"}`] },
    { name: 'book', fragments: ['{"room": ', `"${CANARY}"`, '}'] },
  ],
  { interleaved: true },
);

let harness: Harness;
let client: OpenAI;
beforeAll(async () => {
  harness = await startHarness();
  instrumentOpenAI(OpenAI);
  client = new OpenAI({ baseURL: `${harness.provider.url}/v1`, apiKey: 'sk-test', maxRetries: 0, logLevel: 'off' });
});
afterAll(() => harness.close());

/** A request for a scenario, under a model of its own. */
function requestFor(model: string, scenario: Scenario) {
  harness.provider.define(model, scenario);
  return { model, messages: [{ role: 'user' as const, content: `${CANARY} prompt` }] };
}

async function thrownBy(ask: () => unknown): Promise<unknown> {
  try {
    await ask();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

async function refusedBy(ask: () => unknown, code: string): Promise<string> {
  const error = await thrownBy(ask);
  if (!(error instanceof LlmStreamError)) throw error;
  expect(error.code).toBe(code);
  expect(error.message).not.toContain(CANARY);
  return error.message;
}

async function readToEnd(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

describe('a stream', () => {
  test('is open in the middle of its loop, and completed behind it', async () => {
    const request = requestFor('live', {
      reply: TEXT,
      hold: { before: 'each_chunk', until: 'released', gate: 'live' },
    });
    const creating = client.chat.completions.create({ ...request, stream: true });
    harness.provider.gate('live').release();
    const stream = await creating;
    const seen: unknown[] = [];
    for await (const _ of stream) {
      const now = outcomeOf(stream);
      seen.push([now?.outcome, now?.stage, now?.chunkCount, now?.partialOutput]);
      harness.provider.gate('live').release();
    }
    expect(seen).toEqual([
      ['open', 'before_first_token', 1, false],
      ['open', 'after_first_token', 2, true],
      ['open', 'after_first_token', 3, true],
      ['open', 'after_first_token', 4, true],
      ['open', 'after_finish_reason', 5, true],
    ]);
    expect(assertCompleted(stream)).toMatchObject({ outcome: 'completed', partialOutput: false, chunkCount: 5 });
    expect(assertToolCallsComplete(stream).toolCallCount).toBe(0);
  });

  test('has the ids and the attributes of its span', async () => {
    const stream = await client.chat.completions.create({ ...requestFor('ids', { reply: TEXT }), stream: true });
    await readToEnd(stream);
    const span = await harness.span('ids');
    const { trace_id, span_id, ...attributes } = outcomeOf(stream)?.toJSON() ?? {};
    expect([trace_id, span_id]).toEqual([span.spanContext().traceId, span.spanContext().spanId]);
    expect(attributes).toMatchObject({
      'llm_stream.outcome': 'completed',
      'llm_stream.observed_by': ['fetch', 'openai'],
    });
    expect(span.attributes).toMatchObject(attributes);
  });

  test('that was cut is not completed, although its loop ended well', async () => {
    const request = requestFor('silent', { reply: TEXT, faults: [{ type: 'silent_end', afterChunks: 3 }] });
    const stream = await client.chat.completions.create({ ...request, stream: true });
    await readToEnd(stream);
    expect(await refusedBy(() => assertCompleted(stream), 'LLM_STREAM_NOT_COMPLETED')).toBe(
      'expected a completed LLM call, got one that failed (`after_first_token`, `stream_interrupted`); what was delivered is no whole answer',
    );
    await refusedBy(() => assertToolCallsComplete(stream), 'LLM_STREAM_TOOL_CALLS_UNKNOWN');
  });

  test('that the consumer left is cancelled', async () => {
    const stream = await client.chat.completions.create({ ...requestFor('left', { reply: TEXT }), stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    expect(outcomeOf(stream)).toMatchObject({ outcome: 'cancelled', fault: 'client', partialOutput: true });
  });

  test('is found by both branches of its tee', async () => {
    const stream = await client.chat.completions.create({ ...requestFor('tee', { reply: TEXT }), stream: true });
    const branches = stream.tee();
    await Promise.all(branches.map(readToEnd));
    expect(branches.map((branch) => outcomeOf(branch)?.outcome)).toEqual(['completed', 'completed']);
    expect(outcomeOf(branches[0])).toEqual(outcomeOf(stream));
  });

  test('is found by its Response and its Promise is not', async () => {
    const promise = client.chat.completions.create({ ...requestFor('with response', { reply: TEXT }), stream: true });
    const { data, response } = await promise.withResponse();
    await readToEnd(data);
    expect(outcomeOf(response)).toEqual(outcomeOf(data));
    expect(outcomeOf(data)?.outcome).toBe('completed');
    expect(outcomeOf(promise)).toBeUndefined();
    expect(await refusedBy(() => assertCompleted(promise), 'LLM_STREAM_NOT_OBSERVED')).toContain(
      'got a Promise, which has to be awaited first',
    );
  });

  test('outlives its client', async () => {
    const stream = await new OpenAI({ baseURL: client.baseURL, apiKey: 'sk-test' }).chat.completions.create({
      ...requestFor('no client', { reply: TEXT }),
      stream: true,
    });
    await readToEnd(stream);
    expect(assertCompleted(stream).chunkCount).toBe(5);
  });
});

describe('an error', () => {
  const CUT = { outcome: 'failed', failureStage: 'after_first_token', partialOutput: true, retryable: true } as const;

  test('thrown by `create` leads to its call', async () => {
    const request = requestFor('refused', { reply: httpError(429, { code: 'rate_limit_exceeded' }) });
    const error = await thrownBy(() => client.chat.completions.create({ ...request, stream: true }));
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    const facts = { failureStage: 'request_rejected', errorCategory: 'rate_limit', status: 429, partialOutput: false };
    expect(outcomeOf(error)).toMatchObject(facts);
    expect(outcomeOf(new Error('no answer', { cause: error }))).toMatchObject(facts);
  });

  test('of a connection that nobody took leads to its call', async () => {
    const request = requestFor('no answer', { reply: TEXT, faults: [{ type: 'reset', after: 'request' }] });
    const error = await thrownBy(() => client.chat.completions.create({ ...request, stream: true }));
    expect(error).toBeInstanceOf(OpenAI.APIConnectionError);
    expect(outcomeOf(error)).toMatchObject({ failureStage: 'before_first_token', partialOutput: false });
  });

  test('thrown in the loop leads to its call, wrapped too', async () => {
    const request = requestFor('reset', { reply: TEXT, faults: [{ type: 'reset', afterChunks: 3 }] });
    const stream = await client.chat.completions.create({ ...request, stream: true });
    const error = await thrownBy(() => readToEnd(stream));
    const wrapped = new Error('the answer broke', { cause: new Error('later', { cause: error }) });
    for (const subject of [error, wrapped, stream]) expect(outcomeOf(subject)).toMatchObject(CUT);
  });

  test('that the provider sent in the stream leads to its call', async () => {
    const request = requestFor('in band', {
      reply: TEXT,
      faults: [{ type: 'in_band_error', afterChunks: 3, error: { type: 'server_error', message: CANARY } }],
    });
    const stream = await client.chat.completions.create({ ...request, stream: true });
    const error = await thrownBy(() => readToEnd(stream));
    expect(outcomeOf(error)).toMatchObject({ ...CUT, fault: 'provider', terminationKind: 'error_payload' });
    expect(JSON.stringify(outcomeOf(error))).not.toContain(CANARY);
  });

  test('of a signal that ended several calls leads to none; each stream still does', async () => {
    const controller = new AbortController();
    const requests = ['shared a', 'shared b'].map((model) =>
      requestFor(model, { reply: TEXT, hold: { after: 'request', until: 'client_gone' } }),
    );
    const reason = new Error('the page was closed');
    const errors = requests.map((request) =>
      thrownBy(() =>
        fetch(`${client.baseURL}/chat/completions`, {
          method: 'POST',
          body: JSON.stringify({ ...request, stream: true }),
          signal: controller.signal,
        }),
      ),
    );
    await vi.waitFor(() =>
      expect(harness.provider.requests.filter(({ model }) => model?.startsWith('shared'))).toHaveLength(2),
    );
    controller.abort(reason);
    expect(await Promise.all(errors)).toEqual([reason, reason]);
    expect(outcomeOf(reason)).toBeUndefined();
    await refusedBy(() => assertCompleted(reason), 'LLM_STREAM_AMBIGUOUS');
  });
});

describe('streams that share a signal', () => {
  test('end silently in their loops, and each has its own outcome', async () => {
    const controller = new AbortController();
    const streams = await Promise.all(
      ['signal a', 'signal b'].map((model) =>
        client.chat.completions.create(
          { ...requestFor(model, { reply: ONE_TOOL, hold: { afterChunks: 3, until: 'client_gone' } }), stream: true },
          { signal: controller.signal },
        ),
      ),
    );
    const reading = Promise.all(streams.map(readToEnd));
    await vi.waitFor(() => {
      for (const stream of streams) expect(outcomeOf(stream)?.chunkCount).toBe(3);
    });
    controller.abort();
    await reading;
    expect(streams.map((stream) => outcomeOf(stream))).toMatchObject([
      { outcome: 'cancelled', stage: 'during_tool_call', terminationKind: 'consumer_abort' },
      { outcome: 'cancelled', stage: 'during_tool_call', terminationKind: 'consumer_abort' },
    ]);
    expect(outcomeOf(streams[0])?.spanId).not.toBe(outcomeOf(streams[1])?.spanId);
    for (const stream of streams) {
      await refusedBy(() => assertToolCallsComplete(stream), 'LLM_STREAM_TOOL_CALLS_INCOMPLETE');
    }
  });
});

describe('the tool calls of a stream', () => {
  async function streamOf(model: string, scenario: Scenario): Promise<AsyncIterable<ChatCompletionChunk>> {
    return client.chat.completions.create({ ...requestFor(model, scenario), stream: true });
  }

  test('pass when both are whole', async () => {
    const stream = await streamOf('two tools', { reply: TWO_TOOLS });
    await readToEnd(stream);
    expect(assertToolCallsComplete(stream)).toMatchObject({
      toolCallsComplete: true,
      toolCalls: [
        { choice: 0, index: 0, id: 'call_0', name: 'get_weather', complete: true },
        { choice: 0, index: 1, id: 'call_1', name: 'book', complete: true },
      ],
    });
  });

  test('are incomplete until their choice is finished, and then before the stream ends', async () => {
    const stream = await streamOf('tools live', { reply: ONE_TOOL });
    const seen: unknown[] = [];
    for await (const { choices } of stream) {
      const outcome = outcomeOf(stream);
      const passes = await Promise.resolve(stream)
        .then(assertToolCallsComplete)
        .then(
          () => 'passes',
          (error: LlmStreamError) => error.code,
        );
      seen.push([outcome?.toolCallsComplete, choices[0]?.finish_reason ?? null, passes]);
    }
    expect(seen).toEqual([
      [undefined, null, 'LLM_STREAM_TOOL_CALLS_UNKNOWN'],
      [false, null, 'LLM_STREAM_TOOL_CALLS_INCOMPLETE'],
      [false, null, 'LLM_STREAM_TOOL_CALLS_INCOMPLETE'],
      [false, null, 'LLM_STREAM_TOOL_CALLS_INCOMPLETE'],
      [false, null, 'LLM_STREAM_TOOL_CALLS_INCOMPLETE'],
      [true, 'tool_calls', 'passes'],
    ]);
  });

  test.each([
    ['the body ends', { type: 'silent_end', afterChunks: 6 }, 'ends'],
    ['the connection is reset', { type: 'reset', afterChunks: 6 }, 'throws'],
    ['the provider sends an error', { type: 'in_band_error', afterChunks: 6 }, 'throws'],
  ] as const)('do not pass when %s in the middle of one', async (model, fault, loop) => {
    const stream = await streamOf(model, { reply: TWO_TOOLS, faults: [fault] });
    expect(
      await readToEnd(stream).then(
        () => 'ends',
        () => 'throws',
      ),
    ).toBe(loop);
    expect(await refusedBy(() => assertToolCallsComplete(stream), 'LLM_STREAM_TOOL_CALLS_INCOMPLETE')).toBe(
      'expected complete tool calls, got 2 of 2 incomplete: call 0 "get_weather" (call_0), call 1 "book" (call_1); they must not be executed',
    );
  });

  test('do not pass when the limit of tokens ends one', async () => {
    const reply = chatToolCalls([{ name: 'book', fragments: ['{"room": "', CANARY] }], { finishReason: 'length' });
    const stream = await streamOf('length', { reply });
    await readToEnd(stream);
    expect(assertCompleted(stream)).toMatchObject({ completion: 'length', toolCallsComplete: false });
    expect(await refusedBy(() => assertToolCallsComplete(stream), 'LLM_STREAM_TOOL_CALLS_INCOMPLETE')).toBe(
      'expected complete tool calls, got 1 of 1 incomplete: call 0 "book" (call_0); they must not be executed',
    );
  });

  test('pass in an answer that is not streamed, found by itself', async () => {
    const completion = await client.chat.completions.create(requestFor('document', { reply: TWO_TOOLS }));
    expect(assertToolCallsComplete(completion)).toMatchObject({ toolCallCount: 2, streamed: false });
    expect(assertCompleted(completion).outcome).toBe('completed');
  });

  test('do not pass where the limit of tokens ends an answer that is not streamed', async () => {
    const reply = chatToolCalls([{ name: 'book', fragments: ['{"room": "'] }], { finishReason: 'length' });
    const completion = await client.chat.completions.create(requestFor('document length', { reply }));
    await refusedBy(() => assertToolCallsComplete(completion), 'LLM_STREAM_TOOL_CALLS_INCOMPLETE');
  });
});

describe('a runner of `.stream()`', () => {
  test('leads to its call', async () => {
    const runner = client.chat.completions.stream(requestFor('runner', { reply: TWO_TOOLS }));
    await runner.finalChatCompletion();
    expect(assertToolCallsComplete(runner)).toMatchObject({ outcome: 'completed', toolCallCount: 2 });
    expect(outcomeOf(runner)?.spanId).toBe((await harness.span('runner')).spanContext().spanId);
  });

  test('leads to its call while it is open', async () => {
    const runner = client.chat.completions.stream(
      requestFor('runner live', { reply: ONE_TOOL, hold: { afterChunks: 3, until: 'released', gate: 'runner' } }),
    );
    await vi.waitFor(() => expect(outcomeOf(runner)?.chunkCount).toBe(3));
    expect(outcomeOf(runner)).toMatchObject({ outcome: 'open', stage: 'during_tool_call', toolCallsComplete: false });
    harness.provider.gate('runner').open();
    await runner.done();
    expect(assertToolCallsComplete(runner).toolCallsComplete).toBe(true);
  });

  test('and its error lead to a call that was cut', async () => {
    const runner = client.chat.completions.stream(
      requestFor('runner cut', { reply: ONE_TOOL, faults: [{ type: 'reset', afterChunks: 4 }] }),
    );
    const error = await thrownBy(() => runner.finalChatCompletion());
    expect(error).toBeInstanceOf(OpenAI.OpenAIError);
    for (const subject of [runner, error]) {
      expect(outcomeOf(subject)).toMatchObject({ outcome: 'failed', failureStage: 'during_tool_call' });
      await refusedBy(() => assertToolCallsComplete(subject), 'LLM_STREAM_TOOL_CALLS_INCOMPLETE');
    }
  });
});

describe('a runner of `runTools()`', () => {
  test('leads to the last of its calls', async () => {
    const request = requestFor('run tools', { reply: TEXT });
    harness.provider.define('run tools', [{ reply: ONE_TOOL }, { reply: TEXT }]);
    const executed: string[] = [];
    const runner = client.chat.completions.runTools({
      ...request,
      stream: true,
      tools: [
        {
          type: 'function',
          function: {
            name: 'book',
            description: 'Books a room.',
            parameters: {},
            function: (json: string) => void executed.push(json),
          },
        },
      ],
    });
    await runner.done();
    expect(executed).toEqual(['{"room": "CANARY"}']);
    const [first, last] = await harness.spansOf('run tools', 2);
    expect(first?.attributes['llm_stream.tool_call.count']).toBe(1);
    expect(outcomeOf(runner)).toMatchObject({
      spanId: last?.spanContext().spanId,
      completion: 'stop',
      toolCallCount: 0,
    });
  });
});

describe('a loop that executes tools', () => {
  /** As in the README: what is executed, and what is asked when it is not. */
  async function run(
    model: string,
    scenario: Scenario,
  ): Promise<{ executed: string[]; outcome?: CallOutcome | undefined }> {
    const executed: string[] = [];
    const calls: { name: string; json: string }[] = [];
    const stream = await client.chat.completions.create({ ...requestFor(model, scenario), stream: true });
    try {
      for await (const { choices } of stream) {
        for (const { index, function: part } of choices[0]?.delta.tool_calls ?? []) {
          calls[index] ??= { name: part?.name ?? '', json: '' };
          calls[index].json += part?.arguments ?? '';
        }
      }
      assertToolCallsComplete(stream);
    } catch (error) {
      return { executed, outcome: outcomeOf(error) };
    }
    for (const call of calls) executed.push(`${call.name}(${call.json})`);
    return { executed };
  }

  test('executes whole ones', async () => {
    expect(await run('loop whole', { reply: TWO_TOOLS })).toEqual({
      executed: ['get_weather({"city": "CANARY"})', 'book({"room": "CANARY"})'],
    });
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('executes nothing of an answer that ends after chunk %i', async (afterChunks) => {
    for (const type of ['silent_end', 'reset'] as const) {
      const { executed, outcome } = await run(`loop ${type} ${afterChunks}`, {
        reply: TWO_TOOLS,
        faults: [{ type, afterChunks }],
      });
      expect(executed).toEqual([]);
      expect(outcome?.outcome).toBe('failed');
    }
  });
});
