import { Readable } from 'node:stream';
import { beforeAll, describe, expect, it } from 'vitest';
import { wrapFetch } from '../../src/intercept/fetch.js';
import { gist, record } from './recording.js';
import { type Server, startServer } from './transparency/server.js';

let server: Server;

beforeAll(async () => {
  server = await startServer();
});

type Body = ReadableStream<Uint8Array>;

async function consume(path: string, how: (body: Body, controller: AbortController) => Promise<unknown>) {
  const { hooks, attempts } = record();
  const controller = new AbortController();
  const response = await wrapFetch(fetch, hooks)(server.origin + path, { signal: controller.signal });
  await how(response.body as Body, controller).catch(() => {});
  await new Promise(setImmediate);
  const { log = [], content = '' } = attempts[0] ?? {};
  return { told: gist(log).slice(1).join(', '), content, log };
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}

async function iterate(body: AsyncIterable<unknown>, step: () => void = () => {}): Promise<void> {
  for await (const _ of body) step();
}

const never = () => new WritableStream({ write: () => Promise.reject(new Error('sink')) });

describe('what the consumer does is told:', () => {
  it.each<[string, string, (body: Body, controller: AbortController) => Promise<unknown>, string]>([
    ['a reader reads to the end', '/text', (b) => readAll(b.getReader()), 'waiting, bytes, ended'],
    ['a loop runs to the end', '/text', (b) => iterate(b), 'waiting, bytes, ended'],
    ['a pipe runs to the end', '/text', (b) => b.pipeTo(new WritableStream()), 'waiting, bytes, ended'],
    [
      'a transform is read to the end',
      '/text',
      (b) => iterate(b.pipeThrough(new TransformStream())),
      'waiting, bytes, ended',
    ],
    ['tee, both read', '/text', (b) => Promise.all(b.tee().map((part) => iterate(part))), 'waiting, bytes, ended'],
    ['the body is cancelled', '/hang', (b) => b.cancel('why'), 'left'],
    ['the reader cancels', '/hang', (b) => b.getReader().cancel('why'), 'left'],
    [
      'cancel while a read is pending',
      '/hang',
      async (b) => {
        const r = b.getReader();
        await r.read();
        void r.read();
        await r.cancel('why');
      },
      'waiting, bytes, left',
    ],
    [
      'break',
      '/hang',
      (b) =>
        iterate(b, () => {
          throw new Error('break');
        }),
      'waiting, bytes, left',
    ],
    [
      'the loop lets go with preventCancel',
      '/hang',
      (b) =>
        iterate(b.values({ preventCancel: true }), () => {
          throw new Error('x');
        }),
      'waiting, bytes, released',
    ],
    [
      'the reader is released',
      '/hang',
      async (b) => {
        const r = b.getReader();
        await r.read();
        r.releaseLock();
      },
      'waiting, bytes, released',
    ],
    [
      'the reader is released while a read is pending',
      '/hang',
      async (b) => {
        const r = b.getReader();
        await r.read();
        r.read().catch(() => {});
        r.releaseLock();
        await null;
      },
      'waiting, bytes, released',
    ],
    [
      'a released reader is asked again',
      '/hang',
      async (b) => {
        const r = b.getReader();
        r.releaseLock();
        await r.read();
      },
      'released',
    ],
    [
      'released, then read on by another',
      '/text',
      async (b) => {
        const r = b.getReader();
        await r.read();
        r.releaseLock();
        await readAll(b.getReader());
      },
      'waiting, bytes, released, ended',
    ],
    ['the sink of a pipe fails', '/hang', (b) => b.pipeTo(never()), 'waiting, bytes, left'],
    [
      'the sink of a pipe fails, with preventCancel',
      '/hang',
      (b) => b.pipeTo(never(), { preventCancel: true }),
      'waiting, bytes, released',
    ],
    [
      'a transform is left',
      '/hang',
      async (b) => {
        const r = b.pipeThrough(new TransformStream()).getReader();
        await r.read();
        await r.cancel('why');
      },
      'waiting, bytes, left',
    ],
    ['the connection breaks', '/reset', (b) => readAll(b.getReader()), 'waiting, bytes, failed TypeError'],
    ['the connection breaks in a loop', '/reset', (b) => iterate(b), 'waiting, bytes, failed TypeError'],
    [
      'the connection breaks in a pipe',
      '/reset',
      (b) => b.pipeTo(new WritableStream()),
      'waiting, bytes, failed TypeError',
    ],
    [
      'an abort while a read is pending',
      '/hang',
      async (b, c) => {
        const r = b.getReader();
        await r.read();
        setTimeout(() => c.abort(), 5);
        await r.read();
      },
      'waiting, bytes, failed AbortError',
    ],
    [
      'cancel after the end',
      '/text',
      async (b) => {
        const r = b.getReader();
        await readAll(r);
        await r.cancel();
      },
      'waiting, bytes, ended',
    ],
    [
      'a refused cancel',
      '/hang',
      async (b) => {
        b.getReader();
        await b.cancel();
      },
      '',
    ],
    [
      'one branch left, one read to the end',
      '/text',
      async (b) => {
        const [x, y] = b.tee();
        void x.cancel('x');
        await iterate(y);
      },
      'waiting, bytes, ended',
    ],
    ['both branches left', '/hang', async (b) => Promise.all(b.tee().map((part) => part.cancel('both'))), 'left'],
  ])('%s', async (_, path, how, expected) => {
    expect((await consume(path, how)).told).toBe(expected);
  });
});

