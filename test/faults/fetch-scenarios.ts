/** What an application does with `fetch` and the Response it gets. */
import { fetch as npmFetch } from 'undici';
import {
  chatChoices,
  chatCompletion,
  chatPieces,
  chatToolCalls,
  httpError,
  httpReply,
  httpText,
  ssePayloads,
} from '../../src/testing/index.js';
import { type ApplicationScenario, CANARY, type Place } from './place.js';
import { capture, chunksIn, closedBy, digest, drain, hostile, iterate, readChunks, thrown } from './seeing.js';
import { hanging, holding, TEXT, TOOL, text } from './served.js';

export const FETCH_SCENARIOS: Readonly<Record<string, ApplicationScenario>> = {
  'getReader()': { ...text, run: async (place) => drain(reader(await answer(place))) },
  'for await': { ...text, run: async (place) => iterate(body(await answer(place))) },
  'text()': { ...text, run: async (place) => digest(await (await answer(place)).text()) },
  'arrayBuffer()': { ...text, run: async (place) => digest(await (await answer(place)).arrayBuffer()) },
  'gzip, comments, pings': {
    serve: () => ({
      reply: TEXT,
      delivery: { gzip: true },
      faults: [
        { type: 'heartbeats', everyChunks: 1 },
        { type: 'ping', afterChunks: 2 },
      ],
    }),
    run: async (place) => drain(reader(await answer(place))),
  },
  'json() of a whole answer': {
    ...text,
    run: async (place) => (await answer(place, { stream: false, n: 2, stop: ['x'], reasoning_effort: 'low' })).json(),
  },
  'tool calls': {
    serve: () => ({
      reply: chatToolCalls(
        [
          { name: 'get_weather', fragments: Array.from('{"a": "Ulm", "b": [1, {"c": 0}]}') },
          { name: 'no_parameters', fragments: ['{}'] },
        ],
        { interleaved: true, usageWhen: 'with_finish' },
      ),
    }),
    run: async (place) => drain(reader(await answer(place))),
  },
  'a tool call that is cut': {
    serve: () => ({ reply: TOOL, faults: [{ type: 'silent_end', afterChunks: 3 }] }),
    run: async (place) => drain(reader(await answer(place))),
  },
  'odd payloads': {
    serve: () => ({
      reply: ssePayloads([
        '5',
        'null',
        { choices: [null, 7, { delta: 5 }] },
        {
          choices: [{ index: 0, delta: { content: [{ type: 'text', text: CANARY }, { thinking: [{ text: 'so' }] }] } }],
        },
        { choices: [{ index: 0, delta: { reasoning_details: [{ summary: CANARY }], audio: { transcript: 'x' } } }] },
        { choices: [{ index: 0, delta: { tool_calls: [{ function: { name: 'f', arguments: { a: 1 } } }] } }] },
        { choices: [{ index: 0, delta: { tool_calls: [{ id: 'x', function: { name: 'f', arguments: '12' } }] } }] },
        { choices: [{ index: 0, delta: { function_call: { name: 'f', arguments: 'true' } } }] },
        { choices: [{ index: 0, delta: { function_call: { arguments: '"\\u00e4' } } }] },
        { choices: [{ index: 0, delta: {}, finish_reason: 'length' }], x_groq: { usage: { prompt_tokens: 1 } } },
      ]),
    }),
    run: async (place) => drain(reader(await answer(place))),
  },
  'all channels, two choices': {
    serve: () => ({
      reply: chatChoices([
        {
          pieces: [
            { type: 'reasoning', text: CANARY },
            { type: 'reasoning', text: 'söme' },
            { type: 'reasoning', text: '\u{1f600}\n' },
            { type: 'refusal', text: CANARY },
          ],
          finishReason: 'content_filter',
        },
        { pieces: [{ type: 'text', text: CANARY }], finishReason: 'error' },
      ]),
    }),
    run: async (place) => drain(reader(await answer(place))),
  },
  'escapes between equal shapes': {
    serve: () => ({
      reply: chatPieces(
        ['a', 'b', '\n', '"', '\u{1f600}', 'ä', 'c'].map((one) => ({ type: 'text' as const, text: one })),
      ),
    }),
    run: async (place) => drain(reader(await answer(place))),
  },
  'a malformed chunk': {
    serve: () => ({ reply: TEXT, faults: [{ type: 'malformed_chunk', afterChunks: 2 }] }),
    run: async (place) => drain(reader(await answer(place))),
  },
  'an error in the stream': {
    serve: () => ({ reply: TEXT, faults: [{ type: 'in_band_error', afterChunks: 2, thenDone: true }] }),
    run: async (place) => drain(reader(await answer(place))),
  },
  'no done, no last line end': {
    serve: () => ({ reply: TEXT, faults: [{ type: 'no_done' }, { type: 'no_final_blank_line' }] }),
    run: async (place) => drain(reader(await answer(place))),
  },
  'a 401 that is read': {
    serve: () => ({ reply: httpError(401, { message: CANARY, code: 'invalid_api_key' }) }),
    run: async (place) => {
      const response = await answer(place);
      return { status: response.status, json: await response.json() };
    },
  },
  'a 429 that is not read': {
    serve: () => ({ reply: httpError(429, { message: CANARY }, { 'retry-after': '2' }) }),
    run: async (place) => {
      const response = await answer(place);
      await place.sweep(2_000);
      return { status: response.status, used: response.bodyUsed };
    },
  },
  'a 400 in one message': {
    serve: () => ({ reply: httpReply({ status: 400, body: `data: {"error": {"message": "${CANARY}"}}\n\n` }) }),
    run: async (place) => digest(await (await answer(place)).text()),
  },
  'a 502 of a gateway': {
    serve: () => ({ reply: httpText(502, `<html>${CANARY}`) }),
    run: async (place) => digest(await (await answer(place)).text()),
  },
  'an error with status 200': {
    serve: () => ({ reply: chatCompletion({ error: { message: CANARY, code: 400, status: 'INVALID_ARGUMENT' } }) }),
    run: async (place) => (await answer(place)).json(),
  },
  'JSON that is cut': {
    serve: () => ({ reply: chatCompletion({ choices: [] }), faults: [{ type: 'cut_in_message', after: 'headers' }] }),
    run: async (place) => thrown((await answer(place)).json()),
  },
  'an empty body': {
    serve: () => ({ reply: httpReply({ status: 200 }) }),
    run: async (place) => drain(reader(await answer(place))),
  },
  'no body': {
    serve: () => ({ reply: httpReply({ status: 204 }) }),
    run: async (place) => {
      const response = await answer(place);
      return [response.status, response.body];
    },
  },
  'a refused connection': {
    run: async ({ init, closedPort }) => thrown(fetch(`http://127.0.0.1:${closedPort}/v1/chat/completions`, init())),
  },
  'arguments that fetch refuses': {
    run: async ({ url, init }) => [
      await thrown(fetch('http://', init())),
      await thrown(fetch(url, { ...init(), headers: { 'a b': CANARY } })),
      await thrown(fetch(7 as unknown as string, init())),
    ],
  },
  'a reset in the text': {
    serve: (gate) => ({
      reply: TEXT,
      hold: { afterChunks: 2, until: 'released', gate },
      faults: [{ type: 'reset', afterChunks: 2 }],
    }),
    run: async (place) => {
      const taken = reader(await answer(place));
      const chunks = await readChunks(taken, 2);
      place.release();
      return { chunks, ...(await drain(taken)), closed: await thrown(taken.closed) };
    },
  },
  'a reset before headers': {
    serve: () => ({ reply: TEXT, faults: [{ type: 'reset', after: 'request' }] }),
    run: async (place) => thrown(fetch(place.url, place.init())),
  },
  'abort with a reason in the text': {
    ...hanging,
    run: async (place) => {
      const controller = new AbortController();
      const taken = reader(await answer(place, {}, { signal: controller.signal }));
      const chunks = await readChunks(taken, 2);
      const reason = new RangeError(`${CANARY}: the user left`);
      const [read] = [drain(taken, reason), controller.abort(reason)];
      return { chunks, ...(await read), closed: await thrown(taken.closed, reason), by: await closedBy(place) };
    },
  },
  'abort with a hostile reason': {
    ...hanging,
    run: async (place) => {
      const controller = new AbortController();
      const taken = reader(await answer(place, {}, { signal: controller.signal }));
      const chunks = await readChunks(taken, 2);
      const reason = hostile();
      const [read] = [drain(taken, reason), controller.abort(reason)];
      return { chunks, ...(await read), by: await closedBy(place) };
    },
  },
  'abort before headers': {
    serve: () => ({ reply: TEXT, hold: { after: 'request', until: 'client_gone' } }),
    run: async (place) => {
      const controller = new AbortController();
      const reason = new RangeError(`${CANARY}: the user left`);
      const sent = thrown(fetch(place.url, { ...place.init(), signal: controller.signal }), reason);
      await place.request();
      await place.answered();
      controller.abort(reason);
      return [await sent, await closedBy(place)];
    },
  },
  'abort before the request': {
    run: async ({ url, init }) => {
      const signal = AbortSignal.abort();
      return thrown(fetch(url, { ...init(), signal }), signal.reason);
    },
  },
  'break in the loop': {
    ...hanging,
    run: async (place) => {
      for await (const bytes of body(await answer(place))) if (bytes.length > 0) break;
      return closedBy(place);
    },
  },
  'a throw in the loop': {
    ...hanging,
    run: async (place) => {
      const own = new RangeError(`${CANARY}: the application's own`);
      const loop = async () => {
        for await (const bytes of body(await answer(place))) if (bytes.length > 0) throw own;
      };
      return [await thrown(loop(), own), await closedBy(place)];
    },
  },
  'reader.cancel()': {
    ...hanging,
    run: async (place) => {
      const taken = reader(await answer(place));
      const chunks = await readChunks(taken, 2);
      return [chunks, await taken.cancel(CANARY), await taken.read(), await taken.closed, await closedBy(place)];
    },
  },
  'body.cancel()': {
    ...hanging,
    run: async (place) => {
      const stream = body(await answer(place));
      return [await stream.cancel(new Error(CANARY)), stream.locked, await closedBy(place)];
    },
  },
  'body.cancel() of a locked body': {
    ...text,
    run: async (place) => {
      const stream = body(await answer(place));
      const taken = stream.getReader();
      return [await thrown(stream.cancel()), await capture(() => stream.getReader()), await drain(taken)];
    },
  },
  'releaseLock() and a new reader': {
    ...holding(2),
    run: async (place) => {
      const stream = body(await answer(place));
      const taken = stream.getReader();
      const chunks = await readChunks(taken, 2);
      const pending = thrown(taken.read());
      taken.releaseLock();
      const seen = [await pending, await thrown(taken.closed), await thrown(taken.read())];
      place.release();
      return [chunks, ...seen, await drain(stream.getReader())];
    },
  },
  'several reads at once': {
    ...holding(0),
    run: async (place) => {
      const taken = reader(await answer(place));
      const order: string[] = [];
      const note = (what: string) => () => void order.push(what);
      const reads = ['one', 'two', 'three'].map((name) => taken.read().then(note(name)));
      const closed = taken.closed.then(note('closed'));
      place.release();
      await Promise.all(reads);
      while (!(await taken.read()).done);
      await closed;
      return order.filter((what) => what !== 'closed');
    },
  },
  'a BYOB reader': {
    ...text,
    run: async (place) => {
      const taken = body(await answer(place)).getReader({ mode: 'byob' });
      const parts: Uint8Array[] = [];
      for (;;) {
        const { done, value } = await taken.read(new Uint8Array(64));
        if (value !== undefined) parts.push(value.slice());
        if (done) return [digest(Buffer.concat(parts)), await thrown(taken.read(new Uint8Array(0)))];
      }
    },
  },
  'values({ preventCancel })': {
    ...holding(2),
    run: async (place) => {
      const stream = body(await answer(place));
      const parts: Uint8Array[] = [];
      for await (const bytes of stream.values({ preventCancel: true })) {
        parts.push(bytes);
        if (chunksIn(Buffer.concat(parts)) === 2) break;
      }
      const locked = stream.locked;
      place.release();
      for await (const bytes of stream) parts.push(bytes);
      return [locked, digest(Buffer.concat(parts))];
    },
  },
  'tee()': {
    ...text,
    run: async (place) => {
      const [one, other] = body(await answer(place)).tee();
      return Promise.all([drain(one.getReader()), iterate(other)]);
    },
  },
  'tee(), one branch left': {
    ...holding(2),
    run: async (place) => {
      const [one, other] = body(await answer(place)).tee();
      const taken = other.getReader();
      await readChunks(taken, 2);
      const left = taken.cancel(CANARY);
      place.release();
      return [await drain(one.getReader()), await left];
    },
  },
  'clone()': {
    ...text,
    run: async (place) => {
      const response = await answer(place);
      const copy = response.clone();
      const same = [copy.status, copy.url === response.url, copy.clone().bodyUsed];
      return [same, ...(await Promise.all([response.text(), copy.text()])).map(digest)];
    },
  },
  'pipeTo()': {
    ...text,
    run: async (place) => {
      const parts: Uint8Array[] = [];
      const stream = body(await answer(place));
      await stream.pipeTo(new WritableStream<Uint8Array>({ write: (bytes) => void parts.push(bytes) }));
      return [digest(Buffer.concat(parts)), stream.locked];
    },
  },
  'pipeTo() that is aborted': {
    ...hanging,
    run: async (place) => {
      const controller = new AbortController();
      const reason = new RangeError(`${CANARY}: enough`);
      let aborted: unknown;
      const piped = body(await answer(place)).pipeTo(
        new WritableStream<Uint8Array>({
          write: () => controller.abort(reason),
          abort: (given) => {
            aborted = given;
          },
        }),
        { signal: controller.signal },
      );
      return [await thrown(piped, reason), aborted === reason, await closedBy(place)];
    },
  },
  'pipeTo() into a writer that breaks': {
    ...hanging,
    run: async (place) => {
      const own = new RangeError(`${CANARY}: the disk is full`);
      const write = () => {
        throw own;
      };
      const stream = body(await answer(place));
      return [await thrown(stream.pipeTo(new WritableStream({ write })), own), await closedBy(place)];
    },
  },
  'pipeTo() of a body that breaks': {
    serve: (gate) => ({
      reply: TEXT,
      hold: { afterChunks: 2, until: 'released', gate },
      faults: [{ type: 'close', afterChunks: 2 }],
    }),
    run: async (place) => {
      const parts: Uint8Array[] = [];
      const write = (bytes: Uint8Array) => {
        parts.push(bytes);
        if (chunksIn(Buffer.concat(parts)) === 2) place.release();
      };
      const stream = body(await answer(place));
      return [await thrown(stream.pipeTo(new WritableStream({ write }))), digest(Buffer.concat(parts))];
    },
  },
  'pipeTo() that is refused': {
    ...text,
    run: async (place) => {
      const stream = body(await answer(place));
      const refused = await thrown(stream.pipeTo({} as WritableStream));
      return [refused, await drain(stream.getReader())];
    },
  },
  'pipeThrough()': {
    ...text,
    run: async (place) => {
      // The DOM's types and Node's disagree about what a decoder takes.
      const decoder = new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>;
      let all = '';
      for await (const part of body(await answer(place)).pipeThrough(decoder)) all += part;
      return digest(all);
    },
  },
  'pipeThrough() of a body that breaks': {
    serve: () => ({ reply: TEXT, faults: [{ type: 'close', afterChunks: 2 }] }),
    run: async (place) => {
      const decoder = new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>;
      const decoded = body(await answer(place)).pipeThrough(decoder);
      return (await drain(decoded.getReader() as unknown as ReadableStreamDefaultReader<Uint8Array>)).error;
    },
  },
  'a stall': {
    ...holding(2),
    run: async (place) => {
      const taken = reader(await answer(place));
      const chunks = await readChunks(taken, 2);
      const rest = drain(taken);
      await place.held();
      await place.sweep(11_000);
      place.release();
      return [chunks, await rest];
    },
  },
  'never read and collected': {
    ...hanging,
    run: async (place) => {
      await answer(place);
      await place.collectGarbage(place.request().then(({ closed }) => closed));
      return closedBy(place);
    },
  },
  'a Request': {
    ...text,
    run: async ({ url, init, answered }) => {
      const response = await fetch(new Request(url, init()));
      await answered();
      return drain(reader(response));
    },
  },
  'a URL, headers in pairs': {
    ...text,
    run: async ({ url, init, answered }) => {
      const headers = Object.entries({ 'content-type': 'application/json', authorization: `Bearer ${CANARY}` });
      const response = await fetch(new URL(url), { ...init(), headers });
      await answered();
      return drain(reader(response));
    },
  },
  'Headers, bytes as body': {
    ...text,
    run: async ({ url, init, answered }) => {
      const { headers, body: json } = init();
      const response = await fetch(url, { method: 'post', headers: new Headers(headers), body: Buffer.from(json) });
      await answered();
      return drain(reader(response));
    },
  },
  'Headers of another make': {
    ...text,
    run: async ({ url, init, answered, headersOfAnotherMake }) => {
      const response = await fetch(url, { ...init(), headers: headersOfAnotherMake });
      await answered();
      return digest(await response.text());
    },
  },
  'a body that is a stream': {
    ...text,
    run: async ({ url, init, answered }) => {
      const stream = new Response(init().body).body;
      // `duplex` is not in Node's own type of the options.
      const response = await fetch(`${url}?streamed`, { ...init(), body: stream, duplex: 'half' } as RequestInit);
      await answered();
      return drain(reader(response));
    },
  },
  'a redirect': {
    serve: () => [
      { reply: httpReply({ status: 307, headers: { location: '/v1/chat/completions?moved' } }) },
      { reply: TEXT },
    ],
    run: async (place) => {
      const response = await answer(place);
      return [response.redirected, response.url.endsWith('?moved'), digest(await response.text())];
    },
  },
  'what is no LLM call': {
    run: async ({ url, answered }) => {
      const response = await fetch(url.replace('/chat/completions', '/models'));
      await answered();
      return [response.status, digest(await response.text())];
    },
  },
  'a fetch that nobody patched': {
    ...text,
    run: async ({ unpatchedFetch, url, init, answered }) => {
      const response = await unpatchedFetch(`${url}?unpatched`, init());
      await answered();
      return digest(await response.text());
    },
  },
  "the npm package's fetch": {
    ...text,
    run: async ({ url, init, answered }) => {
      const { headers, body: json } = init();
      const response = await npmFetch(`${url}?npm`, {
        method: 'POST',
        headers: headers as Record<string, string>,
        body: json,
      });
      await answered();
      return digest(await response.text());
    },
  },
  'inside a span of the application': {
    ...text,
    run: (place) => place.inSpan(async () => digest(await (await answer(place)).text())),
  },
};

async function answer(place: Place, more: Record<string, unknown> = {}, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(place.url, { ...place.init(more), ...init });
  await place.answered();
  return response;
}

function body(response: Response): ReadableStream<Uint8Array> {
  if (response.body === null) throw new Error('there is no body');
  return response.body;
}

function reader(response: Response): ReadableStreamDefaultReader<Uint8Array> {
  return body(response).getReader();
}
