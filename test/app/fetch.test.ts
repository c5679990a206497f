/** What an application asks about calls that it made with `fetch` itself. */
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  assertCompleted,
  assertToolCallsComplete,
  LlmStreamError,
  LlmStreamInstrumentation,
  outcomeOf,
} from '../../src/index.js';
import {
  chatText,
  chatToolCalls,
  type FaultyProvider,
  httpError,
  startFaultyProvider,
} from '../../src/testing/index.js';
import { CANARY, type Harness, startHarness } from '../scenarios/harness.js';

const TEXT = chatText([CANARY, ' says', ' hello']);
const TOOLS = chatToolCalls([
  { name: 'get_weather', fragments: ['{"city": ', `"${CANARY}"}`] },
  { name: 'book', fragments: ['{"room": ', `"${CANARY}"}`] },
]);

/** What `ask` throws or is rejected with. */
async function thrownBy(ask: () => unknown): Promise<unknown> {
  try {
    await ask();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** The message of a {@link LlmStreamError} with that code. */
async function refusedBy(ask: () => unknown, code: string): Promise<string> {
  const error = await thrownBy(ask);
  if (!(error instanceof LlmStreamError)) throw error;
  expect(error.code).toBe(code);
  return error.message;
}

describe('an observed call', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.close());

  test('is open while it is read, and completed at its end', async () => {
    const { url, init } = harness.ask('live', {
      reply: TEXT,
      hold: { before: 'each_chunk', until: 'released', gate: 'live' },
    });
    const response = await fetch(url, init);
    expect(outcomeOf(response)).toMatchObject({ outcome: 'open', stage: 'before_first_token', status: 200 });
    const reader = response.body?.getReader();
    const seen: unknown[] = [];
    for (let chunk = 0; chunk < 5; chunk += 1) {
      harness.provider.gate('live').release();
      await reader?.read();
      const now = outcomeOf(response);
      seen.push([now?.outcome, now?.stage, now?.chunkCount, now?.partialOutput, now?.terminationKind]);
    }
    expect(seen).toEqual([
      ['open', 'before_first_token', 1, false, undefined],
      ['open', 'after_first_token', 2, true, undefined],
      ['open', 'after_first_token', 3, true, undefined],
      ['open', 'after_first_token', 4, true, undefined],
      ['open', 'after_finish_reason', 5, true, undefined],
    ]);
    // [DONE], and the end.
    while ((await reader?.read())?.done === false);
    expect(outcomeOf(response)).toMatchObject({ outcome: 'completed', stage: 'done', terminationKind: 'done_event' });
    expect(outcomeOf(response)?.partialOutput).toBe(false);
  });

  test('claims nothing of its end while it is open', async () => {
    const { url, init } = harness.ask('undecided', { reply: TEXT, hold: { afterChunks: 2, until: 'client_gone' } });
    const response = await fetch(url, init);
    await response.body?.getReader().read();
    const known = Object.keys(outcomeOf(response) ?? {});
    expect(known).toContain('chunkCount');
    for (const fact of ['failureStage', 'terminationKind', 'completion', 'errorCategory', 'fault', 'retryable']) {
      expect(known).not.toContain(fact);
    }
  });

  test('has a finish reason from the moment on at which it came', async () => {
    const { url, init } = harness.ask('finish', {
      reply: TEXT,
      hold: [
        { afterChunks: 2, until: 'released', gate: 'before the finish' },
        { after: 'finish', until: 'released', gate: 'after the finish' },
      ],
    });
    const response = await fetch(url, init);
    const reading = response.text();
    await vi.waitFor(() => expect(outcomeOf(response)?.chunkCount).toBe(2));
    const before = outcomeOf(response);
    harness.provider.gate('before the finish').open();
    await vi.waitFor(() => expect(outcomeOf(response)?.chunkCount).toBe(5));
    const after = outcomeOf(response);
    harness.provider.gate('after the finish').open();
    await reading;
    expect([before?.outcome, before?.finishReasons]).toEqual(['open', undefined]);
    expect([after?.outcome, after?.finishReasons]).toEqual(['open', ['stop']]);
  });

  test('says in its JSON what its span says', async () => {
    const { url, init } = harness.ask('json', { reply: TOOLS });
    const response = await fetch(url, init);
    await response.text();
    const span = await harness.span('json');
    const outcome = outcomeOf(response);
    const { trace_id, span_id, ...attributes } = outcome?.toJSON() ?? {};
    expect([trace_id, span_id]).toEqual([span.spanContext().traceId, span.spanContext().spanId]);
    expect([outcome?.traceId, outcome?.spanId]).toEqual([trace_id, span_id]);
    expect(attributes).toMatchObject({ 'llm_stream.outcome': 'completed', 'llm_stream.tool_call.count': 2 });
    expect(span.attributes).toMatchObject(attributes);
    expect(JSON.stringify(outcome)).not.toContain(CANARY);
  });

  test('is found by its clone, read or not', async () => {
    const { url, init } = harness.ask('clone', { reply: TEXT });
    const response = await fetch(url, init);
    const clone = response.clone();
    await Promise.all([response.text(), clone.text()]);
    expect(outcomeOf(clone)).toEqual(outcomeOf(response));
    expect(assertCompleted(clone).chunkCount).toBe(5);
  });

  test('is found by the error of its reader, wrapped too', async () => {
    const { url, init } = harness.ask('reset', { reply: TEXT, faults: [{ type: 'reset', afterChunks: 3 }] });
    const response = await fetch(url, init);
    const error = await thrownBy(() => response.text());
    const facts = { outcome: 'failed', failureStage: 'after_first_token', retryable: true, partialOutput: true };
    expect(outcomeOf(error)).toMatchObject(facts);
    expect(outcomeOf(new Error('no answer', { cause: error }))).toMatchObject(facts);
    expect(await refusedBy(() => assertCompleted(error), 'LLM_STREAM_NOT_COMPLETED')).toContain('`after_first_token`');
  });

  test('is found by the error of a request that nobody answered', async () => {
    const { url, init } = harness.ask('no answer', { reply: TEXT, faults: [{ type: 'reset', after: 'request' }] });
    const error = await thrownBy(() => fetch(url, init));
    expect(outcomeOf(error)).toMatchObject({
      outcome: 'failed',
      failureStage: 'before_first_token',
      partialOutput: false,
      retryable: true,
    });
  });

  test('is found by a refusal, before anybody reads it', async () => {
    const { url, init } = harness.ask('refused', {
      reply: httpError(429, { code: 'rate_limit_exceeded' }, { 'retry-after': '3' }),
    });
    const response = await fetch(url, init);
    expect(outcomeOf(response)).toMatchObject({
      outcome: 'failed',
      failureStage: 'request_rejected',
      errorCategory: 'rate_limit',
      retryAfterMs: 3000,
      status: 429,
    });
    await refusedBy(() => assertToolCallsComplete(response), 'LLM_STREAM_TOOL_CALLS_UNKNOWN');
    await response.text();
  });

  test('is told apart by its Response, not by the reason of a signal that ended several', async () => {
    const { url, init } = harness.ask('shared signal', { reply: TEXT, hold: { afterChunks: 2, until: 'client_gone' } });
    const controller = new AbortController();
    const responses = await Promise.all([1, 2].map(() => fetch(url, { ...init, signal: controller.signal })));
    const reading = Promise.all(responses.map((response) => thrownBy(() => response.text())));
    await vi.waitFor(() => {
      for (const response of responses) expect(outcomeOf(response)?.chunkCount).toBe(2);
    });
    controller.abort(new Error('the page was closed'));
    const [first, second] = await reading;
    expect(first).toBe(second);
    expect(outcomeOf(first)).toBeUndefined();
    await refusedBy(() => assertCompleted(first), 'LLM_STREAM_AMBIGUOUS');
    expect(responses.map((response) => outcomeOf(response)?.terminationKind)).toEqual([
      'consumer_abort',
      'consumer_abort',
    ]);
  });

  test('is not observed, where it is no LLM call', async () => {
    const response = await fetch(`${harness.provider.url}/v1/embeddings`, { method: 'POST', body: '{}' });
    await response.text();
    expect(outcomeOf(response)).toBeUndefined();
    await refusedBy(() => assertToolCallsComplete(response), 'LLM_STREAM_NOT_OBSERVED');
  });
});

