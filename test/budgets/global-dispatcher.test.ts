/** A connect budget beside the application's own global dispatcher, which its requests are to go by: refused, or left out. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DiagLogger, diag } from '@opentelemetry/api';
import {
  Agent,
  type Dispatcher,
  EnvHttpProxyAgent,
  interceptors,
  MockAgent,
  ProxyAgent,
  RetryAgent,
  setGlobalDispatcher,
  fetch as undiciFetch,
} from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { BudgetSetupError, fetchWithBudgets } from '../../src/budgets.js';
import { type Harness, startHarness } from '../scenarios/harness.js';
import { only } from './askers.js';
import { TEXT } from './rows.js';

// Its types are those of another version of the same interface.
const ofUndici = undiciFetch as unknown as typeof fetch;
const CONNECT = only({ connectMs: 20_000 });

// Each `fetch` reads one of the two. undici has no way to put both back.
const SLOTS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')];
const found = SLOTS.map((slot): unknown => Reflect.get(globalThis, slot));
const putBack = () => SLOTS.forEach((slot, at) => void Reflect.set(globalThis, slot, found[at]));

let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer((_, response) => void response.end('direct'));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  // Listening on a port.
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(putBack);
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

class OwnAgent extends Agent {
  static {
    // As a bundler may name it.
    Object.defineProperty(OwnAgent, 'name', { value: 'Agent' });
  }
}

const WITH_SETTINGS = 'an `Agent` with options or interceptors';
const FOREIGN: readonly (readonly [string, () => Dispatcher, string])[] = [
  ['a proxy', () => new ProxyAgent('http://127.0.0.1:1'), '`ProxyAgent`'],
  ['the proxies of the environment', () => new EnvHttpProxyAgent(), '`EnvHttpProxyAgent`'],
  ['a mock', () => new MockAgent(), '`MockAgent`'],
  ['one that tries again', () => new RetryAgent(new Agent()), '`RetryAgent`'],
  ['an Agent with options', () => new Agent({ connections: 4 }), WITH_SETTINGS],
  ['an Agent with its own time-out', () => new Agent({ connect: { timeout: 50 } }), WITH_SETTINGS],
  [
    'an Agent that makes its own pools',
    () => new Agent({ factory: (_, options) => new Agent(options) }),
    WITH_SETTINGS,
  ],
  ['an Agent with an interceptor', () => new Agent().compose(interceptors.retry()), WITH_SETTINGS],
  ['an Agent that was patched', () => Object.assign(new Agent(), { dispatch: () => true }), WITH_SETTINGS],
  ['a subclass', () => new OwnAgent(), WITH_SETTINGS],
];

describe.each([
  ['the global fetch', fetch],
  ['the fetch of undici', ofUndici],
])('%s', (_, given) => {
  test.each(FOREIGN)('has no connect budget beside %s', (_, make, named) => {
    setGlobalDispatcher(make());
    const error = thrownBy(() => fetchWithBudgets(given, CONNECT));
    expect(error).toBeInstanceOf(BudgetSetupError);
    expect(error).toMatchObject({
      name: 'BudgetSetupError',
      code: 'LLM_STREAM_GLOBAL_DISPATCHER',
      message:
        `\`connectMs\` expects undici’s global dispatcher to be the one it comes with, got ${named}; leave \`connectMs\` ` +
        'out, and give that dispatcher a connect timeout (`connect.timeout` of an `Agent`)',
    });
  });

  test.each(FOREIGN)('has any other budget beside %s', (_, make) => {
    setGlobalDispatcher(make());
    expect(fetchWithBudgets(given, only({ totalMs: 20_000 }))).toBeTypeOf('function');
  });

  test('has one beside an Agent without options', async () => {
    setGlobalDispatcher(new Agent());
    expect(await (await fetchWithBudgets(given, CONNECT)(url)).text()).toBe('direct');
  });
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('a dispatcher that is set later', () => {
  let harness: Harness;
  const warn = vi.fn();
  beforeAll(async () => {
    harness = await startHarness();
    diag.setLogger({ warn } as unknown as DiagLogger);
  });
  afterAll(async () => {
    diag.disable();
    await harness.close();
  });

  test('has the requests, without a connect budget and with one warning, until it is gone', async () => {
    const limited = fetchWithBudgets(ofUndici, { connectMs: 20_000 });
    const mock = new MockAgent();
    mock.disableNetConnect();
    const { origin, pathname, search } = new URL(harness.ask('any', { reply: TEXT }).url);
    const intercepted = { path: pathname + search, method: 'POST' };
    mock.get(origin).intercept(intercepted).reply(200, 'mocked').times(2);
    const tell = async (model: string) => {
      const ask = harness.ask(model, { reply: TEXT });
      const text = await (await limited(ask.url, ask.init)).text();
      const { attributes } = await harness.span(model);
      return [text === 'mocked', attributes['llm_stream.budget.connect_ms'], attributes['llm_stream.budget.total_ms']];
    };

    expect(await tell('before')).toEqual([false, 20_000, 600_000]);
    setGlobalDispatcher(mock);
    expect(await tell('mocked')).toEqual([true, undefined, 600_000]);
    expect(await tell('mocked again')).toEqual([true, undefined, 600_000]);
    putBack();
    expect(await tell('after')).toEqual([false, 20_000, 600_000]);
    expect(warn.mock.calls).toEqual([
      [
        'opentelemetry-instrumentation-llm-stream: `connectMs` expects undici’s global dispatcher to be the one it comes ' +
          'with, got `MockAgent`, set since; requests go that way, without a connect budget (said once); leave `connectMs` ' +
          'out, and give that dispatcher a connect timeout (`connect.timeout` of an `Agent`)',
      ],
    ]);
    await mock.close();
  });

  test('is not asked for a request that brings one', async () => {
    const limited = fetchWithBudgets(ofUndici, CONNECT);
    warn.mockClear();
    setGlobalDispatcher(new MockAgent());
    // Not in the types of the platform.
    const init = { dispatcher: new Agent() } as unknown as RequestInit;
    expect(await (await limited(url, init)).text()).toBe('direct');
    expect(warn).not.toHaveBeenCalled();
  });
});
