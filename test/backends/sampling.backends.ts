/** The tail sampling of `collector.yaml`: a call for each policy, good in all else, with the share of good ones at nothing. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Attributes } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import {
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_LLM_STREAM_ATTEMPT_COUNT,
  ATTR_LLM_STREAM_ERROR_CATEGORY,
  ATTR_LLM_STREAM_FALLBACK_ATTEMPT,
  ATTR_LLM_STREAM_OUTCOME,
  ATTR_LLM_STREAM_RETRY_ATTEMPT,
  ATTR_LLM_STREAM_STALL_COUNT,
  ATTR_LLM_STREAM_STREAM_DURATION_MS,
  ATTR_LLM_STREAM_TIME_TO_FIRST_TOKEN_MS,
  ATTR_LLM_STREAM_USAGE_AVAILABLE,
} from '../../src/telemetry/semconv.js';
import { askJaeger } from './jaeger.js';
import { settled } from './settled.js';
import { ROOT } from './shipped.js';
import { startApplication } from './spans.js';
import { type Stack, startStack } from './stack.js';

const SERVICE = 'backends-sampling';

/** Just good enough for every policy. */
const GOOD: Attributes = {
  [ATTR_GEN_AI_PROVIDER_NAME]: 'openai',
  [ATTR_LLM_STREAM_OUTCOME]: 'completed',
  [ATTR_LLM_STREAM_USAGE_AVAILABLE]: true,
  [ATTR_LLM_STREAM_STALL_COUNT]: 0,
  [ATTR_LLM_STREAM_TIME_TO_FIRST_TOKEN_MS]: 5_119,
  [ATTR_LLM_STREAM_STREAM_DURATION_MS]: 59_999,
  [ATTR_LLM_STREAM_ATTEMPT_COUNT]: 1,
  [ATTR_LLM_STREAM_RETRY_ATTEMPT]: 0,
  [ATTR_LLM_STREAM_FALLBACK_ATTEMPT]: 0,
};

interface Row {
  readonly policy: string;
  /** What is different about it. */
  readonly call: string;
  readonly attributes?: Attributes;
  readonly inFailedRequest?: true;
}

const KEPT: readonly Row[] = [
  { policy: 'not-completed', call: 'failed', attributes: { [ATTR_LLM_STREAM_OUTCOME]: 'failed' } },
  { policy: 'not-completed', call: 'was left', attributes: { [ATTR_LLM_STREAM_OUTCOME]: 'cancelled' } },
  { policy: 'findings', call: 'had no [DONE]', attributes: { [ATTR_LLM_STREAM_ERROR_CATEGORY]: 'missing_done_event' } },
  {
    policy: 'findings',
    call: 'had a broken chunk',
    attributes: { [ATTR_LLM_STREAM_ERROR_CATEGORY]: 'invalid_stream_chunk' },
  },
  {
    policy: 'findings',
    call: 'had cut arguments',
    attributes: { [ATTR_LLM_STREAM_ERROR_CATEGORY]: 'incomplete_tool_arguments' },
  },
  { policy: 'usage-missing', call: 'has no usage', attributes: { [ATTR_LLM_STREAM_USAGE_AVAILABLE]: false } },
  { policy: 'stalled', call: 'stalled once', attributes: { [ATTR_LLM_STREAM_STALL_COUNT]: 1 } },
  {
    policy: 'slow-first-token',
    call: 'had its first token after 5.12 s',
    attributes: { [ATTR_LLM_STREAM_TIME_TO_FIRST_TOKEN_MS]: 5_120 },
  },
  { policy: 'slow-stream', call: 'took a minute', attributes: { [ATTR_LLM_STREAM_STREAM_DURATION_MS]: 60_000 } },
  { policy: 'sdk-retried', call: 'took two attempts', attributes: { [ATTR_LLM_STREAM_ATTEMPT_COUNT]: 2 } },
  { policy: 'application-retried', call: 'is the first retry', attributes: { [ATTR_LLM_STREAM_RETRY_ATTEMPT]: 1 } },
  { policy: 'fell-back', call: 'is the first fallback', attributes: { [ATTR_LLM_STREAM_FALLBACK_ATTEMPT]: 1 } },
  { policy: 'errors', call: 'is in a request that failed', inFailedRequest: true },
];

const ids = new Map<Row, string>();
let stack: Stack;
let goodId: string;
let found: ReadonlySet<string>;

beforeAll(async () => {
  stack = await startStack(inject('programs'), { prometheus: false, goodShare: 0 });
  const application = startApplication(stack.otlpUrl, { 'service.name': SERVICE });
  goodId = application.call(GOOD);
  for (const row of KEPT) ids.set(row, application.call({ ...GOOD, ...row.attributes }, row.inFailedRequest));
  await application.close();
  const jaeger = askJaeger(stack.backends.jaegerUrl, SERVICE);
  // One for each call, and the request that failed around one.
  await settled(stack, KEPT.length + 2, jaeger.all);
  found = new Set((await jaeger.all()).map(({ traceId }) => traceId));
});
afterAll(() => stack?.stop());

test.each(KEPT.map((row) => [row.policy, row.call, row] as const))('%s keeps a call that %s', (_policy, _call, row) => {
  expect(found).toContain(ids.get(row));
});

test('a good call is not kept', () => {
  expect(found).not.toContain(goodId);
  expect(found.size).toBe(13);
});

test('the calls are for every policy that there is, the share of the good ones aside', async () => {
  // A file of ours, whose policies a test of its own looks at.
  const { processors } = parse(await readFile(join(ROOT, 'examples/otel/collector.yaml'), 'utf8')) as {
    processors: { tail_sampling: { policies: { name: string }[] } };
  };
  const policies = processors.tail_sampling.policies.map(({ name }) => name);
  expect([...new Set(KEPT.map(({ policy }) => policy)), 'good-sample']).toEqual(policies);
});
