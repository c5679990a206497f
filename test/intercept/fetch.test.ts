import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FetchPatch, patchFetch, wrapFetch } from '../../src/intercept/fetch.js';
import { processState } from '../../src/process-state.js';
import { gist, type Recording, record } from './recording.js';
import { type Server, startServer } from './transparency/server.js';

type Fetch = typeof fetch;

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

const logs = () => recording.attempts.map(({ log }) => gist(log));

describe('the request is told', () => {
  const headers = { 'X-Key': 'v', authorization: 'Bearer x' };
  const bytes = new TextEncoder().encode('bytes');

  it.each<[string, () => Parameters<Fetch>, object]>([
    ['a string', () => ['/echo'], { method: 'GET', key: undefined, body: undefined }],
    ['a URL', () => [new URL('http://x/echo')], { method: 'GET' }],
    [
      'an object of headers',
      () => ['/echo', { method: 'post', headers, body: 'text' }],
      { method: 'POST', key: 'v', body: 'text' },
    ],
    [
      'pairs of headers',
      () => [
        '/echo',
        {
          headers: [
            ['x-key', 'a'],
            ['X-KEY', 'b'],
          ],
        },
      ],
      { key: 'a, b' },
    ],
    ['Headers', () => ['/echo', { headers: new Headers(headers) }], { key: 'v' }],
    [
      'a Request',
      () => [new Request('http://x/echo', { method: 'PUT', headers, body: 'x' })],
      { method: 'PUT', key: 'v', body: undefined },
    ],
    [
      'a Request with options over it',
      () => [new Request('http://x/echo', { headers }), { method: 'POST', headers: { 'x-key': 'over' }, body: 'x' }],
      { method: 'POST', key: 'over', body: 'x' },
    ],
    ['bytes', () => ['/echo', { method: 'POST', body: bytes }], { body: bytes }],
    ['a buffer', () => ['/echo', { method: 'POST', body: bytes.buffer }], { body: bytes }],
    ['URLSearchParams', () => ['/echo', { method: 'POST', body: new URLSearchParams({ a: '1' }) }], { body: 'a=1' }],
    ['a form, unread', () => ['/echo', { method: 'POST', body: new FormData() }], { body: undefined }],
  ])('given as %s', async (_, args, expected) => {
    const observed = wrapFetch((async () => new Response(null)) as Fetch, recording.hooks);
    await observed(...args());
    const { method, body, header } = recording.attempts[0]?.request ?? {};
    expect({ method, body, key: header?.('x-key') }).toMatchObject(expected);
  });

  it('with its signal', async () => {
    const { signal } = new AbortController();
    await fetch(`${server.origin}/short`, { signal });
    expect(recording.attempts[0]?.request.signal).toBe(signal);
  });

  it('not at all where the arguments cannot be read', async () => {
    await fetch({ toString: () => `${server.origin}/short` } as string);
    expect(recording.attempts).toEqual([]);
    expect(recording.unannounced).toEqual([]);
  });

  it('and iterables are left alone', async () => {
    function* pairs() {
      yield ['x-key', 'v'];
    }
    const iterable = pairs();
    const observed = wrapFetch((async () => new Response(null)) as Fetch, recording.hooks);
    await observed('/echo', { headers: iterable as unknown as string[][] });
    expect(recording.attempts[0]?.request.header).toBeUndefined();
    expect([...iterable]).toHaveLength(1);
  });
});

