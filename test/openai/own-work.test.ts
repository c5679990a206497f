/** What observing costs in kind: on the SDK's road we parse no chunk again, and enter no AsyncLocalStorage of our own accord. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  endOpenCalls,
  holdCall,
  instrumentOpenAI,
  outcomeOf,
  recordFailure,
  withCallContext,
} from '../../src/index.js';
import { processState } from '../../src/process-state.js';
import { chatText } from '../../src/testing/index.js';
import { CANARY, type Harness, startHarness } from '../scenarios/harness.js';
import { loadSdks, type Sdk } from './sdks.js';

const sdks = await loadSdks();
const TEXTS = Array.from({ length: 40 }, (_, at) => `${CANARY} ${at}`);
/** The opening chunk, the texts, the finish. */
const CHUNKS = 42;

let harness: Harness;
beforeAll(async () => {
  // As an application that has a context manager, and no context of its own yet.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  harness = await startHarness();
  for (const { OpenAI } of sdks) instrumentOpenAI(OpenAI);
});
afterAll(async () => {
  context.disable();
  await harness.close();
});

/** Whose function called what is spied upon. */
type Caller = 'we' | 'the SDK' | 'others';
let callers: Caller[] = [];

function callerOf(stack: string | undefined): Caller {
  const frames = (stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  // Ours where our code stands before anybody else's, the OpenTelemetry API aside, by which we would enter a context.
  const caller = frames.find((frame) => !/own-work\.test|@opentelemetry|node:|@vitest|vitest\//.test(frame)) ?? '';
  if (/[\\/]src[\\/](?!testing[\\/])/.test(caller) && !caller.includes('node_modules')) return 'we';
  return /node_modules[\\/]openai[\\/]/.test(caller) ? 'the SDK' : 'others';
}

function count(caller: Caller): number {
  return callers.filter((one) => one === caller).length;
}

beforeEach(() => {
  callers = [];
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function loop(sdk: Sdk, model: string): Promise<number> {
  harness.provider.define(model, { reply: chatText(TEXTS) });
  const client = new sdk.OpenAI({ apiKey: 'sk-any', baseURL: `${harness.provider.url}/v1` });
  const messages = [{ role: 'user' as const, content: 'Hello' }];
  let chunks = 0;
  for await (const _ of await client.chat.completions.create({ model, stream: true, messages })) chunks += 1;
  await harness.span(model);
  return chunks;
}

describe('JSON.parse', () => {
  function spyOnParse(): void {
    const original = JSON.parse;
    vi.spyOn(JSON, 'parse').mockImplementation((...args) => {
      // Only what is an answer: a request body is looked into once.
      if (String(args[0]).includes('chat.completion.chunk')) callers.push(callerOf(new Error().stack));
      return original(...args);
    });
  }

  test.each(sdks)('$name: we parse no chunk of a loop, the SDK each', async (sdk) => {
    spyOnParse();
    expect(await loop(sdk, `parsed by ${sdk.name}`)).toBe(CHUNKS);
    expect(count('the SDK')).toBe(CHUNKS);
    expect(count('we')).toBe(0);
  });

  test('is ours where nobody loops: a raw reader of the SDK’s Response', async () => {
    spyOnParse();
    const sdk = sdks[4] ?? expect.fail('no openai 6');
    const model = 'parsed by us';
    harness.provider.define(model, { reply: chatText(TEXTS) });
    const client = new sdk.OpenAI({ apiKey: 'sk-any', baseURL: `${harness.provider.url}/v1` });
    const messages = [{ role: 'user' as const, content: 'Hello' }];
    await (await client.chat.completions.create({ model, stream: true, messages }).asResponse()).text();
    const span = await harness.span(model);
    expect(span.attributes['llm_stream.chunk_count']).toBe(CHUNKS);
    expect(count('we')).toBeGreaterThan(0);
    expect(count('the SDK')).toBe(0);
  });
});

describe('AsyncLocalStorage', () => {
  function spyOnStorage(): void {
    for (const name of ['run', 'enterWith'] as const) {
      const original = AsyncLocalStorage.prototype[name];
      vi.spyOn(AsyncLocalStorage.prototype, name).mockImplementation(function (this: unknown, ...args: unknown[]) {
        callers.push(callerOf(new Error().stack));
        return Reflect.apply(original, this, args);
      });
    }
  }

  test.each(sdks)('$name: is not entered by us in a process without a context of its own', async (sdk) => {
    spyOnStorage();
    expect(await loop(sdk, `entered by ${sdk.name}`)).toBe(CHUNKS);
    expect(count('we')).toBe(0);
  });

  test('is not made by us either, whatever an application asks of its calls, before `withCallContext` is used', async () => {
    spyOnStorage();
    const { url, init } = harness.ask('asked about', { reply: chatText(TEXTS) });
    const response = await fetch(url, init);
    const held = holdCall(response);
    await response.text();
    recordFailure(new Error('no prompt'));
    held.release();
    endOpenCalls();
    expect(outcomeOf(response)?.outcome).toBe('completed');
    expect(count('we')).toBe(0);
    expect(processState().contexts).toBeUndefined();
  });

  test('is entered by us round the request of an application that has a context', async () => {
    const own = ROOT_CONTEXT.setValue(Symbol('own'), 'value');
    const sdk = sdks[4] ?? expect.fail('no openai 6');
    spyOnStorage();
    expect(await context.with(own, () => loop(sdk, 'entered in a context'))).toBe(CHUNKS);
    // From Node 24 on, one `run` is made of two `enterWith`.
    expect(count('we')).toBeGreaterThan(0);
  });

  test('is entered by us once for a callback of `withCallContext`, whatever happens in it', async () => {
    const sdk = sdks[4] ?? expect.fail('no openai 6');
    const model = 'entered by a call context';
    harness.provider.define(model, { reply: chatText(TEXTS) });
    spyOnStorage();
    await withCallContext({}, async () => 'no call');
    const empty = count('we');
    expect(empty).toBeGreaterThan(0);
    callers = [];
    await withCallContext({ feature: 'loop' }, () => loop(sdk, model));
    expect(count('we')).toBe(empty);
  });
});
