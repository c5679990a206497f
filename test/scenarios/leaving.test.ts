/** The matrix of leaving: by raw fetch, at every place of a stream, in every way an application can leave. */
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { chatText, chatToolCalls, httpError, type Scenario } from '../../src/testing/index.js';
import { CANARY, expectSpan, type Harness, type SpanFacts, said, startHarness } from './harness.js';

let harness: Harness;
let executed = 0;
beforeAll(async () => {
  // Shorter than the callers' limit below: a silence that outlasts it is idle.
  harness = await startHarness({ stallThresholdMs: 300 });
});
afterAll(() => harness.close());

const TEXT = chatText([CANARY, ' says', ' hello']);
const TOOL = chatToolCalls([{ name: 'get_weather', fragments: ['{"city": ', `"${CANARY}"}`] }]);

/** Where the stream stands when the consumer leaves: the server waits there until it has. */
const PLACES = {
  'before headers': { scenario: { reply: TEXT, hold: { after: 'request', until: 'client_gone' } }, chunks: 0 },
  'before the first token': { scenario: { reply: TEXT, hold: { afterChunks: 1, until: 'client_gone' } }, chunks: 1 },
  'in text': { scenario: { reply: TEXT, hold: { afterChunks: 3, until: 'client_gone' } }, chunks: 3 },
  'in tool arguments': { scenario: { reply: TOOL, hold: { afterChunks: 3, until: 'client_gone' } }, chunks: 3 },
  'after the finish reason': { scenario: { reply: TEXT, hold: { after: 'finish', until: 'client_gone' } }, chunks: 5 },
  'after [DONE]': { scenario: { reply: TEXT, hold: { after: 'done', until: 'client_gone' } }, chunks: 5 },
} as const satisfies Record<string, { scenario: Scenario; chunks: number }>;
type Place = keyof typeof PLACES;

const STAGES: Readonly<Record<Place, string>> = {
  'before headers': 'before_headers',
  'before the first token': 'before_first_token',
  'in text': 'after_first_token',
  'in tool arguments': 'during_tool_call',
  'after the finish reason': 'after_finish_reason',
  'after [DONE]': 'after_finish_reason',
};

const cancelled = (termination: string, stage: string, chunks: number, more: Partial<SpanFacts> = {}): SpanFacts => ({
  outcome: 'cancelled',
  failureStage: 'client_aborted',
  stage,
  termination,
  fault: 'client',
  chunks,
  finish: ['error'],
  ...more,
});
const completed = (termination: string): SpanFacts => ({
  outcome: 'completed',
  stage: 'done',
  termination,
  chunks: 5,
  finish: ['stop'],
});
const timedOut = (
  stage: string,
  category: string,
  kind: string,
  chunks: number,
  more: Partial<SpanFacts> = {},
): SpanFacts => ({
  outcome: 'failed',
  failureStage: stage,
  stage,
  termination: 'timeout',
  category,
  fault: 'upstream',
  retryable: true,
  chunks,
  finish: ['error'],
  ...more,
  also: { 'llm_stream.timeout_kind': kind, 'error.type': 'TimeoutError' },
});

const ABORTED: Readonly<Record<Place, SpanFacts>> = {
  'before headers': withoutFinish(cancelled('consumer_abort', 'before_headers', 0)),
  'before the first token': cancelled('consumer_abort', 'before_first_token', 1),
  'in text': cancelled('consumer_abort', 'after_first_token', 3),
  'in tool arguments': cancelled('consumer_abort', 'during_tool_call', 3),
  'after the finish reason': completed('finish_reason_eof'),
  'after [DONE]': completed('done_event'),
};
const TIMED_OUT: Readonly<Record<Place, SpanFacts>> = {
  'before headers': withoutFinish(
    timedOut('before_headers', 'request_timeout', 'headers', 0, { failureStage: 'before_first_token' }),
  ),
  'before the first token': timedOut('before_first_token', 'first_token_timeout', 'first_token', 1),
  'in text': timedOut('after_first_token', 'idle_timeout', 'idle', 3),
  'in tool arguments': timedOut('during_tool_call', 'idle_timeout', 'idle', 3),
  'after the finish reason': timedOut('after_finish_reason', 'idle_timeout', 'idle', 5, { finish: ['stop'] }),
  'after [DONE]': timedOut('after_finish_reason', 'idle_timeout', 'idle', 5, { finish: ['stop'] }),
};