describe('the tool calls of an answer', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.close());

  test('pass when they are whole', async () => {
    const { url, init } = harness.ask('whole', { reply: TOOLS });
    const response = await fetch(url, init);
    await response.text();
    expect(assertToolCallsComplete(response).toolCalls).toEqual([
      { choice: 0, index: 0, id: 'call_0', name: 'get_weather', complete: true },
      { choice: 0, index: 1, id: 'call_1', name: 'book', complete: true },
    ]);
  });

  test('pass in one document, too', async () => {
    const { url, init } = harness.ask('document', { reply: TOOLS }, { stream: false });
    const response = await fetch(url, init);
    await response.json();
    expect(assertToolCallsComplete(response)).toMatchObject({ toolCallCount: 2, toolCallsComplete: true });
  });

  test('do not pass when the second one is cut, although the body ends as if all were well', async () => {
    const { url, init } = harness.ask('half', { reply: TOOLS, faults: [{ type: 'silent_end', afterChunks: 6 }] });
    const response = await fetch(url, init);
    await response.text();
    expect(outcomeOf(response)).toMatchObject({ failureStage: 'during_tool_call', toolCallsComplete: false });
    expect(await refusedBy(() => assertToolCallsComplete(response), 'LLM_STREAM_TOOL_CALLS_INCOMPLETE')).toBe(
      'expected complete tool calls, got 2 of 2 incomplete: call 0 "get_weather" (call_0), call 1 "book" (call_1); they must not be executed',
    );
  });

  test('do not pass when nobody said that they are finished', async () => {
    const { url, init } = harness.ask('no finish', {
      reply: TOOLS,
      faults: [{ type: 'no_finish_reason' }, { type: 'no_done' }],
    });
    const response = await fetch(url, init);
    await response.text();
    await refusedBy(() => assertToolCallsComplete(response), 'LLM_STREAM_TOOL_CALLS_INCOMPLETE');
  });

  test('do not pass when the limit of tokens came first', async () => {
    const limited = chatToolCalls([{ name: 'book', fragments: ['{"room": "', CANARY] }], { finishReason: 'length' });
    const { url, init } = harness.ask('limited', { reply: limited });
    const response = await fetch(url, init);
    await response.text();
    expect(assertCompleted(response)).toMatchObject({
      completion: 'length',
      errorCategory: 'incomplete_tool_arguments',
      toolCallsComplete: false,
    });
    await refusedBy(() => assertToolCallsComplete(response), 'LLM_STREAM_TOOL_CALLS_INCOMPLETE');
  });

  test('do not pass when a chunk could not be read, although what is left of the arguments closes', async () => {
    const { url, init } = harness.ask('malformed', {
      reply: TOOLS,
      faults: [{ type: 'malformed_chunk', afterChunks: 3 }],
    });
    const response = await fetch(url, init);
    await response.text();
    expect(assertCompleted(response).errorCategory).toBe('invalid_stream_chunk');
    expect(await refusedBy(() => assertToolCallsComplete(response), 'LLM_STREAM_TOOL_CALLS_UNKNOWN')).toContain(
      '1 chunk could not be read',
    );
  });

  test('do not pass when nobody could see the answer', async () => {
    const { url, init } = harness.ask('unseen', { reply: TOOLS });
    const response = await fetch(url, init);
    // Made around us: the body's own methods are not asked.
    if (response.body) {
      const reader = new ReadableStreamDefaultReader(response.body);
      while (!(await reader.read()).done);
    }
    await vi.waitFor(() => expect(outcomeOf(response)?.outcome).toBe('failed'));
    expect(outcomeOf(response)).not.toHaveProperty('toolCallCount');
    expect(await refusedBy(() => assertToolCallsComplete(response), 'LLM_STREAM_TOOL_CALLS_UNKNOWN')).toContain(
      'nobody could see it',
    );
  });

  test('do not pass when the document is larger than what is read of it', async () => {
    const text = 'x'.repeat(9 * 1024 * 1024);
    const { url, init } = harness.ask('huge', { reply: chatText([text]) }, { stream: false });
    const response = await fetch(url, init);
    await response.text();
    expect(outcomeOf(response)).toMatchObject({ outcome: 'completed', toolCallCount: 0 });
    expect(await refusedBy(() => assertToolCallsComplete(response), 'LLM_STREAM_TOOL_CALLS_UNKNOWN')).toContain(
      'content was not read',
    );
  });
});

