import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { metrics } from '@opentelemetry/api';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { fetchWithBudgets } from '../../src/budgets.js';
import {
  endOpenCalls,
  holdCall,
  LlmStreamInstrumentation,
  type LlmStreamInstrumentationConfig,
  outcomeOf,
} from '../../src/index.js';
import { chatText, type FaultyProvider, startFaultyProvider } from '../../src/testing/index.js';
import { type Metering, startMetering } from './metering.js';

let provider: FaultyProvider;
let instrumentation: LlmStreamInstrumentation | undefined;
beforeAll(async () => {
  provider = await startFaultyProvider();
});
afterAll(() => provider.close());
afterEach(() => {
  instrumentation?.disable();
  metrics.disable();
});

function meter(config: LlmStreamInstrumentationConfig = {}): Metering {
  const metering = startMetering();
  instrumentation = new LlmStreamInstrumentation(config);
  registerInstrumentations({ instrumentations: [instrumentation], meterProvider: metering.provider });
  return metering;
}

const ACTIVE = 'llm_stream.stream.active';
const IDLE = 'llm_stream.stream.idle';

/** How many streams stand at each stage; those of which there are none left out. */
async function count(metering: Metering, name: string): Promise<Record<string, number>> {
  const points = (await metering.points(name)).filter(({ value }) => value !== 0);
  return Object.fromEntries(points.map(({ attributes, value }) => [String(attributes['llm_stream.stage']), value]));
}

interface Opened {
  readonly response: Response;
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  /** Reads to the end. */
  finish(): Promise<void>;
}

/** A stream whose first two chunks are read, and which waits for its gate before the third. */
async function open(model: string, query = '', send = fetch): Promise<Opened> {
  provider.define(model, {
    reply: chatText(['one', 'two']),
    hold: { afterChunks: 2, until: 'released', gate: model },
  });
  const body = JSON.stringify({ model, stream: true, messages: [] });
  const response = await send(`${provider.url}/v1/chat/completions${query}`, { method: 'POST', body });
  if (response.body === null) throw new Error('no body');
  const reader = response.body.getReader();
  let text = '';
  while (!text.includes('one')) text += new TextDecoder().decode((await reader.read()).value);
  return {
    response,
    reader,
    async finish() {
      provider.gate(model).open();
      while (!(await reader.read()).done);
    },
  };
}

test('calls that are under way are counted, by how far they are, and no longer when they are over', async () => {
  const metering = meter();
  const first = await open('first');
  const second = await open('second');
  expect(await metering.points(ACTIVE)).toEqual(
    ['first', 'second'].map((model) => ({
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': model,
        'llm_stream.stage': 'after_first_token',
      },
      value: 1,
    })),
  );
  await first.finish();
  expect((await metering.points(ACTIVE)).map(({ value }) => value)).toEqual([0, 1]);
  await second.finish();
  expect(await count(metering, ACTIVE)).toEqual({});
});

test('a call that waits for its headers is under way, and not idle', async () => {
  const metering = meter({ stallThresholdMs: 1 });
  provider.define('slow', {
    reply: chatText(['one']),
    hold: { after: 'request', until: 'released', gate: 'headers' },
  });
  const body = JSON.stringify({ model: 'slow', stream: true, messages: [] });
  const answer = fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body });
  await vi.waitFor(() => expect(provider.requests.at(-1)?.model).toBe('slow'));
  expect([await count(metering, ACTIVE), await count(metering, IDLE)]).toEqual([{ before_headers: 1 }, {}]);
  provider.gate('headers').open();
  await (await answer).text();
});

test('a stream is idle while its consumer waits for longer than the stall threshold, and then no longer', async () => {
  const metering = meter({ stallThresholdMs: 30 });
  const stream = await open('waits');
  const next = stream.reader.read();
  await vi.waitFor(async () => expect(await count(metering, IDLE)).toEqual({ after_first_token: 1 }));
  expect(await count(metering, ACTIVE)).toEqual({ after_first_token: 1 });
  provider.gate('waits').open();
  await next;
  while (!(await stream.reader.read()).done);
  expect(await count(metering, IDLE)).toEqual({});
});

