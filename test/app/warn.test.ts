/** What an application is told of its own misuse, and how often. */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { warn } from '../../src/app/warn.js';
import { withCallContext } from '../../src/index.js';
import { processState } from '../../src/process-state.js';

let lines: string[];
beforeEach(() => {
  lines = [];
  processState().warned.clear();
  const keep = (line: string) => void lines.push(line);
  diag.setLogger({ error: keep, warn: keep, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
});
afterEach(() => diag.disable());

test('a line is written once, however often the mistake is made, and with whatever numbers', () => {
  for (let request = 0; request < 5; request += 1) {
    withCallContext({ requestId: (request + 42) as unknown as string, retryAttempt: -1 }, () => {});
  }
  expect(lines).toEqual([
    'opentelemetry-instrumentation-llm-stream: `requestId` of a call context must be a string that is not empty, got 42; it is left out',
    'opentelemetry-instrumentation-llm-stream: `retryAttempt` of a call context must be a whole number, 0 or more, got -1; it is left out',
  ]);
});

test('of lines that differ, the first 64 are written and kept', () => {
  for (let request = 0; request < 1000; request += 1) warn(`got ${'x'.repeat(request)}`);
  expect(lines).toHaveLength(64);
  expect(lines[0]).toBe('opentelemetry-instrumentation-llm-stream: got ');
  expect(processState().warned.size).toBe(64);
});
