/** Ways in which one call becomes several requests, or a request is sent by somebody else's `fetch`. */

import { expect } from 'vitest';
import { chatText, closedPort, httpError, type Scenario } from '../../src/testing/index.js';
import { CANARY } from '../scenarios/harness.js';
import {
  ask,
  type ClientOptions,
  cancelled,
  completed,
  failing,
  gone,
  type Place,
  read,
  rejected,
  TEXT,
  type Way,
} from './way.js';

const BOTH = ['fetch', 'openai'];
export const limited = (retryAfterMs: number): Scenario => ({
  reply: httpError(429, { message: CANARY, code: 'rate_limit_exceeded' }, { 'retry-after-ms': String(retryAfterMs) }),
});
const broken: Scenario = { reply: httpError(500, { message: CANARY }, { 'retry-after-ms': '1' }) };
const once = { 'llm_stream.attempt_count': 1 };

type Fetch = NonNullable<ClientOptions['fetch']>;
type Init = Parameters<Fetch>[1];

/** Asks through a client that is `client` but for some options. */
function askWith({ clientWith, request }: Place, options: ClientOptions): ReturnType<typeof ask> {
  return ask(clientWith(options), request);
}

/** A request that is none of the call's, such as for a key. */
async function aside({ provider }: Place): Promise<string> {
  const response = await fetch(`${provider.url}/token`);
  await response.text();
  return `sk-${CANARY}-${response.status}`;
}

/** Answers when its client has gone. */
const SLOW: Scenario = { reply: TEXT, hold: { after: 'request', until: 'client_gone' } };

/** Sends a second request as soon as the first has arrived, and takes the answer that comes first. */
async function hedged(place: Place, copy: (init: Init) => Init = (init) => init): Promise<string> {
  const hedge: Fetch = async (url, init) => {
    const first = fetch(url, copy(init));
    await place.arrived();
    const second = fetch(url, copy(init));
    for (const each of [first, second]) each.catch(() => {});
    return Promise.race([first, second]);
  };
  const controller = new AbortController();
  const client = place.clientWith({ fetch: hedge });
  const told = await read(await ask(client, place.request, { signal: controller.signal }));
  // The request that lost goes with the signal that both share.
  controller.abort();
  return told;
}

