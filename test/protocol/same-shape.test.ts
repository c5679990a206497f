import { afterEach, describe, expect, test, vi } from 'vitest';
import { createChunkReader } from '../../src/protocol/chunk-reader.js';
import { chatCompletions } from '../../src/protocol/dialects/chat-completions.js';
import { SameShape } from '../../src/protocol/same-shape.js';
import type { Signal } from '../../src/stream/signal.js';

/** Signals of payloads through the gate, the way `chunk-reader.ts` asks it. */
function gated(payloads: readonly string[]): Signal[] {
  const signals: Signal[] = [];
  const reader = createChunkReader({ dialect: 'openai-chat-completions', status: 200 }, (one) => signals.push(one));
  for (const payload of payloads) reader.feed(Buffer.from(`data: ${payload}\n\n`, 'latin1'), 0);
  return signals;
}

/** Signals of the same payloads, each parsed in full. */
function parsed(payloads: readonly string[]): Signal[] {
  const reader = chatCompletions.createReader();
  return payloads.map((payload) => {
    try {
      return reader.read(JSON.parse(Buffer.from(payload, 'latin1').toString('utf8')), 0);
    } catch {
      return { type: 'invalid_chunk', atMs: 0 };
    }
  });
}

/** Text as its UTF-8 bytes, one character each: as the framing gives it. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function textPayload(content: string, more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    id: 'chatcmpl-9',
    object: 'chat.completion.chunk',
    created: 1763740000,
    model: 'gpt-5.1',
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
    ...more,
  });
}

function toolPayload(text: string, index = 0, more: Record<string, unknown> = {}): string {
  const call = { index, ...more, function: { ...(more['id'] ? { name: 'f' } : {}), arguments: text } };
  return JSON.stringify({ id: 'chatcmpl-9', choices: [{ index: 0, delta: { tool_calls: [call] } }] });
}

afterEach(() => vi.restoreAllMocks());

describe('a steady stream', () => {
  const text = 'It was a "quoted" dark\nnight, and naïve 日本語 👩‍💻 too. ';
  const pieces = Array.from({ length: 2_000 }, (_, i) => [...text][i % [...text].length] ?? '');

  test.each<[string, readonly string[]]>([
    ['text', pieces.map((piece) => textPayload(piece))],
    ['text escaped to ASCII', pieces.map((piece) => escaped(textPayload(piece)))],
    ['text written by Python', pieces.map((piece) => textPayload(piece).replaceAll('":', '": '))],
    ['padded text', pieces.map((piece, i) => textPayload(piece, { obfuscation: 'x'.repeat(i % 9) }))],
    [
      'tool arguments',
      [toolPayload('', 0, { id: 'a' }), toolPayload('{"a": "'), ...pieces.slice(2).map((piece) => toolPayload(piece))],
    ],
    [
      'reasoning',
      pieces.map((piece) =>
        JSON.stringify({ choices: [{ index: 0, delta: { content: null, reasoning_content: piece } }] }),
      ),
    ],
    ['text and arguments in turn', pieces.map((piece, i) => (i % 2 === 0 ? textPayload(piece) : toolPayload(piece)))],
  ])('of 2,000 payloads of %s parses at most 5 %%, and says the same', (_name, payloads) => {
    const written = payloads.map(bytesOf);
    const expected = parsed(written);
    const parse = vi.spyOn(JSON, 'parse');
    const signals = gated(written);
    expect(parse.mock.calls.length).toBeLessThanOrEqual(100);
    expect(signals).toEqual(expected);
  });

  test('that has no common shape is parsed, and soon no longer learned from', () => {
    const payloads = Array.from({ length: 500 }, (_, i) => textPayload('a', { id: `chatcmpl-${i}` }));
    expect(gated(payloads)).toEqual(parsed(payloads));
    const shapes = new SameShape();
    const asked = vi.fn(() => undefined);
    for (const payload of payloads) if (!shapes.read(payload, 0)) shapes.remember(payload, asked);
    expect(asked.mock.calls.length).toBeLessThan(80);
  });
});

/** The same JSON with everything beyond ASCII escaped, as Python writes it. */
function escaped(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

describe('no wrong hit', () => {
  const shape = textPayload('a');

  test.each<[string, string]>([
    ['an error at the end', textPayload('b', { error: { message: 'x' } })],
    ['a finish reason', textPayload('b').replace('"finish_reason":null', '"finish_reason":"stop"')],
    ['another index', textPayload('b').replace('"index":0', '"index":1')],
    ['usage', textPayload('b', { usage: { prompt_tokens: 1, completion_tokens: 1 } })],
    ['another model', textPayload('b').replace('gpt-5.1', 'gpt-5.2')],
    ['a quote that ends the string', textPayload('b').replace('"b"', '"b","x":"y"')],
    ['an escaped quote', textPayload('b"},"finish_reason":"stop')],
    ['a cut payload', textPayload('b').slice(0, -1)],
    ['a tail', `${textPayload('b')}x`],
    ['an escape that is none', textPayload('b').replace('"b"', '"\\x"')],
    ['half an escape', textPayload('b').replace('"b"', '"\\u00e"')],
    ['a raw control character', textPayload('b').replace('"b"', '"\u0001"')],
    ['an empty string', textPayload('')],
    ['null', textPayload('b').replace('"b"', 'null')],
    ['lone surrogates', textPayload('b').replace('"b"', '"\\ud83d\\ud83d\\ude00\\ude00"')],
    ['a cut UTF-8 sequence', textPayload('b').replace('"b"', '"\u00e2\u0082"')],
    ['an overlong UTF-8 sequence', textPayload('b').replace('"b"', '"\u00c0\u00af\u00e0\u0080\u00af"')],
    ['a UTF-8 surrogate', textPayload('b').replace('"b"', '"\u00ed\u00a0\u0080"')],
    ['beyond Unicode', textPayload('b').replace('"b"', '"\u00f4\u0090\u0080\u0080"')],
    ['all planes', bytesOf(textPayload('é€😀'))],
  ])('%s', (_name, payload) => {
    const payloads = [shape, textPayload('c'), payload, textPayload('d')];
    expect(gated(payloads)).toEqual(parsed(payloads));
  });

  test('two keys of the same name are not told apart, and so not learned', () => {
    const twice = (a: string, b: string) =>
      `{"x":{"content":"${a}"},"choices":[{"index":0,"delta":{"content":"${b}"}}]}`;
    const payloads = [twice('a', 'a'), twice('bcd', 'a'), twice('a', 'bcd')];
    expect(gated(payloads)).toEqual(parsed(payloads));
    const hidden = (a: string) => `{"content":"${a}","choices":[{"index":0,"delta":{"c\\u006fntent":"a"}}]}`;
    expect(gated([hidden('a'), hidden('bcd')])).toEqual(parsed([hidden('a'), hidden('bcd')]));
  });

  test('a fragment belongs to the call that began last at its index', () => {
    const payloads = [
      toolPayload('', 0, { id: 'a' }),
      toolPayload('{'),
      toolPayload('"x'),
      toolPayload('{', 0, { id: 'b' }),
      toolPayload('}'),
      toolPayload(' '),
    ];
    expect(gated(payloads)).toEqual(parsed(payloads));
  });
});

/** mulberry32: a failure names its seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const TEXTS = [
  'a',
  ' the',
  '',
  '"',
  '\\',
  '\n',
  '{',
  '}',
  '[]',
  'é',
  '日本',
  '👩‍💻',
  '\ud83d',
  '\ude00',
  'error',
  '","x":"',
  '\u2028',
  '/',
  '{"a":',
];
const MUTATIONS: readonly ((payload: string, below: (count: number) => number) => string)[] = [
  (payload) => payload,
  (payload) => payload,
  (payload) => payload,
  (payload) => payload,
  (payload) => bytesOf(escaped(Buffer.from(payload, 'latin1').toString('utf8'))),
  (payload) => payload.replaceAll('":', '": '),
  (payload) => `${payload.slice(0, -1)},"error":{"code":"x"}}`,
  (payload) => `${payload.slice(0, -1)},"usage":{"prompt_tokens":3,"completion_tokens":4}}`,
  (payload) => payload.replace('"finish_reason":null', '"finish_reason":"stop"'),
  (payload) => payload.replace('"index":0', '"index":1'),
  (payload) => payload.replace('"content"', '"refusal"'),
  (payload) => payload.replace('"content"', '"reasoning_content"'),
  (payload, below) => payload.slice(0, below(payload.length)),
  (payload, below) => spliced(payload, below, 1, ''),
  (payload, below) => spliced(payload, below, 0, String.fromCharCode(below(256))),
  (payload, below) => spliced(payload, below, 1, String.fromCharCode(0x20 + below(0x60))),
];

function spliced(payload: string, below: (count: number) => number, removed: number, added: string): string {
  const at = below(payload.length);
  return payload.slice(0, at) + added + payload.slice(at + removed);
}

function randomPayload(below: (count: number) => number): string {
  const text = Array.from({ length: 1 + below(3) }, () => TEXTS[below(TEXTS.length)] ?? '').join('');
  const kinds = [
    () => textPayload(text),
    () => textPayload(text, { obfuscation: 'xyz'.slice(below(3)) }),
    () => textPayload(text, { obfuscation: text }),
    () => toolPayload(text, below(2)),
    () => toolPayload(text, 0, { id: below(2) === 0 ? 'a' : 'b' }),
    () => JSON.stringify({ choices: [{ delta: { reasoning: text, content: '' } }] }),
  ];
  return kinds[below(kinds.length)]?.() ?? '';
}

test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'seed %i: gate and parse say the same of 400 payloads',
  (seed) => {
    const below = random(seed);
    const payloads: string[] = [];
    while (payloads.length < 400) {
      // Runs of one kind, as streams have: else the gate would have nothing to hit.
      const template = randomPayload(below);
      for (let run = 1 + below(12); run > 0; run--) {
        const text = TEXTS[below(TEXTS.length)] ?? '';
        const varied =
          below(3) === 0
            ? randomPayload(below)
            : template.replace(
                /"(content|arguments|reasoning)":"(?:[^"\\]|\\.)*"/,
                (_all, key) => `"${key}":${JSON.stringify(text)}`,
              );
        const mutate = MUTATIONS[below(MUTATIONS.length)] ?? String;
        // Bytes, not characters, are changed: sequences of UTF-8 break too. One line each: framing is not under test here.
        payloads.push(mutate(bytesOf(varied), below).replace(/[\r\n]/g, '') || '{}');
      }
    }
    const plain = payloads.filter(
      (payload) => !/^\s*$/.test(payload) && !payload.startsWith('[DONE]') && !payload.startsWith(' '),
    );
    expect(gated(plain)).toEqual(parsed(plain));
  },
);
