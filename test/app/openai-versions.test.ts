/** What leads to a call, in every copy of the OpenAI SDK that runs on this Node. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertToolCallsComplete, instrumentOpenAI, LlmStreamError, outcomeOf } from '../../src/index.js';
import { chatToolCalls, httpError, type Scenario } from '../../src/testing/index.js';
import { helpersOf, loadSdks } from '../openai/sdks.js';
import { CANARY, type Harness, startHarness } from '../scenarios/harness.js';

const TOOL = chatToolCalls([{ name: 'book', fragments: ['{"room": ', `"${CANARY}"`, '}'] }]);
const CUT: Scenario = { reply: TOOL, faults: [{ type: 'silent_end', afterChunks: 4 }] };
const RESET: Scenario = { reply: TOOL, faults: [{ type: 'reset', afterChunks: 4 }] };

const sdks = await loadSdks();
let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());

/** `passes`, or the code of what it throws. */
function checked(subject: unknown): string {
  try {
    assertToolCallsComplete(subject);
  } catch (error) {
    return error instanceof LlmStreamError ? error.code : String(error);
  }
  return 'passes';
}

async function thrownBy(ask: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    await ask();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

async function readToEnd(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

describe.each(sdks)('$name', (sdk) => {
  const clientOf = () => {
    instrumentOpenAI(sdk.OpenAI);
    return new sdk.OpenAI({ baseURL: `${harness.provider.url}/v1`, apiKey: 'sk-test', maxRetries: 0 });
  };
  const requestFor = (name: string, scenario: Scenario) => {
    const model = `${name} | ${sdk.name}`;
    harness.provider.define(model, scenario);
    return { model, messages: [{ role: 'user' as const, content: CANARY }] };
  };

  test('a stream, and the branches of its tee', async () => {
    const request = requestFor('stream', { reply: TOOL });
    const stream = await clientOf().chat.completions.create({ ...request, stream: true });
    const branches = stream.tee();
    await Promise.all(branches.map(readToEnd));
    expect([stream, ...branches].map(checked)).toEqual(['passes', 'passes', 'passes']);
    const span = await harness.span(request.model);
    expect(outcomeOf(stream)?.spanId).toBe(span.spanContext().spanId);
  });

  test('a stream whose loop ends well in the middle of a tool call', async () => {
    const stream = await clientOf().chat.completions.create({ ...requestFor('cut', CUT), stream: true });
    await readToEnd(stream);
    expect(checked(stream)).toBe('LLM_STREAM_TOOL_CALLS_INCOMPLETE');
    expect(outcomeOf(stream)).toMatchObject({
      outcome: 'failed',
      failureStage: 'during_tool_call',
      partialOutput: true,
    });
  });

  test('a stream that its signal ends in the middle of a tool call, without a word', async () => {
    const controller = new AbortController();
    const request = requestFor('abort', { reply: TOOL, hold: { afterChunks: 4, until: 'client_gone' } });
    const stream = await clientOf().chat.completions.create(
      { ...request, stream: true },
      { signal: controller.signal },
    );
    let count = 0;
    for await (const _ of stream) {
      count += 1;
      if (count === 4) controller.abort();
    }
    expect(count).toBe(4);
    expect(checked(stream)).toBe('LLM_STREAM_TOOL_CALLS_INCOMPLETE');
    expect(outcomeOf(stream)).toMatchObject({ outcome: 'cancelled', stage: 'during_tool_call' });
  });

  test('an error of the loop', async () => {
    const stream = await clientOf().chat.completions.create({ ...requestFor('reset', RESET), stream: true });
    const error = await thrownBy(() => readToEnd(stream));
    expect(outcomeOf(error)).toMatchObject({ outcome: 'failed', failureStage: 'during_tool_call', retryable: true });
    expect(checked(new Error('wrapped', { cause: error }))).toBe('LLM_STREAM_TOOL_CALLS_INCOMPLETE');
  });

  test('an error of `create`', async () => {
    const request = requestFor('refused', { reply: httpError(429, { code: 'rate_limit_exceeded' }) });
    const error = await thrownBy(() => clientOf().chat.completions.create({ ...request, stream: true }));
    expect(error).toBeInstanceOf(sdk.OpenAI.RateLimitError);
    expect(outcomeOf(error)).toMatchObject({ failureStage: 'request_rejected', errorCategory: 'rate_limit' });
  });

  test('an answer that is not streamed', async () => {
    const completion = await clientOf().chat.completions.create(requestFor('document', { reply: TOOL }));
    expect(checked(completion)).toBe('passes');
    expect(outcomeOf(completion)).toMatchObject({ outcome: 'completed', streamed: false, toolCallCount: 1 });
  });

  test('a runner, whole and cut', async () => {
    const helpers = helpersOf(sdk, clientOf());
    const whole = helpers.stream(requestFor('runner', { reply: TOOL }));
    await whole.done();
    expect(checked(whole)).toBe('passes');
    const broken = helpers.stream(requestFor('broken runner', RESET));
    const error = await thrownBy(() => broken.done());
    expect([broken, error].map(checked)).toEqual([
      'LLM_STREAM_TOOL_CALLS_INCOMPLETE',
      'LLM_STREAM_TOOL_CALLS_INCOMPLETE',
    ]);
  });
});
