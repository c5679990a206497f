import { describe, expect, test } from 'vitest';
import { Sse } from '../../../src/protocol/framing/sse.js';

function framed(pieces: readonly (string | Uint8Array)[], maxMessageBytes?: number): string[] {
  const seen: string[] = [];
  const sse = new Sse(
    {
      message: (data, event, unterminated) => seen.push(`${event ?? ''}|${data}${unterminated ? '|unterminated' : ''}`),
      comment: () => seen.push('comment'),
      oversize: () => seen.push('oversize'),
    },
    maxMessageBytes,
  );
  for (const piece of pieces) sse.feed(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
  sse.end();
  return seen;
}

/** Whole, byte by byte, and in two at every byte. */
function everyCut(body: string): string[][] {
  const cuts = [[body], [...body]];
  for (let cut = 1; cut < body.length; cut++) cuts.push([body.slice(0, cut), body.slice(cut)]);
  return cuts;
}

test.each([
  ['a message', 'data: a\n\n', ['|a']],
  ['a name', 'event: ping\ndata: a\n\n', ['ping|a']],
  ['lines of data', 'data: a\ndata:b\n\n', ['|a\nb']],
  ['a comment', ': hi\n\ndata: a\n\n', ['comment', '|a']],
  ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['|a', '|b']],
  ['CR', 'data: a\r\rdata: b\r\r', ['|a', '|b']],
  ['mixed line ends', 'data: a\n\r\ndata: b\r\n\ndata: c\r\r', ['|a', '|b', '|c']],
  ['a byte order mark', '\xef\xbb\xbfdata: a\n\n', ['|a']],
  ['half a byte order mark', '\xef\xbbdata: a\n\ndata: b\n\n', ['|b']],
  ['a byte order mark alone', '\xef\xbb\xbf', []],
  ['a second byte order mark', 'data: a\n\n\xef\xbb\xbfdata: b\n\n', ['|a']],
  ['a last message without a blank line', 'data: a\n\ndata: b\n', ['|a', '|b|unterminated']],
  ['a last line without an end', 'data: a\n\ndata: b', ['|a', '|b|unterminated']],
  ['a last line that ends with CR', 'data: a\r', ['|a|unterminated']],
  ['unknown fields', 'x\nretry: soon\nid: 1\ndata: a\n\n', ['|a']],
  ['a name without data', 'event: x\n\ndata: a\n\n', ['|a']],
  ['nothing', '', []],
])('%s, wherever it is cut', (_name, body, expected) => {
  for (const pieces of everyCut(body)) expect(framed(pieces)).toEqual(expected);
});

describe('a message beyond the bound', () => {
  test.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ])('is told once and skipped to its end, wherever it is cut (%s)', (_name, end) => {
    const body = [
      'data: a',
      '',
      'event: x',
      `data: ${'y'.repeat(60)}`,
      `data: ${'z'.repeat(90)}`,
      ': c',
      '',
      'data: b',
      '',
      '',
    ].join(end);
    for (const pieces of everyCut(body)) {
      expect(framed(pieces, 32).filter((one) => one !== 'comment')).toEqual(['|a', 'oversize', '|b']);
    }
  });

  test('is one byte more than the bound, wherever it is cut', () => {
    for (const pieces of everyCut(`data: ${'y'.repeat(32)}\n\n`))
      expect(framed(pieces, 32)).toEqual([`|${'y'.repeat(32)}`]);
    for (const pieces of everyCut(`data: ${'y'.repeat(33)}\n\n`)) expect(framed(pieces, 32)).toEqual(['oversize']);
  });

  test('is told where the body ends inside it', () => {
    for (const pieces of everyCut(`data: ${'y'.repeat(90)}`)) expect(framed(pieces, 32)).toEqual(['oversize']);
  });

  test('two of them are told twice', () => {
    const long = `data: ${'y'.repeat(90)}\n\n`;
    for (const pieces of everyCut(`${long}${long}data: b\n\n`))
      expect(framed(pieces, 32)).toEqual(['oversize', 'oversize', '|b']);
  });
});

test('bytes from 0x80 up arrive one character each', () => {
  expect(framed([Buffer.from('data: é\n\n')])).toEqual(['|\xc3\xa9']);
});
