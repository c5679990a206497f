/** `holdCall`: the span waits for what the application says of the answer, and ends with the time of the stream. */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  assertCompleted,
  endOpenCalls,
  type HeldCall,
  holdCall,
  instrumentOpenAI,
  outcomeOf,
} from '../../src/index.js';
import { processState } from '../../src/process-state.js';
import { chatText, type Scenario } from '../../src/testing/index.js';
import { expectSpan, type Harness, type SpanFacts, startHarness } from '../scenarios/harness.js';

const GOOD: Scenario = { reply: chatText(['Hello', ' there']) };
const RESET: Scenario = { ...GOOD, faults: [{ type: 'reset', afterChunks: 2 }] };
const SLOW: Scenario = { ...GOOD, hold: { afterChunks: 2, until: 'client_gone' } };

let harness: Harness;
let lines: string[];
beforeAll(async () => {
  instrumentOpenAI(OpenAI);
  harness = await startHarness();
});
afterAll(() => harness.close());
beforeEach(() => {
  lines = [];
  processState().warned.clear();
  const keep = (line: string) => void lines.push(line);
  diag.setLogger({ error: keep, warn: keep, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
});
afterEach(() => diag.disable());

async function respond(model: string, scenario: Scenario): Promise<Response> {
  const { url, init } = harness.ask(model, scenario);
  return fetch(url, init);
}

function spansOf(model: string): readonly ReadableSpan[] {
  return harness.spans.filter(({ attributes }) => attributes['gen_ai.request.model'] === model);
}

function epochMs([seconds, nanos]: readonly [number, number]): number {
  return seconds * 1000 + nanos / 1e6;
}

/** How each call ends by itself, and what its span says then. */
const ENDINGS: Readonly<
  Record<
    'completed' | 'failed' | 'cancelled',
    { scenario: Scenario; end(response: Response): Promise<unknown>; facts: SpanFacts }
  >
> = {
  completed: {
    scenario: GOOD,
    end: (response) => response.text(),
    facts: { outcome: 'completed', stage: 'done', termination: 'done_event', chunks: 4, finish: ['stop'] },
  },
  failed: {
    scenario: RESET,
    end: (response) => response.text().catch(() => {}),
    facts: {
      outcome: 'failed',
      failureStage: 'after_first_token',
      stage: 'after_first_token',
      termination: 'connection_error',
      category: 'stream_interrupted',
      fault: 'upstream',
      retryable: true,
      chunks: 2,
      finish: ['error'],
    },
  },
  cancelled: {
    scenario: SLOW,
    end: async (response) => {
      const decoder = new TextDecoder();
      let text = '';
      for await (const bytes of response.body ?? []) {
        text += decoder.decode(bytes);
        if (text.includes('Hello')) break;
      }
    },
    facts: {
      outcome: 'cancelled',
      failureStage: 'client_aborted',
      stage: 'after_first_token',
      termination: 'consumer_break',
      fault: 'client',
      chunks: 2,
      finish: ['error'],
    },
  },
};

const FAILED_AFTERWARDS = {
  ...ENDINGS.completed.facts,
  outcome: 'failed',
  failureStage: 'after_finish_reason',
  stage: 'after_finish_reason',
  fault: 'application',
  retryable: false,
} as const;

interface Row {
  readonly said: string;
  say(held: HeldCall): void;
  readonly statuses: Readonly<Record<string, string>>;
  /** Of a completed call; the others stay what they are. */
  readonly completed?: Partial<SpanFacts>;
}

const STATUSES: readonly Row[] = [
  { said: 'nothing', say: () => {}, statuses: {} },
  { said: 'persistence ok', say: (held) => held.persistence('ok'), statuses: { persistence_status: 'ok' } },
  {
    said: 'persistence failed',
    say: (held) => held.persistence('failed'),
    statuses: { persistence_status: 'failed' },
    completed: { ...FAILED_AFTERWARDS, category: 'persistence_failed' },
  },
  { said: 'processing ok', say: (held) => held.processing('ok'), statuses: { processing_status: 'ok' } },
  {
    said: 'processing failed',
    say: (held) => held.processing('failed'),
    statuses: { processing_status: 'failed' },
    completed: { ...FAILED_AFTERWARDS, category: 'processing_failed' },
  },
  { said: 'delivery ok', say: (held) => held.delivery('ok'), statuses: { client_delivery_status: 'ok' } },
  {
    said: 'delivery failed',
    say: (held) => held.delivery('failed'),
    statuses: { client_delivery_status: 'failed' },
    completed: { ...FAILED_AFTERWARDS, category: 'delivery_failed' },
  },
  {
    said: 'client left',
    say: (held) => held.delivery('client_left'),
    statuses: { client_delivery_status: 'client_left' },
    completed: {
      ...ENDINGS.completed.facts,
      outcome: 'cancelled',
      failureStage: 'client_aborted',
      stage: 'after_finish_reason',
      fault: 'client',
    },
  },
  {
    said: 'one thing and then another',
    say: (held) => {
      held.persistence('failed');
      held.persistence('ok');
    },
    statuses: { persistence_status: 'ok' },
  },
];

describe.each(['completed', 'failed', 'cancelled'] as const)('a %s call of which is said:', (ending) => {
  const { scenario, end, facts } = ENDINGS[ending];

  test.each(STATUSES)('$said', async ({ said, say, statuses, completed }) => {
    const model = `${ending}, ${said}`;
    const response = await respond(model, scenario);
    const held = holdCall(response);
    await end(response);
    say(held);
    expect(spansOf(model)).toEqual([]);
    held.release();
    const unknown = { persistence_status: 'unknown', processing_status: 'unknown', client_delivery_status: 'unknown' };
    const also = Object.fromEntries(
      Object.entries({ ...unknown, ...statuses }).map(([name, status]) => [`llm_stream.${name}`, status]),
    );
    const expected = ending === 'completed' ? { ...facts, ...completed } : facts;
    const [span] = spansOf(model);
    expectSpan(span ?? expect.fail('no span'), { ...expected, also });
    expect(lines).toEqual([]);
  });
});

test('a call that nobody held says nothing of it', async () => {
  await (await respond('not held', GOOD)).text();
  const names = Object.keys((await harness.span('not held')).attributes);
  expect(names.filter((name) => name.endsWith('_status'))).toEqual([]);
});

describe('the span of a held call', () => {
  test('ends at the end of its stream, however late it is released', async () => {
    const response = await respond('end time', GOOD);
    const held = holdCall(response);
    await response.text();
    const streamEndedBefore = Date.now() + 1;
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(streamEndedBefore + 50), { interval: 5 });
    held.persistence('failed');
    held.release();
    const span = await harness.span('end time');
    expect(epochMs(span.endTime)).toBeLessThanOrEqual(streamEndedBefore);
    expect(epochMs(span.endTime) - epochMs(span.startTime)).toBeCloseTo(
      Number(span.attributes['llm_stream.stream_duration_ms']),
      -1,
    );
  });

  test('has a span event `cancelled` at the end of the stream where the client left', async () => {
    const response = await respond('left, event', GOOD);
    const held = holdCall(response);
    await response.text();
    held.delivery('client_left');
    held.release();
    const { events, endTime } = await harness.span('left, event');
    expect(events.filter(({ name }) => name === 'llm_stream.cancelled').map(({ time }) => time)).toEqual([endTime]);
  });

  test('ends once, where it is released twice, and by `using`', async () => {
    const response = await respond('using', GOOD);
    {
      using held = holdCall(response);
      await response.text();
      held.processing('ok');
      expect(spansOf('using')).toEqual([]);
    }
    expect(spansOf('using')).toHaveLength(1);
    const other = await respond('released twice', GOOD);
    const held = holdCall(other);
    await other.text();
    held.release();
    held.release();
    held[Symbol.dispose]();
    expect(spansOf('released twice')).toHaveLength(1);
    expect(lines).toEqual([]);
  });

  test('ends with the stream where it was released before', async () => {
    const response = await respond('released before', GOOD);
    const held = holdCall(response);
    held.persistence('failed');
    held.release();
    expect(spansOf('released before')).toEqual([]);
    await response.text();
    const span = await harness.span('released before');
    expect(span.attributes['llm_stream.error_category']).toBe('persistence_failed');
  });

  test('waits for each of several holds', async () => {
    const response = await respond('two holds', GOOD);
    const [first, second] = [holdCall(response), holdCall(response)];
    await response.text();
    first.persistence('ok');
    first.release();
    expect(spansOf('two holds')).toEqual([]);
    second.delivery('client_left');
    second.release();
    expect((await harness.span('two holds')).attributes).toMatchObject({
      'llm_stream.persistence_status': 'ok',
      'llm_stream.client_delivery_status': 'client_left',
      'llm_stream.outcome': 'cancelled',
    });
  });

  test('can be held again while it is held, after the end of its stream', async () => {
    const response = await respond('held again', GOOD);
    const first = holdCall(response);
    await response.text();
    const second = holdCall(response);
    first.release();
    expect(spansOf('held again')).toEqual([]);
    second.release();
    expect(spansOf('held again')).toHaveLength(1);
    expect(lines).toEqual([]);
  });

  test('is held by the stream of an SDK, too', async () => {
    const { baseURL } = harness.ask('held stream', GOOD);
    const client = new OpenAI({ apiKey: 'sk-any', baseURL });
    const stream = await client.chat.completions.create({ model: 'held stream', stream: true, messages: [] });
    const held = holdCall(stream);
    for await (const _ of stream);
    expect(spansOf('held stream')).toEqual([]);
    held.processing('failed');
    held.release();
    expect((await harness.span('held stream')).attributes['llm_stream.processing_status']).toBe('failed');
  });
});

describe('a limit', () => {
  test('ends the span with what was said, and what comes after it costs a line', async () => {
    const response = await respond('limit', GOOD);
    const held = holdCall(response, { limitMs: 20 });
    await response.text();
    held.persistence('ok');
    const span = await harness.span('limit');
    expect(span.attributes).toMatchObject({
      'llm_stream.outcome': 'completed',
      'llm_stream.persistence_status': 'ok',
      'llm_stream.processing_status': 'unknown',
    });
    held.processing('failed');
    held.release();
    expect(lines).toEqual([
      'opentelemetry-instrumentation-llm-stream: `processing` of a held call came after its release, or after the limit; it is left out',
    ]);
    expect(outcomeOf(response)).toMatchObject({ outcome: 'completed', processingStatus: 'unknown' });
  });

  test('counts from the end of the stream, not from the hold', async () => {
    const gate = harness.provider.gate('limit gate');
    const scenario: Scenario = { ...GOOD, hold: { afterChunks: 2, until: 'released', gate: 'limit gate' } };
    const response = await respond('limit from the end', scenario);
    const held = holdCall(response, { limitMs: 1 });
    const heldAt = Date.now();
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(heldAt + 30), { interval: 5 });
    held.persistence('ok');
    gate.release();
    await response.text();
    expect((await harness.span('limit from the end')).attributes['llm_stream.persistence_status']).toBe('ok');
    expect(lines).toEqual([]);
  });

  test('of several holds is the longest, also where that one comes after the end of the stream', async () => {
    const response = await respond('longest limit', GOOD);
    const short = holdCall(response, { limitMs: 30 });
    await response.text();
    const endedAt = Date.now();
    const long = holdCall(response, { limitMs: 60_000 });
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(endedAt + 100), { interval: 5 });
    expect(spansOf('longest limit')).toEqual([]);
    short.release();
    long.release();
    expect(spansOf('longest limit')).toHaveLength(1);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5s', null])(
    'of %o costs a line, and is 30 s',
    async (limitMs) => {
      const response = await respond(`limit of ${limitMs}`, GOOD);
      const held = holdCall(response, { limitMs: limitMs as number });
      await response.text();
      expect(spansOf(`limit of ${limitMs}`)).toEqual([]);
      held.release();
      expect(lines).toEqual([expect.stringMatching(/`limitMs` must be a number of milliseconds.*; using 30000$/)]);
    },
  );
});

