/**
 * What an application can see of `fetch` and its Responses, as a list of checks that each report plain data. Runs in
 * a child process that never imports this package, and in one that observes every request: the reports must be equal.
 */
import { Readable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { inspect } from 'node:util';
import { type Server, startServer } from './server.js';

type Fetch = typeof fetch;

/** What the control process and the observed one do differently. */
export interface Subject {
  /** Observes a `fetch` that is not the global one; the control gives it back. */
  wrap(original: Fetch): Fetch;
  /** How many calls were recorded, where somebody records. */
  observed?(): number;
}

interface Scope extends Subject {
  readonly server: Server;
  get(path: string, init?: RequestInit): Promise<Response>;
  url(path: string): string;
}

/** Every check, by the kind of comparison it gets. */
export const checkNames = () => ({
  equal: Object.keys(CHECKS),
  documented: Object.keys(DOCUMENTED),
  sizes: Object.keys(SIZES),
});

/** Runs every check and prints one line of JSON. */
export async function reportChecks(subject: Subject): Promise<void> {
  const server = await startServer();
  const url = (path: string) => server.origin + path;
  const scope: Scope = { ...subject, server, url, get: (path, init) => fetch(url(path), init) };
  const keepAlive = setInterval(() => {}, 1_000);
  const report: Record<string, unknown> = {};
  process.on('unhandledRejection', () => {
    unhandled += 1;
  });
  for (const [name, check] of Object.entries({ ...CHECKS, ...DOCUMENTED, ...SIZES })) {
    report[name] = await Promise.race([
      Promise.resolve(scope).then(check).catch(describe),
      new Promise((resolve) => setTimeout(resolve, 6_000, 'timed out').unref()),
    ]);
  }
  clearInterval(keepAlive);
  report['observed calls'] = subject.observed?.();
  const line = JSON.stringify(report)
    .replaceAll(server.origin, 'ORIGIN')
    .replaceAll(server.origin.slice(7), 'HOST')
    .replaceAll(server.refused.slice(7), 'REFUSED');
  process.stdout.write(`${line}\n`, () => process.exit(0));
}

let unhandled = 0;

type Check = (scope: Scope) => unknown;

/** Each must report the same in both processes. */
const CHECKS: Record<string, Check> = {
  'fetch: name, length, flags': () => {
    const { value: _, ...flags } = Object.getOwnPropertyDescriptor(globalThis, 'fetch') ?? {};
    return [fetch.name, fetch.length, flags, Object.keys(fetch), Reflect.ownKeys(fetch).sort(), typeof fetch.prototype];
  },
  'fetch: a promise of the platform': async ({ get }) => {
    const promise = get('/short');
    await promise;
    return [promise instanceof Promise, promise.constructor === Promise];
  },
  'fetch: keeps extra properties and this of the original': async ({ wrap }) => {
    const seen: unknown[] = [];
    const original = Object.assign(
      function fetch(this: unknown, ...args: unknown[]) {
        seen.push(this === undefined ? 'undefined' : typeof this, args.length);
        return Promise.resolve(new Response('mock'));
      },
      { __nextPatched: true },
    );
    const wrapped = wrap(original as Fetch);
    await wrapped('http://mock/');
    await wrapped.call({} as typeof globalThis, 'http://mock/', undefined);
    return [seen, Object.keys(wrapped), wrapped.length, wrapped.name];
  },
  'fetch: what is no promise goes through': ({ wrap }) => [wrap((() => 7) as unknown as Fetch)('http://mock/')],
  'fetch: a synchronous throw goes through': ({ wrap }) => {
    const own = new RangeError('own');
    const thrower = wrap((() => {
      throw own;
    }) as unknown as Fetch);
    try {
      return [thrower('http://mock/')];
    } catch (error) {
      return [error === own];
    }
  },
  'fetch: odd arguments': async () => {
    const odd = [
      undefined,
      null,
      7,
      {},
      'no url',
      'http://',
      'foo://x',
      'http://127.0.0.1:1/',
      { toString: () => 'data:,x' },
    ];
    return Promise.all(odd.map((input) => fetch(input as string).then((response) => response.text(), describe)));
  },
  'fetch: odd options': async ({ url }) => {
    const odd = [
      { method: 'GET', body: 'x' },
      { method: 'nó' },
      { headers: { 'a b': '1' } },
      { signal: 1 },
      { mode: 'x' },
      7,
    ];
    return Promise.all(odd.map((init) => fetch(url('/short'), init as RequestInit).then((r) => r.text(), describe)));
  },
  'fetch: options that are iterables are consumed once': async ({ url }) => {
    function* pairs() {
      yield ['x-one', '1'];
    }
    let reads = 0;
    const params = new URLSearchParams({ a: '1' });
    const init = {
      method: 'POST',
      headers: pairs(),
      body: params,
      get cache() {
        reads += 1;
        return 'default' as const;
      },
    };
    const response = await fetch(url('/echo'), init as unknown as RequestInit);
    return [await response.json(), reads];
  },
  'Response: brand, keys, inspect': async ({ get }) => {
    const response = await get('/short');
    return [
      response instanceof Response,
      Object.getPrototypeOf(response) === Response.prototype,
      Object.prototype.toString.call(response),
      Object.keys(response),
      Object.keys(response.body ?? {}),
      Object.entries({ ...response }),
      inspect(response).replace(/'?date'?:.*\n/i, ''),
      inspect(response.body),
      JSON.stringify(response),
      response.constructor.name,
    ];
  },
  'Response: url, redirected, type, status, headers': async ({ get }) => {
    const responses = await Promise.all([get('/text#part'), get('/redirect#part'), get('/status'), get('/empty')]);
    return responses.map((r) => [
      r.url,
      r.redirected,
      r.type,
      r.status,
      r.statusText,
      r.ok,
      r.body === null,
      r.headers.get('x-extra'),
    ]);
  },
  'Response: getters of the prototype': async ({ get }) => {
    const response = await get('/text');
    return ['url', 'status', 'type', 'bodyUsed', 'ok'].map((key) => {
      return Object.getOwnPropertyDescriptor(Response.prototype, key)?.get?.call(response);
    });
  },
  'Response: headers are immutable': async ({ get }) => {
    const { headers } = await get('/short');
    return capture(() => headers.set('a', 'b'));
  },
  'Response: body is one object': async ({ get }) => {
    const response = await get('/text');
    const { body } = response;
    const same = [body === response.body, response.bodyUsed, body?.locked];
    await response.text();
    return [...same, body === response.body, response.bodyUsed, body?.locked];
  },
  'body: methods have their names, and values is the async iterator': async ({ get }) => {
    const body = bodyOf(await get('/short'));
    const reader = body.getReader();
    const functions = [
      body.getReader,
      body.values,
      body[Symbol.asyncIterator],
      body.cancel,
      body.tee,
      body.pipeTo,
      body.pipeThrough,
    ];
    return [
      [...functions, reader.read, reader.cancel, reader.releaseLock].map((f) => [f.name, f.length, 'prototype' in f]),
      body.values === body[Symbol.asyncIterator],
      inspect(reader),
      Object.keys(reader),
    ];
  },
  'body: methods check their brand': async ({ get }) => {
    const body = bodyOf(await get('/short'));
    const reader = body.getReader();
    const calls = [
      body.getReader,
      body.tee,
      body.values,
      body.cancel,
      body.pipeTo,
      body.pipeThrough,
      reader.read,
      reader.cancel,
      reader.releaseLock,
    ];
    return Promise.all(
      [undefined, {}, 7].flatMap((self) => calls.map((f) => capture(() => (f as () => unknown).call(self)))),
    );
  },
  'body: methods work on other streams': async ({ get }) => {
    const body = bodyOf(await get('/short'));
    const other = new Response('other').body as ReadableStream;
    const reader = body.getReader.call(other) as ReadableStreamDefaultReader<Uint8Array>;
    const first = await body.getReader().read.call(reader);
    return [decode(first.value), body.locked, other.locked];
  },
  ...Object.fromEntries(
    (['text', 'json', 'arrayBuffer', 'blob', 'bytes', 'formData'] as const).map((method) => [
      `Response: ${method}()`,
      async ({ get }: Scope) => {
        const path = { text: '/text', json: '/json', formData: '/form' }[method as string] ?? '/text';
        const response = await get(path);
        const call = () => (response as unknown as Record<string, (() => Promise<unknown>) | undefined>)[method]?.();
        const first = await capture(call);
        return [first, await capture(call), response.bodyUsed, await capture(() => response.clone())];
      },
    ]),
  ),
  'Response: json() of what is no JSON': async ({ get }) => capture(async () => (await get('/text')).json()),
  'Response: text() of an empty body': async ({ get }) => [
    await (await get('/nothing')).text(),
    await (await get('/empty')).text(),
    await (await get('/gzip')).text(),
  ],
  'Response: text() of a broken body': async ({ get }) =>
    Promise.all(
      ['/reset', '/cut', '/cut-length', '/bad-gzip'].map((path) => capture(async () => (await get(path)).text())),
    ),
  'new Response(body) and Request(body) read on': async ({ get, url }) => {
    const again = await new Response((await get('/text')).body).text();
    const sent = await fetch(url('/echo'), {
      method: 'POST',
      body: (await get('/text')).body,
      duplex: 'half',
    } as RequestInit);
    return [again, await sent.text()];
  },
  'getReader: chunks are Uint8Arrays, results plain': async ({ get }) => {
    const reader = bodyOf(await get('/text')).getReader();
    const results: unknown[] = [];
    for (;;) {
      const result = await reader.read();
      results.push(result.done, Object.keys(result), result.value?.constructor.name);
      if (result.done) break;
    }
    return [
      new Set(results.map((r) => JSON.stringify(r))).size > 1,
      results.at(-3),
      results.at(-1),
      await capture(() => reader.closed),
    ];
  },
  'getReader: the whole content, and after the end': async ({ get }) => {
    const reader = bodyOf(await get('/text?chunks=5')).getReader();
    return [
      await readAll(reader),
      await reader.read(),
      await capture(() => reader.cancel('late')),
      await reader.closed,
    ];
  },
  'getReader: reads pipelined': async ({ get }) => {
    const reader = bodyOf(await get('/text?chunks=4')).getReader();
    const results = await Promise.all(Array.from({ length: 8 }, () => reader.read()));
    return results.map(({ value }) => decode(value)).join('');
  },
  'getReader: order of reads, closed and microtasks': async ({ get }) => {
    const order: string[] = [];
    const reader = bodyOf(await get('/short')).getReader();
    void reader.closed.then(() => order.push('closed'));
    for (let index = 0; index < 3; index += 1)
      void reader.read().then(({ done }) => order.push(`read ${index} ${done}`));
    void Promise.resolve().then(() => order.push('microtask'));
    await reader.closed;
    await new Promise(setImmediate);
    return order;
  },
  'getReader: read gives the same promise': async ({ get }) => {
    const reader = bodyOf(await get('/short')).getReader();
    const promise = reader.read();
    return [promise.constructor === Promise, Object.keys(promise), decode((await promise).value)];
  },
  'getReader: a second reader, odd modes': async ({ get }) => {
    const body = bodyOf(await get('/hang'));
    const odd = [() => body.getReader({ mode: 'x' } as never), () => body.getReader(7 as never)].map(capture);
    const reader = body.getReader();
    const locked = [
      () => body.getReader(),
      () => body.tee(),
      () => body.values(),
      () => body.cancel(),
      () => body.pipeTo(new WritableStream()),
      () => body.pipeThrough(new TransformStream()),
    ].map(capture);
    const reports = await Promise.all([...odd, ...locked]);
    await reader.cancel();
    return reports;
  },
  'releaseLock: a pending read, reads after it, a new reader': async ({ get }) => {
    const body = bodyOf(await get('/text'));
    const reader = body.getReader();
    await reader.read();
    const pending = capture(() => reader.read());
    const closed = capture(() => reader.closed);
    reader.releaseLock();
    const after = await Promise.all([
      pending,
      capture(() => reader.read()),
      capture(() => reader.cancel()),
      capture(() => reader.releaseLock()),
    ]);
    return [after, body.locked, (await closed) !== undefined, (await readAll(body.getReader())).endsWith('chunk-2;')];
  },
  'BYOB: fills the view, whole content, odd views': async ({ get }) => {
    const reader = bodyOf(await get('/text?chunks=4')).getReader({ mode: 'byob' });
    const odd = await Promise.all(
      [undefined, {}, new Uint8Array(0)].map((view) => capture(() => reader.read(view as Uint8Array))),
    );
    let content = '';
    let view = new Uint8Array(5);
    for (;;) {
      const { done, value } = await reader.read(view);
      if (done || value === undefined)
        return [odd, content, done, value?.byteLength, reader.read.length, inspect(reader)];
      content += decode(value);
      view = new Uint8Array(value.buffer as ArrayBuffer);
    }
  },
  'BYOB: a DataView': async ({ get }) => {
    const reader = bodyOf(await get('/short')).getReader({ mode: 'byob' });
    const { value } = await reader.read(new DataView(new ArrayBuffer(16)));
    return [value?.constructor.name, value?.byteLength];
  },
  'iterator: for await, whole content': async ({ get }) => {
    let content = '';
    for await (const chunk of bodyOf(await get('/text?chunks=5'))) content += decode(chunk);
    return content;
  },
  'iterator: its own properties': async ({ get }) => {
    const iterator = bodyOf(await get('/short')).values();
    return [
      Reflect.ownKeys(iterator).map(String),
      [iterator.next.name, iterator.next.length, iterator.return?.name, iterator.return?.length],
      iterator[Symbol.asyncIterator]() === iterator,
      inspect(iterator),
    ];
  },
  'iterator: break closes the connection': async ({ get, server }) => {
    const response = await get('/hang?id=break');
    for await (const chunk of bodyOf(response)) {
      if (chunk.length > 0) break;
    }
    return [response.bodyUsed, response.body?.locked, await server.closed('break')];
  },
  'iterator: a throw in the loop closes the connection': async ({ get, server }) => {
    const own = new Error('own');
    const same = await (async () => {
      for await (const _ of bodyOf(await get('/hang?id=throw'))) throw own;
    })().catch((error) => error === own);
    return [same, await server.closed('throw')];
  },
  'iterator: preventCancel leaves the body readable': async ({ get }) => {
    const body = bodyOf(await get('/text?chunks=4'));
    let first = '';
    for await (const chunk of body.values({ preventCancel: true })) {
      first += decode(chunk);
      break;
    }
    return first + (await readAll(body.getReader()));
  },
  'iterator: return, next after it, odd options': async ({ get }) => {
    const body = bodyOf(await get('/hang'));
    const odd = await capture(() => body.values(7 as never));
    const iterator = body.values();
    await iterator.next();
    return [
      odd,
      await iterator.return?.('given' as never),
      await iterator.next(),
      await iterator.return?.('again' as never),
    ];
  },
  'iterator: an error': async ({ get }) => {
    let content = '';
    return capture(async () => {
      for await (const chunk of bodyOf(await get('/reset'))) content += decode(chunk);
    }).then((error) => [content.length > 0, error]);
  },
  'cancel: with and without reason, closes the connection': async ({ get, server }) => {
    const results = [];
    for (const [id, reason] of Object.entries({ c1: undefined, c2: new Error('why'), c3: 'text' })) {
      const body = bodyOf(await get(`/hang?id=${id}`));
      results.push(
        await capture(() => body.cancel(reason)),
        await capture(() => body.getReader().read()),
        await server.closed(id),
      );
    }
    return results;
  },
  'cancel: by the reader, a pending read is done': async ({ get, server }) => {
    const reader = bodyOf(await get('/hang?id=rc')).getReader();
    await reader.read();
    const pending = reader.read();
    return [
      await capture(() => reader.cancel('reason')),
      await pending,
      await server.closed('rc'),
      await capture(() => reader.closed),
    ];
  },
  'tee: both branches, order, one cancelled, both cancelled': async ({ get, server }) => {
    const [a, b] = bodyOf(await get('/text?chunks=4')).tee();
    const both = await Promise.all([readAll(a.getReader()), readAll(b.getReader())]);
    const source = bodyOf(await get('/hang?id=tee'));
    const [c, d] = source.tee();
    void c.cancel('c');
    await d.getReader().read();
    const alone = decode((await (await get('/short')).body?.tee()[0].getReader().read())?.value);
    const [e, f] = bodyOf(await get('/hang?id=tee2')).tee();
    const left = await Promise.all([e.cancel('e'), f.cancel('f')].map((p) => capture(() => p)));
    return [both, source.locked, alone, left, await server.closed('tee2')];
  },
  'tee: of a branch, BYOB on a branch': async ({ get }) => {
    const [a, b] = bodyOf(await get('/text?chunks=4')).tee();
    const [c, d] = b.tee();
    const byob = a.getReader({ mode: 'byob' });
    const first = await byob.read(new Uint8Array(3));
    return [decode(first.value), await readAll(c.getReader()), await readAll(d.getReader())];
  },
  'clone: all copies read, url and type kept': async ({ get }) => {
    const response = await get('/redirect');
    const { body } = response;
    const copy = response.clone();
    const third = copy.clone();
    const facts = [
      copy.url,
      copy.redirected,
      copy.type,
      copy.status,
      body === response.body,
      body?.locked,
      copy instanceof Response,
    ];
    const own = [Object.keys(copy), copy.clone.name, copy.clone.length, inspect(copy.body)];
    return [facts, own, await Promise.all([response.text(), third.text(), readAll(bodyOf(copy).getReader())])];
  },
  'clone: of a used or locked body': async ({ get }) => {
    const used = await get('/short');
    await used.text();
    const locked = await get('/short');
    bodyOf(locked).getReader();
    return Promise.all(
      [
        () => used.clone(),
        () => locked.clone(),
        () => locked.clone.call(undefined as never),
        () => locked.clone.call({} as Response),
      ].map(capture),
    );
  },
  'clone: abort in mid-body reaches both': async ({ get }) => {
    const controller = new AbortController();
    const response = await get('/hang', { signal: controller.signal });
    const copy = response.clone();
    const readers = [bodyOf(response).getReader(), bodyOf(copy).getReader()];
    await Promise.all(readers.map((reader) => reader.read()));
    const pending = readers.map((reader) =>
      reader.read().catch((error) => [error === controller.signal.reason, describe(error)]),
    );
    controller.abort();
    return Promise.all(pending);
  },
  'clone: both cancelled closes the connection': async ({ get, server }) => {
    const response = await get('/hang?id=clones');
    const copy = response.clone();
    await Promise.all([response.body?.cancel(), copy.body?.cancel()]);
    return server.closed('clones');
  },
  'pipeTo: content, locks, close': async ({ get }) => {
    const body = bodyOf(await get('/text?chunks=4'));
    const sink = collector();
    const piped = body.pipeTo(sink.stream);
    const during = [body.locked, sink.stream.locked];
    const result = await piped;
    return [sink.log.join(''), during, result, body.locked, sink.stream.locked];
  },
  'pipeTo: a failing sink cancels, with preventCancel it does not': async ({ get, server }) => {
    const cancelled = bodyOf(await get('/hang?id=sink'));
    const own = new Error('sink');
    const failing = () => new WritableStream({ write: () => Promise.reject(own) });
    const first = await cancelled.pipeTo(failing()).catch((error) => error === own);
    const kept = bodyOf(await get('/text?chunks=6'));
    const second = await kept.pipeTo(failing(), { preventCancel: true }).catch((error) => error === own);
    return [
      first,
      await server.closed('sink'),
      second,
      kept.locked,
      (await readAll(kept.getReader())).endsWith('chunk-5;'),
    ];
  },
  'pipeTo: a failing source aborts, with preventAbort it does not': async ({ get }) => {
    const sink = collector();
    const first = await capture(async () => bodyOf(await get('/reset')).pipeTo(sink.stream));
    const kept = collector();
    const second = await capture(async () => bodyOf(await get('/reset')).pipeTo(kept.stream, { preventAbort: true }));
    return [first, sink.log.at(-1), second, kept.log.some((entry) => entry.startsWith('abort')), kept.stream.locked];
  },
  'pipeTo: preventClose, signal, aborted signal': async ({ get, server }) => {
    const open = collector();
    await bodyOf(await get('/text')).pipeTo(open.stream, { preventClose: true });
    const controller = new AbortController();
    const body = bodyOf(await get('/hang?id=pipe-signal'));
    const piped = body.pipeTo(collector().stream, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('stop')), 30);
    const aborted = await capture(() => piped);
    const already = bodyOf(await get('/hang?id=pipe-aborted'));
    const early = await capture(() => already.pipeTo(collector().stream, { signal: AbortSignal.abort('early') }));
    return [
      open.log.includes('close'),
      aborted,
      await server.closed('pipe-signal'),
      early,
      await server.closed('pipe-aborted'),
      already.locked,
    ];
  },
  'pipeTo: an error reaches a sink that is full': async ({ get }) => {
    const sink = collector(new CountQueuingStrategy({ highWaterMark: 0 }));
    return [await capture(async () => bodyOf(await get('/reset')).pipeTo(sink.stream)), sink.log.length];
  },
  'pipeTo and pipeThrough: odd arguments': async ({ get }) => {
    const body = bodyOf(await get('/text'));
    const locked = new WritableStream();
    locked.getWriter();
    const odd = [
      () => body.pipeTo(undefined as never),
      () => body.pipeTo(locked),
      () => body.pipeTo(new WritableStream(), 7 as never),
      () => body.pipeTo(new WritableStream(), { signal: 7 } as never),
      () => body.pipeThrough(undefined as never),
      () => body.pipeThrough({ readable: new ReadableStream(), writable: locked }),
      () => body.pipeThrough({} as never),
    ];
    return [await Promise.all(odd.map(capture)), body.locked, await readAll(body.getReader())];
  },
  'pipeThrough: content, the same readable, an error': async ({ get }) => {
    const transform = new TextDecoderStream();
    const body = bodyOf(await get('/text?chunks=4'));
    const readable = body.pipeThrough(transform as never) as ReadableStream<string>;
    const same = readable === transform.readable;
    let content = '';
    for await (const part of readable) content += part;
    const broken = bodyOf(await get('/reset')).pipeThrough(new TextDecoderStream() as never) as ReadableStream<string>;
    return [
      same,
      content,
      body.locked,
      await capture(async () => {
        for await (const _ of broken);
      }),
    ];
  },
  'pipeThrough: leaving the readable closes the connection': async ({ get, server }) => {
    const readable = bodyOf(await get('/hang?id=through')).pipeThrough(new TransformStream());
    const reader = readable.getReader();
    await reader.read();
    await reader.cancel('enough');
    return server.closed('through');
  },
  'Readable.fromWeb: content, destroy, error': async ({ get, server }) => {
    const content = await textOf(Readable.fromWeb((await get('/text?chunks=4')).body as never));
    const hanging = Readable.fromWeb((await get('/hang?id=fromweb')).body as never);
    hanging.on('error', () => {});
    hanging.once('data', () => hanging.destroy());
    const closed = await server.closed('fromweb');
    return [content, closed, await capture(async () => textOf(Readable.fromWeb((await get('/reset')).body as never)))];
  },
  'stream.pipeline and consumers': async ({ get }) => {
    let content = '';
    await pipeline(bodyOf(await get('/text?chunks=4')), async (source: AsyncIterable<Uint8Array>) => {
      for await (const chunk of source) content += decode(chunk);
    });
    return [content, await textOf((await get('/text')).body as never)];
  },
  'private reader and transfer still work': async ({ get }) => {
    const reader = new ReadableStreamDefaultReader<Uint8Array>(bodyOf(await get('/text')));
    const body = bodyOf(await get('/text'));
    const moved = structuredClone(body, { transfer: [body as never] });
    return [await readAll(reader), await readAll(moved.getReader()), body.locked];
  },
  ...Object.fromEntries(
    ['/reset', '/cut', '/cut-length', '/bad-gzip'].map((path) => [
      `error in mid-body: ${path}`,
      async ({ get }: Scope) => {
        const reader = bodyOf(await get(path)).getReader();
        const first = await capture(() => readAll(reader));
        const second = await reader.read().catch((error) => error);
        const third = await reader.closed.catch((error) => error);
        return [first, second === third, await capture(() => reader.cancel())];
      },
    ]),
  ),
  'error before headers': async ({ get, server }) => [
    await capture(() => get('/reset-before-headers')),
    await capture(() => get('/not-http')),
    await capture(() => fetch(server.refused)),
    await capture(() => get('/redirect-loop')),
    await capture(() => get('/redirect', { redirect: 'error' })),
  ],
  'abort before headers: identity of the reason': async ({ get }) => {
    const reasons = [undefined, null, 'text', new Error('own'), 7];
    return Promise.all(
      reasons.map(async (reason) => {
        const controller = new AbortController();
        const pending = get('/silent', { signal: controller.signal });
        setTimeout(() => controller.abort(reason), 20);
        return pending.catch((error) => [error === controller.signal.reason, describe(error)]);
      }),
    );
  },
  'abort: already aborted, timeout, a Request': async ({ get, url }) => {
    const request = new Request(url('/silent'), { signal: AbortSignal.timeout(30) });
    const timeout = AbortSignal.timeout(30);
    return [
      await capture(() => get('/text', { signal: AbortSignal.abort() })),
      await capture(() => get('/text', { signal: AbortSignal.abort('why') })),
      await get('/hang', { signal: timeout })
        .then((r) => r.text())
        .catch((error) => [error === timeout.reason, describe(error)]),
      await capture(() => fetch(request)),
    ];
  },
  'abort in mid-body: identity, later reads, the connection': async ({ get, server }) => {
    const results = [];
    for (const [id, reason] of Object.entries({ m1: undefined, m2: new Error('own'), m3: 'text', m4: null })) {
      const controller = new AbortController();
      const reader = bodyOf(await get(`/hang?id=${id}`, { signal: controller.signal })).getReader();
      await reader.read();
      const pending = reader.read().catch((error) => [error === controller.signal.reason, describe(error)]);
      controller.abort(reason);
      results.push(await pending, await capture(() => reader.read()), await server.closed(id));
    }
    return results;
  },
  'abort with no read pending': async ({ get }) => {
    const controller = new AbortController();
    const response = await get('/hang', { signal: controller.signal });
    controller.abort();
    return [await capture(() => response.text()), await capture(() => bodyOf(response).cancel())];
  },
  'redirects: manual, 307 with a body': async ({ get }) => {
    const manual = await get('/redirect', { redirect: 'manual' });
    const posted = await get('/redirect307', { method: 'POST', body: 'kept' });
    return [
      manual.status,
      manual.type,
      manual.url,
      manual.headers.get('location'),
      await manual.text(),
      await posted.json(),
    ];
  },
  'request bodies: string, bytes, form, params, blob, stream': async ({ get }) => {
    const form = new FormData();
    form.set('field', 'value');
    const stream = new Blob(['streamed']).stream();
    const bodies = [
      'text',
      new TextEncoder().encode('bytes'),
      form,
      new URLSearchParams({ a: '1' }),
      new Blob(['blob'], { type: 'a/b' }),
      stream,
    ];
    return Promise.all(
      bodies.map(async (body) => {
        const answer = await get('/echo', { method: 'POST', body, duplex: 'half' } as RequestInit);
        return answer.json();
      }),
    );
  },
  'request: headers in every form, Range, referrer, a Request': async ({ get, url }) => {
    const forms = [
      { 'X-Form': 'object' },
      [['X-Form', 'pairs']],
      new Headers({ 'X-Form': 'headers' }),
    ] as RequestInit['headers'][];
    const echoed = await Promise.all(
      forms.map(async (headers) => (await get('/echo', headers === undefined ? {} : { headers })).json()),
    );
    const request = new Request(url('/echo?q=1#frag'), { method: 'PUT', body: 'of a request', headers: { a: 'b' } });
    const answered = await fetch(request);
    const referred = await get('/echo', { referrer: url('/page'), referrerPolicy: 'origin' });
    return [
      echoed,
      await answered.json(),
      request.bodyUsed,
      answered.url,
      await referred.json(),
      await (await get('/range', { headers: { range: 'bytes=0-3' } })).text(),
    ];
  },
  'data: and blob: URLs': async () => {
    const blob = URL.createObjectURL(new Blob(['from a blob'], { type: 'text/x' }));
    const responses = await Promise.all([fetch('data:text/x,hello%20data'), fetch(blob)]);
    return Promise.all(
      responses.map(async (r) => [r.type, r.headers.get('content-type'), r.url.slice(0, 5), await r.text()]),
    );
  },
  'a mock that gives the same Response twice': async ({ wrap }) => {
    const response = new Response('once only');
    const mock = wrap((() => Promise.resolve(response)) as Fetch);
    const [first, second] = [await mock('http://mock/'), await mock('http://mock/')];
    return [first === response, second === response, await first.text(), await capture(() => second.text())];
  },
  'mocks of other kinds': async ({ wrap }) => {
    const plain = { ok: true, json: async () => 'plain' };
    const strings = new Response(new ReadableStream({ pull: (controller) => controller.enqueue('text' as never) }));
    const values = [plain, undefined, null, 'text', strings, new Response(null), Response.error()];
    return Promise.all(
      values.map(async (value) => {
        const given = await wrap((async () => value) as unknown as Fetch)('http://mock/');
        return [given === value, given === strings ? await bodyOf(strings).getReader().read() : null];
      }),
    );
  },
  'unhandled: a fetch that fails unawaited counts once': async ({ server }) => {
    return countUnhandled(() => void fetch(server.refused));
  },
  'unhandled: a handled fetch, read and pipe count none': async ({ get, server }) => {
    return countUnhandled(() => {
      fetch(server.refused).catch(() => {});
      void get('/reset')
        .then((r) => r.text())
        .catch(() => {});
      void get('/reset')
        .then((r) => bodyOf(r).pipeTo(new WritableStream()))
        .catch(() => {});
      void get('/reset').then((r) => bodyOf(r).pipeThrough(new TransformStream()).cancel());
      void get('/reset').then((r) => readAll(bodyOf(r).getReader()).catch(() => {}));
    });
  },
  'unhandled: text() and pipeTo() that fail unawaited count each': async ({ get }) => {
    const [first, second] = [await get('/reset'), await get('/reset')];
    return countUnhandled(() => {
      void first.text();
      void bodyOf(second).pipeTo(new WritableStream());
    });
  },
  'stack: frames of a failing fetch': async ({ server }) => {
    const error = await fetch(server.refused).catch((e) => e);
    return String(error.stack)
      .split('\n')
      .slice(0, 3)
      .map((line) => line.replace(/:\d+:\d+/g, '').replace(/\(?(file|node):.*/, '$1'));
  },
  'garbage: an unread Response, and an unread clone, close their connections': async ({ get, server }) => {
    await (async () => void (await get('/hang?id=gc1')))();
    await (async () => void (await get('/hang?id=gc2')).clone())();
    const closed = Promise.all([server.closed('gc1'), server.closed('gc2')]);
    let open = true;
    void closed.then(() => {
      open = false;
    });
    await collectUntil(() => !open);
    return closed;
  },
  'garbage: a body that is read survives its Response': async ({ get }) => {
    const reader = await (async () => bodyOf(await get('/text?chunks=20')).getReader())();
    const reading = readAll(reader);
    for (let index = 0; index < 5; index += 1) await collect();
    return reading;
  },
};

/** The three documented differences; the test asserts both sides. */
const DOCUMENTED: Record<string, Check> = {
  'documented: own hidden properties': async ({ get }) => {
    const response = await get('/short');
    const body = bodyOf(response);
    const reader = body.getReader();
    return [response, body, reader].map((object) =>
      Reflect.ownKeys(object)
        .filter((key) => typeof key === 'string' || key === Symbol.asyncIterator)
        .map(String),
    );
  },
  'documented: microtasks until fetch() resolves': async ({ wrap }) => {
    const mock = wrap((() => Promise.resolve(new Response(null))) as Fetch);
    let resolved = false;
    void mock('http://mock/').then(() => {
      resolved = true;
    });
    let ticks = 0;
    for (; !resolved; ticks += 1) await null;
    return ticks;
  },
  'documented: a read() that fails unawaited': async ({ get }) => {
    const reader = bodyOf(await get('/reset')).getReader();
    return countUnhandled(() => {
      for (let index = 0; index < 6; index += 1) void reader.read();
    });
  },
};

/** Bytes the server got rid of while the consumer read one chunk: compared by size. */
const SIZES: Record<string, Check> = Object.fromEntries(
  Object.entries<(response: Response) => Promise<unknown> | unknown>({
    nothing: () => {},
    reader: (r) => bodyOf(r).getReader().read(),
    iterator: (r) => bodyOf(r).values().next(),
    pipeThrough: (r) => bodyOf(r).pipeThrough(new TransformStream()).getReader().read(),
    'pipeTo a slow sink': (r) => void bodyOf(r).pipeTo(new WritableStream({ write: () => new Promise(() => {}) })),
    'clone, both read once': async (r) => Promise.all([r.clone(), r].map((one) => bodyOf(one).getReader().read())),
    'Readable.fromWeb': (r) =>
      new Promise<void>((resolve) => Readable.fromWeb(r.body as never).once('readable', resolve)),
  }).map(([name, consume]) => [
    `size: ${name}`,
    async ({ get, server }: Scope) => {
      const controller = new AbortController();
      const id = name.replaceAll(/\W/g, '');
      const response = await get(`/big?id=${id}`, { signal: controller.signal });
      await consume(response);
      const sent = await server.sent(id);
      // Keeps it alive until measured, then lets go.
      setTimeout(() => controller.abort(response.status), 0);
      return sent;
    },
  ]),
);

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  if (response.body === null) throw new Error('no body');
  return response.body as ReadableStream<Uint8Array>;
}

