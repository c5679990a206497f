/** `requestHook`, `outcomeHook`, `ignoreRequest`, `classifyAbort`: what they are told, what they may do, and that what they throw stays here. */
import { DiagLogLevel, diag, type Span } from '@opentelemetry/api';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type CallInfo,
  type CallOutcome,
  instrumentOpenAI,
  type LlmStreamInstrumentationConfig,
  type OutgoingRequest,
  outcomeOf,
} from '../../src/index.js';
import { processState } from '../../src/process-state.js';
import { chatText, chatToolCalls, httpError, type Scenario } from '../../src/testing/index.js';
import { expectSpan, type Harness, startHarness } from '../scenarios/harness.js';
import { startMetering } from '../telemetry/metering.js';

const GOOD: Scenario = { reply: chatText(['Hello', ' there']) };
const SLOW: Scenario = { ...GOOD, hold: { afterChunks: 2, until: 'client_gone' } };
const RESET: Scenario = { ...GOOD, faults: [{ type: 'reset', afterChunks: 2 }] };

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
afterEach(() => {
  diag.disable();
  harness.instrumentation.setConfig({});
});

function use(config: LlmStreamInstrumentationConfig): void {
  harness.instrumentation.setConfig(config);
}

interface Asked {
  readonly text: string;
  readonly thrown: unknown;
  readonly response: Response | undefined;
}

/** Through raw fetch, to its end. */
async function ask(model: string, scenario: Scenario, signal?: AbortSignal): Promise<Asked> {
  const { url, init } = harness.ask(model, scenario);
  const decoder = new TextDecoder();
  let text = '';
  let response: Response | undefined;
  try {
    response = await fetch(url, { ...init, ...(signal && { signal }) });
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
  } catch (thrown) {
    return { text, thrown, response };
  }
  return { text, thrown: undefined, response };
}

/** Through the SDK's loop; gives the texts, or what was thrown. */
async function askBySdk(model: string, scenario: Scenario, signal?: AbortSignal) {
  const { baseURL } = harness.ask(model, scenario);
  const client = new OpenAI({ apiKey: 'sk-any', baseURL, defaultQuery: { key: 'CANARY' }, maxRetries: 0 });
  const texts: string[] = [];
  const options = signal ? { signal } : {};
  const stream = await client.chat.completions.create({ model, stream: true, messages: [] }, options);
  for await (const chunk of stream) texts.push(chunk.choices[0]?.delta.content ?? '');
  return { texts, stream };
}

describe('requestHook', () => {
  test('is told of each call, its address without query, dialect and operation, and may set attributes', async () => {
    const told: CallInfo[] = [];
    use({
      requestHook: (span, call) => {
        told.push(call);
        span.setAttribute('app.hook', call.operation);
        span.updateName('renamed');
      },
    });
    await ask('request hook, fetch', GOOD);
    await askBySdk('request hook, openai', GOOD);
    const url = `${harness.provider.url}/v1/chat/completions`;
    expect(told).toEqual([
      { url, dialect: 'openai-chat-completions', operation: 'chat' },
      { url, dialect: 'openai-chat-completions', operation: 'chat' },
    ]);
    for (const road of ['fetch', 'openai']) {
      const span = await harness.span(`request hook, ${road}`);
      expect(span.attributes['app.hook']).toBe('chat');
      expect(span.name).toBe('renamed');
    }
  });

  test('is told before the request is sent', async () => {
    const requests = harness.provider.requests.length;
    let sent: number | undefined;
    use({
      requestHook: () => {
        sent = harness.provider.requests.length - requests;
      },
    });
    await ask('before the request', GOOD);
    expect(sent).toBe(0);
  });

  test('is told of no user, password, query and fragment', async () => {
    const told: string[] = [];
    use({ requestHook: (_, { url }) => told.push(url) });
    // A URL with a user is refused by `fetch` itself, and a call all the same.
    await fetch('http://user:CANARY@127.0.0.1:1/v1/chat/completions?key=CANARY#CANARY', {
      method: 'POST',
      body: JSON.stringify({ model: 'with user', messages: [] }),
    }).catch(() => {});
    expect(told).toEqual(['http://127.0.0.1:1/v1/chat/completions']);
  });
});

