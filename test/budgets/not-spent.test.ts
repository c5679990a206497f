/** Requests whose budgets are not spent: what the application gets is what it would have got, and nothing is left behind. */
import { getEventListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fetchWithBudgets, TimeoutError } from '../../src/budgets.js';
import { endOpenCalls, instrumentFetch, outcomeOf } from '../../src/index.js';
import { chatCompletion, chatText, httpError, type Scenario } from '../../src/testing/index.js';
import { loadSdks } from '../openai/sdks.js';
import { CANARY, type Harness, startHarness } from '../scenarios/harness.js';
import { budgetIn, only, pauseFor, rawAsker, sdkAsker, timeoutKindOf } from './askers.js';
import { TEXT } from './rows.js';

const sdks = await loadSdks();
const raw = rawAsker('global fetch', () => globalThis.fetch);
const askers = [raw, ...sdks.map((sdk) => sdkAsker(sdk, () => globalThis.fetch))];
const sdk6 = askers.find(({ name }) => name === 'openai 6, ES module') ?? expect.fail('no SDK');

const HUNG = { reply: TEXT, hold: { after: 'request', until: 'client_gone' } } as const;
const COMPLETED = {
  'llm_stream.outcome': 'completed',
  'llm_stream.termination_kind': 'done_event',
  'llm_stream.chunk_count': 7,
};

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ ignoreRequest: ({ url }) => url.searchParams.has('ignored') });
});
afterAll(() => harness.close());

async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe.concurrent.each(askers)('$name', (asker) => {
  test('a good stream is read whole, and its span says the budgets', async () => {
    const model = `good | ${asker.name}`;
    const told = await asker.tell({
      ask: harness.ask(model, { reply: TEXT }),
      budgets: { headersMs: 5_000, firstTokenMs: 6_000, idleMs: 7_000, totalMs: 8_000 },
    });
    expect(told.error).toBeUndefined();
    expect((await harness.span(model)).attributes).toMatchObject({
      ...COMPLETED,
      'llm_stream.attempt_count': 1,
      'llm_stream.budget.headers_ms': 5_000,
      'llm_stream.budget.first_token_ms': 6_000,
      'llm_stream.budget.idle_ms': 7_000,
      'llm_stream.budget.total_ms': 8_000,
    });
  });

  test('a consumer that is slow to begin and slow to read spends nothing', async () => {
    const model = `slow | ${asker.name}`;
    // More than a socket and a body hold: the provider itself waits for the consumer.
    const words = Array.from({ length: 40 }, () => ' word'.repeat(4_000));
    const told = await asker.tell({
      ask: harness.ask(model, { reply: chatText(words) }),
      // A busy machine may take that long for the headers of all of them.
      budgets: only({ firstTokenMs: 1_500, idleMs: 1_500 }),
      pause: (messages) => (messages === 0 || messages === 3 ? pauseFor(2_000) : undefined),
    });
    expect(told.error).toBeUndefined();
    expect((await harness.span(model)).attributes).toMatchObject({ 'llm_stream.outcome': 'completed' });
  });

  test('the caller’s own abort stays one', async () => {
    const model = `abort | ${asker.name}`;
    const controller = new AbortController();
    const reason = new Error('enough');
    const { error } = await asker.tell({
      ask: harness.ask(model, { reply: TEXT, hold: { afterChunks: 3, until: 'client_gone' } }),
      budgets: {},
      signal: controller.signal,
      pause: (messages) => {
        if (messages === 3) controller.abort(reason);
        return undefined;
      },
    });
    // The SDKs end their loops without a word.
    expect(error).toBe(asker.kind === 'raw' ? reason : undefined);
    expect((await harness.span(model)).attributes).toMatchObject({
      'llm_stream.outcome': 'cancelled',
      'llm_stream.termination_kind': 'consumer_abort',
      'llm_stream.fault': 'client',
    });
    // The SDKs before openai 6 leave one of their own.
    if (asker.kind === 'raw') expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });
});

describe.each(askers.filter(({ kind }) => kind === 'sdk'))('$name tries again', (asker) => {
  test('after a budget, each attempt with its own', async () => {
    const model = `second | ${asker.name}`;
    const { error } = await asker.tell({
      ask: harness.ask(model, [HUNG, { reply: TEXT }]),
      budgets: only({ headersMs: 1_000 }),
      maxRetries: 1,
    });
    expect(error).toBeUndefined();
    const { attributes } = await harness.span(model);
    expect(attributes).toMatchObject({ ...COMPLETED, 'llm_stream.attempt_count': 2 });
    expect(attributes).not.toHaveProperty('llm_stream.timeout_kind');
  });

  test('until no try is left: the outcome knows the budget, whatever the SDK says', async () => {
    const model = `exhausted | ${asker.name}`;
    const { error } = await asker.tell({
      ask: harness.ask(model, HUNG),
      budgets: only({ firstTokenMs: 600 }),
      maxRetries: 1,
    });
    const says = {
      4: 'first_token 600',
      5: 'APIConnectionTimeoutError',
      6: 'APIConnectionTimeoutError',
      7: 'first_token 600',
    };
    expect(budgetIn(error)).toBe(says[asker.major ?? 4]);
    expect(timeoutKindOf(error)).toBe('first_token');
    expect((await harness.span(model)).attributes).toMatchObject({
      'llm_stream.attempt_count': 2,
      'llm_stream.timeout_kind': 'first_token',
      'llm_stream.error_category': 'first_token_timeout',
      'llm_stream.fault': 'upstream',
      'error.type': 'TimeoutError',
    });
  });
});

