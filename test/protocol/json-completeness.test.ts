import { describe, expect, test } from 'vitest';
import { JsonCompleteness } from '../../src/protocol/json-completeness.js';

function closes(fragments: readonly string[]): boolean {
  const scanner = new JsonCompleteness();
  for (const fragment of fragments) scanner.push(fragment);
  return scanner.closed;
}

const CLOSED = [
  '',
  '  \n',
  '{}',
  '[]',
  ' {"a":[1,{"b":"}"}]} ',
  '{"a":"\\""}',
  '{"a":"\\\\"}',
  '"x"',
  '"}"',
  '5',
  '-1.5e3',
  'true',
  'null ',
  '{"é":"👩‍💻"}',
];
const OPEN = [
  '{',
  '{"a":',
  '{"a":"}',
  '{"a":"\\"}',
  '[[]',
  '"x',
  '"\\"',
  '-',
  '1.',
  '1e',
  'tru',
  '{} {}',
  '{}x',
  '5 5',
  '"a""b"',
  'nul ',
  'x',
  '}',
  '\u00a0',
];

describe.each([...CLOSED.map((text) => [text, true] as const), ...OPEN.map((text) => [text, false] as const)])(
  '%j',
  (text, expected) => {
    test(`${expected ? 'closes' : 'does not close'} wherever it is cut`, () => {
      for (let cut = 0; cut <= text.length; cut++) expect(closes([text.slice(0, cut), text.slice(cut)])).toBe(expected);
      expect(closes([...text])).toBe(expected);
    });
  },
);

test('a part of a text is taken by its bounds', () => {
  const scanner = new JsonCompleteness();
  scanner.push('xx{}yy', 2, 4);
  expect(scanner.closed).toBe(true);
});

test('what follows a whole value breaks it for good', () => {
  const scanner = new JsonCompleteness();
  scanner.push('{}x');
  expect(scanner.broken).toBe(true);
  scanner.push('{}');
  expect(scanner.closed).toBe(false);
});
