/** Calls that an application forgets: garbage is one of the endings, and we keep nothing from becoming garbage. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { instrumentOpenAI } from '../../src/index.js';
import type { ScenarioOrList } from '../../src/testing/index.js';
import { expectSpan, type Harness, startHarness } from '../scenarios/harness.js';
import { withoutBytes } from './expected.js';
import { loadSdks, type Sdk } from './sdks.js';
import { ask, cancelled, completed, read, TEXT, UNSEEN } from './way.js';

const sdks = await loadSdks();
let harness: Harness;
let collectGarbage: () => void;

beforeAll(async () => {
  setFlagsFromString('--expose-gc');
  collectGarbage = runInNewContext('gc');
  harness = await startHarness();
  for (const { OpenAI } of sdks) instrumentOpenAI(OpenAI);
});
afterAll(() => harness.close());

const NOT_READ = cancelled('not_consumed', 'before_first_token', 0);

describe.each(sdks)('$name', (sdk) => {
  const modelOf = (name: string, scenario: ScenarioOrList): string => {
    const model = `${name} | ${sdk.name}`;
    harness.provider.define(model, scenario);
    return model;
  };

  const byNodeFetch = 'a call that nobody awaits is unknown: by node-fetch, nobody sees whether it is read';
  test(sdk.major === 4 ? byNodeFetch : 'a call that nobody awaits ends when it is collected', async () => {
    const model = modelOf('never awaited', { reply: TEXT });
    void create(sdk, model);
    await answered(model);
    expectSpan(await collected(model), sdk.major === 4 ? UNSEEN : NOT_READ);
  });

  test('a stream that nobody loops over ends when it is collected', async () => {
    const model = modelOf('never looped over', { reply: TEXT });
    await (async () => void (await create(sdk, model)))();
    expectSpan(await collected(model), NOT_READ);
  });

  test('a loop that nobody goes on with ends when it is collected', async () => {
    const model = modelOf('forgotten', { reply: TEXT, delivery: { writes: 'whole' } });
    await (async () => {
      const iterator = (await create(sdk, model))[Symbol.asyncIterator]();
      await iterator.next();
      await iterator.next();
    })();
    expectSpan(await collected(model), cancelled('not_consumed', 'after_first_token', 2));
  });

  const byReturn = 'tee(), both branches left, is left';
  test(sdk.major === 7 ? byReturn : 'tee(), both branches left, ends when it is collected', async () => {
    const model = modelOf('both branches left', { reply: TEXT, delivery: { writes: 'whole' } });
    await (async () => {
      for (const branch of (await create(sdk, model)).tee()) expect(await read(branch, 2)).toBe('left after 2');
    })();
    const termination = sdk.major === 7 ? 'consumer_break' : 'not_consumed';
    expectSpan(await collected(model), cancelled(termination, 'after_first_token', 2));
  });

  test('a stream outlives the promise it came from', async () => {
    const model = modelOf('outlives its promise', {
      reply: TEXT,
      hold: { afterChunks: 1, until: 'released', gate: sdk.name },
    });
    const { stream, promise } = await (async () => {
      const made = create(sdk, model);
      return { stream: await made, promise: new WeakRef(made) };
    })();
    await until(() => promise.deref() === undefined);
    expect(promise.deref()).toBeUndefined();
    harness.provider.gate(sdk.name).open();
    expect(await read(stream)).toBe('ended after 5');
    expectSpan(await harness.span(model), sdk.major === 4 ? withoutBytes(completed()) : completed());
  });

  test('a stream that was read is not kept', async () => {
    const model = modelOf('not kept', { reply: TEXT });
    const kept = await (async () => {
      const client = clientOf(sdk);
      const promise = ask(client, request(model));
      const stream = await promise;
      const { response } = await promise.withResponse();
      await read(stream);
      return [client, promise, stream, response].map((one) => new WeakRef<object>(one));
    })();
    await harness.span(model);
    await until(() => kept.every((one) => one.deref() === undefined));
    expect(kept.map((one) => one.deref())).toEqual([undefined, undefined, undefined, undefined]);
  });
});

function clientOf({ OpenAI }: Sdk) {
  return new OpenAI({ apiKey: 'sk-any', baseURL: `${harness.provider.url}/v1`, maxRetries: 0 });
}

function request(model: string): Parameters<typeof ask>[1] {
  return { model, stream: true, messages: [{ role: 'user', content: 'Hello' }] };
}

function create(sdk: Sdk, model: string) {
  return ask(clientOf(sdk), request(model));
}

async function answered(model: string): Promise<void> {
  await vi.waitFor(() => expect(received(model)).toBeDefined(), { interval: 5 });
  await received(model)?.closed;
}

function received(model: string) {
  return harness.provider.requests.find((one) => one.model === model);
}

async function collected(model: string) {
  await until(() => harness.spans.some(({ attributes }) => attributes['gen_ai.request.model'] === model));
  return harness.span(model);
}

async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 300 && !condition(); round += 1) {
    // First another turn: what a WeakRef was asked for lives to the end of this one.
    await new Promise((resolve) => setTimeout(resolve, 10));
    collectGarbage();
  }
}
