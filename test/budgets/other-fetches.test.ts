/** `fetch` of another make under budgets: bodies may be streams of Node's, and aborts have no reason. */
import { getEventListeners } from 'node:events';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchWithBudgets, TimeoutError } from '../../src/budgets.js';
import { outcomeOf } from '../../src/index.js';
import { chatText } from '../../src/testing/index.js';
import { loadSdks } from '../openai/sdks.js';
import { type Harness, startHarness } from '../scenarios/harness.js';
import { budgetIn, only, pauseFor, sdkAsker } from './askers.js';
import { TEXT } from './rows.js';

// openai 4 brings it along. Its types are not the platform's.
const nodeFetch: typeof globalThis.fetch = createRequire(new URL('../openai/v4/', import.meta.url))('node-fetch');
const sdks = await loadSdks();

const LIVELY = { reply: chatText(Array.from({ length: 400 }, () => ' a')), delivery: { gapMs: 10 } };
const SILENT = { reply: TEXT, hold: { afterChunks: 3, until: 'client_gone' } } as const;

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());

/** The bytes of one chunk of a chat completion. */
function chunkOf(content: string): string {
  return `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] })}\n\n`;
}

/** Loops over the body, and says what ended the loop. */
async function loopOver(response: Response): Promise<unknown> {
  try {
    // A Node stream is iterable, too.
    for await (const _ of response.body ?? []);
  } catch (error) {
    return error;
  }
  return undefined;
}

async function isLeft(model: string): Promise<void> {
  const received = harness.provider.requests.find((request) => request.model === model);
  await received?.closed;
  expect(received).toMatchObject({ closedBy: 'client' });
}

describe('a spent budget over node-fetch', () => {
  test('ends the loop over a body with its own error', async () => {
    const { url, init } = harness.ask('loop', LIVELY);
    const error = await loopOver(await fetchWithBudgets(nodeFetch, only({ totalMs: 400 }))(url, init));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(budgetIn(error)).toBe('total 400');
    await isLeft('loop');
  });

  test('is told to whoever was busy with something else then', async () => {
    const { url, init } = harness.ask('busy', LIVELY);
    const response = await fetchWithBudgets(nodeFetch, only({ totalMs: 100 }))(url, init);
    await isLeft('busy');
    expect(budgetIn(await loopOver(response))).toBe('total 100');
  });

  test('before the headers is told as with any other fetch', async () => {
    const { url, init } = harness.ask('dead', { reply: TEXT, hold: { after: 'request', until: 'client_gone' } });
    const asked = fetchWithBudgets(nodeFetch, only({ headersMs: 200 }))(url, init);
    await expect(asked).rejects.toThrow(new TimeoutError('headers', 200));
  });
});

describe.each(sdks)('over node-fetch, in the loop of $name', (sdk) => {
  const asker = sdkAsker(sdk, () => nodeFetch);

  test.each([
    ['total', 'total_timeout', LIVELY, only({ totalMs: 600 }), 'total 600', 'application'],
    ['idle', 'idle_timeout', SILENT, only({ idleMs: 600 }), 'idle 600', 'upstream'],
  ] as const)('a spent %s budget is an error, and no end', async (kind, category, scenario, budgets, told, fault) => {
    const model = `${kind} | ${sdk.name}`;
    const { error } = await asker.tell({ ask: harness.ask(model, scenario), budgets });
    expect(budgetIn(error)).toBe(told);
    expect(outcomeOf(error)?.timeoutKind).toBe(kind);
    expect((await harness.span(model)).attributes).toMatchObject({
      'llm_stream.outcome': 'failed',
      'llm_stream.failure_stage': 'after_first_token',
      'llm_stream.termination_kind': 'timeout',
      'llm_stream.timeout_kind': kind,
      'llm_stream.error_category': category,
      'llm_stream.fault': fault,
    });
    await isLeft(model);
  });

  test('a good stream is read whole', async () => {
    const model = `good | ${sdk.name}`;
    const told = await asker.tell({ ask: harness.ask(model, { reply: TEXT }), budgets: { totalMs: 8_000 } });
    expect(told).toEqual({ messages: 7 });
    expect((await harness.span(model)).attributes).toMatchObject({ 'llm_stream.outcome': 'completed' });
  });
});

describe('over a `fetch` that says AbortError for every abort, of which an SDK makes the end of its loop', () => {
  const first = new TextEncoder().encode(chunkOf('Hello'));
  const abortOf = async (signal: AbortSignal): Promise<never> => {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw new DOMException('Aborted', 'AbortError');
  };
  const iterable = async function* (signal: AbortSignal) {
    yield first;
    await abortOf(signal);
  };
  const headers = new Headers({ 'content-type': 'text/event-stream' });

  test.each<readonly [string, (signal: AbortSignal) => Response]>([
    [
      'the platform’s own',
      (signal) => {
        const start = (body: ReadableStreamDefaultController) => {
          body.enqueue(first);
          abortOf(signal).catch((error: unknown) => body.error(error));
        };
        return new Response(new ReadableStream({ start }), { headers });
      },
    ],
    // As much of a Response as the SDK needs.
    ['any iterable', (signal) => ({ status: 200, ok: true, headers, body: iterable(signal) }) as unknown as Response],
  ])('the body is %s', async (model, respond) => {
    const own = async (_: unknown, init?: RequestInit) => respond(init?.signal ?? expect.fail('no signal'));
    const sdk = sdks.find(({ name }) => name === 'openai 6, ES module') ?? expect.fail('no SDK');
    const asker = sdkAsker(sdk, () => own);
    const told = await asker.tell({ ask: harness.ask(model, undefined), budgets: only({ totalMs: 300 }) });
    expect(told).toEqual({ messages: 1 });
    expect((await harness.span(model)).attributes).toMatchObject({
      'llm_stream.outcome': 'failed',
      'llm_stream.timeout_kind': 'total',
      'llm_stream.error_category': 'total_timeout',
      'llm_stream.fault': 'application',
    });
  });
});

test('bodies that are read leave nothing on a signal that they share', async () => {
  const { signal } = new AbortController();
  const send = fetchWithBudgets(nodeFetch, { totalMs: false });
  const { url, init } = harness.ask('shared', { reply: TEXT });
  for (let request = 0; request < 20; request += 1) {
    expect(await loopOver(await send(url, { ...init, signal }))).toBeUndefined();
  }
  // A stream of Node's is closed a turn after its end was read.
  await pauseFor(0);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
