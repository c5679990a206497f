import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  chatText,
  type Fault,
  type FaultyProvider,
  httpReply,
  type Reply,
  ssePayloads,
  startFaultyProvider,
} from '../../src/testing/index.js';
import { ask } from './ask.js';

let provider: FaultyProvider;
beforeAll(async () => {
  provider = await startFaultyProvider();
});
afterAll(() => provider.close());

const THREE = ssePayloads(['1', '2', '3']);
const FINISHED = ssePayloads([
  { a: 1 },
  { choices: [{ index: 0, finish_reason: 'stop' }] },
  { choices: [], usage: {} },
]);

interface Row {
  readonly title: string;
  readonly faults: readonly Fault[];
  readonly reply?: Reply;
  readonly status?: number;
  readonly body: string;
  readonly end: string | RegExp;
}

const RESET = 'TypeError: terminated (ECONNRESET)';
const CLOSED = 'TypeError: terminated (UND_ERR_SOCKET)';
const BEFORE_HEADERS = { status: 0, body: '' };

const ROWS: readonly Row[] = [
  {
    title: 'no fault',
    faults: [],
    body: 'data: 1\n\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n',
    end: 'clean',
  },
  {
    title: 'reset before headers',
    faults: [{ type: 'reset', after: 'request' }],
    ...BEFORE_HEADERS,
    end: 'TypeError: fetch failed (ECONNRESET)',
  },
  {
    title: 'close before headers',
    faults: [{ type: 'close', after: 'request' }],
    ...BEFORE_HEADERS,
    end: 'TypeError: fetch failed (UND_ERR_SOCKET)',
  },
  {
    title: 'no headers for a while, then FIN',
    faults: [{ type: 'hang', after: 'request', maxMs: 1 }],
    ...BEFORE_HEADERS,
    end: 'TypeError: fetch failed (UND_ERR_SOCKET)',
  },
  {
    title: 'garbage in place of a status line',
    faults: [{ type: 'garbage', after: 'request' }],
    ...BEFORE_HEADERS,
    // `HPE_INVALID_CONSTANT` on Node 20 and 22, no code on 24 and 26.
    end: /^TypeError: fetch failed \((HPE_INVALID_CONSTANT|HTTPParserError)\)$/,
  },
  { title: 'reset after headers', faults: [{ type: 'reset', after: 'headers' }], body: '', end: RESET },
  { title: 'reset after 0 chunks', faults: [{ type: 'reset', afterChunks: 0 }], body: '', end: RESET },
  {
    title: 'reset between headers and document',
    reply: httpReply({ status: 201, body: { choices: [] } }),
    faults: [{ type: 'reset', afterChunks: 0 }],
    status: 201,
    body: '',
    end: RESET,
  },
  {
    title: 'reset after 2 chunks',
    faults: [{ type: 'reset', afterChunks: 2 }],
    body: 'data: 1\n\ndata: 2\n\n',
    end: RESET,
  },
  {
    title: 'reset after the finish reason',
    reply: FINISHED,
    faults: [{ type: 'reset', after: 'finish' }],
    body: 'data: {"a":1}\n\ndata: {"choices":[{"index":0,"finish_reason":"stop"}]}\n\n',
    end: RESET,
  },
  {
    title: 'reset after [DONE]',
    faults: [{ type: 'reset', after: 'done' }],
    body: 'data: 1\n\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n',
    end: RESET,
  },
  {
    title: 'close after 1 chunk',
    faults: [{ type: 'close', afterChunks: 1 }],
    body: 'data: 1\n\n',
    end: CLOSED,
  },
  {
    title: 'garbage inside the chunked encoding',
    faults: [{ type: 'garbage', afterChunks: 1 }],
    body: 'data: 1\n\n',
    end: /^TypeError: terminated \((HPE_INVALID_CHUNK_SIZE|HTTPParserError)\)$/,
  },
  {
    title: 'silent end after 2 chunks',
    faults: [{ type: 'silent_end', afterChunks: 2 }],
    body: 'data: 1\n\ndata: 2\n\n',
    end: 'clean',
  },
  { title: 'silent end after headers', faults: [{ type: 'silent_end', after: 'headers' }], body: '', end: 'clean' },
  {
    title: 'hang after 1 chunk, then FIN',
    faults: [{ type: 'hang', afterChunks: 1, maxMs: 1 }],
    body: 'data: 1\n\n',
    end: CLOSED,
  },
  {
    title: 'hang after 1 chunk with heartbeats, then RST',
    faults: [
      { type: 'hang', afterChunks: 1, maxMs: 50, end: 'reset' },
      { type: 'heartbeats', everyMs: 30 },
    ],
    body: 'data: 1\n\n:\n\n',
    end: RESET,
  },
  {
    title: 'half of the second message, clean end',
    faults: [{ type: 'cut_in_message', afterChunks: 1 }],
    body: 'data: 1\n\ndata',
    end: 'clean',
  },
  {
    title: '7 bytes of the second message, FIN',
    faults: [{ type: 'cut_in_message', afterChunks: 1, bytes: 7, end: 'close' }],
    body: 'data: 1\n\ndata: 2',
    end: CLOSED,
  },
  {
    title: 'a message cut inside a character',
    reply: ssePayloads(['é']),
    faults: [{ type: 'cut_in_message', afterChunks: 0, bytes: 7, end: 'reset' }],
    body: 'data: \u{FFFD}',
    end: RESET,
  },
  {
    title: 'stall after 1 chunk',
    faults: [{ type: 'stall', afterChunks: 1, ms: 5 }],
    body: 'data: 1\n\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n',
    end: 'clean',
  },
  {
    title: 'a malformed line after 1 chunk',
    faults: [{ type: 'malformed_chunk', afterChunks: 1, text: '{"canary' }],
    body: 'data: 1\n\ndata: {"canary\n\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n',
    end: 'clean',
  },
  {
    title: 'a malformed line is the last thing',
    faults: [
      { type: 'malformed_chunk', afterChunks: 1 },
      { type: 'silent_end', afterChunks: 1 },
    ],
    body: 'data: 1\n\ndata: {"id":"chatcmpl-faulty","object":"chat.completion.ch\n\n',
    end: 'clean',
  },
  {
    title: 'an in-band error',
    faults: [{ type: 'in_band_error', afterChunks: 1, error: { message: 'm', type: 'overloaded_error', code: 'c' } }],
    body: 'data: 1\n\ndata: {"error":{"message":"m","type":"overloaded_error","param":null,"code":"c"}}\n\n',
    end: 'clean',
  },
  {
    title: 'an in-band error with event name and [DONE]',
    faults: [{ type: 'in_band_error', afterChunks: 1, payload: { message: 'm' }, eventName: 'error', thenDone: true }],
    body: 'data: 1\n\nevent: error\ndata: {"message":"m"}\n\ndata: [DONE]\n\n',
    end: 'clean',
  },
  {
    title: 'an in-band error, then a reset',
    faults: [
      { type: 'reset', after: 'done' },
      { type: 'in_band_error', afterChunks: 1, payload: { error: 'e' } },
    ],
    body: 'data: 1\n\ndata: {"error":"e"}\n\n',
    end: RESET,
  },
  {
    title: 'a ping after 1 chunk',
    faults: [{ type: 'ping', afterChunks: 1 }],
    body: 'data: 1\n\nevent: ping\ndata: {"type": "ping"}\n\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n',
    end: 'clean',
  },
  {
    title: 'raw bytes after 1 chunk',
    faults: [{ type: 'raw_bytes', afterChunks: 1, hex: 'ff0a' }],
    body: 'data: 1\n\n\u{FFFD}\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n',
    end: 'clean',
  },
  {
    title: 'heartbeats every 2 chunks',
    faults: [{ type: 'heartbeats', everyChunks: 2, text: 'OPENROUTER PROCESSING' }],
    body: 'data: 1\n\ndata: 2\n\n: OPENROUTER PROCESSING\n\ndata: 3\n\ndata: [DONE]\n\n',
    end: 'clean',
  },
  {
    title: 'heartbeats while it stalls',
    faults: [
      { type: 'heartbeats', everyMs: 30 },
      { type: 'stall', afterChunks: 1, ms: 50 },
    ],
    body: 'data: 1\n\n:\n\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n',
    end: 'clean',
  },
  { title: 'no [DONE]', faults: [{ type: 'no_done' }], body: 'data: 1\n\ndata: 2\n\ndata: 3\n\n', end: 'clean' },
  {
    title: 'no final blank line',
    faults: [{ type: 'no_final_blank_line' }],
    body: 'data: 1\n\ndata: 2\n\ndata: 3\n\ndata: [DONE]',
    end: 'clean',
  },
  {
    title: 'one line end of two, behind a silent end',
    faults: [
      { type: 'no_final_blank_line', lineEnds: 1 },
      { type: 'silent_end', afterChunks: 1 },
    ],
    body: 'data: 1\n',
    end: 'clean',
  },
  {
    title: 'no usage',
    reply: ssePayloads([
      { choices: [{ index: 0 }], usage: null },
      { choices: [], usage: { total_tokens: 1 } },
      { choices: [{ index: 0, delta: {} }], usage: { total_tokens: 1 } },
    ]),
    faults: [{ type: 'no_usage' }],
    body: 'data: {"choices":[{"index":0}]}\n\ndata: [DONE]\n\n',
    end: 'clean',
  },
  {
    title: 'no finish reason',
    reply: FINISHED,
    faults: [{ type: 'no_finish_reason' }, { type: 'silent_end', afterChunks: 2 }],
    body: 'data: {"a":1}\n\ndata: {"choices":[{"index":0,"finish_reason":null}]}\n\n',
    end: 'clean',
  },
  {
    title: "Azure's first chunk counts as one",
    faults: [{ type: 'silent_end', afterChunks: 2 }, { type: 'empty_choices_preamble' }],
    body: 'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}\n\ndata: 1\n\n',
    end: 'clean',
  },
  {
    title: 'a document that is cut breaks its content-length',
    reply: httpReply({ status: 200, body: { choices: [] } }),
    faults: [{ type: 'cut_in_message', afterChunks: 0 }],
    body: '{"choic',
    end: CLOSED,
  },
  {
    title: 'an error document in place of an answer',
    reply: httpReply({ status: 200, body: { choices: [] } }),
    faults: [{ type: 'in_band_error', afterChunks: 1, payload: { error: 'e' } }],
    body: '{"error":"e"}',
    end: 'clean',
  },
];

