/**
 * What an application can see of the SDK and of what it gives, as a list of checks that each report plain data. Runs in
 * a child process that never imports this package, and in one that observes every copy: the reports must be equal.
 */
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { OpenAI } from 'openai';
import type { Sdk } from '../sdks.js';
import type { ClientOptions } from '../way.js';

export interface Scope {
  readonly sdk: Sdk;
  readonly url: string;
  client(options?: ClientOptions): OpenAI;
  stream(model: string): OpenAI.ChatCompletionCreateParamsStreaming;
  whole(model: string): OpenAI.ChatCompletionCreateParamsNonStreaming;
}

type Check = (scope: Scope) => unknown;

export const CHECKS: Readonly<Record<string, Check>> = {
  'the class: own names, and the flags of its methods': ({ sdk }) => {
    return along(sdk.OpenAI.prototype).map((prototype) => [namesOf(prototype), methodsOf(prototype)]);
  },
  'a client: own names': ({ client }) => namesOf(client()),
  'the promise: class, own names': async ({ client, stream }) => {
    const completions = client().chat.completions;
    const promise = completions.create(stream('text'));
    const other = completions.create(stream('text'));
    const seen = [
      ...shape(promise),
      promise instanceof Promise,
      promise.constructor === other.constructor,
      along(promise).map((prototype) => methodsOf(prototype)),
    ];
    for (const each of [promise, other]) for await (const _ of await each);
    return seen;
  },
  'the promise: one class for streams and whole answers, also derived ones': async ({ client, stream, whole }) => {
    const completions = client().chat.completions;
    const promises = [completions.create(stream('text')), completions.create(whole('text'))] as const;
    const classes = promises.map((promise) => promise.constructor);
    await promises[1];
    for await (const _ of await promises[0]);
    return [new Set(classes).size, promises[0].then(() => {}).constructor === Promise];
  },
  'the stream: class, own names, the flags of its iterator': async ({ client, stream }) => {
    const got = await client().chat.completions.create(stream('text'));
    const { value, ...flags } = Object.getOwnPropertyDescriptor(got, 'iterator') ?? {};
    const seen = [
      ...shape(got),
      flags,
      typeof value,
      got['iterator'].name,
      got['iterator'].length,
      Symbol.asyncIterator in got,
      got.controller.signal.aborted,
    ];
    for await (const _ of got);
    return [...seen, got.controller.signal.aborted];
  },
  'the chunks: each as it was, none fewer, none more': async ({ client, stream }) => {
    const chunks = [];
    for await (const chunk of await client().chat.completions.create(stream('tool'))) {
      chunks.push([chunk, shape(chunk), Object.isFrozen(chunk)]);
    }
    return chunks;
  },
  'the iterator: next, return and throw by hand': async ({ client, stream }) => {
    const completions = client().chat.completions;
    const seen: unknown[] = [];
    for (const leave of ['return', 'throw'] as const) {
      const iterator = (await completions.create(stream('text')))[Symbol.asyncIterator]();
      seen.push(Object.keys(iterator), Symbol.asyncIterator in iterator);
      seen.push(Object.keys(await iterator.next()));
      seen.push(await Promise.resolve(iterator[leave]?.('mine')).catch(told));
      seen.push(await iterator.next(), (await iterator.return?.('again')) ?? 'no return');
    }
    return seen;
  },
  'a completion: own names, its request id': async ({ client, whole }) => {
    const completion = await client().chat.completions.create(whole('text'));
    return [completion, ...shape(completion), completion._request_id];
  },
  'withResponse: own names of the Response, its request id': async ({ client, stream }) => {
    const { data, response, request_id } = await client().chat.completions.create(stream('text')).withResponse();
    for await (const _ of data);
    return [Object.keys(response), response.status, response.bodyUsed, request_id, String(response)];
  },
  'asResponse: the bytes': async ({ client, stream }) => {
    const response = await client().chat.completions.create(stream('text')).asResponse();
    return [await response.text(), response.bodyUsed];
  },
  'errors: class, message, own names, cause': async ({ client, stream, whole }) => {
    const completions = client().chat.completions;
    const loop = async (model: string) => {
      for await (const _ of await completions.create(stream(model)));
    };
    const failures = [
      () => loop('unauthorized'),
      () => loop('limited'),
      () => loop('in-band'),
      () => loop('reset'),
      () => loop('no-such-model'),
      () => completions.create(whole('unauthorized')),
      () => completions.create(whole('no-json')),
      () => completions.create(stream('hang-before'), { signal: AbortSignal.abort() }),
      () => completions.create(stream('hang-before'), { signal: AbortSignal.timeout(100) }),
      () => completions.create(stream('hang-before'), { timeout: 100 }),
      () => completions.create(Object.assign(stream('text'), { seed: 1n })),
      () => client({ baseURL: 'none' }).chat.completions.create(stream('text')),
      () => client({ baseURL: 'http://127.0.0.1:1/v1' }).chat.completions.create(stream('text')),
    ];
    const seen = [];
    for (const fail of failures) seen.push(await Promise.resolve(fail()).then(() => 'no error', told));
    return seen;
  },
  'errors: the same one for all who wait': async ({ client, stream }) => {
    const promise = client().chat.completions.create(stream('unauthorized'));
    const errors = await Promise.all(
      [1, 2].map(() =>
        promise.then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    );
    return [errors[0] === errors[1], errors[0] instanceof Error];
  },
  'errors: the functions on their stacks': async ({ client, stream }) => {
    const error = await client()
      .chat.completions.create(stream('unauthorized'))
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    return error instanceof Error ? framesOf(error) : 'no error';
  },
  'unhandled rejections': async ({ client, stream, whole }) => {
    const completions = client().chat.completions;
    // A status each: what was unhandled tells whose it was.
    const forgotten: readonly ((model: string) => unknown)[] = [
      (model) => completions.create(stream(model)),
      (model) => completions.create(stream(model)).asResponse(),
      (model) => completions.create(stream(model)).withResponse(),
      (model) => completions.create(stream(model)).then(() => {}),
      (model) => completions.create(stream(model)).catch(() => {}),
      (model) => completions.create(stream(model)).finally(() => {}),
      (model) => {
        const promise = completions.create(stream(model));
        return [promise.then(() => {}), promise.then(() => {})];
      },
      (model) => completions.create(whole(model)),
      () => completions.create(whole('no-json')).then(() => {}),
      () => completions.create(stream('text')).then((chunks) => void loopAndThrow(chunks)),
    ];
    return unhandledBy(10, () => forgotten.map((forget, at) => forget(`status-${410 + at}`)));
  },
  'a fetch of the application’s own: what it gets': async ({ client, stream }) => {
    const seen: unknown[] = [];
    const own = async function (this: unknown, ...args: Parameters<typeof fetch>): Promise<Response> {
      const [url, init] = args;
      seen.push(String(url), args.length, typeof this, Object.keys(init ?? {}), init?.method, init?.body);
      seen.push(init?.headers?.constructor.name, init?.signal?.constructor.name, namesOf(init ?? {}));
      seen.push(namesOf(init?.headers ?? {}).length);
      return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: String(init?.body) });
    };
    for await (const _ of await client({ fetch: own }).chat.completions.create(stream('text')));
    return seen;
  },
  'subclasses: what their methods get': async ({ sdk, url, stream }) => {
    const seen: unknown[] = [];
    // What an application overrides is documented for none of the versions, and used in all.
    const Parent = sdk.OpenAI as unknown as new (options: ClientOptions) => Overridable;
    class Own extends Parent {
      override makeRequest(...args: unknown[]): unknown {
        seen.push('makeRequest', args.length);
        return super.makeRequest(...args);
      }
      override prepareOptions(...args: unknown[]): unknown {
        seen.push('prepareOptions', args.length, Object.keys(args[0] as object));
        return super.prepareOptions(...args);
      }
      override prepareRequest(...args: unknown[]): unknown {
        seen.push('prepareRequest', args.length, Object.keys(args[0] as object));
        return super.prepareRequest(...args);
      }
    }
    const client = new Own({ apiKey: 'sk-any', baseURL: `${url}/v1` });
    for await (const _ of await client.chat.completions.create(stream('text'))) seen.push('chunk');
    return seen;
  },
  'the caller’s signal: how many listen, while it is read and after': async ({ client, stream }) => {
    const { signal } = new AbortController();
    const listeners = () => getEventListeners(signal, 'abort').length;
    const seen = [listeners()];
    const got = await client().chat.completions.create(stream('text'), { signal });
    seen.push(listeners());
    for await (const _ of got);
    return [...seen, listeners()];
  },
  'the order in which things settle': async ({ client, whole }) => {
    const order: string[] = [];
    const promise = client().chat.completions.create(whole('text'));
    const note = (name: string) => () => void order.push(name);
    await Promise.all([
      promise.then(note('then')),
      promise.then(note('second then')),
      promise.finally(note('finally')),
      promise.withResponse().then(note('withResponse')),
      promise.asResponse().then(note('asResponse')),
    ]);
    return order;
  },
  'other requests': async ({ client }) => {
    const models = await client()
      .models.list()
      .then(() => 'models', told);
    const embedding = await client().embeddings.create({ model: 'embedding', input: 'a' }).then(shape, told);
    return [models, embedding];
  },
  'withOptions: another client of the same class': async ({ client, stream }) => {
    const original = client();
    if (!('withOptions' in original)) return 'none';
    const other = original.withOptions({ maxRetries: 1 });
    let chunks = 0;
    for await (const _ of await other.chat.completions.create(stream('text'))) chunks += 1;
    return [other.constructor === original.constructor, namesOf(other), chunks];
  },
};

