/** A callback of `withCallContext` that fails: before any call began, and in the middle of a stream. */
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import * as undici from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { instrumentFetch, instrumentOpenAI, outcomeOf, withCallContext } from '../../src/index.js';
import { chatText, chatToolCalls, httpError, type Scenario } from '../../src/testing/index.js';
import { loadSdks } from '../openai/sdks.js';
import { CANARY, expectSpan, exportedBytes, type Harness, startHarness } from '../scenarios/harness.js';

const TEXT: Scenario = { reply: chatText(['Hello', ' there', ' friend']) };
/** Stops after `Hello`, so that the application is ahead of the provider. */
const SLOW: Scenario = { ...TEXT, hold: { afterChunks: 2, until: 'client_gone' } };

const sdks = await loadSdks();
let harness: Harness;
let lines: string[];
/** Spans that ended before the test. */
let before: number;
beforeAll(async () => {
  for (const sdk of sdks) instrumentOpenAI(sdk.OpenAI);
  harness = await startHarness({ ignoreRequest: ({ url }) => url.searchParams.has('ignored') });
});
afterAll(() => harness.close());
beforeEach(() => {
  lines = [];
  before = harness.spans.length;
  const keep = (line: string) => void lines.push(line);
  diag.setLogger({ error: keep, warn: keep, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
});
afterEach(() => {
  diag.disable();
  expect(lines).toEqual([]);
});

/** The spans that ended since the test began. */
function spans(): readonly ReadableSpan[] {
  return harness.spans.slice(before);
}

function onlySpan(): ReadableSpan {
  const [span, ...others] = spans();
  if (span === undefined || others.length > 0) throw new Error(`${spans().length} spans`);
  expect(exportedBytes(span)).not.toContain(CANARY);
  return span;
}

async function thrownBy(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

class TemplateError extends Error {}

/** Node 20 tells of no request of `node:http` before it is whole, and of `node:http2` nothing. */
const TELLS_EARLY = Number(process.versions.node.split('.')[0]) >= 22;

/** As it is where a file that is sent cannot be read to its end. */
async function breakUpload(url: string): Promise<void> {
  const request = http.request(url, { method: 'POST' });
  request.write('{');
  request.destroy(new TemplateError());
  await once(request, 'close');
}

async function askByHttp2(): Promise<void> {
  const server = http2.createServer((_, response) => response.end('x')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  for await (const _ of client.request({ ':method': 'POST', ':path': '/model/any/converse' }).end('{}'));
  client.close();
  server.close();
}

async function askByWebSocket(url: string): Promise<void> {
  const socket = new undici.WebSocket(url.replace('http', 'ws'));
  await new Promise((resolve) => socket.addEventListener('error', resolve));
}

async function askByHttp(url: string): Promise<void> {
  const request = http.request(url, { method: 'POST' });
  request.end('{}');
  const [response] = await once(request, 'response');
  response.resume();
}

describe('before any call', () => {
  const fails = (error: unknown) => () =>
    withCallContext({ feature: 'summary', retryAttempt: 1 }, async () => {
      await Promise.resolve();
      throw error;
    });

  test('is a span that says so, with the class and no message', async () => {
    const error = new TemplateError(CANARY);
    expect(await thrownBy(fails(error))).toBe(error);
    const span = onlySpan();
    expectSpan(span, {
      outcome: 'failed',
      failureStage: 'before_request',
      stage: 'before_request',
      termination: 'local_error',
      category: 'unknown',
      fault: 'application',
      chunks: 0,
      also: {
        'error.type': 'TemplateError',
        'llm_stream.feature': 'summary',
        'llm_stream.retry_attempt': 1,
        'llm_stream.attempt_count': 0,
        'llm_stream.observed_by': ['application'],
      },
    });
    expect(span.name).toBe('llm_stream.call');
    expect(span.attributes).not.toHaveProperty('gen_ai.operation.name');
    expect(span.events.map(({ name, attributes }) => [name, attributes?.['exception.type']])).toEqual([
      ['exception', 'TemplateError'],
    ]);
    expect(outcomeOf(error)).toMatchObject({ failureStage: 'before_request', spanId: span.spanContext().spanId });
  });

  test('lasts from the start of the callback', async () => {
    const startedAt = performance.now();
    await thrownBy(() =>
      withCallContext({}, async () => {
        await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(startedAt + 30), { interval: 5 });
        throw new TemplateError();
      }),
    );
    expect(onlySpan().attributes['llm_stream.stream_duration_ms']).toBeGreaterThanOrEqual(30);
  });

  test.each<readonly [string, unknown, Partial<Parameters<typeof expectSpan>[1]>, string | undefined]>([
    [
      'an exception of its arguments',
      new TypeError(CANARY),
      { category: 'invalid_request', retryable: false },
      'TypeError',
    ],
    ['a string', CANARY, { category: 'unknown' }, '_OTHER'],
    ['undefined', undefined, { category: 'unknown' }, '_OTHER'],
    [
      'a connection to something else',
      Object.assign(new Error(CANARY), { code: 'ECONNREFUSED', syscall: 'connect' }),
      { category: 'unknown' },
      'ECONNREFUSED',
    ],
  ])('with %s', async (_, error, facts, errorType) => {
    await thrownBy(fails(error));
    expectSpan(onlySpan(), {
      outcome: 'failed',
      failureStage: 'before_request',
      stage: 'before_request',
      termination: 'local_error',
      fault: 'application',
      chunks: 0,
      ...facts,
    });
    expect(onlySpan().attributes['error.type']).toBe(errorType);
  });

  test('by an exception is one span, too', async () => {
    await thrownBy(() =>
      withCallContext({}, () => {
        throw new TemplateError(CANARY);
      }),
    );
    expect(onlySpan().attributes['llm_stream.failure_stage']).toBe('before_request');
  });

  test('by an abort is cancelled', async () => {
    const controller = new AbortController();
    controller.abort();
    await thrownBy(() => withCallContext({}, () => controller.signal.throwIfAborted()));
    expectSpan(onlySpan(), {
      outcome: 'cancelled',
      failureStage: 'client_aborted',
      stage: 'before_request',
      termination: 'consumer_abort',
      fault: 'client',
      chunks: 0,
    });
  });

  test('by a time limit is the application’s', async () => {
    const error = new DOMException(CANARY, 'TimeoutError');
    await thrownBy(fails(error));
    expectSpan(onlySpan(), {
      outcome: 'failed',
      failureStage: 'before_request',
      stage: 'before_request',
      termination: 'timeout',
      category: 'total_timeout',
      fault: 'application',
      retryable: true,
      chunks: 0,
    });
  });

  test('in nested contexts is one span, of the innermost', async () => {
    const error = new TemplateError(CANARY);
    await thrownBy(() => withCallContext({ route: '/r' }, () => withCallContext({ feature: 'inner' }, fails(error))));
    expect(onlySpan().attributes).toMatchObject({ 'llm_stream.route': '/r', 'llm_stream.feature': 'summary' });
  });

  test('of an inner context that the outer one survives is one span, and what follows another', async () => {
    harness.provider.define('after an early failure', TEXT);
    await withCallContext({}, async () => {
      await thrownBy(fails(new TemplateError()));
      const { url, init } = harness.ask('after an early failure', TEXT);
      await (await fetch(url, init)).text();
    });
    expect(spans().map(({ attributes }) => attributes['llm_stream.outcome'])).toEqual(['failed', 'completed']);
  });

  test('with an error that came out of a call outside is no second span', async () => {
    harness.provider.define('outside', { reply: httpError(503, { message: CANARY }) });
    const { baseURL } = harness.ask('outside', undefined);
    const client = new OpenAI({ apiKey: 'sk-any', baseURL, maxRetries: 0 });
    const error = await thrownBy(() => client.chat.completions.create({ model: 'outside', messages: [] }));
    await thrownBy(fails(error));
    await thrownBy(fails(new Error('wrapped', { cause: error })));
    expect(onlySpan().attributes['llm_stream.failure_stage']).toBe('request_rejected');
  });

  test('is none where nothing fails', async () => {
    await withCallContext({}, async () => 'no call at all');
    expect(spans()).toEqual([]);
  });

  test('is none where a request went out that is not to be observed', async () => {
    const { url, init } = harness.ask('ignored', TEXT);
    await thrownBy(() =>
      withCallContext({}, () =>
        withCallContext({}, async () => {
          await (await fetch(`${url}&ignored`, init)).text();
          throw new TemplateError();
        }),
      ),
    );
    expect(spans()).toEqual([]);
  });

  describe('is none where a request went out that may have been a call:', () => {
    const refused = (path: string) => `${harness.provider.url}${path}`;
    const client = () =>
      new OpenAI({ apiKey: 'sk-any', baseURL: refused('/v1'), maxRetries: 0, fetch: (...args) => fetch(...args) });
    const post = { method: 'POST', body: '{"model":"any"}' };

    test.each<readonly [string, () => PromiseLike<unknown>]>([
      ['through fetch, of a format that is not known', () => fetch(refused('/v1/unknown'), post)],
      ['through fetch, by a Request', () => fetch(new Request(refused('/v1/unknown'), post))],
      ['through a fetch of its own', () => instrumentFetch(undici.fetch)(refused('/v1/unknown'), post)],
      ['through undici', () => undici.request(refused('/v1/unknown'), { method: 'POST', body: '{}' })],
      ['through `node:http`', () => askByHttp(refused('/v1/unknown'))],
      ['by a WebSocket', () => askByWebSocket(refused('/v1/realtime'))],
      ...(TELLS_EARLY
        ? ([
            ['through `node:http`, whose body breaks on its way out', () => breakUpload(refused('/v1/unknown'))],
            ['through `node:http2`', askByHttp2],
          ] as const)
        : []),
      ['to nobody who listens', () => fetch('http://127.0.0.1:9/v1/unknown', post)],
      ['by the SDK, of another method', () => client().embeddings.create({ model: 'any', input: CANARY })],
      ['by the SDK, to list something', () => client().models.list()],
      ['by the SDK, to resume an answer with GET', () => client().responses.retrieve('resp_1', { stream: true })],
    ])('%s', async (_, ask) => {
      const error = await thrownBy(() =>
        withCallContext({}, () =>
          withCallContext({}, async () => {
            await ask();
            throw new TemplateError();
          }),
        ),
      );
      expect(error).toBeInstanceOf(Error);
      expect(spans()).toEqual([]);
    });
  });

  describe('is a span where what went before it was none:', () => {
    test.each<readonly [string, () => PromiseLike<unknown>]>([
      ['a document that was read with GET', () => fetch(`${harness.provider.url}/document`)],
      ['a request in the context around it', () => Promise.resolve()],
      [
        'a method of the SDK that finds no key',
        () =>
          new OpenAI({ apiKey: () => Promise.reject(new Error(CANARY)) }).embeddings.create({
            model: 'any',
            input: CANARY,
          }),
      ],
    ])('%s', async (_, ask) => {
      await thrownBy(() =>
        withCallContext({}, async () => {
          await fetch(`${harness.provider.url}/v1/unknown`, { method: 'POST' });
          await withCallContext({}, async () => {
            await ask();
            throw new TemplateError();
          });
        }),
      );
      expect(onlySpan().attributes['llm_stream.failure_stage']).toBe('before_request');
    });
  });

  test('with an error that stands for many failures, as a circuit breaker’s, is a span for each', async () => {
    const error = new TemplateError('circuit open');
    for (const _ of [1, 2, 3]) expect(await thrownBy(fails(error))).toBe(error);
    await thrownBy(fails(new Error('wrapped', { cause: error })));
    expect(spans().map(({ attributes }) => attributes['llm_stream.failure_stage'])).toEqual(
      Array.from({ length: 4 }, () => 'before_request'),
    );
  });

  test('is none while the instrumentation is disabled', async () => {
    harness.instrumentation.disable();
    await thrownBy(fails(new TemplateError()));
    harness.instrumentation.enable();
    expect(spans()).toEqual([]);
  });

  test.each(sdks)('$name: a constructor that finds no key', async ({ OpenAI: Sdk, major }) => {
    vi.stubEnv('OPENAI_API_KEY', undefined);
    await thrownBy(() => withCallContext({}, () => void new Sdk()));
    vi.unstubAllEnvs();
    const { attributes } = onlySpan();
    expect(attributes).toMatchObject({
      'llm_stream.failure_stage': 'before_request',
      'llm_stream.fault': 'application',
      'error.type': 'OpenAIError',
      // Version 4 has another word for it.
      ...(major > 4 && { 'llm_stream.error_category': 'auth' }),
    });
  });
});

const APPLICATIONS_ERROR = {
  outcome: 'cancelled',
  failureStage: 'client_aborted',
  stage: 'after_first_token',
  termination: 'consumer_error',
  fault: 'application',
} as const;

const BREAK = { ...APPLICATIONS_ERROR, termination: 'consumer_break', fault: 'client' } as const;

describe.each(sdks)('in the loop of $name', (sdk) => {
  /** Loops, and does something at the first text. */
  async function loop(model: string, then: () => void, scenario = SLOW): Promise<void> {
    const { baseURL } = harness.ask(model, scenario);
    const client = new sdk.OpenAI({ apiKey: 'sk-any', baseURL, maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: 'Hello' }];
    for await (const chunk of await client.chat.completions.create({ model, stream: true, messages })) {
      if (chunk.choices[0]?.delta.content) then();
    }
  }
  const fail = () => {
    throw new TemplateError(CANARY);
  };

  test('what the application throws is its error', async () => {
    const model = `throws in ${sdk.name}`;
    await expect(withCallContext({}, () => loop(model, fail))).rejects.toBeInstanceOf(TemplateError);
    const span = await harness.span(model);
    expectSpan(span, { ...APPLICATIONS_ERROR, finish: ['error'], chunks: 2 });
    // Version 4 has a `fetch` of its own, whose connection we do not see.
    expect(span.attributes['llm_stream.upstream_cancelled']).toBe(sdk.major === 4 ? undefined : true);
  });

  test('what it throws and catches itself is a break', async () => {
    const model = `catches in ${sdk.name}`;
    await withCallContext({}, async () => {
      await loop(model, fail).catch(() => {});
      expect(spans()).toEqual([]);
    });
    expectSpan(await harness.span(model), { ...BREAK, finish: ['error'], chunks: 2 });
  });

  test('where nobody has a context it is a break', async () => {
    const model = `no context in ${sdk.name}`;
    await thrownBy(() => loop(model, fail));
    expectSpan(await harness.span(model), { ...BREAK, finish: ['error'], chunks: 2 });
  });

  test('after the last chunk with a finish reason it is a completed call', async () => {
    const model = `throws after ${sdk.name}`;
    const late = () =>
      withCallContext({}, async () => {
        await loop(model, () => {}, TEXT);
        fail();
      });
    await expect(late()).rejects.toBeInstanceOf(TemplateError);
    expect((await harness.span(model)).attributes['llm_stream.outcome']).toBe('completed');
  });
});

describe('in a loop over bytes', () => {
  const decoder = new TextDecoder();

  async function open(model: string, scenario = SLOW): Promise<ReadableStream<Uint8Array>> {
    const { url, init } = harness.ask(model, scenario);
    return (await fetch(url, init)).body ?? expect.fail('no body');
  }

  /** Reads to the first text, whose chunk is the second, and throws. */
  async function readAndThrow(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<never> {
    for (let text = ''; !text.includes('Hello'); ) text += decoder.decode((await reader.read()).value);
    throw new TemplateError(CANARY);
  }

  test('`for await` that throws is the application’s error', async () => {
    await thrownBy(() =>
      withCallContext({}, async () => {
        let text = '';
        for await (const bytes of await open('for await')) {
          text += decoder.decode(bytes);
          if (text.includes('Hello')) throw new TemplateError(CANARY);
        }
      }),
    );
    expectSpan(await harness.span('for await'), { ...APPLICATIONS_ERROR, finish: ['error'], chunks: 2 });
  });

  test.each<readonly [string, (reader: ReadableStreamDefaultReader<Uint8Array>) => unknown]>([
    ['that is cancelled on the way out', (reader) => reader.cancel()],
    ['that is released on the way out', (reader) => reader.releaseLock()],
  ])('a reader %s is the application’s error', async (title, cleanUp) => {
    const model = `reader ${title}`;
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    await thrownBy(() =>
      withCallContext({}, async () => {
        reader = (await open(model)).getReader();
        try {
          await readAndThrow(reader);
        } finally {
          await cleanUp(reader);
        }
      }),
    );
    expectSpan(await harness.span(model), { ...APPLICATIONS_ERROR, finish: ['error'], chunks: 2 });
    await reader?.cancel().catch(() => {});
  });

  test('a reader that is left as it is, is the application’s error once it is let go', async () => {
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    await thrownBy(() =>
      withCallContext({}, async () => {
        reader = (await open('left as it is')).getReader();
        await readAndThrow(reader);
      }),
    );
    expect(spans()).toEqual([]);
    await reader?.cancel();
    expectSpan(await harness.span('left as it is'), { ...APPLICATIONS_ERROR, finish: ['error'], chunks: 2 });
  });

  test('a loop beside the callback that failed, pausing for longer than any grace, completes', async () => {
    const { baseURL } = harness.ask('paused', TEXT);
    const client = new OpenAI({ apiKey: 'sk-any', baseURL, maxRetries: 0 });
    let failedAt = Number.POSITIVE_INFINITY;
    let text = '';
    let reading: Promise<void> | undefined;
    await thrownBy(() =>
      withCallContext({}, async () => {
        const stream = await client.chat.completions.create({ model: 'paused', stream: true, messages: [] });
        await new Promise<void>((resolve) => {
          reading = (async () => {
            for await (const chunk of stream) {
              text += chunk.choices[0]?.delta.content ?? '';
              if (text !== 'Hello') continue;
              resolve();
              await vi.waitFor(() => expect(performance.now() - failedAt).toBeGreaterThan(1_200), { timeout: 10_000 });
            }
          })();
        });
        throw new TemplateError('moderation failed');
      }),
    );
    failedAt = performance.now();
    await reading;
    expect(text).toBe('Hello there friend');
    expect((await harness.span('paused')).attributes['llm_stream.outcome']).toBe('completed');
  });

  test('a stream that an inner callback opened and the outer one reads is the application’s error', async () => {
    const model = 'opened further in';
    await thrownBy(() =>
      withCallContext({ feature: 'outer' }, async () => {
        const body = await withCallContext({ retryAttempt: 0 }, () => open(model));
        for await (const _ of body) throw new TemplateError(CANARY);
      }),
    );
    const { attributes } = await harness.span(model);
    expect(attributes).toMatchObject({
      'llm_stream.termination_kind': 'consumer_error',
      'llm_stream.feature': 'outer',
      'llm_stream.retry_attempt': 0,
    });
  });

  test('a stream that somebody else reads on after the callback failed completes', async () => {
    let body: ReadableStream<Uint8Array> | undefined;
    await thrownBy(() =>
      withCallContext({}, async () => {
        body = await open('read on', TEXT);
        throw new TemplateError();
      }),
    );
    await new Response(body).text();
    expect((await harness.span('read on')).attributes['llm_stream.outcome']).toBe('completed');
  });

  test('a refusal that the application throws for is a refusal', async () => {
    const { url, init } = harness.ask('refused', { reply: httpError(503, { message: CANARY }) });
    await thrownBy(() =>
      withCallContext({}, async () => {
        const response = await fetch(url, init);
        if (!response.ok) throw new TemplateError();
      }),
    );
    expect((await harness.span('refused')).attributes).toMatchObject({
      'llm_stream.outcome': 'failed',
      'llm_stream.failure_stage': 'request_rejected',
      'llm_stream.termination_kind': 'http_error',
    });
  });

  test('a malformed chunk that makes the application throw is an invalid chunk', async () => {
    const model = 'malformed';
    const scenario: Scenario = {
      reply: chatToolCalls([{ name: 'book', fragments: ['{"room":1}'] }]),
      faults: [{ type: 'malformed_chunk', afterChunks: 2 }],
      hold: { afterChunks: 3, until: 'client_gone' },
    };
    await thrownBy(() =>
      withCallContext({}, async () => {
        let text = '';
        for await (const bytes of await open(model, scenario)) {
          text += decoder.decode(bytes);
          for (const line of text.split('\n').slice(0, -1)) if (line.startsWith('data: ')) JSON.parse(line.slice(6));
        }
      }),
    );
    expect((await harness.span(model)).attributes).toMatchObject({
      'llm_stream.outcome': 'failed',
      'llm_stream.termination_kind': 'decode_error',
      'llm_stream.error_category': 'invalid_stream_chunk',
    });
  });
});