describe('an attempt', () => {
  it('is told from begin to end', async () => {
    expect(await (await fetch(`${server.origin}/text`)).text()).toBe('chunk-0;chunk-1;chunk-2;');
    expect(logs()).toEqual([['responded 200', 'waiting', 'bytes', 'ended']]);
    expect(recording.attempts[0]?.content).toBe('chunk-0;chunk-1;chunk-2;');
  });

  it('that never reached anybody is rejected', async () => {
    await expect(fetch(server.refused)).rejects.toThrow('fetch failed');
    expect(logs()).toEqual([['rejected TypeError']]);
  });

  it('whose fetch throws synchronously is rejected, and the error is the same', () => {
    const own = new RangeError('own');
    const observed = wrapFetch((): Promise<Response> => {
      throw own;
    }, recording.hooks);
    expect(() => (observed as () => unknown)()).toThrow(own);
    expect(() => (observed as unknown as Fetch)('/x')).toThrow(own);
    expect(logs()).toEqual([['rejected RangeError']]);
  });

  it('that nobody wants leaves no trace', async () => {
    patch.unpatch();
    recording = record(() => false);
    patch = patchFetch(recording.hooks);
    const response = await fetch(`${server.origin}/short`);
    expect(Reflect.ownKeys(response.body ?? {})).not.toContain('getReader');
    await response.text();
    expect(recording.unannounced).toEqual([]);
  });

  it('is sent once whatever `around` does', async () => {
    let sent = 0;
    const count = (async () => {
      sent += 1;
      return new Response(null);
    }) as Fetch;
    for (const around of [
      () => undefined,
      (send: () => unknown) => [send(), send()],
      () => {
        throw new Error('ours');
      },
    ]) {
      const hooks = { ...recording.hooks, begin: (request: never) => ({ ...recording.hooks.begin(request), around }) };
      await wrapFetch(count, hooks as never)('/x');
    }
    expect(sent).toBe(3);
  });

  it('survives hooks that throw', async () => {
    const fail = () => {
      throw new Error('ours');
    };
    const begin = () => ({
      around: fail,
      rejected: fail,
      responded: fail,
      wireStarted: fail,
      wireEnded: fail,
      wireFailed: fail,
    });
    const observed = wrapFetch(native, { begin, unannounced: fail });
    expect(await (await observed(`${server.origin}/short`)).text()).toBe('short');
    expect(await (await wrapFetch(native, { begin: fail, unannounced: fail })(`${server.origin}/short`)).text()).toBe(
      'short',
    );
  });

  it('ends with its headers where a mock gives the same Response twice', async () => {
    const response = new Response('once');
    const observed = wrapFetch((async () => response) as Fetch, recording.hooks);
    await (await observed('/x')).text();
    expect(await observed('/x')).toBe(response);
    expect(logs()).toEqual([['responded 200', 'waiting', 'bytes', 'ended'], ['responded 200 with body hidden']]);
  });

  it.each<[string, unknown, string]>([
    ['a null body', new Response(null), 'responded 200 with body none'],
    [
      'a body of its own kind',
      { status: 201, body: { pipe() {} }, headers: { get: () => null } },
      'responded 201 with body hidden',
    ],
    ['no status', { ok: true }, 'rejected undefined'],
    ['nothing', undefined, 'rejected undefined'],
  ])('ends at once where the answer has %s', async (_, answer, line) => {
    const observed = wrapFetch((async () => answer) as Fetch, recording.hooks);
    expect(await observed('/x')).toBe(answer);
    expect(logs()).toEqual([[line]]);
  });
});

