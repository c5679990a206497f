/** The two tiers of `examples/otel/gateway` for real: whole traces at one gateway, and a queue that outlives its process. */
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { type Fleet, startFleet } from './fleet.js';
import { askJaeger } from './jaeger.js';
import { SERVICE, type Sender, startSender } from './sender.js';
import { until } from './until.js';

const programs = inject('programs');
const REQUESTS = 40;
const LIMIT_MS = 60_000;
const POLL = { timeout: LIMIT_MS, interval: 500 };

let fleet: Fleet;
let sender: Sender;
beforeEach(async () => {
  fleet = await startFleet(programs);
  sender = await startSender(fleet.otlpUrl);
});
afterEach(async () => {
  await sender?.close();
  await fleet?.stop();
});

async function ofBoth(count: (gateway: Fleet['gateways'][number]) => Promise<number>): Promise<number> {
  const [one = 0, other = 0] = await Promise.all(fleet.gateways.map(count));
  return one + other;
}

test('each trace is decided as a whole by one of two gateways, and each call is counted once', async () => {
  // A span of the application, which says nothing to any policy, around a call that fails; they are sent apart.
  for (let request = 0; request < REQUESTS; request += 1) await sender.request('cut');
  await sender.flush();
  expect(sender.accepted.size).toBe(REQUESTS);
  expect(sender.acceptedSpans).toBe(2 * REQUESTS);

  const ACCEPTED = 'otelcol_receiver_accepted_spans_total';
  await expect.poll(() => ofBoth((gateway) => gateway.own(ACCEPTED)), POLL).toBe(2 * REQUESTS);
  for (const gateway of fleet.gateways) expect(await gateway.own(ACCEPTED)).toBeGreaterThan(0);
  await expect.poll(() => ofBoth((gateway) => gateway.collected('llm_stream_calls_total')), POLL).toBe(REQUESTS);

  const jaeger = askJaeger(fleet.jaegerUrl, SERVICE);
  await expect.poll(async () => (await jaeger.all()).length, POLL).toBe(2 * REQUESTS);
  const failed = await jaeger.byTags({ 'llm_stream.outcome': 'failed' });
  expect(new Set(failed.map(({ traceId }) => traceId))).toEqual(new Set(sender.accepted.keys()));
});

test('Prometheus has the own metrics of the application from the agent and its calls from both gateways, under its name', async () => {
  for (let request = 0; request < REQUESTS; request += 1) await sender.call('cut');
  await sender.flush();
  const byJob = async (metric: string): Promise<Readonly<Record<string, number>>> => {
    const samples = await fleet.prometheus.query(`sum by (job) (${metric})`);
    return Object.fromEntries(samples.map(({ labels, value }) => [labels['job'], value]));
  };
  await expect.poll(() => byJob('llm_stream_stream_outcomes_total'), POLL).toEqual({ [SERVICE]: REQUESTS });
  await expect.poll(() => byJob('llm_stream_calls_total'), POLL).toEqual({ [SERVICE]: REQUESTS });
  await expect
    .poll(() => byJob('up'), POLL)
    .toEqual({
      'otel-agent': 1,
      'otel-agent-self': 1,
      'otel-gateway': 2,
      'otel-gateway-self': 2,
    });
});

test('a gateway that does not answer is lost telemetry', async () => {
  const lost = async (): Promise<readonly (string | undefined)[]> => {
    const alerts = await fleet.prometheus.alerts();
    return alerts.filter(({ name }) => name === 'LlmStreamTelemetryLost').map(({ labels }) => labels['job']);
  };
  await expect.poll(() => fleet.prometheus.query('up == 1'), POLL).toHaveLength(6);
  expect(await lost()).toEqual([]);
  await fleet.gateways[1]?.kill();
  await expect.poll(async () => [...new Set(await lost())].sort(), POLL).toEqual(['otel-gateway', 'otel-gateway-self']);
});

test("the package's own metrics are at the agent", async () => {
  await sender.call('good');
  await sender.flush();
  await expect.poll(() => fleet.agent.collected('llm_stream_stream_outcomes_total'), POLL).toBe(1);
});

test('an agent killed while both gateways are away loses nothing that it said it took', async () => {
  await Promise.all(fleet.gateways.map((gateway) => gateway.kill()));
  for (let call = 0; call < REQUESTS; call += 1) await sender.call('cut');
  await sender.flush();
  expect(sender.accepted.size).toBe(REQUESTS);
  await fleet.agent.kill();
  for (const gateway of fleet.gateways) await gateway.start();
  await fleet.agent.start();
  const jaeger = askJaeger(fleet.jaegerUrl, SERVICE);
  await until('all that the agent took in Jaeger', LIMIT_MS, async () => {
    const found = new Set((await jaeger.byTags({ 'llm_stream.outcome': 'failed' })).map(({ traceId }) => traceId));
    const missing = [...sender.accepted.keys()].filter((id) => !found.has(id));
    if (missing.length > 0) throw new Error(`${missing.length} of ${REQUESTS} missing`);
    return true;
  });
});
