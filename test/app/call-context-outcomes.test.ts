/** `onOutcome`: for clients that show neither Response, stream nor error. */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CallOutcome, holdCall, instrumentFetch, instrumentOpenAI, withCallContext } from '../../src/index.js';
import {
  chatText,
  type FaultyProvider,
  httpError,
  type Scenario,
  startFaultyProvider,
} from '../../src/testing/index.js';
import { type Harness, startHarness } from '../scenarios/harness.js';

const GOOD: Scenario = { reply: chatText(['Hello']) };
const platformFetch = globalThis.fetch;

let provider: FaultyProvider;
let harness: Harness;
let lines: string[];
beforeAll(async () => {
  provider = await startFaultyProvider({ scenarios: { good: GOOD } });
});
afterAll(() => provider.close());
beforeEach(() => {
  lines = [];
  const keep = (line: string) => void lines.push(line);
  diag.setLogger({ error: keep, warn: keep, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
});
afterEach(() => diag.disable());

// First: that something was registered once changes what is done without.
describe.sequential('without any SDK', () => {
  test('each call is told of, once', async () => {
    const told: CallOutcome[] = [];
    const send = instrumentFetch(platformFetch);
    await withCallContext({ onOutcome: (outcome) => told.push(outcome) }, async () => {
      const body = JSON.stringify({ model: 'good', stream: true, messages: [] });
      await (await send(`${provider.url}/v1/chat/completions`, { method: 'POST', body })).text();
    });
    expect(told).toMatchObject([{ outcome: 'completed', terminationKind: 'done_event', chunkCount: 3 }]);
    expect(told[0]).not.toHaveProperty('spanId');
  });
});

describe.sequential('with an SDK', () => {
  beforeAll(async () => {
    instrumentOpenAI(OpenAI);
    harness = await startHarness();
  });
  afterAll(() => harness.close());

  async function ask(model: string, scenario = GOOD, init: RequestInit = {}): Promise<string> {
    const asked = harness.ask(model, scenario);
    const response = await fetch(asked.url, { ...asked.init, ...init });
    return response.text();
  }

  test('each call is told of once it is over, as `outcomeOf` would say it', async () => {
    const told: CallOutcome[] = [];
    await withCallContext({ onOutcome: (outcome) => told.push(outcome) }, async () => {
      await ask('first');
      expect(told).toHaveLength(1);
      await ask('second', { reply: chatText(['Hel', 'lo']), faults: [{ type: 'reset', afterChunks: 2 }] }).catch(
        () => {},
      );
    });
    const spans = [await harness.span('first'), await harness.span('second')];
    expect(told).toMatchObject([
      { outcome: 'completed', traceId: spans[0]?.spanContext().traceId, spanId: spans[0]?.spanContext().spanId },
      { outcome: 'failed', failureStage: 'after_first_token', partialOutput: true, retryable: true },
    ]);
    expect(told.every(Object.isFrozen)).toBe(true);
    expect(told[1]?.toJSON()).toMatchObject({ 'llm_stream.outcome': 'failed' });
  });

  test('an SDK’s call with its attempts is told of once', async () => {
    const told: CallOutcome[] = [];
    harness.provider.define('retried', [{ reply: httpError(503, {}, { 'retry-after-ms': '1' }) }, GOOD]);
    const client = new OpenAI({ apiKey: 'sk-any', baseURL: `${harness.provider.url}/v1` });
    await withCallContext({ onOutcome: (outcome) => told.push(outcome) }, async () => {
      for await (const _ of await client.chat.completions.create({ model: 'retried', stream: true, messages: [] }));
    });
    expect(told).toMatchObject([{ outcome: 'completed', attemptCount: 2 }]);
  });

  test('an SDK that shows nothing of its own is told of by its context', async () => {
    const told: unknown[] = [];
    // As the AI SDK, whose result holds neither Response nor error.
    const client = async (model: string) =>
      (await ask(model, { ...GOOD, faults: [{ type: 'no_finish_reason' }, { type: 'no_done' }] })).length;
    await withCallContext({ onOutcome: ({ outcome, errorCategory }) => told.push([outcome, errorCategory]) }, () =>
      client('shown by nobody'),
    );
    expect(told).toEqual([['failed', 'stream_interrupted']]);
  });

  test('a context around another is told, too, and one beside it is not', async () => {
    const told: string[] = [];
    const context = (name: string) => ({ onOutcome: () => told.push(name) });
    await withCallContext(context('outer'), async () => {
      await Promise.all([
        withCallContext(context('inner'), () => ask('of the inner')),
        withCallContext(context('beside'), async () => 'no call'),
      ]);
    });
    expect(told).toEqual(['inner', 'outer']);
  });

  test('a call that outlives its callback is told of when it ends', async () => {
    const told: unknown[] = [];
    const response = await withCallContext({ onOutcome: ({ outcome }) => told.push(outcome) }, () => {
      const { url, init } = harness.ask('outlives', GOOD);
      return fetch(url, init);
    });
    expect(told).toEqual([]);
    await response.text();
    expect(told).toEqual(['completed']);
  });

  test('a held call is told of when it is released', async () => {
    const told: unknown[] = [];
    await withCallContext(
      { onOutcome: ({ outcome, persistenceStatus }) => told.push([outcome, persistenceStatus]) },
      async () => {
        const { url, init } = harness.ask('held', GOOD);
        const response = await fetch(url, init);
        const hold = holdCall(response);
        await response.text();
        hold.persistence('failed');
        expect(told).toEqual([]);
        hold.release();
      },
    );
    expect(told).toEqual([['failed', 'failed']]);
  });

  test('100 contexts at once are each told of their own call', async () => {
    const told = await Promise.all(
      Array.from({ length: 100 }, async (_, number) => {
        const mine: (string | undefined)[] = [];
        const scenario = { reply: chatText(['Hello'], { id: `chatcmpl-${number}` }) };
        await withCallContext({ onOutcome: ({ responseId }) => mine.push(responseId) }, () =>
          ask(`one of 100, ${number}`, scenario),
        );
        return mine;
      }),
    );
    expect(told).toEqual(Array.from({ length: 100 }, (_, number) => [`chatcmpl-${number}`]));
  });

  test('what it throws, or rejects with, costs one line and nothing of the call', async () => {
    const throws = vi.fn(() => {
      throw new Error('CANARY');
    });
    const rejects = vi.fn(async () => {
      throw new Error('CANARY');
    });
    for (const [name, onOutcome] of Object.entries({ throws, rejects })) {
      expect(await withCallContext({ onOutcome }, () => ask(name))).toContain('[DONE]');
      expect((await harness.span(name)).attributes['llm_stream.outcome']).toBe('completed');
      expect(onOutcome).toHaveBeenCalledOnce();
    }
    expect(lines).toEqual([expect.stringContaining('Error in onOutcome; the call goes on')]);
    expect(lines.join()).not.toContain('CANARY');
  });
});

describe.sequential('a call that no SDK samples', () => {
  test('is told of, with its ids', async () => {
    const unsampled = await startHarness({}, { shouldSample: () => ({ decision: SamplingDecision.NOT_RECORD }) });
    const told: CallOutcome[] = [];
    const { url, init } = unsampled.ask('unsampled', GOOD);
    await withCallContext({ onOutcome: (outcome) => told.push(outcome) }, async () => (await fetch(url, init)).text());
    expect(unsampled.spans).toEqual([]);
    await unsampled.close();
    expect(told).toMatchObject([{ outcome: 'completed', spanId: expect.stringMatching(/^[0-9a-f]{16}$/) }]);
  });
});
