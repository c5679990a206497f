/** What Prometheus counts, where it is easily wrong: the first call of a kind, and services that share a name. */
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { ATTR_GEN_AI_PROVIDER_NAME, ATTR_LLM_STREAM_OUTCOME } from '../../src/telemetry/semconv.js';
import { startSender } from './sender.js';
import { startApplication } from './spans.js';
import { type Stack, startStack } from './stack.js';

const POLL = { timeout: 60_000, interval: 500 };

let stack: Stack;
beforeEach(async () => {
  stack = await startStack(inject('programs'));
});
afterEach(() => stack?.stop());

async function value(expression: string): Promise<number> {
  const [sample] = await stack.prometheus.query(expression);
  return sample?.value ?? 0;
}

// With the flags of the compose file; without `created-timestamp-zero-ingestion` both are 0 for ever.
test.each(['llm_stream_stream_outcomes_total', 'llm_stream_calls_total'])(
  'the first failure of a process is an increase of 1 in %s',
  async (counter) => {
    const sender = await startSender(stack.otlpUrl);
    try {
      await sender.call('good');
      await sender.flush();
      await expect.poll(() => value(`sum(${counter}{llm_stream_outcome="completed"})`), POLL).toBe(1);
      await sender.call('cut');
      await sender.flush();
      const failed = `${counter}{llm_stream_outcome="failed"}`;
      await expect.poll(() => value(`sum(increase(${failed}[1m]))`), POLL).toBeGreaterThanOrEqual(1);
      expect(await value(`sum(${failed})`)).toBe(1);
    } finally {
      await sender.close();
    }
  },
);

test('two services of one name are two jobs, by their namespaces', async () => {
  for (const [namespace, calls] of [
    ['shop', 4],
    ['billing', 8],
  ] as const) {
    const application = startApplication(stack.otlpUrl, { 'service.name': 'api', 'service.namespace': namespace });
    for (let call = 0; call < calls; call += 1) {
      application.call({ [ATTR_GEN_AI_PROVIDER_NAME]: 'openai', [ATTR_LLM_STREAM_OUTCOME]: 'completed' });
    }
    await application.close();
  }
  const byJob = async (): Promise<Readonly<Record<string, number>>> => {
    const samples = await stack.prometheus.query('sum by (job) (llm_stream_calls_total)');
    return Object.fromEntries(samples.map(({ labels, value: calls }) => [labels['job'], calls]));
  };
  await expect.poll(byJob, POLL).toEqual({ 'shop/api': 4, 'billing/api': 8 });
});