/** What the observed process is known to do differently. */
export const DOCUMENTED: Readonly<Record<string, Check>> = {
  'a next() that fails unawaited': async ({ client, stream }) => {
    const iterator = (await client().chat.completions.create(stream('in-band')))[Symbol.asyncIterator]();
    return unhandledBy(1, () => [1, 2, 3].map(() => iterator.next()));
  },
  'own hidden names of a generator': async ({ client, stream }) => {
    const iterator = (await client().chat.completions.create(stream('text')))[Symbol.asyncIterator]();
    await iterator.next();
    const names = namesOf(iterator);
    await iterator.return?.();
    return names;
  },
};

async function loopAndThrow(chunks: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of chunks) throw new RangeError('my own');
}

/** The classes and messages of what was left unhandled: without us so many. A check has a time limit of its own. */
async function unhandledBy(count: number, act: () => unknown): Promise<readonly unknown[]> {
  const unhandled: unknown[] = [];
  const listen = (error: unknown) => unhandled.push(said(error));
  process.on('unhandledRejection', listen);
  act();
  while (unhandled.length < count) await sleep(10);
  // Nothing tells that no more will come.
  await sleep(400);
  process.off('unhandledRejection', listen);
  return unhandled.sort();
}

function said(error: unknown): string {
  return error instanceof Error ? `${error.constructor.name}: ${error.message}` : String(error);
}

