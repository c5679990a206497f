/** What `withCallContext` puts on spans, and that it gives back what its callback gives: a real provider, SDK and tracer. */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { type CallContext, instrumentOpenAI, withCallContext } from '../../src/index.js';
import { processState } from '../../src/process-state.js';
import { chatText, type Scenario } from '../../src/testing/index.js';
import { type Harness, startHarness } from '../scenarios/harness.js';

const HELLO: Scenario = { reply: chatText(['Hello', ' there']) };

let harness: Harness;
let lines: string[];
beforeAll(async () => {
  instrumentOpenAI(OpenAI);
  harness = await startHarness();
});
afterAll(() => harness.close());
beforeEach(() => {
  lines = [];
  const keep = (line: string) => void lines.push(line);
  diag.setLogger({ error: keep, warn: keep, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
});
afterEach(() => diag.disable());

async function ask(model: string): Promise<string> {
  const { url, init } = harness.ask(model, HELLO);
  return (await fetch(url, init)).text();
}

async function stream(model: string) {
  const { baseURL } = harness.ask(model, HELLO);
  const client = new OpenAI({ apiKey: 'sk-any', baseURL, maxRetries: 0 });
  return client.chat.completions.create({ model, stream: true, messages: [{ role: 'user', content: 'Hello' }] });
}

/** What an application may say, as attributes. */
async function saidOn(model: string) {
  const { attributes } = await harness.span(model);
  return Object.fromEntries(
    Object.entries(attributes).filter(([name]) =>
      /^app\.|\.(request_id|feature|route|config_version|retry_attempt|fallback_attempt)$/.test(name),
    ),
  );
}

describe('a call in a context', () => {
  const everything: CallContext = {
    requestId: 'req-7f3a',
    feature: 'summary',
    route: '/chat/:id',
    configVersion: '2026-11-02',
    retryAttempt: 2,
    fallbackAttempt: 1,
    attributes: { 'app.tenant': 'acme', 'app.flags': ['a', 'b'], 'app.premium': true, 'app.cohort': 7 },
  };
  const onSpan = {
    'llm_stream.request_id': 'req-7f3a',
    'llm_stream.feature': 'summary',
    'llm_stream.route': '/chat/:id',
    'llm_stream.config_version': '2026-11-02',
    'llm_stream.retry_attempt': 2,
    'llm_stream.fallback_attempt': 1,
    'app.tenant': 'acme',
    'app.flags': ['a', 'b'],
    'app.premium': true,
    'app.cohort': 7,
  };

  test('has all that was said on its span, through fetch', async () => {
    await withCallContext(everything, () => ask('said, fetch'));
    expect(await saidOn('said, fetch')).toEqual(onSpan);
  });

  test('has all that was said on its span, through the SDK', async () => {
    await withCallContext(everything, async () => {
      for await (const _ of await stream('said, openai'));
    });
    expect(await saidOn('said, openai')).toEqual(onSpan);
  });

  test('has it before the span starts, where a sampler decides', async () => {
    const seen: unknown[] = [];
    harness.instrumentation.disable();
    const other = await startHarness(
      {},
      {
        shouldSample(_context, _traceId, _name, _kind, attributes) {
          seen.push(attributes['llm_stream.feature'], attributes['app.tenant']);
          return { decision: SamplingDecision.RECORD_AND_SAMPLED };
        },
      },
    );
    const { url, init } = other.ask('sampled', HELLO);
    await withCallContext(everything, async () => (await fetch(url, init)).text());
    await other.close();
    harness.instrumentation.enable();
    expect(seen).toEqual(['summary', 'acme']);
  });

  test('has nothing of it outside, before and after', async () => {
    await ask('before');
    await withCallContext(everything, () => ask('inside'));
    await ask('after');
    expect([await saidOn('before'), await saidOn('after')]).toEqual([{}, {}]);
  });

  test('has it also where it is begun in what the callback set off and did not wait for', async () => {
    let later = Promise.resolve('');
    withCallContext({ feature: 'later' }, () => {
      later = new Promise((resolve) => setImmediate(() => resolve(ask('set off'))));
    });
    await later;
    expect(await saidOn('set off')).toEqual({ 'llm_stream.feature': 'later' });
  });

  test('has what is said further in before what is said around it, and attributes of both', async () => {
    await withCallContext({ ...everything, retryAttempt: 0 }, () =>
      withCallContext(
        { feature: 'title', retryAttempt: 1, attributes: { 'app.tenant': 'globex', 'app.step': 2 } },
        () => ask('nested'),
      ),
    );
    expect(await saidOn('nested')).toEqual({
      ...onSpan,
      'llm_stream.feature': 'title',
      'llm_stream.retry_attempt': 1,
      'app.tenant': 'globex',
      'app.step': 2,
    });
  });

  describe('in one that was entered from within one that is over', () => {
    /** Sets off a job in a context of its own, which runs when this one is over. */
    async function setOff(planning: CallContext, own: CallContext, model: string): Promise<void> {
      let job: Promise<unknown> = Promise.resolve();
      await withCallContext(planning, async () => {
        job = new Promise((resolve) => setTimeout(resolve, 1)).then(() => withCallContext(own, () => ask(model)));
      });
      await job;
    }

    test('has what was said around it, but for which try that was', async () => {
      await setOff(everything, { feature: 'nightly', attributes: { 'app.tenant': 'globex' } }, 'planned');
      const { 'llm_stream.retry_attempt': _retry, 'llm_stream.fallback_attempt': _fallback, ...lasting } = onSpan;
      expect(await saidOn('planned')).toEqual({
        ...lasting,
        'llm_stream.feature': 'nightly',
        'app.tenant': 'globex',
      });
    });

    test('has the try of what is still under way around both', async () => {
      await withCallContext({ retryAttempt: 3 }, () =>
        setOff({ retryAttempt: 1, fallbackAttempt: 1 }, {}, 'under way'),
      );
      expect(await saidOn('under way')).toEqual({ 'llm_stream.retry_attempt': 3 });
    });

    test('has 64 attributes of all that was said, the last ones', async () => {
      const some = (from: number) =>
        Object.fromEntries(Array.from({ length: 32 }, (_, at) => [`app.n${from * 32 + at}`, from]));
      let inner = () => ask('many attributes').then(() => {});
      for (const from of [2, 1, 0]) {
        const next = inner;
        inner = () => setOffWith(some(from), next);
      }
      await inner();
      const said = await saidOn('many attributes');
      expect(Object.keys(said)).toHaveLength(64);
      expect([said['app.n31'], said['app.n32'], said['app.n95']]).toEqual([undefined, 1, 2]);
    });

    async function setOffWith(attributes: Record<string, number>, job: () => Promise<void>): Promise<void> {
      let set: Promise<void> = Promise.resolve();
      await withCallContext({ attributes }, async () => {
        set = new Promise((resolve) => setTimeout(resolve, 1)).then(job);
      });
      await set;
    }
  });

  test('keeps a list as it was said, whatever the application does with it', async () => {
    const flags = ['a'];
    await withCallContext({ attributes: { 'app.flags': flags } }, () => {
      flags.push('b');
      return ask('list');
    });
    expect(await saidOn('list')).toEqual({ 'app.flags': ['a'] });
  });
});

test('100 calls at once, each in a context of its own, have their own and nothing of another', async () => {
  const numbers = Array.from({ length: 100 }, (_, number) => number);
  await Promise.all(
    numbers.map((number) =>
      withCallContext({ requestId: `req-${number}` }, async () => {
        await withCallContext({ retryAttempt: number }, () => ask(`parallel ${number}`));
      }),
    ),
  );
  for (const number of numbers) {
    expect(await saidOn(`parallel ${number}`)).toEqual({
      'llm_stream.request_id': `req-${number}`,
      'llm_stream.retry_attempt': number,
    });
  }
});

describe('a value that does not fit is left out, and costs one line', () => {
  const left = (name: string, expected: string, got: string) =>
    `\`${name}\` of a call context must be ${expected}, got ${got}; it is left out`;
  const text = 'a string that is not empty';
  const whole = 'a whole number, 0 or more';
  const attribute = 'a string, number, boolean or a list of one kind of them';

  test.each<readonly [string, unknown, string]>([
    ['a number for text', { requestId: 7 }, left('requestId', text, '7')],
    ['empty text', { feature: '' }, left('feature', text, 'an empty string')],
    ['a list for text', { route: ['/'] }, left('route', text, 'a list')],
    ['a symbol for text', { configVersion: Symbol('v1') }, left('configVersion', text, 'symbol')],
    ['a negative attempt', { retryAttempt: -1 }, left('retryAttempt', whole, '-1')],
    ['half an attempt', { retryAttempt: 1.5 }, left('retryAttempt', whole, '1.5')],
    ['no number for an attempt', { fallbackAttempt: '1' }, left('fallbackAttempt', whole, 'string')],
    ['attributes that are none', { attributes: ['a'] }, left('attributes', 'an object of attributes', 'a list')],
    [
      'an attribute that is an object',
      { attributes: { 'app.user': { name: 'x' } } },
      left('attributes.app.user', attribute, 'object'),
    ],
    [
      'an attribute that is no number',
      { attributes: { 'app.n': Number.NaN } },
      left('attributes.app.n', attribute, 'NaN'),
    ],
    [
      'a list of two kinds',
      { attributes: { 'app.mixed': ['a', 1] } },
      left('attributes.app.mixed', attribute, 'a list'),
    ],
    ['an attribute without a name', { attributes: { '': 'x' } }, left('attributes.', attribute, 'string')],
    ...[
      ['llm_stream.', 'outcome'],
      ['gen_ai.', 'usage.input_tokens'],
      ['openai.', 'api.type'],
      ['error.', 'type'],
      ['exception.', 'type'],
      ['http.', 'response.status_code'],
      ['server.', 'address'],
      ['otel.', 'status_code'],
    ].map(
      ([prefix, name]) =>
        [
          `an attribute that is observed, \`${prefix}${name}\``,
          { attributes: { [`${prefix}${name}`]: 'said' } },
          left(`attributes.${prefix}${name}`, `under another prefix than \`${prefix}\``, 'string'),
        ] as const,
    ),
    ['an `onOutcome` that is no function', { onOutcome: 'log' }, left('onOutcome', 'a function', 'string')],
    [
      'a context that is none',
      'summary',
      '`withCallContext` expects an object as its first argument, got string; the context is empty',
    ],
    ['no context', null, '`withCallContext` expects an object as its first argument, got null; the context is empty'],
    [
      '33 attributes',
      { attributes: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`n${at}`, at])) },
      '`attributes` of a call context may have 32 entries, got 33; the first 32 are used',
    ],
  ])('%s', async (title, context, line) => {
    // As JavaScript may give it.
    const given = context as CallContext;
    expect(await withCallContext(given, () => ask(`misfit ${title}`))).toContain('Hello');
    expect(await saidOn(`misfit ${title}`)).toEqual({});
    expect(lines).toEqual([`opentelemetry-instrumentation-llm-stream: ${line}`]);
  });

  test('an attribute that is observed stays what was observed', async () => {
    // None of them is in a row above: the same line is said once.
    const attributes = { 'gen_ai.request.model': 'said', 'server.port': 'said', 'gen_ai.operation.name': 'said' };
    await withCallContext({ attributes }, () => ask('observed names'));
    expect((await harness.span('observed names')).attributes).toMatchObject({
      'gen_ai.request.model': 'observed names',
      'server.port': expect.any(Number),
      'gen_ai.operation.name': 'chat',
    });
    expect(lines).toHaveLength(3);
  });

  test('the conversation is the application’s to say, and so are names that only look like ours', async () => {
    const attributes = { 'gen_ai.conversation.id': 'conv-1', llm_stream_x: 1, error: true };
    await withCallContext({ attributes }, () => ask('own names'));
    expect((await harness.span('own names')).attributes).toMatchObject(attributes);
    expect(lines).toEqual([]);
  });

  test('what fits beside it is used', async () => {
    const context = { feature: 42 as never, route: '/r', attributes: { 'app.a': 'x', '': 1 } };
    await withCallContext(context, () => ask('partly'));
    expect(await saidOn('partly')).toEqual({ 'llm_stream.route': '/r', 'app.a': 'x' });
    expect(lines).toHaveLength(2);
  });

  test('a getter that throws costs its value alone', async () => {
    const context = {
      route: '/r',
      get feature(): string {
        throw new Error('CANARY');
      },
      attributes: {
        get 'app.a'(): string {
          throw new Error('CANARY');
        },
      },
    };
    await withCallContext(context, () => ask('getter'));
    expect(await saidOn('getter')).toEqual({ 'llm_stream.route': '/r' });
    expect(lines).toEqual([expect.stringContaining('Error in context; the call goes on')]);
    expect(lines.join()).not.toContain('CANARY');
  });

  test('undefined and null are nothing said', async () => {
    const context = { feature: undefined, route: null, attributes: { 'app.a': undefined, 'app.b': null } };
    await withCallContext(context as unknown as CallContext, () => ask('nothing said'));
    expect(await saidOn('nothing said')).toEqual({});
    expect(lines).toEqual([]);
  });

  test('text is cut at 128 characters, a name of ours is not', async () => {
    await withCallContext({ feature: 'f'.repeat(200) }, () => ask('long'));
    expect(await saidOn('long')).toEqual({ 'llm_stream.feature': 'f'.repeat(128) });
  });
});

