import { afterEach, describe, expect, test, vi } from 'vitest';
import { scanRequestBody } from '../../src/protocol/request-body.js';

const KEYS = new Set(['model', 'stream', 'stop', 'temperature', 'response_format']);

function scan(body: unknown): ReturnType<typeof scanRequestBody> {
  return scanRequestBody(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body), KEYS);
}

afterEach(() => vi.restoreAllMocks());

test('finds scalars and small values of known keys wherever they stand', () => {
  const body = {
    a: { model: 'no' },
    b: ['x,]}', '"model":"no"'],
    model: 'yes "q" é',
    temperature: 1e-2,
    stop: ['a'],
    stream: true,
  };
  expect(Object.fromEntries(scan(body).values)).toEqual({
    model: 'yes "q" é',
    temperature: 0.01,
    stop: ['a'],
    stream: true,
  });
  expect(Object.fromEntries(scan(JSON.stringify(body, null, 2)).values)).toEqual({
    model: 'yes "q" é',
    temperature: 0.01,
    stop: ['a'],
    stream: true,
  });
});

describe('counts', () => {
  test.each([
    [[], 0],
    [[{}], 1],
    [[{ content: 'a' }, { content: [{}, {}] }, { content: 'b,c' }], 3],
    [[[]], 1],
    [[null, 1], 2],
  ])('the elements of %j: %i', (messages, expected) => {
    expect(scan({ messages, tools: messages })).toMatchObject({ messageCount: expected, toolCount: expected });
    expect(scan(JSON.stringify({ messages }, null, 1)).messageCount).toBe(expected);
  });

  test.each([
    ['plain', [{ role: 'user', content: 'four' }], 4],
    ['escaped', [{ role: 'user', content: 'a\n"b"\\' }], 6],
    ['escaped by number', '{"messages":[{"content":"\\u00e9a\\u00e9"}]}', 3],
    [
      'in parts',
      [
        {
          content: [
            { type: 'text', text: 'ab' },
            { type: 'text', text: 'c' },
          ],
        },
      ],
      3,
    ],
    ['with tool calls', [{ content: null, tool_calls: [{ id: 'x', function: { name: 'f', arguments: '{}' } }] }], 2],
  ])('characters of text: %s', (_name, messages, expected) => {
    expect(scan(typeof messages === 'string' ? messages : { messages }).messageCharacters).toBe(expected);
  });

  test.each([
    [[{ content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] }]],
    [[{ content: [{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }] }]],
  ])('no characters where messages hold more than text: %j', (messages) => {
    expect(scan({ messages })).toMatchObject({ messageCount: 1, messageCharacters: undefined });
  });
});

describe('malformed bodies', () => {
  const whole = JSON.stringify({
    model: 'm',
    messages: [{ content: 'a"\\' }, { content: 'b' }],
    stream: true,
    stop: ['x'],
  });

  test('cut at any character, a body tells what came before and never throws', () => {
    for (let cut = 0; cut < whole.length; cut++) {
      const { values, isWhole, messageCount } = scan(whole.slice(0, cut));
      expect(isWhole).toBe(false);
      expect(values.get('model')).toBe(cut > whole.indexOf('"m"') + 2 ? 'm' : undefined);
      expect(messageCount).toBe(cut >= whole.indexOf('],"stream') + 1 ? 2 : undefined);
    }
    expect(scan(whole).isWhole).toBe(true);
  });

  test.each([
    '',
    ' ',
    '{',
    '{}',
    '[]',
    'null',
    '"x"',
    '{"a"}',
    '{"a":}',
    '{,}',
    '{"model":}',
    '{"model":"a"x',
    '\u0000',
  ])('%j', (body) => {
    expect(() => scan(body)).not.toThrow();
  });

  test('an empty object is whole', () => {
    expect(scan(' { } ')).toMatchObject({ isWhole: true, size: 5 });
  });
});

test('never parses more than a small value', () => {
  const parse = vi.spyOn(JSON, 'parse');
  const content = 'x"\\\n'.repeat(200_000);
  const result = scan(JSON.stringify({ messages: [{ content }], model: 'm', stop: 'y'.repeat(5_000), stream: true }));
  expect(Object.fromEntries(result.values)).toEqual({ model: 'm', stream: true });
  expect(result.messageCharacters).toBe(content.length);
  expect(Math.max(...parse.mock.calls.map(([text]) => text.length))).toBeLessThan(16);
});

test('of bytes beyond 1 MiB only size and head are read', () => {
  const body = Buffer.from(
    JSON.stringify({ model: 'm', messages: [{ content: 'x'.repeat(1024 * 1024) }], stream: true }),
  );
  expect(scan(body)).toMatchObject({ size: body.byteLength, isWhole: false, messageCount: undefined });
  expect(scan(body).values.get('model')).toBe('m');
});

test('a view into a larger buffer is read from its own bounds', () => {
  const bytes = new TextEncoder().encode('xx{"model":"m"}yy');
  expect(scan(bytes.subarray(2, bytes.length - 2))).toMatchObject({ size: 13, isWhole: true });
});
