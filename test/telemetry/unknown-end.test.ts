/** A call whose end cannot be told, because something of ours failed: its span ends all the same, and invents nothing. */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { instrumentOpenAI } from '../../src/index.js';
import * as settling from '../../src/stream/settle.js';
import { chatText, httpError } from '../../src/testing/index.js';
import { type Harness, startHarness } from '../scenarios/harness.js';

let harness: Harness;
beforeAll(async () => {
  instrumentOpenAI(OpenAI);
  harness = await startHarness();
});
afterAll(() => harness.close());

test('a span has what was tried, and no count', async () => {
  const lines: string[] = [];
  const keep = (line: string) => void lines.push(line);
  diag.setLogger({ error: keep, warn: keep, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
  vi.spyOn(settling, 'settle').mockImplementation(() => {
    throw new TypeError('CANARY');
  });
  const refusal = { reply: httpError(503, {}, { 'retry-after-ms': '1' }) };
  const { baseURL } = harness.ask('broken', [refusal, { reply: chatText(['Hello']) }]);
  const client = new OpenAI({ apiKey: 'sk-any', baseURL });
  const stream = await client.chat.completions.create({ model: 'broken', stream: true, messages: [] });
  const texts: unknown[] = [];
  for await (const { choices } of stream) texts.push(choices[0]?.delta.content);
  expect(texts).toContain('Hello');
  const { attributes } = await harness.span('broken');
  vi.restoreAllMocks();
  diag.disable();
  const known = Object.entries(attributes).filter(([name]) => /^llm_stream\.(?!request|api_key|stream_dur)/.test(name));
  expect(Object.fromEntries(known)).toEqual({
    'llm_stream.outcome': 'failed',
    'llm_stream.failure_stage': 'unknown',
    'llm_stream.stage': 'before_headers',
    'llm_stream.termination_kind': 'unknown',
    'llm_stream.error_category': 'unknown',
    'llm_stream.attempt_count': 2,
    'llm_stream.usage_available': false,
    'llm_stream.usage_source': 'none',
    'llm_stream.observed_by': ['fetch', 'openai'],
    'llm_stream.span_events.suppressed_count': 0,
  });
  expect(lines).toEqual([
    'opentelemetry-instrumentation-llm-stream: TypeError in machine; the call goes on, its telemetry may be incomplete (said once)',
  ]);
});