describe('a prompt reader sees', () => {
  test.each(ROWS)('$title', async ({ title, faults, reply = THREE, status = 200, body, end }) => {
    provider.define(title, { reply, faults });
    const seen = await ask(provider.url, title);
    expect({ status: seen.status, body: seen.body }).toEqual({ status, body });
    expect(seen.end).toMatch(end);
  });
});

describe('headers', () => {
  test.each<{ fault: Fault; header: string; value: string }>([
    { fault: { type: 'content_type', value: 'text/html' }, header: 'content-type', value: 'text/html' },
    { fault: { type: 'headers', headers: { 'X-Should-Retry': 'false' } }, header: 'x-should-retry', value: 'false' },
    { fault: { type: 'retry_after', seconds: 7 }, header: 'retry-after', value: '7' },
    { fault: { type: 'retry_after', ms: 70 }, header: 'retry-after-ms', value: '70' },
  ])('$fault.type sends $header: $value', async ({ fault, header, value }) => {
    provider.define('headers', { reply: THREE, faults: [fault] });
    const { headers } = await ask(provider.url, 'headers');
    expect(headers.get(header)).toBe(value);
  });
});

test('sameWrite brings the error and [DONE] in one read', async () => {
  const fault: Fault = { type: 'in_band_error', afterChunks: 1, payload: { error: 'e' }, thenDone: true };
  provider.define('two writes', { reply: THREE, faults: [fault] });
  provider.define('one write', { reply: THREE, faults: [{ ...fault, sameWrite: true }] });
  expect((await ask(provider.url, 'two writes')).reads).toEqual([
    'data: 1\n\n',
    'data: {"error":"e"}\n\n',
    'data: [DONE]\n\n',
  ]);
  expect((await ask(provider.url, 'one write')).reads).toEqual([
    'data: 1\n\n',
    'data: {"error":"e"}\n\ndata: [DONE]\n\n',
  ]);
});

test('a number of chunks beyond what this request gets means the last chunk', async () => {
  provider.define('usage asked', { reply: chatText(['a']), faults: [{ type: 'reset', afterChunks: 4 }] });
  const withUsage = await ask(provider.url, 'usage asked', { includeUsage: true });
  const without = await ask(provider.url, 'usage asked');
  expect([withUsage.body.match(/data:/g)?.length, withUsage.end]).toEqual([4, RESET]);
  expect([without.body.match(/data:/g)?.length, without.end]).toEqual([3, RESET]);
});

test('a reset is met a hundred times out of a hundred behind the bytes before it', async () => {
  provider.define('again', { reply: THREE, faults: [{ type: 'reset', afterChunks: 3 }] });
  const seen = await Promise.all(Array.from({ length: 100 }, () => ask(provider.url, 'again')));
  expect(seen.filter(({ body, end }) => body === 'data: 1\n\ndata: 2\n\ndata: 3\n\n' && end === RESET)).toHaveLength(
    100,
  );
});