describe('patching', () => {
  it('keeps name, length, flags and extra properties, and puts the original back', async () => {
    patch.unpatch();
    expect(globalThis.fetch).toBe(native);
    const before = Object.getOwnPropertyDescriptor(globalThis, 'fetch');
    patch = patchFetch(recording.hooks);
    expect(globalThis.fetch).not.toBe(native);
    expect([fetch.name, fetch.length]).toEqual([native.name, native.length]);
    patch.unpatch();
    expect(Object.getOwnPropertyDescriptor(globalThis, 'fetch')).toEqual(before);
    expect(processState().fetchOwner).toBeUndefined();
  });

  it('a second time does nothing', async () => {
    const ours = globalThis.fetch;
    const second = record();
    const again = patchFetch(second.hooks);
    expect([again.installed, globalThis.fetch === ours]).toEqual([false, true]);
    again.unpatch();
    expect(globalThis.fetch).toBe(ours);
    await (await fetch(`${server.origin}/short`)).text();
    expect([recording.attempts.length, second.attempts.length]).toEqual([1, 0]);
  });

  it('leaves a fetch alone that somebody else restored, and reports its requests as unannounced', async () => {
    globalThis.fetch = native;
    await (await fetch(`${server.origin}/short`, { method: 'POST' })).text();
    expect(recording.unannounced).toEqual(['POST /short']);
    patch.unpatch();
    expect(globalThis.fetch).toBe(native);
    await (await fetch(`${server.origin}/short`)).text();
    expect(recording.unannounced).toHaveLength(1);
  });

  it('leaves in place a wrapper that came later, and is silent below it', async () => {
    const ours = globalThis.fetch;
    const theirs: Fetch = (...args) => ours(...args);
    globalThis.fetch = theirs;
    await (await fetch(`${server.origin}/short`)).text();
    patch.unpatch();
    expect(globalThis.fetch).toBe(theirs);
    await (await fetch(`${server.origin}/short`)).text();
    expect(recording.attempts).toHaveLength(1);
  });

  it('over an earlier wrapper gives it back', async () => {
    patch.unpatch();
    const theirs: Fetch = async (...args) => native(...args);
    globalThis.fetch = theirs;
    patch = patchFetch(recording.hooks);
    await (await fetch(`${server.origin}/short`)).text();
    patch.unpatch();
    expect(globalThis.fetch).toBe(theirs);
    expect(logs()).toEqual([['responded 200', 'waiting', 'bytes', 'ended']]);
  });

  it('tells a body that was open at unpatch to its end', async () => {
    const response = await fetch(`${server.origin}/text`);
    patch.unpatch();
    await response.text();
    expect(logs()).toEqual([['responded 200', 'waiting', 'bytes', 'ended']]);
  });
});

describe('what somebody else’s fetch gives back goes through as it is', () => {
  it('a thenable: it is not asked before the caller asks', async () => {
    let asked = 0;
    const lazy = {
      // biome-ignore lint/suspicious/noThenProperty: thenables are what is tested
      then(resolve: (response: Response) => void) {
        asked += 1;
        resolve(new Response('late'));
      },
    };
    const given = wrapFetch((() => lazy) as unknown as Fetch, recording.hooks)('http://mock/');
    expect(given).toBe(lazy);
    expect(asked).toBe(0);
    expect(await (await given).text()).toBe('late');
    expect(logs()).toEqual([['rejected undefined']]);
  });

  it('a promise with members of its own', async () => {
    const promise = Object.assign(Promise.resolve(new Response('x')), { abort() {} });
    const given = wrapFetch((() => promise) as unknown as Fetch, recording.hooks)('http://mock/');
    expect(given).toBe(promise);
    await (await given).text();
    expect(logs()).toEqual([['responded 200', 'waiting', 'bytes', 'ended']]);
  });

  it('a Response that cannot be looked into', async () => {
    const odd = new Response('x');
    Object.defineProperty(odd, 'body', {
      get() {
        throw new RangeError('not yours');
      },
    });
    const frozen = new Response('x');
    Object.freeze(frozen.body);
    for (const answer of [odd, frozen]) {
      expect(await wrapFetch((async () => answer) as Fetch, recording.hooks)('http://mock/')).toBe(answer);
    }
    expect(logs()).toEqual([['responded 200 with body hidden'], ['responded 200 with body hidden']]);
  });
});

it('options are read when somebody asks, and not for a request that nobody wants', async () => {
  const read: string[] = [];
  const init = Object.defineProperties(
    {},
    Object.fromEntries(
      ['method', 'headers', 'body', 'signal'].map((key) => [key, { get: () => void read.push(key), enumerable: true }]),
    ),
  );
  await wrapFetch((async () => new Response('x')) as Fetch, { begin: () => undefined, unannounced() {} })('/x', init);
  expect(read).toEqual([]);
});

