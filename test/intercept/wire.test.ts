import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { fetch as undiciFetch, request as undiciRequest, WebSocket } from 'undici';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FetchPatch, patchFetch, wrapFetch } from '../../src/intercept/fetch.js';
import { processState } from '../../src/process-state.js';
import { type Recording, record } from './recording.js';
import { type Server, startServer, until } from './transparency/server.js';

const native = globalThis.fetch;
let server: Server;
let recording: Recording;
let patch: FetchPatch;

beforeAll(async () => {
  server = await startServer();
});

beforeEach(() => {
  recording = record();
  patch = patchFetch(recording.hooks);
});

afterEach(() => {
  patch.unpatch();
  globalThis.fetch = native;
});

const portOf = (address: unknown) => (address as AddressInfo).port;
const wire = (index = 0) => (recording.attempts[index]?.log ?? []).filter((line) => line.startsWith('wire'));
const bodyOf = (response: Response) => response.body as ReadableStream<Uint8Array>;

describe('the wire of an attempt', () => {
  it('starts inside `fetch()` and ends once', async () => {
    const pending = fetch(`${server.origin}/text`, { method: 'POST', body: 'x' });
    expect(recording.attempts[0]?.log).toEqual(['around', 'wireStarted']);
    await (await pending).text();
    expect(wire()).toEqual(['wireStarted', 'wireEnded']);
  });

  it.each([
    ['bytes', new Uint8Array(3)],
    ['a stream', new Blob(['streamed']).stream()],
  ])('is joined with a body of %s', async (_, body) => {
    await (await fetch(`${server.origin}/echo`, { method: 'POST', body, duplex: 'half' } as RequestInit)).text();
    expect(wire()).toEqual(['wireStarted', 'wireEnded']);
  });

  it('ends after the answer was told, however short it was', async () => {
    await (await fetch(`${server.origin}/short`)).text();
    const { log = [] } = recording.attempts[0] ?? {};
    expect(log.indexOf('wireEnded')).toBeGreaterThan(log.indexOf('responded 200'));
  });

  it('is its own: a request of somebody else to the same URL changes nothing', async () => {
    const controller = new AbortController();
    const pending = fetch(`${server.origin}/silent`, { method: 'POST', body: 'x', signal: controller.signal });
    const other = new AbortController();
    const foreign = undiciRequest(`${server.origin}/silent`, { method: 'POST', body: 'x', signal: other.signal });
    other.abort();
    await expect(foreign).rejects.toThrow();
    expect(wire()).toEqual(['wireStarted']);
    expect(recording.unannounced).toHaveLength(1);
    controller.abort();
    await expect(pending).rejects.toThrow();
    expect(wire()).toEqual(['wireStarted', 'wireFailed AbortError']);
  });

  it('is told to its end after the patch is gone', async () => {
    const controller = new AbortController();
    const response = await fetch(`${server.origin}/hang`, { signal: controller.signal });
    patch.unpatch();
    controller.abort(new RangeError('late'));
    expect(wire()).toEqual(['wireStarted', 'wireFailed RangeError']);
    expect(response.bodyUsed).toBe(false);
  });

  it('survives redirects: one start, one end, nothing unannounced', async () => {
    await (await fetch(`${server.origin}/redirect#part`)).text();
    await (await fetch(`${server.origin}/redirect307`, { method: 'POST', body: 'x' })).text();
    expect([wire(0), wire(1)]).toEqual([
      ['wireStarted', 'wireEnded'],
      ['wireStarted', 'wireEnded'],
    ]);
    expect(recording.unannounced).toEqual([]);
  });

  it('ends with a redirect that is not followed', async () => {
    await (await fetch(`${server.origin}/redirect`, { redirect: 'manual' })).text();
    expect(wire()).toEqual(['wireStarted', 'wireEnded']);
  });

  it('fails with the connection, before headers and in the body', async () => {
    await fetch(`${server.origin}/reset-before-headers`).catch(() => {});
    await (await fetch(`${server.origin}/reset`)).text().catch(() => {});
    expect([wire(0), wire(1)]).toEqual([
      ['wireStarted', 'wireFailed Error'],
      ['wireStarted', 'wireFailed Error'],
    ]);
  });

  it('fails with the reason of a cancel, inside `cancel()`, and the leaving is told after it', async () => {
    const body = bodyOf(await fetch(`${server.origin}/hang`));
    void body.cancel('why');
    expect(recording.attempts[0]?.log.slice(-2)).toEqual(['wireFailed why by the consumer', 'left']);
  });

  it('fails where nobody reads', async () => {
    const controller = new AbortController();
    const response = await fetch(`${server.origin}/hang`, { signal: controller.signal });
    controller.abort();
    expect(wire()).toEqual(['wireStarted', 'wireFailed AbortError']);
    await response.body?.cancel().catch(() => {});
  });

  it('is found behind a wrapper that waits', async () => {
    patch.unpatch();
    globalThis.fetch = async (...args) => {
      await null;
      return native(...args);
    };
    patch = patchFetch(recording.hooks);
    await (await fetch(`${server.origin}/text?q=1#part`)).text();
    expect(wire()).toEqual(['wireStarted', 'wireEnded']);
    expect(recording.unannounced).toEqual([]);
  });
});