test('a stream whose consumer is busy is not idle', async () => {
  const metering = meter({ stallThresholdMs: 1 });
  const stream = await open('busy');
  const waits = await open('waits too');
  const next = waits.reader.read();
  await vi.waitFor(async () => expect(await count(metering, IDLE)).toEqual({ after_first_token: 1 }));
  // The one that reads nothing has been there for longer.
  expect(
    (await metering.points(IDLE)).map(({ attributes, value }) => [attributes['gen_ai.request.model'], value]),
  ).toEqual([
    ['busy', 0],
    ['waits too', 1],
  ]);
  provider.gate('waits too').open();
  await next;
  await waits.finish();
  await stream.finish();
});

test('a call that is held after its stream has ended is no open stream', async () => {
  const metering = meter();
  const stream = await open('held');
  const hold = holdCall(stream.response);
  await stream.finish();
  expect(await count(metering, ACTIVE)).toEqual({});
  hold.release();
});

test('a request that only its budgets watch is no open stream, and goes on where open calls are ended', async () => {
  const metering = meter({ ignoreRequest: ({ url }) => url.searchParams.has('ignored') });
  const recorded = await open('recorded');
  const watched = await open('watched', '?ignored', fetchWithBudgets(fetch));
  expect(outcomeOf(watched.response)?.outcome).toBe('open');
  expect(await count(metering, ACTIVE)).toEqual({ after_first_token: 1 });
  expect(endOpenCalls()).toBe(1);
  expect([recorded, watched].map(({ response }) => outcomeOf(response)?.outcome)).toEqual(['cancelled', 'open']);
  await recorded.finish();
  await watched.finish();
  expect(outcomeOf(watched.response)?.outcome).toBe('completed');
  expect(await metering.points('llm_stream.stream.outcomes')).toHaveLength(1);
  expect(endOpenCalls()).toBe(0);
});

test('after `disable` the gauges say 0 once, and are gone', async () => {
  const metering = meter();
  const added = vi.spyOn(metering.provider.getMeter('any').constructor.prototype, 'removeBatchObservableCallback');
  const stream = await open('disabled');
  expect(await count(metering, ACTIVE)).toEqual({ after_first_token: 1 });
  instrumentation?.disable();
  expect((await metering.points(ACTIVE)).map(({ value }) => value)).toEqual([0]);
  expect(added).toHaveBeenCalledTimes(1);
  expect((await metering.points(ACTIVE)).map(({ value }) => value)).toEqual([0]);
  await stream.finish();
  // It is recorded to its end all the same.
  expect((await metering.points('llm_stream.stream.outcomes'))[0]?.value).toBe(1);
  added.mockRestore();
});

test('after `enable` they are there again from the next call on', async () => {
  const metering = meter();
  const before = await open('before');
  instrumentation?.disable();
  instrumentation?.enable();
  const after = await open('after');
  expect(await count(metering, ACTIVE)).toEqual({ after_first_token: 1 });
  expect((await metering.points(ACTIVE)).map(({ value }) => value)).toEqual([1, 1]);
  await before.finish();
  await after.finish();
  expect(await count(metering, ACTIVE)).toEqual({});
});

test('a call is counted by the provider that it is recorded with', async () => {
  const first = meter();
  const stream = await open('first provider');
  const second = startMetering();
  instrumentation?.setMeterProvider(second.provider);
  const other = await open('second provider');
  const models = async (metering: Metering) =>
    (await metering.points(ACTIVE)).map(({ attributes }) => attributes['gen_ai.request.model']);
  expect([await models(first), await models(second)]).toEqual([['first provider'], ['second provider']]);
  await stream.finish();
  await other.finish();
});

test('neither a provider nor a call is kept alive by them', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const dropped = async () => {
    const first = meter();
    const stream = await open('dropped');
    expect(await count(first, ACTIVE)).toEqual({ after_first_token: 1 });
    return [new WeakRef(first.provider), new WeakRef(stream.response)];
  };
  const references = await dropped();
  instrumentation?.setMeterProvider(startMetering().provider);
  await vi.waitFor(
    () => {
      collectGarbage();
      // No reference in the assertion: a failed one would keep what it looked at.
      expect(references.map((reference) => reference.deref() === undefined)).toEqual([true, true]);
    },
    { timeout: 10_000 },
  );
});