const decode = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  let content = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return content;
    content += decode(value);
  }
}

function collector(strategy?: QueuingStrategy) {
  const log: string[] = [];
  const stream = new WritableStream<Uint8Array>(
    {
      write: (chunk) => void log.push(decode(chunk)),
      close: () => void log.push('close'),
      abort: (reason) => void log.push(`abort ${String(reason)}`),
    },
    strategy,
  );
  return { log, stream };
}

/** What a call gave or threw, as plain data. */
async function capture(call: () => unknown): Promise<unknown> {
  try {
    const value = await call();
    if (value instanceof Uint8Array || value instanceof ArrayBuffer) return ['bytes', decode(new Uint8Array(value))];
    if (value instanceof Blob) return ['blob', value.type, await value.text()];
    if (value instanceof FormData) return ['form', ...value.entries()];
    return ['gave', typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)];
  } catch (error) {
    return describe(error);
  }
}

function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return ['threw', typeof error, String(error)];
  const code = 'code' in error ? error.code : undefined;
  const first = String(error.stack).split('\n')[0];
  return [
    error.constructor.name,
    error.name,
    error.message,
    code,
    first,
    Object.keys(error),
    error.cause && describe(error.cause),
  ];
}

async function countUnhandled(act: () => void): Promise<number> {
  const before = unhandled;
  act();
  // Nothing says that no rejection will follow: the sockets are local, and this is generous.
  await new Promise((resolve) => setTimeout(resolve, 400));
  return unhandled - before;
}

async function collect(): Promise<void> {
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 10));
}

async function collectUntil(condition: () => boolean): Promise<void> {
  for (let index = 0; index < 300 && !condition(); index += 1) await collect();
}
