/** What the application's own OTLP exporter sends while a callback runs is no LLM call: its failure is told all the same. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { LlmStreamInstrumentation, withCallContext } from '../../src/index.js';

/** Spans in the collector, by name, in the order in which they came. */
const collected: string[] = [];
const memory = new InMemorySpanExporter();
let collector: http.Server;
let sdk: NodeSDK;

beforeAll(async () => {
  collector = http.createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    collected.push(
      ...[...body.matchAll(/"name":"(prompt by \w+|request of the application)"/g)].flatMap((m) => m[1] ?? []),
    );
    response.setHeader('content-type', 'application/json').end('{}');
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`;
  sdk = new NodeSDK({
    autoDetectResources: false,
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [new LlmStreamInstrumentation()],
    spanProcessors: [
      only('simple', new SimpleSpanProcessor(new OTLPTraceExporter({ url }))),
      only('batch', new BatchSpanProcessor(new OTLPTraceExporter({ url }), { scheduledDelayMillis: 20 })),
      new SimpleSpanProcessor(memory),
    ],
  });
  sdk.start();
});
afterAll(async () => {
  await sdk.shutdown();
  collector.closeAllConnections();
  collector.close();
});
beforeEach(() => memory.reset());

/** A processor that is given the spans of one way of sending alone. */
function only(way: string, processor: SimpleSpanProcessor | BatchSpanProcessor) {
  return {
    onStart() {},
    onEnd(span: Parameters<typeof processor.onEnd>[0]) {
      if (span.name.endsWith(way)) processor.onEnd(span);
    },
    forceFlush: () => processor.forceFlush(),
    shutdown: () => processor.shutdown(),
  };
}

class PromptError extends Error {}

test.each(['simple', 'batch'])('a %s processor', async (way) => {
  const failing = withCallContext({ feature: 'chat' }, async () => {
    trace.getTracer('application').startActiveSpan(`prompt by ${way}`, (span) => span.end());
    await vi.waitFor(() => expect(collected).toContain(`prompt by ${way}`), { timeout: 10_000, interval: 5 });
    throw new PromptError();
  });
  await expect(failing).rejects.toBeInstanceOf(PromptError);
  expect(
    memory.getFinishedSpans().map(({ name, attributes }) => [name, attributes['llm_stream.failure_stage']]),
  ).toEqual([
    [`prompt by ${way}`, undefined],
    ['llm_stream.call', 'before_request'],
  ]);
});