describe('an answer that is not streamed', () => {
  const DOCUMENT = chatCompletion({
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: `${CANARY} a` }, finish_reason: 'stop' }],
  });
  const whole = { stream: false };

  test('has neither a first-token nor an idle budget', async () => {
    const ask = harness.ask('whole', { reply: DOCUMENT, delivery: { latencyMs: 250 } }, whole);
    const limited = fetchWithBudgets(fetch, { firstTokenMs: 60, idleMs: 60, totalMs: 9_000 });
    const answer: unknown = await (await limited(ask.url, ask.init)).json();
    expect(answer).toMatchObject({ object: 'chat.completion' });
    const { attributes } = await harness.span('whole');
    expect(attributes).toMatchObject({ 'llm_stream.outcome': 'completed', 'llm_stream.budget.total_ms': 9_000 });
    expect(Object.keys(attributes).filter((name) => name.startsWith('llm_stream.budget.'))).toHaveLength(1);
  });

  test('nor has one document in a stream’s place', async () => {
    const ask = harness.ask('document', { reply: DOCUMENT, delivery: { bytesPerSecond: 500 } });
    const limited = fetchWithBudgets(fetch, only({ firstTokenMs: 60, idleMs: 60 }));
    const answer: unknown = await (await limited(ask.url, ask.init)).json();
    expect(answer).toMatchObject({ object: 'chat.completion' });
    expect((await harness.span('document')).attributes).toMatchObject({ 'llm_stream.outcome': 'completed' });
  });

  test.each([
    ['headers', { headersMs: 80 }, { hold: { after: 'request', until: 'client_gone' } }, 'request_timeout'],
    ['total', { totalMs: 600 }, { hold: { after: 'headers', until: 'client_gone' } }, 'total_timeout'],
  ] as const)('has the %s budget', async (budget, budgets, scenario, category) => {
    const model = `whole, ${budget}`;
    const ask = harness.ask(model, { reply: DOCUMENT, ...scenario }, whole);
    const error = await thrownBy(fetchWithBudgets(fetch, only(budgets))(ask.url, ask.init).then((it) => it.json()));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ budget, code: 'LLM_STREAM_BUDGET_EXCEEDED', name: 'TimeoutError' });
    expect((await harness.span(model)).attributes).toMatchObject({
      'llm_stream.error_category': category,
      'llm_stream.timeout_kind': budget,
    });
  });

  test('a rejection whose body never comes has the total budget alone', async () => {
    const rejected: Scenario = {
      reply: httpError(500, { message: CANARY }),
      hold: { after: 'headers', until: 'client_gone' },
    };
    const budgets = only({ firstTokenMs: 500, idleMs: 500, totalMs: 1_500 });
    const ask = harness.ask('rejected', rejected);
    const response = await fetchWithBudgets(fetch, budgets)(ask.url, ask.init);
    expect(response.status).toBe(500);
    expect(await thrownBy(response.text())).toMatchObject({ budget: 'total' });
  });

  test('a rejection is no time-out, however long the SDK reads why', async () => {
    const rejected: Scenario = {
      reply: httpError(429, { code: 'rate_limit_exceeded' }),
      delivery: { bytesPerSecond: 50 },
    };
    const { error } = await sdk6.tell({
      ask: harness.ask('rejected, SDK', rejected),
      budgets: only({ firstTokenMs: 500, idleMs: 500, totalMs: 20_000 }),
    });
    expect(budgetIn(error)).toBe('RateLimitError');
    expect((await harness.span('rejected, SDK')).attributes).toMatchObject({
      'llm_stream.error_category': 'rate_limit',
    });
  });
});

