/** Clients that an application built before it was observed keep the `fetch` they found: they are observed all the same. */
import { type DiagLogger, diag } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { instrumentOpenAI } from '../../src/index.js';
import { type FaultyProvider, httpError, type ScenarioOrList, startFaultyProvider } from '../../src/testing/index.js';
import { expectSpan, type Harness, startHarness } from '../scenarios/harness.js';
import { withoutBytes } from './expected.js';
import { loadSdks, type Sdk } from './sdks.js';
import { answered, ask, cancelled, completed, failing, read, rejected, TEXT } from './way.js';

const sdks = await loadSdks();
const warnings: string[] = [];
let provider: FaultyProvider;
let harness: Harness;
let early: ReadonlyMap<Sdk, Early>;

interface Early {
  readonly client: InstanceType<Sdk['OpenAI']>;
  readonly promiseClass: unknown;
  readonly streamClass: unknown;
}

beforeAll(async () => {
  const log = (message: string) => void warnings.push(message);
  const logger: DiagLogger = { error: log, warn: log, info() {}, debug() {}, verbose() {} };
  diag.setLogger(logger);
  provider = await startFaultyProvider();
  early = new Map(await Promise.all(sdks.map(async (sdk) => [sdk, await before(sdk)] as const)));
  harness = await startHarness();
  for (const { OpenAI } of sdks) instrumentOpenAI(OpenAI);
});
afterAll(async () => {
  await harness.close();
  await provider.close();
  diag.disable();
});

async function before(sdk: Sdk): Promise<Early> {
  const client = new sdk.OpenAI({ apiKey: 'sk-any', baseURL: `${provider.url}/v1`, maxRetries: 1 });
  const promise = ask(client, request('default'));
  const stream = await promise;
  await read(stream);
  return { client, promiseClass: promise.constructor, streamClass: stream.constructor };
}

function request(model: string): Parameters<typeof ask>[1] {
  return { model, stream: true, messages: [{ role: 'user', content: 'Hello' }] };
}

describe.each(sdks)('$name', (sdk) => {
  function earlyOf(scenario: ScenarioOrList, name: string): Early & { readonly model: string } {
    const model = `${name} | ${sdk.name}`;
    provider.define(model, scenario);
    return { ...(early.get(sdk) ?? expect.fail('no client')), model };
  }

  const own = sdk.major === 4 ? withoutBytes : (facts: ReturnType<typeof completed>) => facts;
  const observedBy = sdk.major === 4 ? ['openai'] : ['fetch', 'openai'];
  const slow = { reply: httpError(429, { message: 'slow' }, { 'retry-after-ms': '1' }) };

  test('a stream at the second attempt', async () => {
    const { client, model } = earlyOf([slow, { reply: TEXT }], 'retried');
    expect(await read(await ask(client, request(model)))).toBe('ended after 5');
    const span = await harness.span(model);
    expectSpan(span, own(completed({ also: { 'llm_stream.attempt_count': 2, 'llm_stream.keep_alive_count': 0 } })));
    expect(span.attributes['llm_stream.observed_by']).toEqual(observedBy);
  });

  test('a loop that is broken off', async () => {
    const { client, model } = earlyOf({ reply: TEXT, hold: { afterChunks: 3, until: 'client_gone' } }, 'left');
    expect(await read(await ask(client, request(model)), 3)).toBe('left after 3');
    const facts = cancelled('consumer_break', 'after_first_token', 3);
    expectSpan(await harness.span(model), facts);
  });

  test('a whole answer', async () => {
    const { client, model } = earlyOf({ reply: TEXT }, 'whole');
    await client.chat.completions.create({ ...request(model), stream: false });
    expectSpan(await harness.span(model), answered());
  });

  test('a rejection', async () => {
    const { client, model } = earlyOf(slow, 'rejected');
    expect(await failing(ask(client, request(model)))).toBe('RateLimitError: 429 slow');
    const facts = rejected('rate_limit', 'provider', { also: { 'llm_stream.attempt_count': 2 } });
    expectSpan(await harness.span(model), facts);
  });

  test('the classes of promise and stream are those from before', async () => {
    const { client, model, promiseClass, streamClass } = earlyOf({ reply: TEXT }, 'classes');
    const promise = ask(client, request(model));
    const stream = await promise;
    expect(promise.constructor).toBe(promiseClass);
    expect(stream.constructor).toBe(streamClass);
    await read(stream);
    await harness.span(model);
  });
});

test('nothing is said of requests that did not pass the patched fetch: they are traced', () => {
  expect(warnings).toEqual([]);
});
