/** What an application does with the OpenAI SDK, and how it leaves it: with version 6, and with 4, which has its own `fetch`. */
import type { OpenAI } from 'openai';
import { fetch as npmFetch } from 'undici';
import { chatCompletion, httpError, httpReply, type Scenario } from '../../src/testing/index.js';
import { type ApplicationScenario, CANARY, type Place } from './place.js';
import { closedBy, collected, digest, NOT_COLLECTED, said, type Thrown, thrown } from './seeing.js';
import { hanging, holding, TEXT, TOOL, text } from './served.js';

/** One way of using the SDK. */
interface Way {
  readonly serve?: ApplicationScenario['serve'];
  /** The versions that have what it takes. @defaultValue both */
  readonly majors?: readonly Major[];
  run(place: SdkPlace): Promise<unknown>;
}

type Major = 4 | 6;
type Stream = Awaited<ReturnType<typeof create>>;
type ClientOptions = NonNullable<ConstructorParameters<typeof OpenAI>[0]>;

/** A place with a client that sends there, and tries once. */
interface SdkPlace extends Place {
  readonly client: OpenAI;
  /** The completions that have `stream` and `parse`. */
  readonly helpers: OpenAI['chat']['completions'];
  clientWith(options: ClientOptions): OpenAI;
  readonly params: OpenAI.ChatCompletionCreateParamsStreaming;
  /** Asks for the stream, and waits until all scenarios have what they asked for. */
  answer(options?: OpenAI.RequestOptions, by?: OpenAI): Promise<Stream>;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const limited = (retryAfterMs: number): Scenario => ({
  reply: httpError(429, { message: CANARY, code: 'rate_limit_exceeded' }, { 'retry-after-ms': `${retryAfterMs}` }),
});

const WAYS: Readonly<Record<string, Way>> = {
  // ── read to the end ──
  'a loop to the end': {
    ...text,
    run: async (place) => {
      const promise = create(place);
      const stream = await promise;
      await place.answered();
      const own = [promise, stream].map((one) => [one.constructor.name, Object.keys(one)]);
      return [own, (await promise) === stream, await loop(stream)];
    },
  },
  'a loop over comments, pings and tool calls': {
    serve: () => ({
      reply: TOOL,
      faults: [
        { type: 'heartbeats', everyChunks: 1 },
        { type: 'ping', afterChunks: 2 },
      ],
    }),
    run: async (place) => loop(await place.answer()),
  },
  'a loop inside a span of the application': {
    ...text,
    majors: [6],
    run: (place) => place.inSpan(async () => loop(await place.answer())),
  },
  'two loops, one after the other': {
    ...text,
    run: async (place) => {
      const stream = await place.answer();
      return [await loop(stream), await loop(stream)];
    },
  },
  'reads ahead': {
    ...holding(2),
    run: async (place) => {
      const iterator = iteratorOf(await place.answer());
      const reads = Array.from({ length: 7 }, () => iterator.next());
      place.release();
      return (await Promise.all(reads)).map(({ done, value }) => [done, digest(JSON.stringify(value) ?? '')]);
    },
  },
  'tee()': {
    ...text,
    run: async (place) => Promise.all((await place.answer()).tee().map((branch) => loop(branch))),
  },
  'tee(), one branch left': {
    ...text,
    run: async (place) => {
      const [one, other] = (await place.answer()).tee();
      return [await loop(one, { after: 1, act: leave }), await loop(other)];
    },
  },
  'toReadableStream()': {
    ...text,
    run: async (place) => digest(await new Response((await place.answer()).toReadableStream()).text()),
  },
  'withResponse()': {
    ...text,
    run: async (place) => {
      const { data, response } = await create(place).withResponse();
      await place.answered();
      return [response.status, await loop(data)];
    },
  },
  'asResponse()': {
    ...text,
    run: async (place) => {
      const response = await create(place).asResponse();
      await place.answered();
      return [response.status, digest(await response.text())];
    },
  },
  '.stream()': {
    ...holding(2),
    run: async (place) => {
      const runner = place.helpers.stream(place.params);
      const chunks: unknown[] = [];
      runner.on('chunk', (chunk) => chunks.push(chunk));
      await runner.emitted('connect');
      await place.answered();
      place.release();
      return [JSON.stringify(await runner.finalChatCompletion()), digest(JSON.stringify(chunks))];
    },
  },
  '.stream() that is aborted': {
    ...hanging,
    run: async (place) => {
      const runner = place.helpers.stream(place.params);
      runner.once('chunk', () => void place.answered().then(() => runner.abort()));
      return [await thrown(runner.done()), runner.aborted, await closedBy(place)];
    },
  },

  // ── no stream ──
  'a whole answer': {
    ...text,
    run: async (place) => {
      const answer = await place.client.chat.completions.create({ ...place.params, stream: false });
      await place.answered();
      return [Object.keys(answer), JSON.stringify(answer)];
    },
  },
  'parse()': {
    ...text,
    run: async (place) => {
      const promise = place.helpers.parse({ ...place.params, stream: false });
      const [answer, response] = await Promise.all([promise, promise.asResponse()]);
      await place.answered();
      return [response.status, JSON.stringify(answer)];
    },
  },
  'half an answer': {
    serve: () => ({ reply: httpReply({ status: 200, headers: JSON_TYPE, body: '{"choices": [' }) }),
    run: ({ client, params }) => thrown(client.chat.completions.create({ ...params, stream: false })),
  },
  'an answer that is cut': {
    serve: () => ({ reply: chatCompletion({ choices: [] }), faults: [{ type: 'cut_in_message', after: 'headers' }] }),
    // The `fetch` of version 4 waits for ever.
    majors: [6],
    run: ({ client, params }) => thrown(client.chat.completions.create({ ...params, stream: false })),
  },
  'an error with status 200': {
    serve: () => ({ reply: chatCompletion({ error: { message: CANARY, code: 400, status: 'INVALID_ARGUMENT' } }) }),
    run: async ({ client, params }) =>
      JSON.stringify(await client.chat.completions.create({ ...params, stream: false })),
  },
  'what is no LLM call': {
    run: async ({ client, answered }) => {
      const seen = [await thrown(client.models.retrieve('none')), await thrown(client.models.list())];
      await answered();
      return seen;
    },
  },

  // ── leaving ──
  'break in the loop': {
    ...hanging,
    run: async (place) => [await loop(await place.answer(), { after: 2, act: leave }), await closedBy(place)],
  },
  'a throw in the loop': {
    ...hanging,
    run: async (place) => {
      const own = new RangeError(`${CANARY}: the application's own`);
      const act = () => {
        throw own;
      };
      return [await loop(await place.answer(), { after: 2, act, reason: own }), await closedBy(place)];
    },
  },
  'return() of an iterator': {
    ...hanging,
    run: async (place) => {
      const iterator = iteratorOf(await place.answer());
      const first = await iterator.next();
      return [first.done, await iterator.return?.(CANARY), await iterator.next(), await closedBy(place)];
    },
  },
  'throw() of an iterator': {
    ...hanging,
    run: async (place) => {
      const own = new RangeError(`${CANARY}: the application's own`);
      const iterator = iteratorOf(await place.answer());
      await iterator.next();
      return [await thrown(iterator.throw?.(own) ?? Promise.resolve(), own), await closedBy(place)];
    },
  },
  'an abort with a reason in the loop': {
    ...hanging,
    run: async (place) => {
      const controller = new AbortController();
      const reason = new RangeError(`${CANARY}: the user left`);
      const stream = await place.answer({ signal: controller.signal });
      const act = () => controller.abort(reason);
      return [await loop(stream, { after: 2, act, reason }), await closedBy(place)];
    },
  },
  "the stream's controller aborted": {
    ...hanging,
    run: async (place) => {
      const stream = await place.answer();
      return [await loop(stream, { after: 2, act: () => stream.controller.abort() }), await closedBy(place)];
    },
  },
  'an abort before headers': {
    serve: () => ({ reply: TEXT, hold: { after: 'request', until: 'client_gone' } }),
    run: async (place) => {
      const controller = new AbortController();
      const sent = thrown(create(place, { signal: controller.signal }));
      await place.request();
      await place.answered();
      controller.abort();
      return [await sent, await closedBy(place)];
    },
  },
  'an abort before the request': {
    run: (place) => thrown(create(place, { signal: AbortSignal.abort() })),
  },
  'a loop that nobody goes on with, collected': {
    ...holding(2),
    run: async (place) => {
      const begin = async () => {
        const iterator = iteratorOf(await place.answer());
        const { done } = await iterator.next();
        return [done, collected(iterator)] as const;
      };
      const [done, gone] = await begin();
      const isGone = await place.collectGarbage(gone);
      place.release();
      return isGone && done === false ? 'collected' : NOT_COLLECTED;
    },
  },
  'a stream that nobody loops over, collected': {
    ...holding(2),
    // Of version 6 it is a body that nobody reads.
    majors: [4],
    run: async (place) => {
      const begin = async () => ({ gone: collected(await place.answer()) });
      const { gone } = await begin();
      const isGone = await place.collectGarbage(gone);
      place.release();
      return isGone ? 'collected' : NOT_COLLECTED;
    },
  },
  'a response that nobody reads, collected': {
    ...text,
    // As above.
    majors: [4],
    run: async (place) => {
      const begin = async () => {
        const response = await create(place).asResponse();
        await place.answered();
        return { gone: collected(response) };
      };
      const { gone } = await begin();
      return (await place.collectGarbage(gone)) ? 'collected' : NOT_COLLECTED;
    },
  },

  // ── what fails ──
  'a reset in the text': {
    serve: (gate) => ({
      reply: TEXT,
      hold: { afterChunks: 2, until: 'released', gate },
      faults: [{ type: 'reset', afterChunks: 2 }],
    }),
    run: async (place) => loop(await place.answer(), { after: 2, act: place.release }),
  },
  'an end without a word': {
    serve: () => ({ reply: TOOL, faults: [{ type: 'silent_end', afterChunks: 3 }] }),
    run: async (place) => loop(await place.answer()),
  },
  'an error in the stream': {
    serve: () => ({ reply: TEXT, faults: [{ type: 'in_band_error', afterChunks: 2, thenDone: true }] }),
    run: async (place) => loop(await place.answer()),
  },
  'a malformed chunk': {
    serve: () => ({ reply: TEXT, faults: [{ type: 'malformed_chunk', afterChunks: 2 }] }),
    // Version 4 writes it to the console, whatever it is told.
    majors: [6],
    run: async (place) => loop(await place.answer()),
  },
  'a reset before headers': {
    serve: () => ({ reply: TEXT, faults: [{ type: 'reset', after: 'request' }] }),
    run: (place) => thrown(create(place)),
  },
  'a refused connection': {
    run: ({ clientWith, params, closedPort }) =>
      thrown(clientWith({ baseURL: `http://127.0.0.1:${closedPort}/v1` }).chat.completions.create(params)),
  },
  'a 401': {
    serve: () => ({ reply: httpError(401, { message: CANARY, code: 'invalid_api_key' }) }),
    run: (place) => thrown(create(place)),
  },

  // ── before anything is sent ──
  'a base URL that is none': {
    run: ({ clientWith, params }) =>
      thrown(clientWith({ baseURL: `no ${CANARY} url` }).chat.completions.create(params)),
  },
  'a body that cannot be serialized': {
    run: ({ client, params }) => thrown(client.chat.completions.create(Object.assign({ ...params }, { seed: 1n }))),
  },
  'a key that cannot be had': {
    majors: [6],
    run: ({ clientWith, params }) => {
      const apiKey = () => Promise.reject(new RangeError(`${CANARY} vault`));
      return thrown(clientWith({ apiKey }).chat.completions.create(params));
    },
  },
  'options that throw': {
    run: async ({ client }) => {
      const own = new RangeError(`${CANARY}: the application's own`);
      const options = { method: 'post', path: '/chat/completions' } as const;
      const throwing = Object.defineProperty({ ...options }, 'body', {
        enumerable: true,
        get: () => {
          throw own;
        },
      });
      return [await thrown(client.request(throwing), own), await thrown(client.request(Promise.reject(own)), own)];
    },
  },
  'options that are no promise': {
    ...text,
    run: async (place) => {
      const stream = await place.client.request<Stream>({
        method: 'post',
        path: '/chat/completions',
        body: place.params,
        stream: true,
      });
      await place.answered();
      return loop(stream);
    },
  },

  // ── several attempts, other people's `fetch` ──
  'two 429s, then a stream': {
    serve: () => [limited(1), limited(1), { reply: TEXT }],
    run: async (place) => loop(await place.answer({ maxRetries: 2 })),
  },
  '500 until no retry is left': {
    serve: () => ({ reply: httpError(500, { message: CANARY }, { 'retry-after-ms': '1' }) }),
    run: (place) => thrown(create(place, { maxRetries: 1 })),
  },
  'a fetch that tries again itself': {
    serve: () => [{ reply: TEXT, faults: [{ type: 'reset', after: 'request' }] }, { reply: TEXT }],
    // Version 4 counts the bytes of its body itself, and Node's `fetch` under the npm package's agent counts again.
    majors: [6],
    run: async (place) => {
      const persistent: typeof fetch = (...args) => fetch(...args).catch(() => fetch(...args));
      return loop(await place.answer({}, place.clientWith({ fetch: persistent })));
    },
  },
  "the npm package's fetch": {
    ...text,
    run: async (place) => loop(await place.answer({}, place.clientWith({ fetch: NPM_FETCH }))),
  },
  "the npm package's fetch, wrapped by hand": {
    ...text,
    majors: [6],
    run: async (place) => {
      const fetch = place.instrumentFetch(NPM_FETCH);
      return [fetch.name, fetch.length, await loop(await place.answer({}, place.clientWith({ fetch })))];
    },
  },
};

/** Both ways in which one more copy comes to be observed while calls are under way. */
const LATE: Readonly<Record<string, ApplicationScenario>> = {
  'openai 5 that is loaded late': {
    ...text,
    run: async (place) => {
      const late = placeWith(place, place.loadSdk());
      return [await loop(await late.answer()), await loop(await late.answer())];
    },
  },
  'openai 6 as ES module, patched by hand late': {
    ...text,
    run: async (place) => {
      const late = placeWith(place, place.instrumentSdk());
      return [await loop(await late.answer()), await loop(await late.answer())];
    },
  },
};

export const SDK_SCENARIOS: Readonly<Record<string, ApplicationScenario>> = {
  ...scenariosWith(6),
  ...scenariosWith(4),
  ...LATE,
};

function scenariosWith(major: Major): Readonly<Record<string, ApplicationScenario>> {
  const ways = Object.entries(WAYS).filter(([, { majors = [4, 6] }]) => majors.includes(major));
  return Object.fromEntries(
    ways.map(([name, { serve, run }]) => [
      `openai ${major}: ${name}`,
      { ...(serve && { serve }), run: (place) => run(placeWith(place, place.sdks[major])) },
    ]),
  );
}

function placeWith(place: Place, Client: typeof OpenAI): SdkPlace {
  const clientWith = (options: ClientOptions): OpenAI =>
    new Client({ apiKey: `sk-${CANARY}`, baseURL: place.baseURL, maxRetries: 0, logLevel: 'off', ...options });
  const client = clientWith({});
  // Version 4 has its helpers there; the types are those of version 6, whose `beta` has no chat any more.
  const { chat } = client.beta as unknown as { readonly chat?: OpenAI['chat'] };
  const params: SdkPlace['params'] = {
    model: place.model,
    stream: true,
    messages: [{ role: 'user', content: CANARY }],
  };
  return {
    ...place,
    client,
    helpers: (chat ?? client.chat).completions,
    clientWith,
    params,
    async answer(options, by = client) {
      const stream = await create({ client: by, params }, options);
      await place.answered();
      return stream;
    },
  };
}

/** Asks for the stream: the promise is the SDK's own. */
function create({ client, params }: Pick<SdkPlace, 'client' | 'params'>, options?: OpenAI.RequestOptions) {
  return client.chat.completions.create(params, options);
}

/** The same `fetch` to whoever calls it; the package has types of its own for what it takes and gives. */
const NPM_FETCH = npmFetch as unknown as typeof fetch;

interface Leaving {
  readonly after: number;
  act(): unknown;
  /** What the loop may end with. */
  readonly reason: unknown;
}

const leave = () => 'leave';

/** What a loop gets, and how it ends; after so many chunks it does something, and goes on or leaves. */
async function loop(
  chunks: AsyncIterable<unknown>,
  { after, act, reason }: Partial<Leaving> = {},
): Promise<{ readonly chunks: string; readonly error?: Thrown }> {
  const got: unknown[] = [];
  const seen = () => `${got.length}: ${digest(JSON.stringify(got))}`;
  try {
    for await (const chunk of chunks) {
      got.push(chunk);
      if (got.length === after && act?.() === 'leave') break;
    }
    return { chunks: seen() };
  } catch (error) {
    return { chunks: seen(), error: said(error, reason) };
  }
}

function iteratorOf(stream: Stream): AsyncIterator<unknown> {
  return stream[Symbol.asyncIterator]();
}