export const ATTEMPTS: readonly Way[] = [
  // ── the SDK tries again ──
  {
    name: '429 twice, then a stream',
    scenario: [limited(30), limited(30), { reply: TEXT }],
    run: async ({ create }) => read(await create({ maxRetries: 2 })),
    sees: 'ended after 5',
    spans: [completed({ also: { 'llm_stream.attempt_count': 3, 'http.response.status_code': 200 } })],
    check: ([span]) => {
      const attempts = span?.events.filter(({ name }) => name === 'llm_stream.attempt');
      expect(attempts).toHaveLength(3);
      const { attributes = {} } = span ?? {};
      // Two sleeps of 30 ms; timers may fire a fraction early.
      expect(attributes['llm_stream.retry_delay_ms']).toBeGreaterThanOrEqual(58);
      expect(attributes['llm_stream.retry_delay_ms']).toBeLessThan(Number(attributes['llm_stream.stream_duration_ms']));
    },
  },
  {
    name: '500 until no retry is left',
    scenario: broken,
    run: ({ create }) => failing(create({ maxRetries: 2 })),
    sees: `InternalServerError: 500 ${CANARY}`,
    spans: [rejected('server_error', 'provider', { also: { 'llm_stream.attempt_count': 3, 'error.type': '500' } })],
  },
  {
    name: 'reset before headers, then a stream',
    scenario: [{ reply: TEXT, faults: [{ type: 'reset', after: 'request' }] }, { reply: TEXT }],
    run: async ({ create }) => read(await create({ maxRetries: 1 })),
    sees: 'ended after 5',
    spans: [completed({ also: { 'llm_stream.attempt_count': 2 } })],
  },
  {
    name: 'refused until no retry is left',
    scenario: { reply: TEXT },
    run: async (place) => {
      const baseURL = `http://127.0.0.1:${await closedPort()}/v1`;
      return failing(askWith(place, { baseURL, maxRetries: 1 }));
    },
    sees: 'APIConnectionError: Connection error.',
    spans: [
      {
        outcome: 'failed',
        failureStage: 'before_request',
        stage: 'before_request',
        termination: 'connection_error',
        category: 'connect_failed',
        fault: 'network',
        retryable: true,
        chunks: 0,
        also: { 'llm_stream.attempt_count': 2, 'error.type': 'ECONNREFUSED' },
      },
    ],
  },
  {
    name: 'an abort while the SDK waits to try again',
    scenario: [limited(300), { reply: TEXT }],
    run: async ({ create, arrived, provider, request }) => {
      const controller = new AbortController();
      const told = failing(create({ signal: controller.signal, maxRetries: 1 }));
      await arrived();
      const received = provider.requests.find(({ model }) => model === request.model);
      await received?.closed;
      controller.abort();
      return [await told, provider.requests.filter(({ model }) => model === request.model).length];
    },
    sees: ['APIUserAbortError: Request was aborted.', 1],
    spans: [{ ...gone('before_headers'), also: once }],
    observedBy: BOTH,
    by: { 4: { observedBy: ['openai'] } },
  },
  {
    name: 'a stream that breaks is not tried again',
    scenario: [{ reply: TEXT, faults: [{ type: 'silent_end', afterChunks: 2 }] }, { reply: TEXT }],
    run: async ({ create }) => read(await create({ maxRetries: 2 })),
    sees: 'ended after 2',
    spans: [
      {
        outcome: 'failed',
        failureStage: 'after_first_token',
        stage: 'after_first_token',
        termination: 'eof',
        category: 'stream_interrupted',
        fault: 'upstream',
        retryable: true,
        chunks: 2,
        finish: ['error'],
        also: once,
      },
    ],
  },

  // ── at the same time ──
  {
    name: 'two calls with the same parameters and options at once',
    scenario: [limited(1), limited(1), { reply: TEXT }],
    run: async ({ client, request }) => {
      const options = { maxRetries: 2 };
      const streams = await Promise.all([ask(client, request, options), ask(client, request, options)]);
      return Promise.all(streams.map((stream) => read(stream)));
    },
    sees: ['ended after 5', 'ended after 5'],
    spans: [completed(), completed()],
    check: (spans) => {
      const counts = spans.map(({ attributes }) => Number(attributes['llm_stream.attempt_count']));
      // Whichever comes second may find the answer already.
      expect(counts.reduce((sum, count) => sum + count)).toBe(4);
    },
  },
  {
    name: 'one signal over five calls',
    scenario: { reply: TEXT, hold: { afterChunks: 3, until: 'client_gone' } },
    run: async ({ client, request }) => {
      const { signal, abort } = abortable();
      const streams = await Promise.all(Array.from({ length: 5 }, () => ask(client, request, { signal })));
      let waiting = streams.length;
      return Promise.all(
        streams.map((stream) =>
          read(stream, 3, () => {
            waiting -= 1;
            if (waiting === 0) abort();
          }),
        ),
      );
    },
    sees: Array.from({ length: 5 }, () => 'ended after 3'),
    spans: Array.from({ length: 5 }, () => cancelled('consumer_abort', 'after_first_token', 3)),
  },
  {
    name: 'a fetch that hedges: the first request answers first',
    scenario: [{ reply: chatText([CANARY]) }, SLOW],
    run: hedged,
    sees: 'ended after 3',
    spans: [completed({ chunks: 3, also: { 'llm_stream.attempt_count': 2 } })],
    observedBy: BOTH,
  },
  {
    name: 'a fetch with a limit of its own, which the SDK takes for its user’s',
    scenario: { reply: TEXT, hold: { afterChunks: 2, until: 'client_gone' } },
    run: async (place) => {
      const limit = new AbortController();
      const limited: Fetch = (url, init) => fetch(url, { ...init, signal: limit.signal });
      return read(await askWith(place, { fetch: limited }), 2, () => limit.abort());
    },
    sees: 'ended after 2',
    spans: [cancelled('consumer_abort', 'after_first_token', 2)],
    observedBy: BOTH,
  },
  {
    name: 'a fetch that hedges: the second request answers first',
    scenario: [SLOW, { reply: chatText([CANARY]) }],
    run: hedged,
    sees: 'ended after 3',
    spans: [completed({ chunks: 3, also: { 'llm_stream.attempt_count': 2 } })],
    observedBy: BOTH,
  },
  {
    name: 'a fetch that hedges, with copies of its options',
    scenario: [SLOW, { reply: chatText([CANARY]) }],
    run: (place) => hedged(place, (init) => ({ ...init })),
    sees: 'ended after 3',
    spans: [completed({ chunks: 3, also: { 'llm_stream.attempt_count': 2 } })],
    observedBy: BOTH,
  },

  // ── requests that are no attempts ──
  {
    name: 'a fetch that first fetches something else',
    scenario: { reply: TEXT },
    run: async (place) => {
      const careful: Fetch = async (url, init) => {
        await aside(place);
        return fetch(url, init);
      };
      return read(await askWith(place, { fetch: careful }));
    },
    sees: 'ended after 5',
    spans: [completed({ also: once })],
    observedBy: BOTH,
  },
  {
    name: 'a key that is fetched for every request',
    majors: [5, 6, 7],
    scenario: [limited(1), { reply: TEXT }],
    run: async (place) => read(await askWith(place, { apiKey: () => aside(place), maxRetries: 1 })),
    sees: 'ended after 5',
    spans: [completed({ also: { 'llm_stream.attempt_count': 2 } })],
  },
  {
    name: 'a workload identity whose token is refused once: the SDK goes on with a copy of its options',
    majors: [6, 7],
    scenario: [{ reply: httpError(401, { message: CANARY, code: 'invalid_api_key' }) }, { reply: TEXT }],
    run: async (place) => {
      let tokens = 0;
      const exchange: Fetch = (url, init) => {
        if (!String(url).includes('/oauth/token')) return fetch(url, init);
        tokens += 1;
        return Promise.resolve(Response.json({ access_token: `sk-${CANARY}-${tokens}` }));
      };
      const { OpenAI } = place.sdk;
      const client = new OpenAI({
        baseURL: place.client.baseURL,
        maxRetries: 0,
        fetch: exchange,
        workloadIdentity: {
          identityProviderId: 'provider',
          serviceAccountId: 'account',
          provider: { tokenType: 'jwt', getToken: async () => CANARY },
        },
      });
      return [await read(await ask(client, place.request)), tokens];
    },
    sees: ['ended after 5', 2],
    spans: [completed({ also: { 'llm_stream.attempt_count': 2, 'http.response.status_code': 200 } })],
  },
  {
    name: 'Azure, with a token that is fetched',
    scenario: { reply: TEXT },
    run: async (place) => {
      const { sdk, provider, request } = place;
      const client = new sdk.AzureOpenAI({
        endpoint: provider.url,
        apiVersion: '2024-10-21',
        azureADTokenProvider: () => aside(place),
      });
      const told = await read(await ask(client, request));
      const { path } = provider.requests.find(({ model }) => model === request.model) ?? {};
      return [told, path?.startsWith('/openai/deployments/')];
    },
    sees: ['ended after 5', true],
    spans: [
      completed({
        also: {
          ...once,
          'gen_ai.provider.name': 'azure.ai.openai',
          'azure.resource_provider.namespace': 'Microsoft.CognitiveServices',
        },
      }),
    ],
  },

  // ── somebody else's fetch ──
  {
    name: 'a fetch that answers by itself',
    scenario: { reply: TEXT },
    run: async (place) => {
      const lines = [
        '{"choices":[{"index":0,"delta":{"content":"a"}}]}',
        '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
        '[DONE]',
      ];
      const mock: Fetch = async () =>
        new Response(lines.map((line) => `data: ${line}\n\n`).join(''), {
          headers: { 'content-type': 'text/event-stream' },
        });
      return read(await askWith(place, { fetch: mock }));
    },
    sees: 'ended after 2',
    spans: [completed({ chunks: 2, also: once })],
    observedBy: BOTH,
  },
  {
    name: 'a fetch that throws what it likes',
    scenario: { reply: TEXT },
    run: async (place) => {
      const rude: Fetch = () => {
        throw new RangeError(`${CANARY} no`);
      };
      return failing(askWith(place, { fetch: rude }));
    },
    sees: 'APIConnectionError: Connection error.',
    spans: [
      {
        outcome: 'failed',
        failureStage: 'unknown',
        stage: 'before_headers',
        termination: 'unknown',
        category: 'unknown',
        chunks: 0,
        also: once,
      },
    ],
  },
];

function abortable(): { signal: AbortSignal; abort(): void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