describe('outcomeHook', () => {
  test('is told the outcome of each call, frozen, with all attributes on its span, before the span ends', async () => {
    const told: { readonly outcome: CallOutcome; readonly attributes: unknown; readonly isRecording: boolean }[] = [];
    use({
      outcomeHook: (span, outcome) => {
        // What the SDK's span has beside the API's type.
        const { attributes } = span as Span & { readonly attributes: object };
        told.push({ outcome, attributes: { ...attributes }, isRecording: span.isRecording() });
        span.setAttributes({ 'app.cost': 3, 'app.verdict': outcome.outcome });
      },
    });
    await ask('outcome hook, fetch', GOOD);
    await askBySdk('outcome hook, openai', RESET).catch(() => {});
    expect(told).toMatchObject([
      {
        isRecording: true,
        outcome: { outcome: 'completed', chunkCount: 4 },
        attributes: { 'llm_stream.outcome': 'completed', 'llm_stream.chunk_count': 4 },
      },
      {
        isRecording: true,
        outcome: { outcome: 'failed', failureStage: 'after_first_token', retryable: true },
        attributes: { 'llm_stream.outcome': 'failed' },
      },
    ]);
    expect(told.every(({ outcome }) => Object.isFrozen(outcome))).toBe(true);
    const span = await harness.span('outcome hook, fetch');
    expect(span.attributes).toMatchObject({ 'app.cost': 3, 'app.verdict': 'completed' });
    expect(told[0]?.outcome.spanId).toBe(span.spanContext().spanId);
  });
});

describe('ignoreRequest', () => {
  test('is told the whole URL and the method, and leaves a request unobserved on both roads', async () => {
    const told: OutgoingRequest[] = [];
    use({
      ignoreRequest: (request) => {
        told.push(request);
        return true;
      },
    });
    const { text, response } = await ask('ignored, fetch', GOOD);
    const { texts, stream } = await askBySdk('ignored, openai', GOOD);
    expect(text).toContain('[DONE]');
    expect(texts.join('')).toBe('Hello there');
    expect(outcomeOf(response)).toBeUndefined();
    expect(outcomeOf(stream)).toBeUndefined();
    expect(told[0]).toEqual({ url: new URL(`${harness.provider.url}/v1/chat/completions?key=CANARY`), method: 'POST' });
    expect(told.length).toBeGreaterThan(1);
    use({});
    await ask('afterwards', GOOD);
    await harness.span('afterwards');
    const models = harness.spans.map(({ attributes }) => attributes['gen_ai.request.model']);
    expect(models.filter((model) => String(model).startsWith('ignored'))).toEqual([]);
  });

  test('is asked of LLM requests alone', async () => {
    const told: string[] = [];
    use({ ignoreRequest: ({ url }) => told.push(url.pathname) > 1000 });
    await (await fetch(`${harness.provider.url}/health`)).text();
    await ask('asked of', GOOD);
    expect(told).toEqual(['/v1/chat/completions']);
  });

  test.each<readonly [string, unknown]>([
    ['true', true],
    ['what counts as true', 'yes'],
    ['what matched', /\/v1\/(chat)/.exec('/v1/chat')],
  ])('that says %s leaves the request unobserved', async (_, answer) => {
    use({ ignoreRequest: () => answer as boolean });
    const { text, response } = await ask('ignored', GOOD);
    expect(text).toContain('[DONE]');
    expect(outcomeOf(response)).toBeUndefined();
    expect(lines).toEqual([]);
  });

  const PROMISE =
    'opentelemetry-instrumentation-llm-stream: `ignoreRequest` is expected to answer at once, got a Promise; the request is observed';

  test.each<readonly [string, unknown, readonly string[]]>([
    ['undefined', undefined, []],
    ['false', false, []],
    ['what counts as false', 0, []],
    ['a promise of true', Promise.resolve(true), [PROMISE]],
    ['a thenable', Object.defineProperty({}, 'then', { value: () => {} }), [PROMISE]],
  ])('that says %s has the request observed', async (title, answer, said) => {
    use({ ignoreRequest: () => answer as boolean });
    await ask(`not ignored: ${title}`, GOOD);
    await ask(`not ignored, again: ${title}`, GOOD);
    expect(lines).toEqual(said);
    expectSpan(await harness.span(`not ignored: ${title}`), {
      outcome: 'completed',
      stage: 'done',
      termination: 'done_event',
      chunks: 4,
      finish: ['stop'],
    });
  });
});