describe('a request that is no LLM call', () => {
  let server: Server;
  let url: string;
  const closed: Promise<void>[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      closed.push(new Promise((resolve) => void response.once('close', resolve)));
      if (request.url === '/silent') return;
      response.write('half');
      if (request.url === '/whole') response.end();
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    // Listening on a port.
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test.each([
    ['/silent', { headersMs: 80 }, 'headers'],
    ['/silent', { totalMs: 80 }, 'total'],
    ['/half', { totalMs: 200 }, 'total'],
  ] as const)('%s with %o', async (path, budgets, budget) => {
    const ends = closed.length;
    const error = await thrownBy(fetchWithBudgets(fetch, only(budgets))(url + path).then((it) => it.text()));
    expect(error).toMatchObject({ name: 'TimeoutError', budget });
    await closed[ends];
  });

  test('has neither a first-token nor an idle budget', async () => {
    const error = await thrownBy(
      fetchWithBudgets(fetch, { firstTokenMs: 30, idleMs: 30, totalMs: 300 })(`${url}/half`).then((it) => it.text()),
    );
    expect(error).toMatchObject({ budget: 'total' });
  });

  test('leaves nothing on the caller’s signal once its body has ended', async () => {
    const { signal } = new AbortController();
    const limited = fetchWithBudgets(fetch, {});
    const response = await limited(`${url}/whole`, { signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    expect(await response.text()).toBe('half');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await (await limited(new Request(`${url}/whole`, { signal }))).text();
    await (await limited(`${url}/half`, { signal })).body?.cancel();
    expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
  });

  test('is no part of a call that is sent at that moment', async () => {
    const limited = fetchWithBudgets(fetch, only({ firstTokenMs: 100, totalMs: 5_000 }));
    let aside: Promise<Response> | undefined;
    const careful: typeof fetch = (...args) => {
      aside = limited(`${url}/whole`);
      return fetch(...args);
    };
    const { error } = await sdkAsker(sdks[4] ?? expect.fail('no SDK'), () => careful).tell({
      ask: harness.ask('aside', { reply: TEXT }),
      budgets: only({ idleMs: 4_000 }),
    });
    expect(error).toBeUndefined();
    await (await aside)?.text();
    const { attributes } = await harness.span('aside');
    expect(attributes).toMatchObject({ ...COMPLETED, 'llm_stream.budget.idle_ms': 4_000 });
    expect(attributes).not.toHaveProperty('llm_stream.budget.total_ms');
  });
});

/** Spans of calls whose request nobody could read. */
function unnamed() {
  return harness.spans.filter(({ attributes }) => attributes['gen_ai.request.model'] === undefined);
}

describe('one call, one span', () => {
  const DEAD_AFTER_3 = { reply: TEXT, hold: { afterChunks: 3, until: 'client_gone' } } as const;
  const budgets = only({ idleMs: 600 });

  test.each([
    ['around instrumentFetch', () => fetchWithBudgets(instrumentFetch(globalThis.fetch), budgets)],
    ['inside instrumentFetch', () => instrumentFetch(fetchWithBudgets(globalThis.fetch, budgets))],
    ['twice', () => fetchWithBudgets(fetchWithBudgets(globalThis.fetch, budgets), budgets)],
    [
      'behind a wrapper that waits',
      () => async (input: string, init: RequestInit) => {
        await pauseFor(1);
        return fetchWithBudgets(globalThis.fetch, budgets)(input, { ...init });
      },
    ],
  ] as const)('%s', async (name, make) => {
    const ask = harness.ask(name, DEAD_AFTER_3);
    const error = await thrownBy(make()(ask.url, ask.init).then((it: Response) => it.text()));
    expect(error).toMatchObject({ budget: 'idle' });
    expect((await harness.span(name)).attributes).toMatchObject({
      'llm_stream.timeout_kind': 'idle',
      'llm_stream.chunk_count': 3,
      'llm_stream.budget.idle_ms': 600,
    });
  });

  test('behind a wrapper that waits, which an SDK was given', async () => {
    const waits: typeof fetch = async (...args) => {
      await pauseFor(1);
      return fetchWithBudgets(globalThis.fetch, budgets)(...args);
    };
    const { error } = await sdkAsker(sdks[5] ?? expect.fail('no SDK'), () => waits).tell({
      ask: harness.ask('sdk, waits', DEAD_AFTER_3),
      budgets: only({ idleMs: 5_000 }),
    });
    expect(error).toMatchObject({ budget: 'idle', limitMs: 600 });
    expect((await harness.span('sdk, waits')).attributes).toMatchObject({
      'llm_stream.timeout_kind': 'idle',
      'llm_stream.budget.idle_ms': 600,
    });
  });

  test.each([
    ['a chunk', 3, { idleMs: 600 }, 'idle'],
    ['the opening', 1, { firstTokenMs: 600 }, 'first_token'],
  ] as const)(
    'a Request, whose body nobody can read, has those of a stream: silent after %s',
    async (_, afterChunks, budgets, budget) => {
      const model = `Request, ${budget}`;
      harness.provider.define(model, { reply: TEXT, hold: { afterChunks, until: 'client_gone' } });
      const { url, init } = harness.ask(model, undefined);
      const limited = fetchWithBudgets(fetch, only(budgets));
      const error = await thrownBy(limited(new Request(url, init)).then((it) => it.text()));
      expect(error).toMatchObject({ budget, limitMs: 600 });
    },
  );

  test('of a Request the span says the budgets that ran', async () => {
    harness.provider.define('Request, budgets', { reply: TEXT });
    const { url, init } = harness.ask('Request, budgets', undefined);
    await (await fetchWithBudgets(fetch)(new Request(url, init))).text();
    await expect
      .poll(() => unnamed().at(-1)?.attributes)
      .toMatchObject({
        'llm_stream.outcome': 'completed',
        'llm_stream.budget.first_token_ms': 120_000,
        'llm_stream.budget.idle_ms': 60_000,
        'llm_stream.budget.total_ms': 600_000,
      });
    expect(unnamed().at(-1)?.attributes).not.toHaveProperty('llm_stream.budget.headers_ms');
  });

  test('of a Request through a wrapper that waits, under budgets', async () => {
    const before = unnamed().length;
    const waits: typeof fetch = async (...args) => {
      await pauseFor(1);
      return fetch(...args);
    };
    harness.provider.define('Request, waits', { reply: TEXT });
    const { url, init } = harness.ask('Request, waits', undefined);
    await (await fetchWithBudgets(waits)(new Request(url, init))).text();
    // Long enough for the end of a second one to be presumed.
    await expect.poll(() => unnamed().length, { timeout: 5_000 }).toBe(before + 1);
    expect(unnamed().at(-1)?.attributes).toMatchObject({ 'llm_stream.outcome': 'completed' });
    endOpenCalls();
    expect(unnamed()).toHaveLength(before + 1);
  });

  test('a request that is not to be observed has its budgets, and no span', async () => {
    const ask = harness.ask('ignored', DEAD_AFTER_3);
    const error = await thrownBy(
      fetchWithBudgets(fetch, budgets)(`${ask.url}&ignored`, ask.init).then((it) => it.text()),
    );
    expect(error).toMatchObject({ budget: 'idle' });
    expect(harness.spans.filter(({ attributes }) => attributes['gen_ai.request.model'] === 'ignored')).toEqual([]);
  });
});

describe('many requests on one signal', () => {
  test('leave no listener and no warning', async () => {
    const warned = vi.fn();
    process.on('warning', warned);
    const { signal } = new AbortController();
    const limited = fetchWithBudgets(fetch, {});
    for (let round = 0; round < 5; round += 1) {
      const asks = Array.from({ length: 30 }, () => harness.ask('many', { reply: TEXT }));
      const texts = await Promise.all(
        asks.map(async (ask) => (await limited(ask.url, { ...ask.init, signal })).text()),
      );
      expect(texts.every((text) => text.includes('[DONE]'))).toBe(true);
    }
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    process.off('warning', warned);
    expect(warned).not.toHaveBeenCalled();
  });
});

describe('the function', () => {
  test('has the name, the length and the properties of the given one', () => {
    const given = Object.assign(async (_: string, __?: RequestInit) => new Response(CANARY), { __mark: 1 });
    const limited = fetchWithBudgets(given);
    expect([limited.name, limited.length, limited.__mark]).toEqual(['', 2, 1]);
  });

  test('lets the platform judge arguments that are none', async () => {
    const limited = fetchWithBudgets(fetch, {});
    const signal = 'none' as unknown as AbortSignal;
    for (const [ours, theirs] of [
      [limited('http://127.0.0.1/', { signal }), fetch('http://127.0.0.1/', { signal })],
      [limited('no url'), fetch('no url')],
    ] as const) {
      expect(await thrownBy(ours)).toEqual(await thrownBy(theirs));
    }
  });

  test('a signal that was aborted before rejects with its reason', async () => {
    const reason = { why: 'any' };
    const ask = harness.ask('aborted', { reply: TEXT });
    const error = await thrownBy(
      fetchWithBudgets(fetch, {})(ask.url, { ...ask.init, signal: AbortSignal.abort(reason) }),
    );
    expect(error).toBe(reason);
  });

  test('an outcome is known without the instrumentation, and has no span', async () => {
    harness.instrumentation.disable();
    const ask = harness.ask('alone', { reply: TEXT });
    const response = await fetchWithBudgets(fetch, {})(ask.url, ask.init);
    await response.text();
    harness.instrumentation.enable();
    expect(outcomeOf(response)).toMatchObject({ outcome: 'completed' });
    expect(outcomeOf(response)?.spanId).toBeUndefined();
    expect(harness.spans.filter(({ attributes }) => attributes['gen_ai.request.model'] === 'alone')).toEqual([]);
  });
});
