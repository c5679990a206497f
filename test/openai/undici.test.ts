/**
 * Clients that were given the `fetch` of npm's undici × copies of the SDK. A file of its own: loading undici gives its
 * dispatcher to the global `fetch` of the process, and before Node 22 that one refuses the headers of openai 4.
 */
import { fetch as undiciFetch } from 'undici';
import { expect } from 'vitest';
import { limited } from './attempts.js';
import { describeWays } from './run-ways.js';
import { loadSdks } from './sdks.js';
import { ask, type ClientOptions, cancelled, completed, type Place, read, rejected, TEXT, type Way } from './way.js';

function byUndici({ clientWith }: Place) {
  // Its types are those of another version of the same interface.
  return clientWith({ fetch: undiciFetch as unknown as NonNullable<ClientOptions['fetch']>, maxRetries: 1 });
}

const observedBy = ['fetch', 'openai'];

const BY_UNDICI: readonly Way[] = [
  {
    name: 'read to the end, at the second attempt',
    scenario: [limited(1), { reply: TEXT }],
    run: async (place) => read(await ask(byUndici(place), place.request)),
    sees: 'ended after 5',
    spans: [completed({ also: { 'llm_stream.attempt_count': 2, 'llm_stream.keep_alive_count': 0 } })],
    observedBy,
    check: ([span]) => expect(span?.attributes['llm_stream.bytes_received']).toBeGreaterThan(1_000),
  },
  {
    name: 'read by hand',
    scenario: { reply: TEXT },
    run: async (place) => {
      const response = await ask(byUndici(place), place.request).asResponse();
      return (await response.text()).split('\n\n').length;
    },
    sees: 7,
    spans: [completed()],
    observedBy,
  },
  {
    name: 'broken off',
    scenario: { reply: TEXT, hold: { afterChunks: 3, until: 'client_gone' } },
    run: async (place) => read(await ask(byUndici(place), place.request), 3),
    sees: 'left after 3',
    spans: [cancelled('consumer_break', 'after_first_token', 3, { also: { 'llm_stream.upstream_cancelled': true } })],
    observedBy,
  },
  {
    name: 'rejected',
    scenario: limited(1),
    run: async (place) =>
      ask(byUndici(place), place.request).then(
        () => 'no error',
        (error: unknown) => error instanceof place.sdk.OpenAI.RateLimitError,
      ),
    sees: true,
    spans: [rejected('rate_limit', 'provider', { also: { 'error.type': 'rate_limit_exceeded' } })],
    observedBy,
  },
];

describeWays('the fetch of undici', BY_UNDICI, await loadSdks());
