/** NodeSDK registers all three signals itself: its meter and logger providers are the global ones, by whichever API. */
import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { InMemoryLogRecordExporter, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, expect, test } from 'vitest';
import { LlmStreamInstrumentation } from '../../src/index.js';
import { chatText, startFaultyProvider } from '../../src/testing/index.js';
import { ROADS } from './metering.js';

afterEach(() => {
  trace.disable();
  context.disable();
  propagation.disable();
  metrics.disable();
  logs.disable();
});

test('a call under way when NodeSDK shuts down is in all three signals', async () => {
  const provider = await startFaultyProvider();
  const instrumentation = new LlmStreamInstrumentation({ logRecord: true });
  const spanExporter = new InMemorySpanExporter();
  const logExporter = new InMemoryLogRecordExporter();
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  // Shut down, the exporters forget: what came is kept here.
  const logged: (string | undefined)[] = [];
  const metered = new Map<string, readonly unknown[]>();
  const log = logExporter.export.bind(logExporter);
  logExporter.export = (records, done) => {
    logged.push(...records.map(({ eventName }) => eventName));
    log(records, done);
  };
  const meter = metricExporter.export.bind(metricExporter);
  metricExporter.export = (resource, done) => {
    for (const { metrics: all } of resource.scopeMetrics) {
      for (const { descriptor, dataPoints } of all)
        metered.set(
          descriptor.name,
          dataPoints.map(({ value }) => value),
        );
    }
    meter(resource, done);
  };
  const sdk = new NodeSDK({
    instrumentations: [instrumentation],
    spanProcessors: [new SimpleSpanProcessor(spanExporter)],
    logRecordProcessors: [new SimpleLogRecordProcessor({ exporter: logExporter })],
    metricReaders: [new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 60_000 })],
    autoDetectResources: false,
  });
  sdk.start();
  await ROADS.openai(provider, 'whole', { scenario: { reply: chatText(['one']) } });
  expect(logged).toEqual(['llm_stream.call']);
  provider.define('open', { reply: chatText(['one']), faults: [{ type: 'hang', afterChunks: 1 }] });
  const left = new AbortController();
  const body = JSON.stringify({ model: 'open', stream: true, messages: [] });
  await fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body, signal: left.signal });
  await sdk.shutdown();
  expect(logged).toEqual(['llm_stream.call', 'llm_stream.call']);
  expect(metered.get('llm_stream.stream.outcomes')).toEqual([1, 1]);
  expect([...metered.keys()]).toContain('gen_ai.client.operation.duration');
  left.abort();
  // NodeSDK leaves its instrumentations enabled.
  instrumentation.disable();
  await provider.close();
});
