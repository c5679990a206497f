/** `recordFailure`: what an application says of a call that never came to a request. */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FailedCall, outcomeOf, recordFailure, withCallContext } from '../../src/index.js';
import { chatText } from '../../src/testing/index.js';
import { CANARY, expectSpan, exportedBytes, type Harness, startHarness } from '../scenarios/harness.js';

let harness: Harness;
let lines: string[];
let before: number;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());
beforeEach(() => {
  lines = [];
  before = harness.spans.length;
  const keep = (line: string) => void lines.push(line);
  diag.setLogger({ error: keep, warn: keep, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
});
afterEach(() => diag.disable());

function spans(): readonly ReadableSpan[] {
  return harness.spans.slice(before);
}

function onlySpan(): ReadableSpan {
  const [span, ...others] = spans();
  if (span === undefined || others.length > 0) throw new Error(`${spans().length} spans`);
  expect(exportedBytes(span)).not.toContain(CANARY);
  return span;
}

class PromptError extends Error {}

const NEVER_SENT = {
  outcome: 'failed',
  failureStage: 'before_request',
  stage: 'before_request',
  termination: 'local_error',
  category: 'unknown',
  fault: 'application',
  chunks: 0,
} as const;

describe('a recorded failure', () => {
  test('is a span with what is known of the call, and the class of the error', () => {
    recordFailure(new PromptError(CANARY), { operation: 'chat', provider: 'openai', model: 'gpt-5.1', stream: true });
    const span = onlySpan();
    expect(span.name).toBe('chat gpt-5.1');
    expectSpan(span, {
      ...NEVER_SENT,
      also: {
        'error.type': 'PromptError',
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'gpt-5.1',
        'gen_ai.request.stream': true,
        'llm_stream.observed_by': ['application'],
      },
    });
  });

  test('is one by its error alone', () => {
    recordFailure(new PromptError(CANARY));
    expect(onlySpan().name).toBe('llm_stream.call');
    expectSpan(onlySpan(), NEVER_SENT);
  });

  test('is found by its error, and has a span of its own', () => {
    const error = new PromptError();
    recordFailure(error, { model: 'gpt-5.1' });
    expect(outcomeOf(error)).toMatchObject({
      outcome: 'failed',
      failureStage: 'before_request',
      spanId: onlySpan().spanContext().spanId,
    });
  });

  test('has the context that it is said in', () => {
    withCallContext({ feature: 'summary', attributes: { 'app.tenant': 'acme' } }, () =>
      recordFailure(new PromptError()),
    );
    expect(onlySpan().attributes).toMatchObject({ 'llm_stream.feature': 'summary', 'app.tenant': 'acme' });
  });

  test.each(['it', 'another error'])('is one span where the callback then rejects with %s', async (which) => {
    const error = new PromptError();
    const then = which === 'it' ? error : new Error(which);
    const given = withCallContext({}, async () => {
      recordFailure(error, { model: 'gpt-5.1' });
      throw then;
    });
    await expect(given).rejects.toBe(then);
    expect(onlySpan().attributes['gen_ai.request.model']).toBe('gpt-5.1');
  });

  test('is one span, however often it is said', () => {
    const error = new PromptError();
    recordFailure(error);
    recordFailure(error);
    expect(spans()).toHaveLength(1);
  });

  test('is one span where a context around says it, too', () => {
    const error = new PromptError();
    withCallContext({ feature: 'outer' }, () => {
      withCallContext({ retryAttempt: 0 }, () => recordFailure(error));
      recordFailure(error);
    });
    expect(onlySpan().attributes['llm_stream.retry_attempt']).toBe(0);
  });

  test('is a span in each context, where one error stands for many failures', () => {
    const error = new PromptError('circuit open');
    for (const requestId of ['a', 'b', 'c']) withCallContext({ requestId }, () => recordFailure(error));
    expect(spans().map(({ attributes }) => attributes['llm_stream.request_id'])).toEqual(['a', 'b', 'c']);
  });

  test('is a span where it has a recorded one for its cause', () => {
    const error = new PromptError();
    recordFailure(error);
    recordFailure(new TypeError('wrapped', { cause: error }));
    expect(spans().map(({ attributes }) => attributes['error.type'])).toEqual(['PromptError', 'TypeError']);
  });

  test('is a span where what caused it came out of an observed call, such as what opened a circuit', async () => {
    const { url, init } = harness.ask('opens', { reply: chatText(['x']), faults: [{ type: 'reset', afterChunks: 1 }] });
    const error = await fetch(url, init)
      .then((response) => response.text())
      .catch((thrown: unknown) => thrown);
    await harness.span('opens');
    recordFailure(new PromptError('circuit open', { cause: error }), { model: 'not asked' });
    expect(spans().map(({ attributes }) => attributes['gen_ai.request.model'])).toEqual(['opens', 'not asked']);
  });

  test('is none where the error came out of an observed call', async () => {
    const { url, init } = harness.ask('observed', {
      reply: chatText(['x']),
      faults: [{ type: 'reset', afterChunks: 1 }],
    });
    const error = await fetch(url, init)
      .then((response) => response.text())
      .catch((thrown: unknown) => thrown);
    recordFailure(error, { model: 'observed' });
    expect((await harness.spansOf('observed', 1)).length).toBe(1);
    expect(spans()).toHaveLength(1);
  });

  test('is cancelled where it is an abort', () => {
    recordFailure(new DOMException(CANARY, 'AbortError'));
    expectSpan(onlySpan(), {
      ...NEVER_SENT,
      outcome: 'cancelled',
      failureStage: 'client_aborted',
      termination: 'consumer_abort',
      category: undefined as never,
      fault: 'client',
    });
  });

  test('tells the outcome to the context', () => {
    const told: unknown[] = [];
    withCallContext({ onOutcome: ({ failureStage, errorType }) => told.push([failureStage, errorType]) }, () =>
      recordFailure(new PromptError()),
    );
    expect(told).toEqual([['before_request', 'PromptError']]);
  });

  test('is nothing while the instrumentation is disabled', () => {
    harness.instrumentation.disable();
    recordFailure(new PromptError());
    harness.instrumentation.enable();
    expect(spans()).toEqual([]);
  });
});

describe('never throws, and records what fits', () => {
  test.each<readonly [string, unknown, unknown, string]>([
    ['undefined', undefined, undefined, '_OTHER'],
    ['a string for an error', CANARY, {}, '_OTHER'],
    ['null for a call', new PromptError(), null, 'PromptError'],
    ['text for a call', new PromptError(), 'gpt-5.1', 'PromptError'],
    [
      'names that are none',
      new PromptError(),
      { operation: 7, provider: '', model: { name: 'x' }, stream: 'yes' },
      'PromptError',
    ],
    ['an error whose getters throw', hostile(), {}, '_OTHER'],
  ])('%s', (_, error, call, errorType) => {
    recordFailure(error, call as FailedCall);
    const { name, attributes } = onlySpan();
    expect(name).toBe('llm_stream.call');
    expect(attributes['error.type']).toBe(errorType);
    expect(Object.keys(attributes).filter((key) => key.startsWith('gen_ai.'))).toEqual([]);
    expect(lines).toEqual([]);
  });

  test('a name is cut at 128 characters', () => {
    recordFailure(new PromptError(), { model: 'm'.repeat(500) });
    expect(onlySpan().attributes['gen_ai.request.model']).toBe('m'.repeat(128));
  });

  test('a call whose getters throw costs one line', () => {
    recordFailure(new PromptError(), hostile());
    expect(spans()).toEqual([]);
    expect(lines).toEqual([expect.stringContaining('Error in recordFailure; the call goes on')]);
  });
});

/** Every property of it throws. */
function hostile(): object {
  return new Proxy(
    {},
    {
      get: () => {
        throw new Error(CANARY);
      },
    },
  );
}
