/** The options of a request under budgets, in every shape that a `fetch` reads them in: what it makes of them is the same. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DiagLogger, diag } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fetchWithBudgets } from '../../src/budgets.js';

type Options = Readonly<Record<string, unknown>>;

/** Says what it was sent. */
let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += String(part);
    const { referer = '-', 'x-note': note = '-' } = request.headers;
    if (request.url === '/moved') response.writeHead(302, { location: '/' });
    response.end(`${request.method} ${note} ${referer} ${body}`);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  // Listening on a port.
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** What the caller gets: the answer, or the error and what caused it. */
async function told(fetch: typeof globalThis.fetch, input: string | Request, init?: unknown): Promise<string> {
  try {
    // The shapes are no literals of that type.
    const response = await fetch(input, init as RequestInit);
    return `${response.status} ${await response.text()}`;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message} ${String(error.cause)}` : String(error);
  }
}

const PAGE = 'http://127.0.0.1:1/page';

const OPTIONS: readonly { name: string; path?: string; options: () => Options; tells: string | RegExp }[] = [
  { name: 'method', options: () => ({ method: 'PUT' }), tells: '200 PUT - - ' },
  { name: 'headers', options: () => ({ headers: { 'x-note': 'a' } }), tells: '200 GET a - ' },
  { name: 'body', options: () => ({ method: 'POST', body: 'words' }), tells: '200 POST - - words' },
  {
    name: 'duplex',
    options: () => ({ method: 'POST', body: new Response('stream').body, duplex: 'half' }),
    tells: '200 POST - - stream',
  },
  { name: 'redirect', path: '/moved', options: () => ({ redirect: 'manual' }), tells: '302 GET - - ' },
  { name: 'referrer', options: () => ({ referrer: PAGE, referrerPolicy: 'unsafe-url' }), tells: `200 GET - ${PAGE} ` },
  { name: 'referrerPolicy', options: () => ({ referrerPolicy: 'none' }), tells: /^TypeError/ },
  { name: 'integrity', options: () => ({ integrity: `sha256-${'A'.repeat(43)}=` }), tells: /^TypeError: fetch failed/ },
  { name: 'mode', options: () => ({ mode: 'navigate' }), tells: /^TypeError/ },
  { name: 'credentials', options: () => ({ credentials: 'none' }), tells: /^TypeError/ },
  { name: 'cache', options: () => ({ cache: 'none' }), tells: /^TypeError/ },
  { name: 'window', options: () => ({ window: 1 }), tells: /^TypeError/ },
  { name: 'keepalive', options: () => ({ keepalive: true }), tells: '200 GET - - ' },
  // Before Node 24 nobody reads it.
  { name: 'priority', options: () => ({ priority: 'low' }), tells: '200 GET - - ' },
  { name: 'signal', options: () => ({ signal: AbortSignal.abort('enough') }), tells: 'enough' },
  { name: 'a signal that is none', options: () => ({ signal: 'none' }), tells: /^TypeError/ },
  {
    name: 'dispatcher',
    options: () => ({
      dispatcher: {
        dispatch() {
          throw new Error('its own');
        },
      },
    }),
    tells: /^TypeError: fetch failed Error: its own/,
  },
];

const SHAPES: readonly (readonly [string, (options: Options) => object])[] = [
  ['plain', (options) => ({ ...options })],
  ['frozen', (options) => Object.freeze({ ...options })],
  ['without a prototype', (options) => Object.assign(Object.create(null), options)],
  ['on the prototype', (options) => Object.create(options)],
  ['behind getters of a class', gettersOf],
  ['not enumerable', (options) => Object.create(null, hidden(options))],
  ['a Proxy', (options) => new Proxy({ ...options }, {})],
  ['a Proxy that lists nothing', (options) => new Proxy({}, { get: (_, name) => Reflect.get(options, name) })],
];

function hidden(options: Options): PropertyDescriptorMap {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, { value }]));
}

function gettersOf(options: Options): object {
  class Init {
    // As those of a Request, they refuse any other `this`.
    readonly #options = options;
    read(name: string): unknown {
      return this.#options[name];
    }
  }
  for (const name of Object.keys(options)) {
    Object.defineProperty(Init.prototype, name, {
      get(this: Init) {
        return this.read(name);
      },
    });
  }
  return new Init();
}

describe.each(SHAPES)('options that are %s', (_, shape) => {
  test.each(OPTIONS)('$name', async ({ path = '/', options, tells }) => {
    const limited = await told(fetchWithBudgets(fetch), url + path, shape(options()));
    if (typeof tells === 'string') expect(limited).toBe(tells);
    else expect(limited).toMatch(tells);
    expect(limited).toBe(await told(fetch, url + path, shape(options())));
  });
});

describe('a Request', () => {
  const posted = () => new Request(`${url}/?of=request`, { method: 'POST', headers: { 'x-note': 'a' }, body: 'words' });
  const referring = () => new Request(url, { referrer: PAGE, referrerPolicy: 'unsafe-url' });

  test.each<[string, () => [string | Request, unknown?], string]>([
    ['is what is sent', () => [posted()], '200 POST a - words'],
    ['in the place of options', () => [url, posted()], '200 POST a - words'],
    ['with options beside it', () => [posted(), { method: 'PUT' }], '200 PUT a - words'],
    ['that was aborted', () => [new Request(url, { signal: AbortSignal.abort('enough') })], 'enough'],
  ])('%s', async (_, args, tells) => {
    expect(await told(fetchWithBudgets(fetch), ...args())).toBe(tells);
    expect(await told(fetch, ...args())).toBe(tells);
  });

  // Node 24 itself forgets it.
  test.each<[string, () => [Request, unknown?]]>([
    ['alone', () => [referring()]],
    ['with no option', () => [referring(), {}]],
    ['with an option, which takes the referrer away', () => [referring(), { keepalive: true }]],
    ['that says none', () => [new Request(url, { referrer: '' })]],
  ])('has the referrer that it would have had: %s', async (_, args) => {
    const without = await told(fetch, ...args());
    expect(without).toMatch(/^200 GET - /);
    expect(await told(fetchWithBudgets(fetch), ...args())).toBe(without);
  });
});

describe('a `fetch` of another make', () => {
  const seen: unknown[] = [];
  const other = fetchWithBudgets(async (_: string, init?: object) => void seen.push(init), {});

  test.each<[string, object | undefined, PropertyKey[]]>([
    ['no options', undefined, ['signal']],
    ['none at all', {}, ['signal']],
    ['one that is undefined', { body: undefined }, ['body', 'signal']],
    ['its own', { agent: 1, [Symbol.for('mark')]: 2 }, ['agent', 'signal', Symbol.for('mark')]],
  ])('is given those that were given, and a signal: %s', async (_, init, names) => {
    seen.length = 0;
    await other(url, init);
    expect(seen.map((given) => Reflect.ownKeys(Object(given)))).toEqual([names]);
    expect(seen).toMatchObject([init ?? {}]);
  });
});

test('a getter that throws does so to the caller, and to nobody else', async () => {
  const error = vi.fn();
  diag.setLogger({ error } as unknown as DiagLogger);
  const reason = new Error('no body today');
  const init = {
    method: 'POST',
    get body(): string {
      throw reason;
    },
  };
  await expect(fetchWithBudgets(fetch)(url, init)).rejects.toBe(reason);
  expect(error).not.toHaveBeenCalled();
  diag.disable();
});