describe('every byte is told once:', () => {
  it.each<[string, (body: Body) => Promise<unknown>]>([
    [
      'pipelined reads',
      async (b) => {
        const r = b.getReader();
        await Promise.all([r.read(), r.read(), r.read(), r.read(), r.read(), r.read()]);
      },
    ],
    [
      'a BYOB reader with a small view',
      async (b) => {
        const reader = b.getReader({ mode: 'byob' });
        for (let view = new Uint8Array(3); ; ) {
          const { done, value } = await reader.read(view);
          if (done || !value) return;
          view = new Uint8Array(value.buffer as ArrayBuffer);
        }
      },
    ],
    [
      'nested tee, read unevenly',
      async (b) => {
        const [x, y] = b.tee();
        await iterate(x);
        const [z, w] = y.tee();
        await Promise.all([iterate(z), iterate(w)]);
      },
    ],
    [
      'a BYOB branch and a plain one',
      async (b) => {
        const [x, y] = b.tee();
        const reader = x.getReader({ mode: 'byob' });
        await reader.read(new Uint8Array(4));
        await iterate(y);
      },
    ],
  ])('%s', async (_, how) => {
    expect((await consume('/text', how)).content).toBe('chunk-0;chunk-1;chunk-2;');
  });

  it('Readable.fromWeb', async () => {
    const { content } = await consume('/text', async (body) => iterate(Readable.fromWeb(body as never)));
    expect(content).toBe('chunk-0;chunk-1;chunk-2;');
  });
});

it('a chunk that the consumer transferred away costs no unhandled rejection', async () => {
  const unhandled: unknown[] = [];
  const count = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', count);
  const { hooks } = record();
  const madeUp = () => {
    let left = 3;
    return new ReadableStream<Uint8Array>({
      pull: (controller) => (left-- > 0 ? controller.enqueue(new Uint8Array(8)) : controller.close()),
    });
  };
  const response = await wrapFetch((async () => new Response(madeUp())) as typeof fetch, hooks)('http://mock/');
  const [one, other] = response.body?.tee() ?? [];
  for await (const chunk of one ?? []) structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] });
  for await (const _ of other ?? []);
  await new Promise(setImmediate);
  process.off('unhandledRejection', count);
  expect(unhandled).toEqual([]);
});

it('an iterator that keeps the stream may be left twice', async () => {
  const { hooks, attempts } = record();
  const response = await wrapFetch(fetch, hooks)(`${server.origin}/text`);
  const iterator = response.body?.values({ preventCancel: true });
  await iterator?.next();
  await iterator?.return?.();
  await iterator?.return?.();
  for await (const _ of response.body ?? []);
  expect(attempts[0]?.log.at(-1)).toBe('ended');
});

it('the hooks know of a chunk before the consumer does', async () => {
  const { hooks, attempts } = record();
  const response = await wrapFetch(fetch, hooks)(`${server.origin}/short`);
  const log = attempts[0]?.log ?? [];
  await response.body
    ?.getReader()
    .read()
    .then(() => log.push('consumer'));
  expect(log.slice(log.indexOf('waiting'))).toEqual(['waiting', 'bytes', 'consumer']);
});

it('a view that BYOB refuses is no failure, and nobody waits for it', async () => {
  const { told } = await consume('/text', async (body) => {
    const reader = body.getReader({ mode: 'byob' });
    await reader.read(new Uint8Array(0)).catch(() => {});
    await reader.read(new Uint8Array(1_000));
  });
  expect(told).toBe('waiting, bytes');
});

it('methods that somebody laid over a body before us stay theirs', async () => {
  const { hooks, attempts } = record();
  const response = new Response('text');
  const body = response.body as Body;
  const theirs = () => Object.getPrototypeOf(body).getReader.call(body);
  Object.defineProperty(body, 'getReader', { value: theirs, configurable: true });
  await wrapFetch((async () => response) as typeof fetch, hooks)('/x');
  expect(body.getReader).toBe(theirs);
  expect(attempts[0]?.log).toEqual(['around', 'responded 200 with body hidden']);
});