describe('classifyAbort', () => {
  const TIMED_OUT = {
    outcome: 'failed',
    failureStage: 'after_first_token',
    stage: 'after_first_token',
    termination: 'timeout',
    category: 'total_timeout',
    fault: 'application',
    retryable: true,
    finish: ['error'],
    chunks: 2,
  } as const;
  const ABORTED = {
    outcome: 'cancelled',
    failureStage: 'client_aborted',
    stage: 'after_first_token',
    termination: 'consumer_abort',
    fault: 'client',
    finish: ['error'],
    chunks: 2,
  } as const;

  class Deadline extends Error {}

  /** Aborts at the first text. */
  async function abort(road: string, model: string, reason: unknown): Promise<void> {
    const controller = new AbortController();
    if (road === 'fetch') {
      const { url, init } = harness.ask(model, SLOW);
      const response = await fetch(url, { ...init, signal: controller.signal });
      const decoder = new TextDecoder();
      let text = '';
      const reading = (async () => {
        for await (const bytes of response.body ?? []) {
          text += decoder.decode(bytes);
          if (text.includes('Hello')) controller.abort(reason);
        }
      })();
      await expect(reading).rejects.toBe(reason);
      return;
    }
    const { baseURL } = harness.ask(model, SLOW);
    const client = new OpenAI({ apiKey: 'sk-any', baseURL, maxRetries: 0 });
    const { signal } = controller;
    for await (const chunk of await client.chat.completions.create({ model, stream: true, messages: [] }, { signal })) {
      if (chunk.choices[0]?.delta.content) controller.abort(reason);
    }
  }

  describe.each(['fetch', 'openai'])('through %s', (road) => {
    test.each<
      readonly [string, LlmStreamInstrumentationConfig['classifyAbort'], unknown, typeof TIMED_OUT | typeof ABORTED]
    >([
      [
        'says timeout',
        (reason) => (reason instanceof Deadline ? 'timeout' : undefined),
        new Deadline('over'),
        TIMED_OUT,
      ],
      ['says abort of what says timeout', () => 'abort', new Error('timeout of 5 s'), ABORTED],
      ['says nothing of a time limit', () => undefined, new DOMException('x', 'TimeoutError'), TIMED_OUT],
      ['says nothing of anything else', () => undefined, new Deadline('over'), ABORTED],
      ['says null', () => null as unknown as undefined, new Deadline('over'), ABORTED],
      ['is not there', undefined, new Deadline('over'), ABORTED],
    ])('it %s', async (title, classifyAbort, reason, facts) => {
      use(classifyAbort ? { classifyAbort } : {});
      const model = `${road} ${title}`;
      await abort(road, model, reason);
      expectSpan(await harness.span(model), facts);
      expect(lines).toEqual([]);
    });

    test.each<readonly [string, () => unknown, string]>([
      ['nonsense', () => 'CANARY', 'another string'],
      ['a boolean', () => true, 'boolean'],
      ['a promise of timeout', async () => 'timeout', 'a Promise'],
    ])('what says %s counts as not there, and costs one line', async (title, says, got) => {
      use({ classifyAbort: says as () => 'timeout' });
      for (const model of [`${road} says ${title}`, `${road} says ${title} again`]) {
        await abort(road, model, new Deadline('over'));
        expectSpan(await harness.span(model), ABORTED);
      }
      expect(lines).toEqual([
        `opentelemetry-instrumentation-llm-stream: \`classifyAbort\` is expected to say \`timeout\`, \`abort\` or undefined at once, got ${got}; it counts as undefined`,
      ]);
    });

    test('it is given the reason itself', async () => {
      const told = new Set<unknown>();
      use({ classifyAbort: (reason) => void told.add(reason) });
      const reason = { why: 'an object of the application' };
      await abort(road, `${road} the reason itself`, reason);
      await harness.span(`${road} the reason itself`);
      expect([...told]).toEqual([reason]);
      expect([...told][0]).toBe(reason);
    });
  });
});

