import { describe, expect, test } from 'vitest';
import { createChunkReader, MAX_ERROR_BODY_BYTES } from '../../src/protocol/chunk-reader.js';
import { MAX_MESSAGE_BYTES } from '../../src/protocol/framing/sse.js';
import type { Signal } from '../../src/stream/signal.js';
import { FIXTURE_NAMES, fixture, inWords, signalsOf } from './read-body.js';

const BYTE_ORDER_MARK = '\uFEFF';

/** The same body with other line ends, and behind a mark. */
const FORMS: readonly (readonly [string, (body: string) => string])[] = [
  ['LF', (body) => body],
  ['CRLF', (body) => body.replaceAll('\n', '\r\n')],
  ['CR', (body) => body.replaceAll('\n', '\r')],
  ['a byte order mark', (body) => BYTE_ORDER_MARK + body],
];

describe.each(FIXTURE_NAMES)('%s', (name) => {
  test.each(FORMS)('with %s gives the same signals wherever it is cut', (_form, written) => {
    const whole = signalsOf([fixture(name)]);
    const bytes = Buffer.from(written(fixture(name)));
    expect(signalsOf([bytes])).toEqual(whole);
    expect(signalsOf(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
    for (let cut = 1; cut < bytes.length; cut++) {
      const signals = signalsOf([bytes.subarray(0, cut), bytes.subarray(cut)]);
      if (JSON.stringify(signals) !== JSON.stringify(whole)) expect({ cut, signals }).toEqual({ cut, signals: whole });
    }
  });
});

function words(body: string | Uint8Array, status = 200): string[] {
  return signalsOf([body], status).map(inWords);
}

test('a signal has the time of the read that completed its message', () => {
  const signals: Signal[] = [];
  const reader = createChunkReader({ dialect: 'openai-chat-completions', status: 200 }, (one) => signals.push(one));
  reader.feed(Buffer.from('data: {"choices":[]}\n\ndata: [DO'), 10);
  reader.feed(Buffer.from('NE]\n\n'), 25);
  expect(signals.map((one) => one.atMs)).toEqual([10, 25]);
});

test('the bytes of a read are not needed after it', () => {
  const signals: Signal[] = [];
  const reader = createChunkReader({ dialect: 'openai-chat-completions', status: 200 }, (one) => signals.push(one));
  const shared = new Uint8Array(8);
  for (const byte of Buffer.from('data: {"choices":[{"delta":{"content":"abc"}}]}\n\n')) {
    shared[0] = byte;
    reader.feed(shared.subarray(0, 1), 0);
  }
  expect(signals.map(inWords)).toEqual(['chunk: choice 0, text 3']);
});

describe('documents', () => {
  const answer = JSON.stringify({ id: 'a', choices: [{ message: { content: 'héllo' }, finish_reason: 'stop' }] });

  test.each([
    ['a whole answer', answer, ['chunk: choice 0, text 5, finish stop', 'document: answer']],
    ['an answer behind blanks', `\r\n  \n${answer}\n`, ['chunk: choice 0, text 5, finish stop', 'document: answer']],
    [
      'an answer behind a byte order mark',
      BYTE_ORDER_MARK + answer,
      ['chunk: choice 0, text 5, finish stop', 'document: answer'],
    ],
    [
      'an error',
      '{"error":{"type":"overloaded_error","message":"x"}}',
      ['error: overloaded type=overloaded_error code=undefined param=undefined', 'document: error'],
    ],
    [
      'an error in a list',
      '[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]',
      ['error: rate_limit type=RESOURCE_EXHAUSTED code=429 param=undefined', 'document: error'],
    ],
    ['JSON of something else', '{"status":"ok"}', ['document: foreign']],
    ['a page', '<!doctype html><p>secret', ['document: foreign']],
    ['an answer that was cut', answer.slice(0, -3), ['document: cut']],
    ['an answer that closes and is none', '{"choices":nope}', ['document: malformed']],
    ['an answer with a tail', `${answer}}`, ['document: malformed']],
    ['nothing', '', []],
    ['blanks', ' \n\n', []],
  ])('%s', (_name, body, expected) => {
    expect(words(body)).toEqual(expected);
    expect(signalsOf(Array.from(Buffer.from(body), (byte) => Uint8Array.of(byte))).map(inWords)).toEqual(expected);
  });

  test('one that is larger than a message may be is unread, and closes no more', () => {
    expect(words(`{"choices":[{"message":{"content":"${'x'.repeat(MAX_MESSAGE_BYTES)}"}}]}`)).toEqual([
      'document: unread',
    ]);
  });

  test.each([
    [
      429,
      '{"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"secret"}}',
      ['error: quota type=insufficient_quota code=insufficient_quota param=undefined', 'document: error'],
    ],
    [
      404,
      '{"error":"model secret not found"}',
      ['error: not_found type=undefined code=undefined param=undefined', 'document: error'],
    ],
    [
      400,
      'data: {"error":{"code":"context_length_exceeded"}}\n\n',
      ['error: context_length type=undefined code=context_length_exceeded param=undefined', 'document: error'],
    ],
    [502, '<html><h1>Bad gateway</h1>', ['document: foreign']],
    [500, 'Internal Server Error', ['document: foreign']],
    [500, '{"error":{"mess', ['document: cut']],
    [500, '', []],
  ])('an error body of status %i: %s', (status, body, expected) => {
    expect(words(body, status)).toEqual(expected);
  });

  test('an error body beyond its bound is not read', () => {
    const body = JSON.stringify({ error: { message: 'x'.repeat(MAX_ERROR_BODY_BYTES), code: 'rate_limit_exceeded' } });
    expect(words(body, 400)).toEqual(['document: unread']);
  });
});

test('invalid UTF-8 counts as a decoder replaces it', () => {
  const broken = Buffer.from('data: {"choices":[{"delta":{"content":"a~b~~c"}}]}\n\n');
  for (let at = broken.indexOf('~'); at !== -1; at = broken.indexOf('~', at)) broken[at] = 0xe2;
  const text = new TextDecoder().decode(Uint8Array.of(0x61, 0xe2, 0x62, 0xe2, 0xe2, 0x63));
  expect(words(broken)).toEqual([`chunk: choice 0, text ${[...text].length}`]);
});

test('no signal holds a text of the answer', () => {
  const secret = 'sesame';
  const bodies = [
    `data: {"choices":[{"delta":{"content":"${secret}","tool_calls":[{"function":{"arguments":"${secret}"}}]}}]}\n\n`,
    `data: {"error":{"message":"${secret}","code":"${secret} ${secret}"}}\n\n`,
    `data: ${secret}\n\n`,
    `{"${secret}`,
    `<${secret}`,
  ];
  for (const body of bodies) expect(JSON.stringify(signalsOf([body]))).not.toContain(secret);
});

describe('frameOnly(), while somebody else parses the payloads', () => {
  function framed(body: string, cutAt = body.length): { readonly messages: unknown[]; readonly signals: string[] } {
    const messages: unknown[] = [];
    const signals: Signal[] = [];
    const reader = createChunkReader({ dialect: 'openai-chat-completions', status: 200 }, (one) => signals.push(one));
    reader.frameOnly((kind, event) => messages.push([kind, event]));
    reader.feed(Buffer.from(body.slice(0, cutAt)), 0);
    reader.feed(Buffer.from(body.slice(cutAt)), 0);
    reader.end(0);
    return { messages, signals: signals.map(inWords) };
  }
  const body = [
    ': processing\n\n',
    'data: {"choices":[{"delta":{"content":"a"}}]}\n\n',
    'event: ping\ndata: {}\n\n',
    'event: error\ndata: {"message":"x"}\n\n',
    'data: {"choices":[{"delta":{"cont\n\n',
    'data: [DONE]\n\n',
  ].join('');

  test('tells each message but the terminal, and parses none', () => {
    expect(framed(body)).toEqual({
      messages: [
        ['payload', undefined],
        ['keep_alive', 'ping'],
        ['payload', 'error'],
        ['payload', undefined],
      ],
      signals: ['keep_alive', 'keep_alive', 'terminal'],
    });
  });

  test('tells the same wherever the body is cut', () => {
    const whole = framed(body);
    for (let cut = 1; cut < body.length; cut++) expect(framed(body, cut)).toEqual(whole);
  });

  test.each([
    [
      'a JSON error',
      '{"error":{"code":"invalid_api_key"}}',
      ['error: auth type=undefined code=invalid_api_key param=undefined', 'document: error'],
    ],
    [
      'a JSON answer, which no loop over messages gets',
      '{"choices":[{"message":{"content":"a"}}]}',
      ['document: foreign'],
    ],
    ['HTML', '<html>', ['document: foreign']],
  ])('%s', (_what, document, signals) => {
    expect(framed(document)).toEqual({ messages: [], signals });
  });
});