function withoutFinish({ finish: _, ...facts }: SpanFacts): SpanFacts {
  return facts;
}

/** Ways to end a signal; each says what the application's read is rejected with. */
const SIGNALS: Readonly<
  Record<string, { start(): { signal: AbortSignal; fire(): void }; rejects: string; facts: Record<Place, SpanFacts> }>
> = {
  'abort()': {
    start: () => byController(undefined),
    rejects: 'AbortError: This operation was aborted',
    facts: ABORTED,
  },
  'abort(an error)': {
    start: () => byController(new RangeError('the user left')),
    rejects: 'RangeError: the user left',
    facts: ABORTED,
  },
  'abort(a string)': { start: () => byController('gone'), rejects: 'gone', facts: ABORTED },
  // Long enough that every place is reached before it fires, on a busy machine too.
  'AbortSignal.timeout': {
    start: () => ({ signal: AbortSignal.timeout(1_500), fire() {} }),
    rejects: 'TimeoutError: The operation was aborted due to timeout',
    facts: TIMED_OUT,
  },
};

function byController(reason: unknown): { signal: AbortSignal; fire(): void } {
  const controller = new AbortController();
  return { signal: controller.signal, fire: () => controller.abort(reason) };
}

describe('by a signal', () => {
  for (const [name, { start, rejects, facts }] of Object.entries(SIGNALS)) {
    test.concurrent.each(Object.keys(PLACES) as Place[])(`${name} %s`, async (place) => {
      const { scenario, chunks } = PLACES[place];
      const model = `${name} ${place}`;
      const ask = harness.ask(model, scenario);
      const { signal, fire } = start();
      const arrived = harness.provider.requests.length;
      const outcome = (async () => {
        const response = await fetch(ask.url, { ...ask.init, signal });
        const reader = read(response);
        await reader.until(chunks, place === 'after [DONE]');
        fire();
        await reader.toTheEnd();
      })().then(() => 'ended', said);
      if (place === 'before headers') {
        await vi.waitFor(() =>
          expect(harness.provider.requests.slice(arrived).some((request) => request.model === model)).toBe(true),
        );
        fire();
      }
      expect(await outcome).toBe(rejects);
      expectSpan(await harness.span(model), facts[place]);
      executed += 1;
    });
  }

  test('a signal that was aborted before', async () => {
    const ask = harness.ask('aborted before', { reply: TEXT });
    const failed = fetch(ask.url, { ...ask.init, signal: AbortSignal.abort() });
    await expect(failed).rejects.toThrow('This operation was aborted');
    expectSpan(await harness.span('aborted before'), withoutFinish(cancelled('consumer_abort', 'before_request', 0)));
  });

  test('one signal over three calls', async () => {
    const controller = new AbortController();
    const models = ['one signal, in text', 'one signal, in a tool call', 'one signal, finished'];
    const places: readonly Place[] = ['in text', 'in tool arguments', 'after the finish reason'];
    const readers = await Promise.all(
      models.map(async (model, at) => {
        const place = PLACES[places[at] ?? 'in text'];
        const ask = harness.ask(model, place.scenario);
        const reader = read(await fetch(ask.url, { ...ask.init, signal: controller.signal }));
        await reader.until(place.chunks);
        return reader;
      }),
    );
    controller.abort();
    for (const reader of readers) await expect(reader.toTheEnd()).rejects.toThrow('This operation was aborted');
    expectSpan(await harness.span('one signal, in text'), ABORTED['in text']);
    expectSpan(await harness.span('one signal, in a tool call'), ABORTED['in tool arguments']);
    expectSpan(await harness.span('one signal, finished'), ABORTED['after the finish reason']);
  });

  test('an abort while nobody reads', async () => {
    const { scenario, chunks } = PLACES['in text'];
    const ask = harness.ask('abort, nobody reads', scenario);
    const controller = new AbortController();
    const reader = read(await fetch(ask.url, { ...ask.init, signal: controller.signal }));
    await reader.until(chunks);
    controller.abort();
    expectSpan(await harness.span('abort, nobody reads'), ABORTED['in text']);
  });
});