describe('a call without a span that anybody keeps', () => {
  let provider: FaultyProvider;
  let undo: (() => void)[];
  beforeEach(async () => {
    provider = await startFaultyProvider();
    provider.define('half', { reply: TOOLS, faults: [{ type: 'silent_end', afterChunks: 6 }] });
    undo = [];
  });
  afterEach(async () => {
    for (const each of undo) each();
    await provider.close();
  });

  async function half(): Promise<Response> {
    const response = await fetch(`${provider.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'half', stream: true, messages: [] }),
    });
    await response.text();
    return response;
  }

  test('has an outcome where the sampler drops it, with the ids that its children see', async () => {
    const exporter = new InMemorySpanExporter();
    const tracerProvider = new BasicTracerProvider({
      sampler: new AlwaysOffSampler(),
      spanProcessors: [new SimpleSpanProcessor(exporter)],
    });
    undo = [registerInstrumentations({ instrumentations: [new LlmStreamInstrumentation()], tracerProvider })];
    const response = await half();
    expect(outcomeOf(response)).toMatchObject({
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      outcome: 'failed',
      failureStage: 'during_tool_call',
    });
    await refusedBy(() => assertToolCallsComplete(response), 'LLM_STREAM_TOOL_CALLS_INCOMPLETE');
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  test('has an outcome where there is no SDK, and no ids', async () => {
    const instrumentation = new LlmStreamInstrumentation();
    undo = [() => instrumentation.disable()];
    const outcome = outcomeOf(await half());
    expect(outcome).toMatchObject({ outcome: 'failed', failureStage: 'during_tool_call' });
    expect(outcome).not.toHaveProperty('traceId');
    expect(outcome).not.toHaveProperty('spanId');
  });
});
