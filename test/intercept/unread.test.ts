import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, expect, it } from 'vitest';
import { wrapFetch } from '../../src/intercept/fetch.js';
import { gist, record } from './recording.js';
import { type Server, startServer } from './transparency/server.js';

let server: Server;
let collectGarbage: () => void;

beforeAll(async () => {
  server = await startServer();
  setFlagsFromString('--expose-gc');
  collectGarbage = runInNewContext('gc');
});

async function collectUntil(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 400 && !condition(); round += 1) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function drop(path: string, touch: (response: Response) => unknown = () => {}, answer?: () => Response) {
  const { hooks, attempts } = record();
  const send = answer ? ((async () => answer()) as typeof fetch) : fetch;
  await (async () => {
    // The result, a clone perhaps, is dropped too.
    touch(await wrapFetch(send, hooks)(server.origin + path));
  })();
  await collectUntil(() => attempts[0]?.log.some((line) => line.startsWith('collected')) ?? false);
  return gist(attempts[0]?.log ?? []).slice(1);
}

it('a Response that nobody touched is collected', async () => {
  expect(await drop('/hang?id=untouched')).toEqual(['collected']);
  expect(await server.closed('untouched')).toBe('closed');
});

it('clones that nobody touched are collected together', async () => {
  const told = await drop('/hang?id=clones', (response) => response.clone());
  expect(told.at(-1)).toMatch(/^collected/);
  expect(told).toHaveLength(1);
});

it('a mocked body is collected', async () => {
  expect(await drop('/x', undefined, () => new Response('mock'))).toEqual(['collected']);
});

it('a mocked body whose reader was dropped is collected', async () => {
  const told = await drop(
    '/x',
    (response) => void response.body?.getReader().read(),
    () => {
      return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1)) }));
    },
  );
  expect(told).toEqual(['waiting', 'bytes', 'collected']);
});
