/** A generator out of a callback of `withCallContext`: its steps run in the context, and nobody else can tell. */
import { types } from 'node:util';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { type CallContext, instrumentOpenAI, withCallContext } from '../../src/index.js';
import { chatText, type Scenario } from '../../src/testing/index.js';
import { expectSpan, type Harness, startHarness } from '../scenarios/harness.js';

const TEXT: Scenario = { reply: chatText(['Hello', ' there', ' friend']) };
/** Stops after `Hello`, so that the application is ahead of the provider. */
const SLOW: Scenario = { ...TEXT, hold: { afterChunks: 2, until: 'client_gone' } };

let harness: Harness;
/** Spans that ended before the test. */
let before: number;
let lines: string[];
beforeAll(async () => {
  instrumentOpenAI(OpenAI);
  harness = await startHarness();
});
afterAll(() => harness.close());
beforeEach(() => {
  before = harness.spans.length;
  lines = [];
  const keep = (line: string) => void lines.push(line);
  diag.setLogger({ error: keep, warn: keep, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
});
afterEach(() => diag.disable());

function spans(): readonly ReadableSpan[] {
  return harness.spans.slice(before);
}

async function read(model: string): Promise<string> {
  const { url, init } = harness.ask(model, TEXT);
  return (await fetch(url, init)).text();
}

/** As an application writes it: the text, as it comes. */
async function* answer(model: string, scenario = TEXT): AsyncGenerator<string, number, unknown> {
  const { baseURL } = harness.ask(model, scenario);
  const client = new OpenAI({ apiKey: 'sk-any', baseURL, maxRetries: 0 });
  let count = 0;
  for await (const chunk of await client.chat.completions.create({ model, stream: true, messages: [] })) {
    const text = chunk.choices[0]?.delta.content;
    if (!text) continue;
    count += 1;
    yield text;
  }
  return count;
}

async function thrownBy(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

async function featureOf(model: string): Promise<unknown> {
  return (await harness.span(model)).attributes['llm_stream.feature'];
}

class TemplateError extends Error {}

describe('what an async generator asks for', () => {
  test('has the context, step by step, and what its consumer asks for between two steps has not', async () => {
    const texts: string[] = [];
    for await (const text of withCallContext({ feature: 'generated' }, () => answer('generated'))) {
      if (texts.length === 0) await read('between steps');
      texts.push(text);
    }
    expect(texts).toEqual(['Hello', ' there', ' friend']);
    expect(await featureOf('generated')).toBe('generated');
    expect(await featureOf('between steps')).toBeUndefined();
  });

  test('has the context where it is begun in a later step', async () => {
    const later = async function* () {
      yield 'first';
      yield await read('later step');
    };
    for await (const _ of withCallContext({ feature: 'later' }, later));
    expect(await featureOf('later step')).toBe('later');
  });

  test('has the context of where the generator is from, whatever it is consumed in', async () => {
    const generator = withCallContext({ feature: 'maker', route: '/maker' }, () => answer('consumed elsewhere'));
    await withCallContext({ feature: 'consumer', requestId: 'consumer' }, async () => {
      for await (const _ of generator);
    });
    const { attributes } = await harness.span('consumed elsewhere');
    expect(attributes).toMatchObject({ 'llm_stream.feature': 'maker', 'llm_stream.route': '/maker' });
    expect(attributes).not.toHaveProperty('llm_stream.request_id');
  });

  test('has the contexts of nested callbacks, merged', async () => {
    const generator = withCallContext({ route: '/outer', feature: 'outer' }, () =>
      withCallContext({ feature: 'inner' }, () => answer('nested generator')),
    );
    for await (const _ of generator);
    expect((await harness.span('nested generator')).attributes).toMatchObject({
      'llm_stream.route': '/outer',
      'llm_stream.feature': 'inner',
    });
  });

  test('has the context where a promise gives the generator', async () => {
    const generator = await withCallContext({ feature: 'promised' }, async () => answer('promised generator'));
    for await (const _ of generator);
    expect(await featureOf('promised generator')).toBe('promised');
  });

  test('has the context where another generator delegates to it', async () => {
    const outer = async function* () {
      yield* withCallContext({ feature: 'delegated' }, () => answer('delegated'));
    };
    for await (const _ of outer());
    expect(await featureOf('delegated')).toBe('delegated');
  });
});

test('a generator that asks itself is refused by the language, and goes on', () => {
  const asksItself: Generator<number> = withCallContext({ feature: 'chat' }, function* () {
    expect(() => asksItself.next()).toThrow(TypeError);
    yield 1;
    yield 2;
  });
  expect([...asksItself]).toEqual([1, 2]);
  expect(spans()).toEqual([]);
});

test('what a generator that is not async asks for has the context', async () => {
  const models = function* (): Generator<Promise<string>, string> {
    yield read('sync first');
    yield read('sync second');
    return 'done';
  };
  const generator = withCallContext({ feature: 'sync' }, models);
  for (const promise of generator) expect(await promise).toContain('Hello');
  expect(await Promise.all(['sync first', 'sync second'].map(featureOf))).toEqual(['sync', 'sync']);
});

describe('the generator', () => {
  test('is the one that the callback made, with nothing that a listing shows', () => {
    const made = answer('never begun');
    const prototype: unknown = Object.getPrototypeOf(made);
    const given = withCallContext({}, () => made);
    expectTypeOf(given).toEqualTypeOf<AsyncGenerator<string, number, unknown>>();
    expect(given).toBe(made);
    expect(Object.getPrototypeOf(given)).toBe(prototype);
    expect(Object.prototype.toString.call(given)).toBe('[object AsyncGenerator]');
    expect(types.isGeneratorObject(given)).toBe(true);
    expect(given[Symbol.asyncIterator]()).toBe(given);
    expect({ ...given }).toEqual({});
    expect([given.next, given.return, given.throw].map(({ name, length }) => [name, length])).toEqual([
      ['next', 1],
      ['return', 1],
      ['throw', 1],
    ]);
  });

  test('gives and takes what it would', async () => {
    const echo = async function* (): AsyncGenerator<string, string, string> {
      let sent = yield 'ready';
      try {
        sent = yield `got ${sent}`;
      } catch (error) {
        yield `caught ${error}`;
      }
      return `left with ${sent}`;
    };
    const plain = echo();
    const bound = withCallContext({}, echo);
    for (const generator of [plain, bound]) {
      expect([
        await generator.next('lost'),
        await generator.next('one'),
        await generator.throw('two'),
        await generator.return('three'),
        await generator.next('four'),
      ]).toEqual([
        { value: 'ready', done: false },
        { value: 'got one', done: false },
        { value: 'caught two', done: false },
        { value: 'three', done: true },
        { value: undefined, done: true },
      ]);
    }
  });

  test('answers in order where several steps are asked for at once', async () => {
    const generator = withCallContext({ feature: 'at once' }, () => answer('at once'));
    const results = await Promise.all(Array.from({ length: 5 }, () => generator.next()));
    expect(results).toEqual([
      { value: 'Hello', done: false },
      { value: ' there', done: false },
      { value: ' friend', done: false },
      { value: 3, done: true },
      { value: undefined, done: true },
    ]);
    expect(await featureOf('at once')).toBe('at once');
  });

  test('rejects a step that nobody handles as an unhandled rejection', async () => {
    const error = new TemplateError();
    const unhandled: unknown[] = [];
    const listeners = process.rawListeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', (reason) => unhandled.push(reason));
    void withCallContext({}, async function* () {
      yield await Promise.reject(error);
    }).next();
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    process.removeAllListeners('unhandledRejection');
    for (const listener of listeners) process.on('unhandledRejection', listener as () => void);
    expect(unhandled).toEqual([error]);
  });

  test('that is frozen goes its way, without the context', async () => {
    const generator = withCallContext({ feature: 'frozen' }, () => Object.freeze(answer('frozen')));
    let text = '';
    for await (const part of generator) text += part;
    expect(text).toBe('Hello there friend');
    expect(await featureOf('frozen')).toBeUndefined();
    expect(lines).toEqual([]);
  });

  test('that is frozen leaves its callback over: a stream that was opened in it and left then is left at once', async () => {
    const opened: { body?: ReadableStream<Uint8Array> | null } = {};
    await withCallContext({ feature: 'over' }, async () => {
      const { url, init } = harness.ask('opened beside a frozen one', SLOW);
      opened.body = (await fetch(url, init)).body;
      return Object.freeze(answer('never begun'));
    });
    await opened.body?.cancel();
    // Of a callback under way it would wait for the grace.
    expect(spans().map(({ attributes }) => attributes['llm_stream.feature'])).toEqual(['over']);
    expect(lines).toEqual([]);
  });
});

/** As a `for await` whose body throws or leaves, and as the language's other ways out of a generator. */
const WAYS_OUT: readonly (readonly [string, (generator: AsyncGenerator<string>) => unknown])[] = [
  [
    'a `break`',
    async (generator) => {
      for await (const _ of generator) break;
    },
  ],
  [
    'an exception of the consumer’s own',
    async (generator) => {
      for await (const _ of generator) throw new TemplateError();
    },
  ],
  [
    '`return()`',
    async (generator) => {
      await generator.next();
      await generator.return(undefined);
    },
  ],
];

describe('the callback is over when the body of its generator is:', () => {
  const BREAK = {
    outcome: 'cancelled',
    failureStage: 'client_aborted',
    stage: 'after_first_token',
    termination: 'consumer_break',
    fault: 'client',
    finish: ['error'],
    chunks: 2,
  } as const;
  const THREW = { ...BREAK, termination: 'consumer_error', fault: 'application' } as const;

  test.each(WAYS_OUT)('%s leaves it', async (way, leave) => {
    const model = `left by ${way}`;
    const generator = withCallContext({}, () => answer(model, SLOW));
    await Promise.resolve(leave(generator)).catch(() => {});
    // At once: nobody waits for the grace.
    expect(spans()).toHaveLength(1);
    expectSpan(await harness.span(model), BREAK);
  });

  test('what it throws in the middle of a stream is the application’s error', async () => {
    const error = new TemplateError();
    const body = async function* () {
      for await (const text of answer('throws inside', SLOW)) {
        yield text;
        throw error;
      }
    };
    const thrown = await thrownBy(async () => {
      for await (const _ of withCallContext({}, body));
    });
    expect(thrown).toBe(error);
    expectSpan(await harness.span('throws inside'), THREW);
  });

  test('what is thrown into it is the application’s error, too', async () => {
    const error = new TemplateError();
    const generator = withCallContext({}, () => answer('thrown into', SLOW));
    await generator.next();
    expect(await thrownBy(() => generator.throw(error))).toBe(error);
    expectSpan(await harness.span('thrown into'), THREW);
  });

  test.each<readonly [string, (context: CallContext, error: unknown) => unknown]>([
    [
      'async',
      (context, error) =>
        withCallContext(context, async function* () {
          yield 'first';
          throw error;
        }),
    ],
    [
      'not async',
      (context, error) =>
        withCallContext(context, function* () {
          yield 'first';
          throw error;
        }),
    ],
  ])('what it throws before any call is a span, where it is %s', async (_, make) => {
    const error = new TemplateError();
    const generator = make({ feature: 'early' }, error) as Iterable<string>;
    expect(
      await thrownBy(async () => {
        for await (const _text of generator) expect(spans()).toEqual([]);
      }),
    ).toBe(error);
    expect(spans().map(({ attributes }) => attributes)).toMatchObject([
      {
        'llm_stream.failure_stage': 'before_request',
        'llm_stream.feature': 'early',
        'error.type': 'TemplateError',
      },
    ]);
  });

  test('what is thrown into it afterwards is no failure of the callback', async () => {
    const error = new TemplateError();
    const generator = withCallContext({}, async function* () {
      yield 'first';
    });
    for await (const _ of generator);
    expect(await thrownBy(() => generator.throw(error))).toBe(error);
    expect(spans()).toEqual([]);
  });

  const dispose: unknown = Reflect.get(answer.prototype, Symbol.asyncDispose);

  test.skipIf(typeof dispose !== 'function')('`await using` leaves it', async () => {
    const generator = withCallContext({}, () => answer('disposed', SLOW));
    await generator.next();
    // What the statement does at the end of its block; TypeScript's own version of it calls nothing else.
    await Reflect.apply(Reflect.get(generator, Symbol.asyncDispose), generator, []);
    expectSpan(await harness.span('disposed'), BREAK);
  });
});