describe('a body that is read where we do not see it', () => {
  it.each<[string, string, (body: ReadableStream<Uint8Array>) => unknown]>([
    ['by a reader of its own', '/text?chunks=4', (body) => new ReadableStreamDefaultReader(body)],
    ['after a transfer', '/text?chunks=4', (body) => structuredClone(body, { transfer: [body as never] })],
    ['by a reader of its own, all received already', '/short', (body) => new ReadableStreamDefaultReader(body)],
  ])('%s', async (_, path, take) => {
    const kept = take(bodyOf(await fetch(server.origin + path)));
    await until(() => wire().includes('wireEnded unobserved'));
    expect(kept).toBeDefined();
  });

  it('and breaks', async () => {
    const reader = new ReadableStreamDefaultReader(bodyOf(await fetch(`${server.origin}/reset`)));
    await until(() => wire().length > 1);
    expect(wire().at(-1)).toBe('wireFailed Error unobserved');
    await reader.closed.catch(() => {});
  });

  it.each<[string, (response: Response) => Promise<unknown>]>([
    ['read', async (response) => response.text()],
    ['piped', async (response) => bodyOf(response).pipeTo(new WritableStream())],
    ['read as a clone', async (response) => response.clone().text()],
  ])('is none that is %s', async (_, consume) => {
    await consume(await fetch(`${server.origin}/text`));
    expect(wire()).toEqual(['wireStarted', 'wireEnded']);
  });
});

describe('a request that no patched fetch announced', () => {
  it('is told with method and path, whoever sent it', async () => {
    await (await native(`${server.origin}/text?a=1`, { method: 'POST', body: 'x' })).text();
    await (await undiciFetch(`${server.origin}/short`)).text();
    await (await undiciRequest(`${server.origin}/short`)).body.text();
    expect(recording.unannounced).toEqual(['POST /text?a=1', 'GET /short', 'GET /short']);
    expect(recording.attempts).toEqual([]);
  });

  it('is none that was announced by hand, through the npm package', async () => {
    const observed = wrapFetch(undiciFetch as unknown as typeof fetch, recording.hooks);
    expect(await (await observed(`${server.origin}/short`)).text()).toBe('short');
    expect(wire()).toEqual(['wireStarted', 'wireEnded']);
    expect(recording.unannounced).toEqual([]);
  });

  it('is told by nobody after unpatch', async () => {
    patch.unpatch();
    await (await native(`${server.origin}/short`)).text();
    expect(recording.unannounced).toEqual([]);
  });
});

/** Node 20 tells of a request of `node:http` once, when its body has ended, and of none of `node:http2`. */
const TELLS_EARLY = Number(process.versions.node.split('.')[0]) >= 22;

describe('a request by another client', () => {
  const send = async (method: string) => {
    const request = http.request(`${server.origin}/short`, { method }).end();
    const [response] = await once(request, 'response');
    response.resume();
  };
  /** Each once. */
  const told = () => [...new Set(recording.elsewhere)];

  // As the first call context of the process does.
  beforeEach(() => {
    processState().contexts = new AsyncLocalStorage();
  });
  afterEach(() => {
    processState().contexts = undefined;
  });

  it('is told with its method, and is neither an attempt nor unannounced', async () => {
    await send('POST');
    await send('GET');
    expect(told()).toEqual(['POST', 'GET']);
    expect([recording.attempts, recording.unannounced]).toEqual([[], []]);
  });

  it('is told where its body breaks on its way out', async () => {
    const request = http.request(`${server.origin}/short`, { method: 'POST' });
    request.write('{');
    request.destroy(new Error('the file to send is gone'));
    await once(request, 'error');
    expect(told()).toEqual(TELLS_EARLY ? ['POST'] : []);
  });

  it('is told where it asks for a WebSocket', async () => {
    const headers = { connection: 'upgrade', upgrade: 'websocket' };
    const request = http.request(`${server.origin}/short`, { headers }).end();
    // The server does not know the protocol: it answers, or hangs up.
    await Promise.race([once(request, 'response'), once(request, 'close')]).catch(() => {});
    request.destroy();
    expect(told()).toEqual(['GET upgrade']);
  });

  it('is told as an upgrade where it is a WebSocket of undici’s', async () => {
    const socket = new WebSocket(`${server.origin.replace('http', 'ws')}/short`);
    await new Promise((resolve) => socket.addEventListener('error', resolve));
    expect(recording.unannounced).toEqual(['GET /short upgrade']);
  });

  it('is told where it goes by `node:http2`', async () => {
    const other = http2.createServer((_, response) => response.end('x')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const client = http2.connect(`http://127.0.0.1:${portOf(other.address())}`);
    for (const method of ['POST', 'GET']) {
      const stream = client.request({ ':method': method, ':path': '/' });
      stream.end();
      for await (const _ of stream);
    }
    client.close();
    other.close();
    expect(told()).toEqual(TELLS_EARLY ? ['POST', 'GET'] : []);
    expect([recording.attempts, recording.unannounced]).toEqual([[], []]);
  });

  it.each(['http.client.request.created', 'http.client.request.start', 'http2.client.stream.created'])(
    'is not even looked at on `%s` while no context was ever said',
    (name) => {
      let looks = 0;
      const look = () => {
        looks += 1;
      };
      const message = Object.defineProperties({}, { request: { get: look }, headers: { get: look } });
      processState().contexts = undefined;
      channel(name).publish(message);
      expect([looks, recording.elsewhere]).toEqual([0, []]);
      processState().contexts = new AsyncLocalStorage();
      channel(name).publish(message);
      expect([looks > 0, recording.elsewhere.length]).toEqual([true, 1]);
    },
  );

  it('is told by nobody after unpatch, also while a connection of ours is open', async () => {
    const controller = new AbortController();
    const pending = fetch(`${server.origin}/silent`, { method: 'POST', body: 'x', signal: controller.signal });
    patch.unpatch();
    await send('POST');
    expect(recording.elsewhere).toEqual([]);
    controller.abort();
    await expect(pending).rejects.toThrow();
  });

  it('is none of what `fetch` sends', async () => {
    await (await fetch(`${server.origin}/short`)).text();
    expect(recording.elsewhere).toEqual([]);
  });
});
