/** The connect budget, which is a dispatcher of npm's undici: with the built-in `fetch`, undici's own, and an SDK. */
import { type AddressInfo, createServer, type Server } from 'node:net';
import { Agent, fetch as undiciFetch } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchWithBudgets, TimeoutError } from '../../src/budgets.js';
import { loadSdks } from '../openai/sdks.js';
import { type Harness, startHarness } from '../scenarios/harness.js';
import { budgetIn, only, rawAsker, sdkAsker, timeoutKindOf } from './askers.js';
import { TEXT } from './rows.js';

// Its types are those of another version of the same interface.
const ofUndici = () => undiciFetch as unknown as typeof globalThis.fetch;
const global = () => globalThis.fetch;
const sdks = await loadSdks({ only: 'openai 6, ES module' });

describe('the connect budget', () => {
  const askers = [
    rawAsker('global fetch', global),
    rawAsker('fetch of undici', ofUndici),
    ...sdks.map((sdk) => sdkAsker(sdk, global)),
  ];
  const budgets = only({ connectMs: 200 });
  let harness: Harness;
  /** Takes connections, and never answers: no TLS comes of it. */
  let silent: Server;
  let baseURL: string;
  beforeAll(async () => {
    harness = await startHarness();
    silent = createServer((socket) => void socket.on('error', () => {}));
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    // Listening on a port.
    baseURL = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`;
  });
  afterAll(async () => {
    silent.close();
    await harness.close();
  });

  const unreachable = (model: string) => {
    const ask = harness.ask(model, undefined);
    return { ...ask, baseURL, url: `${baseURL}/chat/completions` };
  };

  test.each(askers)('$name: is spent where no connection comes about', async ({ name, kind, tell }) => {
    const model = `unreachable | ${name}`;
    const { error } = await tell({ ask: unreachable(model), budgets });
    expect(budgetIn(error)).toBe(kind === 'sdk' ? 'APIConnectionTimeoutError' : 'connect 200');
    expect(timeoutKindOf(error)).toBe('connect');
    if (kind === 'raw') {
      expect(error).toMatchObject({ cause: { cause: { code: 'UND_ERR_CONNECT_TIMEOUT' } } });
    }
    expect((await harness.span(model)).attributes).toMatchObject({
      'llm_stream.outcome': 'failed',
      'llm_stream.failure_stage': 'before_request',
      'llm_stream.stage': 'before_request',
      'llm_stream.termination_kind': 'timeout',
      'llm_stream.timeout_kind': 'connect',
      'llm_stream.error_category': 'connect_failed',
      'llm_stream.fault': 'network',
      'llm_stream.retryable': true,
      'llm_stream.network_error_code': 'UND_ERR_CONNECT_TIMEOUT',
      'llm_stream.budget.connect_ms': 200,
    });
  });

  test.each(askers)('$name: is not where one does', async ({ name, tell }) => {
    const model = `reachable | ${name}`;
    const { error } = await tell({ ask: harness.ask(model, { reply: TEXT }), budgets });
    expect(error).toBeUndefined();
    expect((await harness.span(model)).attributes).toMatchObject({
      'llm_stream.outcome': 'completed',
      'llm_stream.budget.connect_ms': 200,
    });
  });

  test('a dispatcher that comes with the request keeps its own', async () => {
    const dispatcher = new Agent({ connect: { timeout: 100 } });
    const { url, init } = unreachable('own dispatcher');
    const limited = fetchWithBudgets(ofUndici(), only({ connectMs: 20_000 }));
    // Not in the types of the platform.
    const given = { ...init, dispatcher } as unknown as RequestInit;
    const error = await limited(url, given).catch((thrown: unknown) => thrown);
    expect(error).not.toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ message: 'fetch failed', cause: { code: 'UND_ERR_CONNECT_TIMEOUT' } });
    expect((await harness.span('own dispatcher')).attributes).not.toHaveProperty('llm_stream.budget.connect_ms');
    await dispatcher.destroy();
  });
});
