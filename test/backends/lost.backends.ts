/** A backend that refuses: the collector loses spans, its own numbers say so, and an alert reads them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, inject, test } from 'vitest';
import { freePorts, local } from './ports.js';
import { type Running, start } from './program.js';
import { type Sender, startSender } from './sender.js';
import { type Stack, startStack } from './stack.js';

const programs = inject('programs');
const POLL = { timeout: 60_000, interval: 500 };

let stack: Stack;
let sender: Sender;
let refusing: Running | undefined;
afterEach(async () => {
  await sender?.close();
  await refusing?.stop();
  await stack?.stop();
});

test('spans that Jaeger refuses are counted by the collector, and LlmStreamTelemetryLost fires', async () => {
  stack = await startStack(programs);
  sender = await startSender(stack.otlpUrl);
  await stack.backends.killJaeger();
  refusing = await startRefusing(stack.backends.jaegerOtlp);
  // What is lost before the first scrape of its counter is in no rate: again until it is seen.
  await expect
    .poll(async () => {
      await sender.call('cut');
      const alerts = await stack.prometheus.alerts();
      return alerts.map(({ name, state, labels }) => [name, state, labels['job']]);
    }, POLL)
    .toContainEqual(['LlmStreamTelemetryLost', 'firing', 'otel-collector-self']);
  const [lost] = await stack.prometheus.query('otelcol_exporter_send_failed_spans_total{exporter="otlp_grpc/jaeger"}');
  expect(lost?.value).toBeGreaterThan(0);
});

/** In the place of Jaeger: it takes metrics, and knows nothing of traces. */
async function startRefusing(address: string): Promise<Running> {
  const { health } = await freePorts(['health']);
  const config = join(stack.folder, 'refusing.yaml');
  await writeFile(
    config,
    `extensions: {health_check: {endpoint: '${local(health)}'}}
receivers: {otlp: {protocols: {grpc: {endpoint: '${address}'}}}}
exporters: {debug: {}}
service:
  telemetry: {logs: {level: warn}, metrics: {level: none}}
  extensions: [health_check]
  pipelines: {metrics: {receivers: [otlp], exporters: [debug]}}
`,
  );
  const readyUrl = `http://${local(health)}/`;
  return await start({ path: programs.otelcol, args: ['--config', config], readyUrl });
}