describe('what the callback gives is given', () => {
  test('a value, the same one, at once', () => {
    const value = { some: 'object' };
    expect(withCallContext({}, () => value)).toBe(value);
    expect(withCallContext({}, () => undefined)).toBeUndefined();
    expectTypeOf(withCallContext({}, () => 4)).toEqualTypeOf<number>();
    expectTypeOf(withCallContext({}, async () => 4)).toEqualTypeOf<Promise<number>>();
  });

  test('a promise of the same value', async () => {
    const value = { some: 'object' };
    const given = withCallContext({}, async () => value);
    expect(given).toBeInstanceOf(Promise);
    expect(await given).toBe(value);
  });

  test('a promise of the same error, as it was', async () => {
    const error = new Error('mine');
    const { stack } = error;
    await expect(withCallContext({}, () => Promise.reject(error))).rejects.toBe(error);
    expect(error.stack).toBe(stack);
    expect(Reflect.ownKeys(error).map(String)).toEqual(['stack', 'message']);
  });

  test('an exception, at once', () => {
    const error = new Error('mine');
    const run = () =>
      withCallContext({}, () => {
        throw error;
      });
    expect(run).toThrow(error);
  });

  test.each([
    ['a subclass of Promise', class Mine extends Promise<string> {}.resolve('x')],
    ['a promise with members of its own', Object.assign(Promise.resolve('x'), { cancel() {} })],
    // biome-ignore lint/suspicious/noThenProperty: what a query builder is.
    ['a thenable', { then: () => expect.fail('nobody waits for it') }],
    ['an async iterable', { [Symbol.asyncIterator]: () => expect.fail('nobody loops over it') }],
    ['a function', () => expect.fail('nobody calls it')],
  ])('%s, the same one', (_, given) => {
    expect(withCallContext({}, () => given)).toBe(given);
  });

  test('an SDK’s promise, which nobody parses before the application asks for it', async () => {
    const { baseURL } = harness.ask('api promise', HELLO);
    const client = new OpenAI({ apiKey: 'sk-any', baseURL, maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: 'Hello' }];
    const promise = withCallContext({ feature: 'raw' }, () =>
      client.chat.completions.create({ model: 'api promise', stream: true, messages }),
    );
    const response = await promise.asResponse();
    expect(response.bodyUsed).toBe(false);
    const { data, response: same } = await promise.withResponse();
    expect(same).toBe(response);
    let chunks = 0;
    for await (const _ of data) chunks += 1;
    expect(chunks).toBe(4);
    expect(await saidOn('api promise')).toEqual({ 'llm_stream.feature': 'raw' });
  });

  test('a rejection that nobody handles is an unhandled one, and one', async () => {
    const error = new Error('nobody handles it');
    const unhandled: unknown[] = [];
    const before = process.rawListeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', (reason) => unhandled.push(reason));
    withCallContext({}, async () => {
      throw error;
    });
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    process.removeAllListeners('unhandledRejection');
    for (const listener of before) process.on('unhandledRejection', listener as () => void);
    expect(unhandled).toEqual([error]);
  });

  test('where there is no function, a TypeError that says so, and nothing is entered', () => {
    expect(() => withCallContext({}, 'fn' as unknown as () => void)).toThrow(
      new TypeError('`withCallContext` expects a function as its second argument, got string'),
    );
  });

  test('where the store itself fails, from a callback that runs without a context', async () => {
    const state = processState();
    const { contexts } = state;
    state.contexts = {
      getStore: () => {
        throw new Error('ours');
      },
      run: () => expect.fail('not reached'),
    };
    const given = withCallContext({ feature: 'lost' }, () => 4);
    state.contexts = contexts;
    expect(given).toBe(4);
  });
});
