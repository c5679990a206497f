import { request } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createJitter } from '../../src/testing/delivery.js';
import {
  chatText,
  type Delivery,
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

const TWO = ssePayloads(['1', '2é']);
const CLOSED = 'TypeError: terminated (UND_ERR_SOCKET)';

interface Row {
  readonly title: string;
  readonly delivery: Delivery;
  readonly faults?: readonly Fault[];
  readonly reply?: Reply;
  readonly reads: readonly string[];
  readonly end?: string;
}

const ROWS: readonly Row[] = [
  {
    title: 'per message, a read each',
    delivery: { writes: 'per_message' },
    reads: ['data: 1\n\n', 'data: 2é\n\n', 'data: [DONE]\n\n'],
  },
  {
    title: 'whole, in one read',
    delivery: { writes: 'whole' },
    reads: ['data: 1\n\ndata: 2é\n\ndata: [DONE]\n\n'],
  },
  {
    title: 'whole up to a stall',
    delivery: { writes: 'whole' },
    faults: [{ type: 'stall', afterChunks: 1, ms: 1 }],
    reads: ['data: 1\n\n', 'data: 2é\n\ndata: [DONE]\n\n'],
  },
  {
    title: 'whole up to a reset',
    delivery: { writes: 'whole' },
    faults: [{ type: 'reset', afterChunks: 2 }],
    reads: ['data: 1\n\ndata: 2é\n\n'],
    end: 'TypeError: terminated (ECONNRESET)',
  },
  {
    title: 'whole, with a reset after the headers',
    delivery: { writes: 'whole' },
    faults: [{ type: 'reset', after: 'headers' }],
    reads: [],
    end: 'TypeError: terminated (ECONNRESET)',
  },
  {
    title: 'slices of 17 bytes, through a character',
    delivery: { writes: { sliced: { bytes: 17 } } },
    reads: ['data: 1\n\ndata: 2\u{FFFD}', '\u{FFFD}\n\ndata: [DONE]\n\n'],
  },
  {
    title: 'bandwidth: a tenth of a second a write',
    delivery: { bytesPerSecond: 150, writes: 'whole' },
    reads: ['data: 1\n\ndata: ', '2é\n\ndata: [DON', 'E]\n\n'],
  },
  {
    title: 'gaps, latency and jitter change no byte',
    delivery: { gapMs: 1, latencyMs: 1, jitterMs: 1, seed: 7 },
    reads: ['data: 1\n\n', 'data: 2é\n\n', 'data: [DONE]\n\n'],
  },
  {
    title: 'CRLF',
    delivery: { lineEnding: '\r\n' },
    reads: ['data: 1\r\n\r\n', 'data: 2é\r\n\r\n', 'data: [DONE]\r\n\r\n'],
  },
  {
    title: 'CR',
    delivery: { lineEnding: '\r' },
    reads: ['data: 1\r\r', 'data: 2é\r\r', 'data: [DONE]\r\r'],
  },
  {
    title: 'a byte order mark, once',
    delivery: { bom: true },
    reads: ['\u{FEFF}data: 1\n\n', 'data: 2é\n\n', 'data: [DONE]\n\n'],
  },
  {
    title: 'gzip, flushed after every message',
    delivery: { gzip: true },
    reads: ['data: 1\n\n', 'data: 2é\n\n', 'data: [DONE]\n\n'],
  },
  {
    title: 'gzip without its trailer ends cleanly all the same',
    delivery: { gzip: true },
    faults: [{ type: 'no_gzip_trailer' }],
    reads: ['data: 1\n\n', 'data: 2é\n\n', 'data: [DONE]\n\n'],
  },
  {
    title: 'a stream with content-length',
    delivery: { framing: 'content_length' },
    reads: ['data: 1\n\n', 'data: 2é\n\n', 'data: [DONE]\n\n'],
  },
  {
    title: 'a silent end breaks content-length',
    delivery: { framing: 'content_length' },
    faults: [{ type: 'silent_end', afterChunks: 1 }],
    reads: ['data: 1\n\n'],
    end: CLOSED,
  },
  {
    title: 'FIN is a clean end without a length',
    delivery: { framing: 'until_close' },
    faults: [{ type: 'close', afterChunks: 1 }],
    reads: ['data: 1\n\n'],
  },
  {
    title: 'a document in slices',
    delivery: { writes: { sliced: { bytes: 5 } } },
    reply: httpReply({ status: 200, body: { a: 'bcd' } }),
    reads: ['{"a":', '"bcd"', '}'],
  },
];

describe('a prompt reader gets', () => {
  test.each(ROWS)('$title', async ({ title, delivery, faults = [], reply = TWO, reads, end = 'clean' }) => {
    provider.define(title, { reply, delivery, faults });
    const seen = await ask(provider.url, title);
    expect({ reads: seen.reads, end: seen.end }).toEqual({ reads, end });
  });
});

describe('headers say how the body travels', () => {
  test.each<{ delivery: Delivery; reply: Reply; names: Record<string, string | null> }>([
    {
      delivery: {},
      reply: TWO,
      names: {
        'content-type': 'text/event-stream; charset=utf-8',
        'transfer-encoding': 'chunked',
        'content-length': null,
      },
    },
    {
      delivery: { framing: 'content_length', bom: true, lineEnding: '\r\n' },
      reply: TWO,
      names: { 'transfer-encoding': null, 'content-length': '43' },
    },
    {
      delivery: { framing: 'until_close' },
      reply: TWO,
      names: { 'transfer-encoding': null, 'content-length': null, connection: 'close' },
    },
    { delivery: { gzip: true }, reply: TWO, names: { 'content-encoding': 'gzip', 'transfer-encoding': 'chunked' } },
    {
      delivery: {},
      reply: httpReply({ status: 200, body: { a: 1 } }),
      names: { 'content-type': 'application/json', 'content-length': '7', 'transfer-encoding': null },
    },
  ])('$delivery $reply.type', async ({ delivery, reply, names }) => {
    provider.define('headers', { reply, delivery });
    const { headers } = await ask(provider.url, 'headers');
    expect(Object.fromEntries(Object.keys(names).map((name) => [name, headers.get(name)]))).toEqual(names);
  });
});

test('byte by byte and whole are the same bytes', async () => {
  const reply = chatText(['Grüße', ' 👋', ' 世界']);
  provider.define('whole', { reply, delivery: { writes: 'whole' } });
  provider.define('sliced', {
    reply: { ...reply, options: { model: 'whole' } },
    delivery: { writes: { sliced: { bytes: 1 } } },
  });
  const [whole, sliced] = [await ask(provider.url, 'whole'), await ask(provider.url, 'sliced')];
  expect(sliced.bytes).toEqual(whole.bytes);
  expect([whole.reads.length, sliced.reads.length]).toEqual([1, whole.bytes.length]);
});

/** The raw bytes: `fetch` would have undone the compression, and on Node 20 hangs now and then where it cannot be undone. */
function rawBody(model: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${provider.url}/v1/chat/completions`, { method: 'POST', agent: false }, async (response) => {
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part);
      resolve(Buffer.concat(parts));
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ model, stream: true }));
  });
}

test('what is compressed is one whole gzip member', async () => {
  provider.define('gzip', { reply: TWO, delivery: { gzip: true } });
  const raw = await rawBody('gzip');
  const text = 'data: 1\n\ndata: 2é\n\ndata: [DONE]\n\n';
  expect(gunzipSync(raw).toString()).toBe(text);
  expect(raw.subarray(-8)).toEqual(gzipSync(text).subarray(-8));
});

test('raw bytes pass by the compression, and corrupt it', async () => {
  const faults: readonly Fault[] = [{ type: 'raw_bytes', afterChunks: 1, hex: 'ffffffff' }];
  provider.define('corrupt', { reply: TWO, delivery: { gzip: true }, faults });
  const raw = await rawBody('corrupt');
  expect(raw.includes(Buffer.from('ffffffff', 'hex'))).toBe(true);
  expect(() => gunzipSync(raw)).toThrow(expect.objectContaining({ code: 'Z_DATA_ERROR' }));
});

describe('jitter', () => {
  test('is the same for the same seed, and below its bound', () => {
    const [one, same, other] = [1, 1, 2].map((seed) => {
      const next = createJitter({ jitterMs: 10, seed });
      return Array.from({ length: 20 }, next);
    });
    expect(one).toEqual(same);
    expect(one).not.toEqual(other);
    expect(one?.every((ms) => ms >= 0 && ms < 10)).toBe(true);
  });

  test('is nothing without `jitterMs`', () => {
    expect(createJitter({})()).toBe(0);
  });
});