describe('`outcomeOf` a held call', () => {
  test('is open before the end of the stream, and then what it would be if it were released now', async () => {
    const response = await respond('asked about', GOOD);
    const held = holdCall(response);
    held.persistence('ok');
    expect(outcomeOf(response)?.outcome).toBe('open');
    await response.text();
    expect(outcomeOf(response)).toMatchObject({
      outcome: 'completed',
      persistenceStatus: 'ok',
      processingStatus: 'unknown',
    });
    held.processing('failed');
    expect(outcomeOf(response)).toMatchObject({
      outcome: 'failed',
      failureStage: 'after_finish_reason',
      errorCategory: 'processing_failed',
      fault: 'application',
      retryable: false,
      partialOutput: false,
    });
    held.release();
    expect(outcomeOf(response)?.toJSON()).toMatchObject({ 'llm_stream.processing_status': 'failed' });
  });
});

describe('what is held of an answer whose steps failed', () => {
  test.each<readonly [string, (held: HeldCall) => void, string]>([
    [
      'not processed',
      (held) => held.processing('failed'),
      'expected a completed LLM call, got one that failed (`after_finish_reason`, `processing_failed`); the answer is whole, but was not processed',
    ],
    [
      'not stored',
      (held) => held.persistence('failed'),
      'expected a completed LLM call, got one that failed (`after_finish_reason`, `persistence_failed`); the answer is whole, but was not stored',
    ],
    [
      'not delivered',
      (held) => held.delivery('failed'),
      'expected a completed LLM call, got one that failed (`after_finish_reason`, `delivery_failed`); the answer is whole, but was not delivered',
    ],
    [
      'left by its client',
      (held) => held.delivery('client_left'),
      'expected a completed LLM call, got one that was cancelled (`client_aborted`, `done_event`); the answer is whole, but whoever asked for it had left',
    ],
  ])('is the whole of one that was %s', async (title, say, message) => {
    const response = await respond(`whole, ${title}`, GOOD);
    using held = holdCall(response);
    await response.text();
    say(held);
    expect(() => assertCompleted(response)).toThrow(expect.objectContaining({ message }));
    held.release();
    expect(outcomeOf(response)).toMatchObject({ partialOutput: false, completion: 'stop' });
    expect(() => assertCompleted(response)).toThrow(expect.objectContaining({ message }));
  });

  test.each<readonly ['failed' | 'cancelled', string]>([
    [
      'failed',
      'expected a completed LLM call, got one that failed (`after_first_token`, `stream_interrupted`); what was delivered is no whole answer',
    ],
    [
      'cancelled',
      'expected a completed LLM call, got one that was cancelled (`client_aborted`, `consumer_break`); what was delivered is no whole answer',
    ],
  ])('is a part of one whose stream %s by itself', async (ending, message) => {
    const { scenario, end } = ENDINGS[ending];
    const response = await respond(`part, ${ending}`, scenario);
    using held = holdCall(response);
    await end(response);
    held.persistence('failed');
    held.delivery('client_left');
    await vi.waitFor(() => expect(outcomeOf(response)?.partialOutput).toBe(true));
    expect(() => assertCompleted(response)).toThrow(expect.objectContaining({ message }));
  });
});