/** Ways to stop reading; `reached` chunks were seen before. */
const WAYS: Readonly<Record<string, (response: Response, chunks: number) => Promise<void>>> = {
  break: async (response, chunks) => {
    let seen = 0;
    for await (const bytes of response.body ?? []) {
      seen += chunksIn(bytes);
      if (seen >= chunks) break;
    }
  },
  throw: async (response, chunks) => {
    let seen = 0;
    await expect(async () => {
      for await (const bytes of response.body ?? []) {
        seen += chunksIn(bytes);
        if (seen >= chunks) throw new RangeError('the application failed');
      }
    }).rejects.toThrow('the application failed');
  },
  'reader.cancel()': async (response, chunks) => {
    const reader = read(response);
    await reader.until(chunks);
    await reader.native.cancel('enough');
  },
};

describe('by reading no further', () => {
  const rows = Object.keys(WAYS).flatMap((way) =>
    (['before the first token', 'in text', 'in tool arguments', 'after the finish reason'] as const).map((place) => ({
      way,
      place,
    })),
  );
  test.each(rows)('$way $place', async ({ way, place }) => {
    const { scenario, chunks } = PLACES[place];
    const model = `${way} ${place}`;
    const ask = harness.ask(model, scenario);
    await WAYS[way]?.(await fetch(ask.url, ask.init), chunks);
    const facts =
      place === 'after the finish reason'
        ? completed('finish_reason_eof')
        : cancelled('consumer_break', STAGES[place], chunks, { also: { 'llm_stream.upstream_cancelled': true } });
    expectSpan(await harness.span(model), facts);
  });

  // What a consumer gives as its reason is its own affair, whatever it looks like.
  const reasons: readonly (readonly [string, unknown])[] = [
    ['a reset of another connection', Object.assign(new Error('write'), { code: 'ECONNRESET' })],
    ['a premature close', Object.assign(new Error('Premature close'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })],
    ['a TypeError', new TypeError('terminated')],
    ['a SyntaxError', new SyntaxError('bad')],
    ['a TimeoutError', new DOMException('idle', 'TimeoutError')],
  ];
  test.each(reasons)('cancel with %s', async (name, reason) => {
    const ask = harness.ask(`cancel with ${name}`, PLACES['in text'].scenario);
    const reader = read(await fetch(ask.url, ask.init));
    await reader.until(3);
    await reader.native.cancel(reason);
    expectSpan(await harness.span(`cancel with ${name}`), cancelled('consumer_break', 'after_first_token', 3));
  });

  test('a pipeline whose destination breaks: the browser behind a proxy left', async () => {
    const ask = harness.ask('proxied', PLACES['in text'].scenario);
    const { body } = await fetch(ask.url, ask.init);
    const browser = new PassThrough();
    // DOM's and Node's types of one and the same stream.
    const piped = pipeline(Readable.fromWeb(body as never), browser);
    let seen = 0;
    browser.on('data', (bytes: Uint8Array) => {
      seen += chunksIn(bytes);
      if (seen === 3) browser.destroy();
    });
    await expect(piped).rejects.toThrow('Premature close');
    expectSpan(await harness.span('proxied'), cancelled('consumer_break', 'after_first_token', 3));
  });

  test('body.cancel() before any read', async () => {
    const ask = harness.ask('body.cancel()', PLACES['in text'].scenario);
    const response = await fetch(ask.url, ask.init);
    await response.body?.cancel();
    expectSpan(await harness.span('body.cancel()'), cancelled('consumer_break', 'before_first_token', 0));
  });

  test('a released reader that nobody follows', async () => {
    const ask = harness.ask('released', PLACES['in text'].scenario);
    const reader = read(await fetch(ask.url, ask.init));
    await reader.until(3);
    reader.native.releaseLock();
    expectSpan(
      await harness.span('released'),
      cancelled('consumer_break', 'after_first_token', 3, { also: { 'llm_stream.upstream_cancelled': false } }),
    );
  });

  test('a released reader that another one follows to the end', async () => {
    const ask = harness.ask('released and read on', {
      reply: TEXT,
      hold: { afterChunks: 3, until: 'released', gate: 'go on' },
    });
    const response = await fetch(ask.url, ask.init);
    const first = read(response);
    await first.until(3);
    first.native.releaseLock();
    harness.provider.gate('go on').open();
    await read(response).toTheEnd();
    expectSpan(await harness.span('released and read on'), completed('done_event'));
  });

  test('a consumer that stops reading at [DONE]', async () => {
    const ask = harness.ask('stops at [DONE]', PLACES['after [DONE]'].scenario);
    const reader = read(await fetch(ask.url, ask.init));
    await reader.until(5, true);
    expectSpan(await harness.span('stops at [DONE]'), completed('done_event'));
    await reader.native.cancel();
  });

  test('a 401 whose body nobody reads', async () => {
    const ask = harness.ask('401 unread', { reply: httpError(401, { message: CANARY, code: 'invalid_api_key' }) });
    const response = await fetch(ask.url, ask.init);
    expect(response.status).toBe(401);
    expectSpan(await harness.span('401 unread'), {
      outcome: 'failed',
      failureStage: 'request_rejected',
      stage: 'before_headers',
      termination: 'http_error',
      category: 'auth',
      fault: 'application',
      retryable: false,
      chunks: 0,
      also: { 'error.type': '401' },
    });
  });
});