interface Overridable extends Pick<OpenAI, 'chat'> {
  makeRequest(...args: unknown[]): unknown;
  prepareOptions(...args: unknown[]): unknown;
  prepareRequest(...args: unknown[]): unknown;
}

/** Of anything thrown: what a program can tell it by. */
export function told(error: unknown): unknown {
  if (!(error instanceof Error)) return [typeof error, inspect(error)];
  const { cause } = error;
  return [
    error.constructor.name,
    error.name,
    error.message,
    namesOf(error),
    cause === undefined ? 'none' : told(cause),
  ];
}

function shape(value: object): readonly unknown[] {
  return [value.constructor.name, namesOf(value), Object.keys(value)];
}

function namesOf(value: object): readonly string[] {
  // Ids of Node's own async hooks come and go.
  return Reflect.ownKeys(value)
    .map(String)
    .filter((name) => !/async_id|trigger/.test(name));
}

function methodsOf(prototype: object): readonly unknown[] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype)).map(([name, { value, get, set, ...flags }]) => {
    return [
      name,
      typeof value,
      typeof value === 'function' ? [value.name, value.length] : undefined,
      !!get,
      !!set,
      flags,
    ];
  });
}

/** Its prototypes, without those that everything has. */
function along(value: object): readonly object[] {
  const found: object[] = [];
  const own = typeof value === 'function' ? value.prototype : value;
  for (
    let at: object | null = own;
    at && at !== Object.prototype && at !== Promise.prototype;
    at = Reflect.getPrototypeOf(at)
  ) {
    found.push(at);
  }
  return found;
}

/** Names of functions, without places: these are ours to differ in. */
function framesOf(error: Error): readonly string[] {
  const lines = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  return lines.map((line) =>
    line
      .replace(/\(.*/, '')
      .replace(/file:.*/, 'here')
      .trim(),
  );
}