describe('one request through two wrappers of ours is one attempt', () => {
  it('and another request that a wrapper in between makes of it is another', async () => {
    patch.unpatch();
    const native = globalThis.fetch;
    globalThis.fetch = ((input: string, init?: RequestInit) => {
      if (input.endsWith('/text')) void globalThis.fetch(`${server.origin}/short`).then((other) => other.text());
      return native(input, init);
    }) as typeof fetch;
    patch = patchFetch(recording.hooks);
    await (await fetch(`${server.origin}/text`)).text();
    patch.unpatch();
    globalThis.fetch = native;
    expect(recording.attempts.map(({ request }) => request.url)).toEqual([
      `${server.origin}/text`,
      `${server.origin}/short`,
    ]);
  });

  const init = () => ({ method: 'POST', body: '{"model":"m"}' });

  it.each<[string, (inner: Fetch) => Fetch]>([
    ['directly', (inner) => inner],
    [
      'through a wrapper that waits',
      (inner) =>
        async (...args) => {
          await null;
          return inner(...args);
        },
    ],
    [
      'through one that waits and copies the options',
      (inner) => async (input, given) => {
        await null;
        return inner(input, { ...given });
      },
    ],
    [
      'through one that waits and changes the URL',
      (inner) => async (input, given) => {
        await null;
        return inner(`${String(input)}?v=1`, given);
      },
    ],
  ])('%s', async (_, between) => {
    const outer = record();
    const observed = wrapFetch(between(globalThis.fetch), outer.hooks);
    await (await observed(`${server.origin}/text`, init())).text();
    expect(outer.attempts.map(({ log }) => gist(log))).toEqual([['responded 200', 'waiting', 'bytes', 'ended']]);
    expect(recording.attempts).toEqual([]);
    expect(recording.unannounced).toEqual([]);
  });

  it('and two equal requests side by side are two', async () => {
    const shared = init();
    const url = `${server.origin}/text`;
    const responses = await Promise.all([fetch(url, shared), fetch(url, shared)]);
    await Promise.all(responses.map((response) => response.text()));
    expect(logs()).toHaveLength(2);
  });

  it('and each of two equal requests is one', async () => {
    const outer = record();
    const observed = wrapFetch(
      (async (...args: Parameters<Fetch>) => {
        await null;
        return fetch(...args);
      }) as Fetch,
      outer.hooks,
    );
    const shared = init();
    const url = `${server.origin}/text`;
    const responses = await Promise.all([observed(url, shared), observed(url, shared)]);
    await Promise.all(responses.map((response) => response.text()));
    expect([outer.attempts.length, recording.attempts.length]).toEqual([2, 0]);
  });

  it('and so it is where the wrappers are of two copies of this package', async () => {
    vi.resetModules();
    const copy = await import('../../src/intercept/fetch.js');
    expect(copy.wrapFetch).not.toBe(wrapFetch);
    expect(copy.patchFetch(record().hooks).installed).toBe(false);
    const outer = record();
    const observed = copy.wrapFetch(globalThis.fetch, outer.hooks);
    await (await observed(`${server.origin}/text`, init())).text();
    expect([outer.attempts.length, recording.attempts.length]).toEqual([1, 0]);
    expect(recording.unannounced).toEqual([]);
  });
});

describe('a second patch', () => {
  it('takes over where the first was undone behind its back', async () => {
    patch.unpatch();
    const found = globalThis.fetch;
    const first = patchFetch(record().hooks);
    globalThis.fetch = found;
    const { hooks, attempts } = record();
    const second = patchFetch(hooks);
    try {
      expect(second.installed).toBe(true);
      await (await globalThis.fetch(`${server.origin}/short`)).text();
      expect(attempts).toHaveLength(1);
    } finally {
      second.unpatch();
      first.unpatch();
    }
    expect(globalThis.fetch).toBe(found);
  });

  it('does nothing where the first was wrapped', () => {
    patch.unpatch();
    const found = globalThis.fetch;
    const first = patchFetch(record().hooks);
    const ours = globalThis.fetch;
    const wrapped: typeof fetch = (...args) => ours(...args);
    globalThis.fetch = wrapped;
    expect(patchFetch(record().hooks).installed).toBe(false);
    expect(globalThis.fetch).toBe(wrapped);
    globalThis.fetch = found;
    first.unpatch();
  });
});