describe('`endOpenCalls()`', () => {
  test('ends a held call with what was said, and one whose stream is open, too', async () => {
    const [ended, open] = [await respond('ended, held', GOOD), await respond('open, held', SLOW)];
    const holds = [holdCall(ended), holdCall(open)];
    await ended.text();
    for (const held of holds) held.persistence('ok');
    expect(endOpenCalls()).toBe(2);
    expect((await harness.span('ended, held')).attributes).toMatchObject({
      'llm_stream.outcome': 'completed',
      'llm_stream.persistence_status': 'ok',
    });
    expect((await harness.span('open, held')).attributes).toMatchObject({
      'llm_stream.termination_kind': 'shutdown',
      'llm_stream.persistence_status': 'ok',
    });
    for (const held of holds) held.release();
    await open.body?.cancel();
    expect(endOpenCalls()).toBe(0);
  });
});

describe('misuse costs a line, never an exception', () => {
  const NONE = 'expects what came out of an LLM call, got what came out of no observed call; nothing is held';

  test.each<readonly [string, unknown]>([
    ['undefined', undefined],
    ['text', 'stream'],
    ['a Response of no call', new Response('x')],
    ['an object whose getters throw', Object.defineProperty({}, 'controller', { get: () => expect.fail('getter') })],
  ])('%s', (_, subject) => {
    const held = holdCall(subject);
    held.persistence('ok');
    held.toolExecuted('call_0', true);
    held.release();
    expect(lines).toEqual([`opentelemetry-instrumentation-llm-stream: \`holdCall\` ${NONE}`]);
  });

  test('the reason that ended several calls', async () => {
    const controller = new AbortController();
    const reason = new Error('both');
    const responses = await Promise.all(
      ['one of both', 'other of both'].map(async (model) => {
        const { url, init } = harness.ask(model, SLOW);
        return fetch(url, { ...init, signal: controller.signal });
      }),
    );
    const readings = responses.map((response) => response.text().catch((error: unknown) => error));
    controller.abort(reason);
    expect(await Promise.all(readings)).toEqual([reason, reason]);
    holdCall(reason).release();
    expect(lines).toEqual([expect.stringContaining('something that came out of several calls; nothing is held')]);
  });

  test('a call that is over', async () => {
    const response = await respond('over', GOOD);
    await response.text();
    await harness.span('over');
    holdCall(response).persistence('failed');
    expect(lines).toEqual([expect.stringContaining('`holdCall` expects a call whose stream has not ended')]);
    expect(spansOf('over')).toHaveLength(1);
  });

  test.each<readonly [string, (held: HeldCall) => void]>([
    ['persistence', (held) => held.persistence('done' as 'ok')],
    ['processing', (held) => held.processing(undefined as unknown as 'ok')],
    ['processing', (held) => held.processing('client_left' as 'ok')],
    ['delivery', (held) => held.delivery('left' as 'ok')],
    ['toolExecuted', (held) => held.toolExecuted('call_0', 'yes' as unknown as boolean)],
    ['toolValidated', (held) => held.toolValidated('call_0', null as unknown as boolean)],
    ['expects the id', (held) => held.toolExecuted('', true)],
    ['expects the id', (held) => held.toolValidated(7 as unknown as string, true)],
  ])('a word that %s does not know', async (name, say) => {
    const response = await respond('unknown words', GOOD);
    const held = holdCall(response);
    await response.text();
    say(held);
    held.release();
    expect(lines).toEqual([expect.stringMatching(new RegExp(`${name}.*; it is left out$`))]);
    expect(outcomeOf(response)).toMatchObject({
      outcome: 'completed',
      persistenceStatus: 'unknown',
      processingStatus: 'unknown',
      clientDeliveryStatus: 'unknown',
    });
    expect(outcomeOf(response)).not.toHaveProperty('toolCallExecutionStarted');
    expect(outcomeOf(response)).not.toHaveProperty('toolCallsValidated');
  });

  test('the same mistake again costs no other line, and another mistake does', () => {
    for (let request = 0; request < 100; request += 1) {
      const held = holdCall({});
      held.persistence('ok');
      held.delivery('gone' as 'ok');
    }
    expect(lines).toEqual([
      `opentelemetry-instrumentation-llm-stream: \`holdCall\` ${NONE}`,
      'opentelemetry-instrumentation-llm-stream: `delivery` of a held call expects `ok` or `failed` or `client_left`, got string; it is left out',
    ]);
  });

  test('what is said after the release', async () => {
    const response = await respond('said late', GOOD);
    const held = holdCall(response);
    await response.text();
    held.release();
    held.persistence('failed');
    expect(lines).toEqual([expect.stringContaining('`persistence` of a held call came after its release')]);
    expect(outcomeOf(response)?.outcome).toBe('completed');
  });
});
