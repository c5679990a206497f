import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type FaultyProvider, ssePayloads, startFaultyProvider } from '../../src/testing/index.js';
import { ask } from './ask.js';

let provider: FaultyProvider;
beforeEach(async () => {
  provider = await startFaultyProvider();
});
afterEach(() => provider.close());

const reply = ssePayloads(['1', '2', '3']);

/** Opens a stream; `read` gives one read, or `end`. */
async function open(model: string): Promise<{ read: () => Promise<string>; leave: () => Promise<void> }> {
  const response = await fetch(`${provider.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model, stream: true }),
  });
  const reader = response.body?.getReader();
  return {
    read: async () => {
      const result = await reader?.read();
      return result?.done === false ? Buffer.from(result.value).toString() : 'end';
    },
    leave: async () => reader?.cancel(),
  };
}

test('a gate before each chunk writes one chunk per release', async () => {
  provider.define('step', { reply, hold: { before: 'each_chunk', until: 'released', gate: 'next' } });
  const gate = provider.gate('next');
  const stream = await open('step');
  await gate.arrival();
  expect([gate.waiting, provider.requests[0]?.chunksWritten]).toEqual([1, 0]);
  gate.release();
  expect(await stream.read()).toBe('data: 1\n\n');
  await gate.arrival();
  expect(provider.requests[0]?.chunksWritten).toBe(1);
  gate.release();
  expect(await stream.read()).toBe('data: 2\n\n');
  gate.open();
  expect(await stream.read()).toBe('data: 3\n\n');
  expect(await stream.read()).toBe('data: [DONE]\n\n');
  expect(await stream.read()).toBe('end');
});

test('a release before the arrival counts', async () => {
  provider.define('early', { reply, hold: { afterChunks: 1, until: 'released', gate: 'g' } });
  provider.gate('g').release(2);
  const bodies = [await ask(provider.url, 'early'), await ask(provider.url, 'early')].map(({ body }) => body);
  expect(bodies).toEqual(Array(2).fill('data: 1\n\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n'));
});

test('a gate holds back the headers', async () => {
  provider.define('headers', { reply, hold: { after: 'request', until: 'released', gate: 'g' } });
  const asked = ask(provider.url, 'headers');
  await provider.gate('g').arrival();
  expect(provider.requests[0]?.status).toBeUndefined();
  provider.gate('g').release();
  expect((await asked).status).toBe(200);
});

test('a gate lets a fault happen exactly when the test says', async () => {
  provider.define('reset', {
    reply,
    hold: { afterChunks: 1, until: 'released', gate: 'g' },
    faults: [{ type: 'reset', afterChunks: 1 }],
  });
  const stream = await open('reset');
  expect(await stream.read()).toBe('data: 1\n\n');
  const next = stream.read();
  provider.gate('g').release();
  await expect(next).rejects.toThrow('terminated');
});

test('the answer waits until the client has left', async () => {
  provider.define('gone', { reply, hold: { afterChunks: 1, until: 'client_gone' } });
  const stream = await open('gone');
  expect(await stream.read()).toBe('data: 1\n\n');
  await stream.leave();
  const request = await provider.request(0);
  await request.closed;
  expect(request).toMatchObject({ closedBy: 'client', ending: undefined, chunksWritten: 1, bytesAccepted: 9 });
});

test('a client that leaves a gate frees it', async () => {
  provider.define('g', { reply, hold: { afterChunks: 1, until: 'released', gate: 'g' } });
  const stream = await open('g');
  await provider.gate('g').arrival();
  await stream.leave();
  await (await provider.request(0)).closed;
  expect(provider.gate('g').waiting).toBe(0);
});

test('an abort before headers is the client leaving', async () => {
  provider.define('silent', { reply, faults: [{ type: 'hang', after: 'request' }] });
  const controller = new AbortController();
  const asked = ask(provider.url, 'silent', { signal: controller.signal });
  const request = await provider.request(0);
  controller.abort();
  expect((await asked).end).toBe('AbortError: This operation was aborted');
  await request.closed;
  expect(request).toMatchObject({ closedBy: 'client', status: undefined });
});

test.each([
  { hold: { afterChunks: 1, until: 'client_gone', maxMs: 1 } as const },
  { hold: { afterChunks: 1, until: 'released', gate: 'never', maxMs: 1 } as const },
])('after maxMs the answer goes on: $hold.until', async ({ hold }) => {
  provider.define('limit', { reply, hold });
  expect((await ask(provider.url, 'limit')).body).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n');
  expect(provider.gate('never').waiting).toBe(0);
});

test('a reader that does not read keeps the answer back', async () => {
  const large = ssePayloads(Array.from({ length: 64 }, () => 'x'.repeat(1024 * 1024)));
  provider.define('large', { reply: large });
  const response = await fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body: '{"model":"large"}' });
  const request = await provider.request(0);
  await vi.waitFor(() => expect(request.bytesWritten).toBeGreaterThan(0));
  expect(request.chunksWritten).toBeLessThan(64);
  expect(request.bytesAccepted).toBeLessThan(request.bytesWritten + 1);
  await response.body?.cancel();
  await request.closed;
  expect(request.closedBy).toBe('client');
});
