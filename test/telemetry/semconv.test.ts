import { describe, expect, test } from 'vitest';
import * as semconv from '../../src/telemetry/semconv.js';
import { SPAN_EVENT_CAPS } from '../../src/telemetry/span-event-budget.js';
import { describedNames, renderAttributes } from './render-attributes.js';

const names = Object.entries(semconv).filter(([constant]) => constant !== 'SCHEMA_URL');
const attributes = names.filter(([constant]) => constant.startsWith('ATTR_'));

describe('semconv.ts', () => {
  test('describes every name it exports, and no other', () => {
    const described = describedNames().map(({ constant, name }) => [constant, name]);
    expect(described.sort()).toEqual(names.sort());
  });

  test('names each constant for its value', () => {
    for (const [constant, name] of names) {
      expect(constant.replace(/^(ATTR|EVENT|LOG|METRIC)_/, '')).toBe(name.toUpperCase().replaceAll('.', '_'));
    }
  });

  test('gives each attribute a meaning, a type, a presence, an example of that type and a source', () => {
    for (const { constant, meaning, facts } of describedNames()) {
      if (!constant.startsWith('ATTR_')) continue;
      expect(meaning, constant).toMatch(/\.$/);
      expect(facts['present'], constant).toBeTruthy();
      expect(facts['source'], constant).toMatch(/^(stable|GenAI 1\.41|GenAI 1\.42-dev|ours)$/);
      expect(facts['example'], constant).toMatch(EXAMPLES[facts['type'] ?? ''] ?? /^unknown type$/);
    }
  });

  test('gives each span event a meaning, its cap and a source', () => {
    const caps = new Map<string, number>(Object.entries(SPAN_EVENT_CAPS));
    for (const { constant, name, meaning, facts } of describedNames()) {
      if (!constant.startsWith('EVENT_') || name === semconv.EVENT_LLM_STREAM_TOOL_CALL_FRAGMENT) continue;
      const type = name.replace('llm_stream.', '').replaceAll('.', '_');
      expect(meaning, constant).toMatch(/\.$/);
      expect(facts['present'], constant).toBe(`at most ${caps.get(type)}`);
      expect(facts['source'], constant).toMatch(/^(stable|ours)$/);
    }
  });

  test('puts what no convention names under one prefix, and nothing else', () => {
    for (const { name, facts } of describedNames()) {
      expect(name.startsWith('llm_stream.'), name).toBe(facts['source'] === 'ours');
    }
  });

  test('says the unit of a duration in its name: ours are whole milliseconds', () => {
    for (const { name, facts } of describedNames()) {
      expect(name.endsWith('_ms'), name).toBe(facts['unit'] === 'ms');
      if (facts['unit'] === 'ms') expect(facts['type']).toBe('int');
    }
  });

  test('has no attribute whose name is the namespace of another', () => {
    for (const [, name] of attributes) {
      expect(attributes.filter(([, other]) => other.startsWith(`${name}.`))).toEqual([]);
    }
  });
});

describe('docs/attributes.md', () => {
  test('says of every name what semconv.ts says', async () => {
    await expect(renderAttributes()).toMatchFileSnapshot('../../docs/attributes.md');
  });
});

const EXAMPLES: Readonly<Record<string, RegExp>> = {
  string: /^`[^[\]]+`$/,
  'string[]': /^`\[".+"\]`$/,
  int: /^`\d+`$/,
  double: /^`\d+\.\d+`$/,
  boolean: /^`(true|false)`$/,
};
