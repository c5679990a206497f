/** Jobs that set off one another, each in a context of its own: what is over is around nothing, and nothing of it stays. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CallContext, instrumentOpenAI, withCallContext } from '../../src/index.js';
import { chatText, type Scenario } from '../../src/testing/index.js';
import { type Harness, startHarness } from '../scenarios/harness.js';

const GOOD: Scenario = { reply: chatText(['Hello']) };

let harness: Harness;
let lines: string[];
let collectGarbage: () => void;
beforeAll(async () => {
  setFlagsFromString('--expose-gc');
  collectGarbage = runInNewContext('gc');
  instrumentOpenAI(OpenAI);
  harness = await startHarness();
});
afterAll(() => harness.close());
beforeEach(() => {
  lines = [];
  const keep = (line: string) => void lines.push(line);
  diag.setLogger({ error: keep, warn: keep, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
});
afterEach(() => {
  diag.disable();
  expect(lines).toEqual([]);
});

async function ask(model: string): Promise<void> {
  const { url, init } = harness.ask(model, GOOD);
  await (await fetch(url, init)).text();
}

/** How the next job is begun, each from inside the one before; `told`: how many may be under way around the last one. */
const WAYS = [
  { way: 'once it is over', begin: setImmediate, told: 1 },
  { way: 'before it is over, and does not wait for it', begin: queueMicrotask, told: 5 },
] as const;

describe.each(WAYS)('a job that begins the next one $way', ({ way, begin, told: most }) => {
  test('is told of its own call, and not those of 20,000 others before it', async () => {
    const told: number[] = [];
    const model = `the last job, ${way}`;
    const last = 19_999;
    await new Promise<void>((resolve, reject) => {
      const run = (at: number) => {
        const context: CallContext = { requestId: `job ${at}`, onOutcome: () => void told.push(at) };
        withCallContext(at === 0 ? { ...context, feature: 'chain', retryAttempt: 1 } : context, async () => {
          if (at < last) begin(() => run(at + 1));
          else await ask(model);
        }).then(() => at === last && resolve(), reject);
      };
      run(0);
    });
    const { attributes } = await harness.span(model);
    expect(attributes).toMatchObject({ 'llm_stream.request_id': 'job 19999', 'llm_stream.feature': 'chain' });
    expect(told[0]).toBe(last);
    expect(told.length).toBeLessThanOrEqual(most);
  });
});

test('300 jobs of one call each are told 300 outcomes, and nothing of those that are over stays', async () => {
  const told: string[] = [];
  const kept: WeakRef<object>[] = [];
  const contextOf = (at: number): CallContext => {
    const input = { text: `input of job ${at}` };
    kept.push(new WeakRef(input));
    return { onOutcome: () => void told.push(input.text) };
  };
  const job = async (at: number) => {
    await ask(`one of 300, ${at}`);
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  await new Promise<void>((resolve, reject) => {
    const run = (at: number) => {
      withCallContext(contextOf(at), async () => {
        await job(at);
        if (at + 1 < 300) setTimeout(run, 0, at + 1);
        else resolve();
      }).catch(reject);
    };
    run(0);
  });
  expect(told).toEqual(Array.from({ length: 300 }, (_, at) => `input of job ${at}`));
  await vi.waitFor(
    () => {
      collectGarbage();
      // The last ones may be on a stack, or in a pool of sockets.
      expect(kept.filter((input) => input.deref() !== undefined).length).toBeLessThan(10);
    },
    { timeout: 20_000, interval: 50 },
  );
});

test('20,000 contexts that are all under way around a call are told of it, and it has what all of them say', async () => {
  let told = 0;
  const onOutcome = () => {
    told += 1;
  };
  const within = async (depth: number): Promise<void> => {
    if (depth === 0) return ask('deep');
    await null;
    await withCallContext({ onOutcome }, () => within(depth - 1));
  };
  await withCallContext({ feature: 'outermost' }, () => within(20_000));
  expect((await harness.span('deep')).attributes['llm_stream.feature']).toBe('outermost');
  expect(told).toBe(20_000);
});

test('a context around the SDK’s promise that is given as it is, is told, though it is over before the request', async () => {
  const { baseURL } = harness.ask('given on', GOOD);
  const client = new OpenAI({ apiKey: 'sk-any', baseURL, maxRetries: 0 });
  const told: string[] = [];
  const stream = await withCallContext({ onOutcome: () => told.push('outer') }, () =>
    withCallContext({ onOutcome: () => told.push('inner') }, () =>
      client.chat.completions.create({ model: 'given on', stream: true, messages: [] }),
    ),
  );
  for await (const _ of stream);
  expect(told).toEqual(['inner', 'outer']);
});
