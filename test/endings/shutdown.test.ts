/** Whoever records the calls stops: the tracer provider shuts down, or the application says `endOpenCalls()`. */
import { trace } from '@opentelemetry/api';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { endOpenCalls, LlmStreamInstrumentation, outcomeOf } from '../../src/index.js';
import { chatText, type FaultyProvider, startFaultyProvider } from '../../src/testing/index.js';

let provider: FaultyProvider;
let instrumentation: LlmStreamInstrumentation;
const leftovers: AbortController[] = [];

beforeAll(async () => {
  provider = await startFaultyProvider();
});
afterAll(() => provider.close());
beforeEach(() => {
  instrumentation = new LlmStreamInstrumentation();
});
afterEach(() => {
  endOpenCalls();
  instrumentation.disable();
  trace.disable();
  for (const leftover of leftovers.splice(0)) leftover.abort();
});

/** A tracer provider, and the words of the spans that ended. */
function tracing(more: readonly SpanProcessor[] = []) {
  const exporter = new InMemorySpanExporter();
  const ended: unknown[] = [];
  const noting = processor((span) => ended.push(span.attributes['llm_stream.termination_kind']));
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter), noting, ...more],
  });
  return { tracerProvider, ended };
}

function processor(onEnd: (span: ReadableSpan) => void): SpanProcessor {
  return { onStart() {}, onEnd, forceFlush: async () => {}, shutdown: async () => {} };
}

function register(tracerProvider?: BasicTracerProvider): void {
  registerInstrumentations({ instrumentations: [instrumentation], ...(tracerProvider && { tracerProvider }) });
}

/** A Response that stops before its finish until its gate is opened. */
async function open(gate = 'a gate'): Promise<Response> {
  provider.define(gate, { reply: chatText(['Hello']), hold: { afterChunks: 2, until: 'released', gate } });
  const leftover = new AbortController();
  leftovers.push(leftover);
  return fetch(`${provider.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: gate, stream: true, messages: [] }),
    signal: leftover.signal,
  });
}

const isOpen = (response: Response) => outcomeOf(response)?.outcome === 'open';
const listeners = () => ['exit', 'beforeExit', 'SIGTERM', 'SIGINT'].map((name) => process.listenerCount(name));

describe('a tracer provider that shuts down ends the open calls', () => {
  test('where it was given', async () => {
    const { tracerProvider, ended } = tracing();
    register(tracerProvider);
    await Promise.all([open(), open()]);
    await tracerProvider.shutdown();
    expect(ended).toEqual(['shutdown', 'shutdown']);
  });

  test('where it is the global one, registered after the instrumentation was', async () => {
    const { tracerProvider, ended } = tracing();
    register();
    trace.setGlobalTracerProvider(tracerProvider);
    await open();
    await tracerProvider.shutdown();
    expect(ended).toEqual(['shutdown']);
  });

  test('with what was decided already', async () => {
    const { tracerProvider, ended } = tracing();
    register(tracerProvider);
    provider.define('finished', { reply: chatText(['Hello']), hold: { after: 'finish', until: 'client_gone' } });
    const leftover = new AbortController();
    leftovers.push(leftover);
    const { body } = await fetch(`${provider.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'finished', stream: true, messages: [] }),
      signal: leftover.signal,
    });
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ''; !text.includes('"finish_reason":"stop"'); ) text += (await reader?.read())?.value;
    await tracerProvider.shutdown();
    expect(ended).toEqual(['finish_reason_eof']);
  });

  test('of its own, and no other', async () => {
    const [first, second] = [tracing(), tracing()];
    register(first.tracerProvider);
    await open();
    instrumentation.setTracerProvider(second.tracerProvider);
    const other = await open();
    await first.tracerProvider.shutdown();
    expect({ first: first.ended, second: second.ended, other: isOpen(other) }).toEqual({
      first: ['shutdown'],
      second: [],
      other: true,
    });
  });

  test('when its `shutdown` cannot be replaced, not; the call goes on', async () => {
    const { tracerProvider, ended } = tracing();
    Object.freeze(tracerProvider);
    register(tracerProvider);
    const response = await open('frozen');
    await tracerProvider.shutdown();
    expect(isOpen(response)).toBe(true);
    expect(endOpenCalls()).toBe(1);
    expect(ended).toEqual(['shutdown']);
  });

  test('and forceFlush() does not', async () => {
    const { tracerProvider, ended } = tracing();
    register(tracerProvider);
    const response = await open();
    await tracerProvider.forceFlush();
    expect({ ended, isOpen: isOpen(response) }).toEqual({ ended: [], isOpen: true });
  });
});

