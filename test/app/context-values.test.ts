/** What of an application's attributes a call context takes, and how much of it. */
import { describe, expect, test } from 'vitest';
import { readContext } from '../../src/app/context-values.js';

/** The attributes that are taken, and what is said of the others. */
function read(attributes: unknown) {
  const lines: string[] = [];
  const { facts } = readContext({ attributes }, (line) => lines.push(line));
  return { taken: facts.attributes, lines };
}

describe('an attribute is bounded:', () => {
  test('a string is cut at 128 characters, as are those of a list, and never in the middle of one', () => {
    const { taken, lines } = read({
      'app.long': 'x'.repeat(100_000),
      'app.list': ['y'.repeat(1000), 'short'],
      'app.emoji': `${'x'.repeat(127)}🙂`,
      'app.whole': 'z'.repeat(128),
    });
    expect(taken).toEqual({
      'app.long': 'x'.repeat(128),
      'app.list': ['y'.repeat(128), 'short'],
      'app.emoji': 'x'.repeat(127),
      'app.whole': 'z'.repeat(128),
    });
    expect(lines).toEqual([]);
  });

  test('of a list its first 32 entries are taken, and a longer one costs a line', () => {
    const numbers = Array.from({ length: 33 }, (_, number) => number);
    const { taken, lines } = read({ 'app.32': numbers.slice(1), 'app.33': numbers });
    expect(taken).toEqual({ 'app.32': numbers.slice(1), 'app.33': numbers.slice(0, 32) });
    expect(lines).toEqual(['`attributes.app.33` of a call context may have 32 entries, got 33; the first 32 are used']);
  });

  test('one whose name has more than 128 characters is left out, and costs a line', () => {
    const { taken, lines } = read({ ['k'.repeat(128)]: 1, ['k'.repeat(129)]: 2 });
    expect(taken).toEqual({ ['k'.repeat(128)]: 1 });
    expect(lines).toEqual([
      `\`attributes.${'k'.repeat(64)}\` of a call context must be under a name of at most 128 characters, got 2; it is left out`,
    ]);
  });

  test('of more than 32 the first 32 are taken, and they cost a line', () => {
    const entries = Array.from({ length: 40 }, (_, number) => [`app.${number}`, number] as const);
    const { taken, lines } = read(Object.fromEntries(entries));
    expect(Object.keys(taken ?? {})).toEqual(entries.slice(0, 32).map(([name]) => name));
    expect(lines).toEqual(['`attributes` of a call context may have 32 entries, got 40; the first 32 are used']);
  });
});
