/** Calls that ask for a whole answer instead of a stream. */
import { chatCompletion, chatText, httpError, httpReply, httpText } from '../../src/testing/index.js';
import { CANARY, said } from '../scenarios/harness.js';
import { answered, cancelled, cut, failing, type Place, rejected, TEXT, TOOL, type Way, whole } from './way.js';

const message = `${CANARY} in an error message`;

function create(place: Place, options?: Parameters<Place['create']>[0]) {
  return place.client.chat.completions.create(whole(place), options);
}

export const DOCUMENTS: readonly Way[] = [
  {
    name: 'a completion',
    scenario: { reply: TEXT },
    run: async (place) => {
      const completion = await create(place);
      return [completion.choices[0]?.message.content, completion.usage?.total_tokens];
    },
    sees: [`${CANARY} says hello`, 13],
    spans: [
      answered({
        also: {
          'gen_ai.usage.input_tokens': 10,
          'gen_ai.usage.output_tokens': 3,
          'gen_ai.response.id': 'chatcmpl-faulty',
          'llm_stream.usage_source': 'final',
          'llm_stream.completion': 'stop',
          'llm_stream.attempt_count': 1,
          'llm_stream.output_characters': 17,
        },
      }),
    ],
    check: ([span]) => {
      const names = Object.keys(span?.attributes ?? {});
      for (const ofStreams of ['gen_ai.request.stream', 'gen_ai.response.time_to_first_chunk']) {
        if (names.includes(ofStreams)) throw new Error(`${ofStreams} of a document`);
      }
    },
  },
  {
    name: 'a completion that calls a tool',
    scenario: { reply: TOOL },
    run: async (place) => (await create(place)).choices[0]?.message.tool_calls?.length,
    sees: 1,
    spans: [
      answered({
        finish: ['tool_calls'],
        also: {
          'llm_stream.tool_call.names': ['get_weather'],
          'llm_stream.tool_call.arguments_completed': true,
          'llm_stream.tool_call.argument_characters': 18,
        },
      }),
    ],
  },
  {
    name: 'withResponse()',
    scenario: { reply: TEXT },
    run: async (place) => {
      const { data, response } = await create(place).withResponse();
      return [response.status, data.choices.length];
    },
    sees: [200, 1],
    spans: [answered()],
  },
  {
    name: 'asResponse(), read by hand',
    majors: [5, 6, 7],
    scenario: { reply: TEXT },
    run: async (place) => {
      const response = await create(place).asResponse();
      const text = await response.text();
      return text.includes('chat.completion');
    },
    sees: true,
    spans: [answered()],
  },
  {
    name: 'the promise awaited twice and caught',
    scenario: { reply: TEXT },
    run: async (place) => {
      const promise = create(place);
      const [one, other, third] = await Promise.all([promise, promise, promise.finally(() => {})]);
      return [one === other, one === third];
    },
    sees: [true, true],
    spans: [answered()],
  },
  {
    name: '429, then a completion',
    scenario: [{ reply: httpError(429, { message }, { 'retry-after-ms': '1' }) }, { reply: TEXT }],
    run: async (place) => (await create(place, { maxRetries: 1 })).choices.length,
    sees: 1,
    spans: [answered({ also: { 'llm_stream.attempt_count': 2, 'http.response.status_code': 200 } })],
  },
  {
    name: '401',
    scenario: { reply: httpError(401, { message, code: 'invalid_api_key' }) },
    run: (place) => failing(create(place)),
    sees: `AuthenticationError: 401 ${message}`,
    spans: [
      rejected('auth', 'application', {
        also: { 'error.type': 'invalid_api_key', 'llm_stream.provider_error.code': 'invalid_api_key' },
      }),
    ],
  },
  {
    name: '503 HTML',
    scenario: { reply: httpText(503, `<html>${CANARY}</html>`) },
    run: (place) => failing(create(place)),
    sees: `InternalServerError: 503 <html>${CANARY}</html>`,
    spans: [rejected('overloaded', 'provider', { also: { 'error.type': '503' } })],
  },
  {
    name: '200 with an error in it',
    scenario: { reply: httpReply({ status: 200, body: { error: { message, type: 'server_error', code: null } } }) },
    run: async (place) => Object.keys(await create(place)),
    sees: ['error'],
    spans: [rejected('server_error', 'provider', { termination: 'error_payload', finish: ['error'] })],
  },
  {
    name: '200 HTML',
    scenario: { reply: httpText(200, `<html>${CANARY}</html>`) },
    run: async (place) => create(place),
    sees: `<html>${CANARY}</html>`,
    spans: [rejected('invalid_response', 'provider', { finish: ['error'] })],
  },
  {
    name: '200 with JSON that is no answer',
    scenario: { reply: chatCompletion({ hello: CANARY }) },
    run: async (place) => Object.keys(await create(place)),
    sees: ['hello'],
    spans: [rejected('invalid_response', 'provider', { finish: ['error'] })],
  },
  {
    name: 'JSON that does not parse',
    scenario: {
      reply: httpReply({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: `{"choices": ${CANARY}}`,
      }),
    },
    run: (place) => failing(create(place)).then((told) => told.split(':')[0]),
    sees: 'SyntaxError',
    spans: [cut('before_first_token', { termination: 'decode_error', category: 'invalid_stream_chunk' })],
    by: { 4: { sees: 'FetchError' } },
  },
  {
    name: 'JSON that never closes',
    scenario: {
      reply: httpReply({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: `{"choices": ["${CANARY}`,
      }),
    },
    run: (place) => failing(create(place)).then((told) => told.split(':')[0]),
    sees: 'SyntaxError',
    spans: [cut('before_first_token')],
    // Nobody but node-fetch saw that it was cut.
    by: {
      4: {
        sees: 'FetchError',
        spans: [cut('before_first_token', { termination: 'decode_error', category: 'invalid_stream_chunk' })],
      },
    },
  },
  {
    name: 'a reset in the body',
    scenario: {
      reply: chatText(Array.from({ length: 50 }, () => CANARY)),
      faults: [{ type: 'cut_in_message', after: 'headers', end: 'reset' }],
    },
    run: (place) => failing(create(place)).then((told) => told.split(':')[0]),
    sees: 'TypeError',
    spans: [
      cut('before_first_token', {
        termination: 'connection_error',
        also: { 'llm_stream.network_error_code': 'ECONNRESET' },
      }),
    ],
    by: { 4: { sees: 'FetchError' } },
  },
  {
    name: 'an abort in the body',
    scenario: {
      reply: TEXT,
      hold: { after: 'headers', until: 'client_gone' },
    },
    run: async (place) => {
      const controller = new AbortController();
      const promise = create(place, { signal: controller.signal });
      const told = promise.then(() => 'no error', said);
      await promise.asResponse();
      controller.abort();
      return told;
    },
    sees: 'AbortError: This operation was aborted',
    spans: [cancelled('consumer_abort', 'before_first_token', 0)],
    by: {
      4: { sees: 'AbortError: The user aborted a request.' },
      7: { sees: 'APIUserAbortError: Request was aborted.' },
    },
  },
  {
    name: 'a body that takes too long, and is asked for again',
    majors: [7],
    scenario: [{ reply: TEXT, hold: { after: 'headers', until: 'client_gone' } }, { reply: TEXT }],
    run: async (place) => (await create(place, { timeout: 400, maxRetries: 1 })).choices.length,
    sees: 1,
    spans: [answered({ also: { 'llm_stream.attempt_count': 2 } })],
  },
];