describe('`shutdown` of a tracer provider', () => {
  const ownShutdown = (tracerProvider: object) => Object.getOwnPropertyDescriptor(tracerProvider, 'shutdown');

  test('is its own until the first call, and after disable()', async () => {
    const { tracerProvider } = tracing();
    const keys = Object.keys(tracerProvider);
    register(tracerProvider);
    expect(ownShutdown(tracerProvider)).toBeUndefined();
    await (await fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body: '{"model":"default"}' })).text();
    expect(ownShutdown(tracerProvider)).toMatchObject({ enumerable: false });
    expect(Object.keys(tracerProvider)).toEqual(keys);
    instrumentation.disable();
    expect(ownShutdown(tracerProvider)).toBeUndefined();
  });

  test('gets its `this` and arguments, and its promise comes back', async () => {
    const { tracerProvider } = tracing();
    const promise = Promise.reject(new Error('flush failed'));
    promise.catch(() => {});
    const calls: unknown[] = [];
    const original = function (this: unknown, ...args: unknown[]) {
      calls.push([this, args]);
      return promise;
    };
    Object.defineProperty(tracerProvider, 'shutdown', { value: original, configurable: true });
    register(tracerProvider);
    await open();
    const patched: unknown = Reflect.get(tracerProvider, 'shutdown');
    expect(patched).not.toBe(original);
    expect(Reflect.apply(tracerProvider.shutdown, tracerProvider, [1, 2])).toBe(promise);
    expect(calls).toEqual([[tracerProvider, [1, 2]]]);
    instrumentation.disable();
    expect(ownShutdown(tracerProvider)).toMatchObject({ value: original, enumerable: false, writable: false });
  });

  test('stays where somebody wrapped it since, and is a pass-through', async () => {
    const { tracerProvider } = tracing();
    register(tracerProvider);
    await open();
    const ours = tracerProvider.shutdown;
    let wrapperCalls = 0;
    const theirs = function (this: BasicTracerProvider) {
      wrapperCalls += 1;
      return ours.call(this);
    };
    tracerProvider.shutdown = theirs;
    endOpenCalls();
    instrumentation.disable();
    expect(tracerProvider.shutdown).toBe(theirs);
    instrumentation.enable();
    instrumentation.setTracerProvider(tracing().tracerProvider);
    const response = await open();
    await tracerProvider.shutdown();
    expect({ wrapperCalls, isOpen: isOpen(response) }).toEqual({ wrapperCalls: 1, isOpen: true });
  });

  test('is put back after disable() once the calls under way have ended', async () => {
    const { tracerProvider, ended } = tracing();
    register(tracerProvider);
    const response = await open('under way');
    instrumentation.disable();
    expect(ownShutdown(tracerProvider)).toBeDefined();
    provider.gate('under way').open();
    await response.text();
    expect(ownShutdown(tracerProvider)).toBeUndefined();
    expect(ended).toEqual(['done_event']);
  });

  test('ends the calls under way after disable(), too', async () => {
    const { tracerProvider, ended } = tracing();
    register(tracerProvider);
    await open();
    instrumentation.disable();
    await tracerProvider.shutdown();
    expect(ended).toEqual(['shutdown']);
    expect(ownShutdown(tracerProvider)).toBeUndefined();
  });

  test('is wrapped again after the instrumentation was enabled again', async () => {
    const { tracerProvider, ended } = tracing();
    register(tracerProvider);
    await open();
    instrumentation.disable();
    instrumentation.enable();
    await open();
    await tracerProvider.shutdown();
    expect(ended).toEqual(['shutdown', 'shutdown']);
  });
});

describe('endOpenCalls()', () => {
  test('says how many it ended', async () => {
    const { tracerProvider, ended } = tracing();
    register(tracerProvider);
    await Promise.all([open(), open(), open()]);
    expect([endOpenCalls(), endOpenCalls()]).toEqual([3, 0]);
    expect(ended).toEqual(['shutdown', 'shutdown', 'shutdown']);
  });

  test('leaves the stream alone: what comes afterwards reaches the application', async () => {
    const { tracerProvider } = tracing();
    register(tracerProvider);
    const response = await open('goes on');
    endOpenCalls();
    provider.gate('goes on').open();
    expect(await response.text()).toContain('data: [DONE]');
    expect(outcomeOf(response)).toMatchObject({ outcome: 'cancelled', terminationKind: 'shutdown', chunkCount: 0 });
  });

  test('ends calls that nobody samples', async () => {
    register();
    const response = await open();
    expect(endOpenCalls()).toBe(1);
    expect(outcomeOf(response)).toMatchObject({ terminationKind: 'shutdown', failureStage: 'unknown' });
  });

  test('does not throw where a span processor does, and ends the other calls', async () => {
    let calls = 0;
    const throwing = processor(() => {
      calls += 1;
      throw new Error('a processor');
    });
    const { tracerProvider } = tracing([throwing]);
    register(tracerProvider);
    const responses = await Promise.all([open(), open()]);
    expect(endOpenCalls()).toBe(2);
    expect({ calls, open: responses.filter(isOpen) }).toEqual({ calls: 2, open: [] });
  });

  test('ends the calls that are open, not those that somebody begins because of it', async () => {
    const begun: Promise<Response>[] = [];
    const begin = processor(() => {
      if (begun.length === 0) begun.push(open());
    });
    const { tracerProvider, ended } = tracing([begin]);
    register(tracerProvider);
    await open();
    expect(endOpenCalls()).toBe(1);
    const [next] = await Promise.all(begun);
    expect({ ended, next: next && isOpen(next) }).toEqual({ ended: ['shutdown'], next: true });
  });
});

test('the process has listeners of ours while a call is open, none for a signal, and as many of its own as before', async () => {
  const before = listeners();
  const limit = process.getMaxListeners();
  const { tracerProvider } = tracing();
  register(tracerProvider);
  expect(listeners()).toEqual(before);
  const [exit = 0, beforeExit = 0, ...signals] = before;
  await Promise.all([open(), open()]);
  expect(listeners()).toEqual([exit + 1, beforeExit + 1, ...signals]);
  endOpenCalls();
  expect({ listeners: listeners(), limit: process.getMaxListeners() }).toEqual({ listeners: before, limit });
});