/** As far as an application can tell. */
async function seen(model: string, scenario: Scenario, signal?: AbortSignal) {
  const { text, thrown, response } = await ask(model, scenario, signal);
  const said = thrown instanceof Error ? `${thrown.constructor.name}: ${thrown.message}` : thrown;
  return { text: text.replaceAll(/"(id|created|model)":("[^"]*"|\d+)/g, ''), thrown: said, status: response?.status };
}

test('a span that a hook ends costs one line: nothing more is written on it, metrics, log records and outcomes go on', async () => {
  const metering = startMetering();
  const records: unknown[] = [];
  const emit = ({ eventName }: { readonly eventName?: string }) => void records.push(eventName);
  const logger = { emit, enabled: () => true };
  harness.instrumentation.setMeterProvider(metering.provider);
  harness.instrumentation.setLoggerProvider({ getLogger: () => logger });
  const ends: Readonly<Record<string, LlmStreamInstrumentationConfig>> = {
    'requestHook, at once': { requestHook: (span) => span.end() },
    'requestHook, later': {
      requestHook: async (span) => {
        await Promise.resolve();
        span.end();
      },
    },
    outcomeHook: { outcomeHook: (span) => span.end() },
  };
  const reply = chatToolCalls([{ name: 'book', fragments: ['{', ...Array.from({ length: 50 }, () => ' '), '}'] }]);
  const told: string[] = [];
  for (const [model, config] of Object.entries(ends)) {
    use({ outcomeHook: () => told.push(model), ...config, logRecord: true });
    const { response, text } = await ask(model, { reply });
    expect(text).toContain('[DONE]');
    expect(outcomeOf(response)?.outcome).toBe('completed');
    const { attributes, events } = await harness.span(model);
    const isWhole = model === 'outcomeHook';
    expect(attributes['llm_stream.outcome']).toBe(isWhole ? 'completed' : undefined);
    expect(events.length > 50).toBe(isWhole);
  }
  expect(lines).toEqual([
    'opentelemetry-instrumentation-llm-stream: `requestHook` and `outcomeHook` must leave the span of a call open, and it was ' +
      'ended; it keeps what it had by then, `outcomeHook` is not called where the span is over before the call, and metrics, ' +
      'log records and `outcomeOf` go on (said once)',
  ]);
  expect(told).toEqual([]);
  expect((await metering.points('llm_stream.stream.outcomes')).map(({ value }) => value)).toEqual([1, 1, 1]);
  expect(records).toEqual(['llm_stream.call', 'llm_stream.call', 'llm_stream.call']);
});

describe('a function that throws, or rejects, costs one line, and the call is what it was', () => {
  const throws = () => {
    throw new Error('CANARY');
  };
  const rejects = async () => {
    throw new Error('CANARY');
  };

  test.each(['requestHook', 'outcomeHook', 'ignoreRequest', 'classifyAbort'] as const)('%s', async (name) => {
    const scenarios = { good: GOOD, reset: RESET, refused: { reply: httpError(429, { message: 'slow down' }) } };
    for (const [title, scenario] of Object.entries(scenarios)) {
      const aborted = name === 'classifyAbort' ? AbortSignal.abort('gone') : undefined;
      use({});
      const without = await seen(`without ${name}, ${title}`, scenario, aborted);
      for (const hook of [throws, rejects]) {
        use({ [name]: hook });
        const model = `${name} ${hook.name}, ${title}`;
        expect(await seen(model, scenario, aborted)).toEqual(without);
        const span = await harness.span(model);
        const same = await harness.span(`without ${name}, ${title}`);
        expect(span.attributes['llm_stream.outcome']).toBe(same.attributes['llm_stream.outcome']);
        expect(span.attributes['llm_stream.termination_kind']).toBe(same.attributes['llm_stream.termination_kind']);
      }
    }
    // Whose answer counts, it is too late for a promise.
    const isAsked = name === 'ignoreRequest' || name === 'classifyAbort';
    const said = [`Error in ${name}; the call goes on`, ...(isAsked ? ['at once, got a Promise'] : [])];
    expect(lines).toEqual(said.map((line) => expect.stringContaining(line)));
    expect(lines.join()).not.toContain('CANARY');
  });

  test('through the SDK the chunks and the error are the SDK’s own', async () => {
    use({ requestHook: throws, outcomeHook: throws, ignoreRequest: throws, classifyAbort: throws });
    const { texts } = await askBySdk('all of them throw', GOOD);
    expect(texts).toEqual(['', 'Hello', ' there', '']);
    await expect(askBySdk('all of them throw, reset', RESET)).rejects.toThrow('terminated');
    expect(outcomeOf(await askBySdk('and another', RESET).catch((error: unknown) => error))?.outcome).toBe('failed');
  });
});