describe('by branches', () => {
  const branch = {
    tee: (response: Response) => response.body?.tee() ?? [],
    clone: (response: Response) => {
      const copy = response.clone();
      return [response.body, copy.body];
    },
  };

  describe.each(Object.entries(branch))('%s', (name, split) => {
    test('both read', async () => {
      const ask = harness.ask(`${name}, both read`, { reply: TEXT });
      const texts = await Promise.all(split(await fetch(ask.url, ask.init)).map((body) => new Response(body).text()));
      expect(texts[0]).toBe(texts[1]);
      const span = await harness.span(`${name}, both read`);
      expectSpan(span, completed('done_event'));
      expect(span.attributes['llm_stream.bytes_received']).toBe(new TextEncoder().encode(texts[0]).length);
    });

    test('one cancelled, one read', async () => {
      const ask = harness.ask(`${name}, one cancelled`, { reply: TEXT });
      const [one, other] = split(await fetch(ask.url, ask.init));
      void one?.cancel();
      await new Response(other).text();
      expectSpan(await harness.span(`${name}, one cancelled`), completed('done_event'));
    });

    test('both left', async () => {
      const ask = harness.ask(`${name}, both left`, PLACES['in text'].scenario);
      const [one, other] = split(await fetch(ask.url, ask.init));
      const reader = read(new Response(one));
      await reader.until(3);
      await Promise.all([reader.native.cancel('enough'), other?.cancel('enough')]);
      expectSpan(
        await harness.span(`${name}, both left`),
        cancelled('consumer_break', 'after_first_token', 3, { also: { 'llm_stream.upstream_cancelled': true } }),
      );
    });

    test('a reset that reaches both', async () => {
      const ask = harness.ask(`${name}, reset`, { reply: TEXT, faults: [{ type: 'reset', afterChunks: 3 }] });
      const bodies = split(await fetch(ask.url, ask.init));
      const ends = await Promise.all(
        bodies.map((body) =>
          read(new Response(body))
            .toTheEnd()
            .then(() => 'ended', said),
        ),
      );
      expect(ends).toEqual(['TypeError: terminated', 'TypeError: terminated']);
      expectSpan(await harness.span(`${name}, reset`), {
        outcome: 'failed',
        failureStage: 'after_first_token',
        stage: 'after_first_token',
        termination: 'connection_error',
        category: 'stream_interrupted',
        fault: 'upstream',
        retryable: true,
        chunks: 3,
        finish: ['error'],
      });
    });
  });
});

test('every row of the signals ran, and no call has a second span', async () => {
  console.log(`leaving: ${Object.keys(SIGNALS).length} signals × ${Object.keys(PLACES).length} places`);
  expect(executed).toBe(Object.keys(SIGNALS).length * Object.keys(PLACES).length);
  // A second span would come late, if at all.
  await sleep(1_200);
  const models = harness.spans.map((span) => span.attributes['gen_ai.request.model']);
  expect(new Set(models).size).toBe(models.length);
});

interface Reader {
  readonly native: ReadableStreamDefaultReader<Uint8Array>;
  /** Reads until so many chunks were seen, and `[DONE]` if asked. */
  until(chunks: number, done?: boolean): Promise<void>;
  toTheEnd(): Promise<void>;
}

function read({ body }: Response): Reader {
  if (!body) throw new Error('no body');
  const native = body.getReader();
  let text = '';
  return {
    native,
    async until(chunks, done = false) {
      while (text.split('"choices"').length - 1 < chunks || (done && !text.includes('data: [DONE]'))) {
        const { value } = await native.read();
        text += new TextDecoder().decode(value);
      }
    },
    async toTheEnd() {
      while (!(await native.read()).done);
    },
  };
}

function chunksIn(bytes: Uint8Array): number {
  return new TextDecoder().decode(bytes).split('"choices"').length - 1;
}
