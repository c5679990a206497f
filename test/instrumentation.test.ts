import { readFileSync } from 'node:fs';
import { context, DiagLogLevel, diag, metrics, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { suppressTracing } from '@opentelemetry/core';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { NodeSDK } from '@opentelemetry/sdk-node';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { LlmStreamInstrumentation, outcomeOf } from '../src/index.js';
import { type FaultyProvider, startFaultyProvider } from '../src/testing/index.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../src/version.js';

let provider: FaultyProvider;
let exporter: InMemorySpanExporter;
let tracerProvider: BasicTracerProvider;
const native = globalThis.fetch;

beforeAll(async () => {
  provider = await startFaultyProvider();
});
afterAll(() => provider.close());
beforeEach(() => {
  exporter = new InMemorySpanExporter();
  tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
});
afterEach(() => {
  expect(globalThis.fetch).toBe(native);
  trace.disable();
  context.disable();
  metrics.disable();
  logs.disable();
  diag.disable();
});

function ask(url = `${provider.url}/v1/chat/completions`, more: RequestInit = {}): Promise<string> {
  const body = JSON.stringify({ model: 'default', stream: true, messages: [] });
  return fetch(url, { method: 'POST', body, ...more }).then((response) => response.text());
}

function register(...instrumentations: LlmStreamInstrumentation[]): () => void {
  return registerInstrumentations({ instrumentations, tracerProvider });
}

describe('registration', () => {
  test('name and version are those of the package', () => {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    expect({ name: PACKAGE_NAME, version: PACKAGE_VERSION }).toEqual({
      name: manifest.name,
      version: manifest.version,
    });
  });

  test('the span has our scope, its name, its kind', async () => {
    const unregister = register(new LlmStreamInstrumentation());
    await ask();
    unregister();
    const [span] = exporter.getFinishedSpans();
    expect(span).toMatchObject({
      name: 'chat default',
      kind: SpanKind.CLIENT,
      instrumentationScope: { name: PACKAGE_NAME, version: PACKAGE_VERSION },
    });
  });

  test('NodeSDK registers it', async () => {
    const instrumentation = new LlmStreamInstrumentation();
    const sdk = new NodeSDK({
      spanProcessors: [new SimpleSpanProcessor(exporter)],
      instrumentations: [instrumentation],
      autoDetectResources: false,
    });
    sdk.start();
    const instrumented = globalThis.fetch;
    await ask();
    expect(instrumented).not.toBe(native);
    expect(exporter.getFinishedSpans()).toHaveLength(1);
    await sdk.shutdown();
    // NodeSDK leaves its instrumentations enabled.
    instrumentation.disable();
  });

  test('two instances give one span', async () => {
    const first = new LlmStreamInstrumentation();
    const second = new LlmStreamInstrumentation();
    const unregister = register(first, second);
    await ask();
    expect(exporter.getFinishedSpans()).toHaveLength(1);
    unregister();
  });

  test('a second instance takes over when it is enabled after the first was disabled', async () => {
    const first = new LlmStreamInstrumentation();
    const second = new LlmStreamInstrumentation();
    const unregister = register(first, second);
    first.disable();
    second.enable();
    await ask();
    expect(exporter.getFinishedSpans()).toHaveLength(1);
    unregister();
  });

  test('disable puts fetch back, enable patches again', async () => {
    const instrumentation = new LlmStreamInstrumentation();
    const unregister = register(instrumentation);
    instrumentation.disable();
    expect(globalThis.fetch).toBe(native);
    await ask();
    expect(exporter.getFinishedSpans()).toHaveLength(0);
    instrumentation.enable();
    instrumentation.enable();
    await ask();
    expect(exporter.getFinishedSpans()).toHaveLength(1);
    unregister();
  });

  test('enable patches again what somebody undid', async () => {
    const instrumentation = new LlmStreamInstrumentation();
    const unregister = register(instrumentation);
    globalThis.fetch = native;
    instrumentation.enable();
    await ask();
    expect(exporter.getFinishedSpans()).toHaveLength(1);
    unregister();
  });

  test('`enabled: false` patches nothing until enabled', () => {
    const instrumentation = new LlmStreamInstrumentation({ enabled: false });
    expect(globalThis.fetch).toBe(native);
    instrumentation.enable();
    expect(globalThis.fetch).not.toBe(native);
    instrumentation.disable();
  });

  test('a call under way when it is disabled is recorded to its end', async () => {
    provider.define('held', {
      reply: { type: 'payloads', payloads: [{ choices: [] }], done: true },
      hold: { after: 'headers', until: 'released', gate: 'held' },
    });
    const unregister = register(new LlmStreamInstrumentation());
    const body = JSON.stringify({ model: 'held', stream: true, messages: [] });
    const response = await fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body });
    unregister();
    provider.gate('held').open();
    await response.text();
    expect(exporter.getFinishedSpans()[0]?.attributes['llm_stream.outcome']).toBe('completed');
  });

  test('options can change between calls', async () => {
    const instrumentation = new LlmStreamInstrumentation();
    const unregister = register(instrumentation);
    instrumentation.setConfig({ endpoints: ['/v1/elsewhere'] });
    await ask(`${provider.url}/v1/elsewhere`);
    instrumentation.setConfig({});
    await ask(`${provider.url}/v1/elsewhere`);
    expect(exporter.getFinishedSpans()).toHaveLength(1);
    unregister();
  });

  test('fetch restored by somebody else costs one line', async () => {
    const unregister = register(new LlmStreamInstrumentation());
    const lines: string[] = [];
    diag.setLogger(
      { error() {}, warn: (line) => void lines.push(line), info() {}, debug() {}, verbose() {} },
      DiagLogLevel.WARN,
    );
    const ours = globalThis.fetch;
    globalThis.fetch = native;
    await ask();
    await ask();
    globalThis.fetch = ours;
    unregister();
    diag.disable();
    expect(lines).toEqual([
      'opentelemetry-instrumentation-llm-stream: an LLM request reached the network without passing the patched `fetch`; it and others like it are not traced (said once). Was `globalThis.fetch` replaced, or does a client hold its own `fetch`?',
    ]);
  });
});

describe('what is traced', () => {
  test('a request that is no LLM call has no span', async () => {
    const unregister = register(new LlmStreamInstrumentation());
    await ask(`${provider.url}/v1/embeddings`);
    await ask(undefined, { method: 'PUT' });
    expect(exporter.getFinishedSpans()).toHaveLength(0);
    unregister();
  });

  test('a call under suppressTracing has no span', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const unregister = register(new LlmStreamInstrumentation());
    await context.with(suppressTracing(ROOT_CONTEXT), () => ask());
    expect(exporter.getFinishedSpans()).toHaveLength(0);
    unregister();
  });

  test('a call that is sampled out has no span, and its outcome is known all the same', async () => {
    tracerProvider = new BasicTracerProvider({
      sampler: new AlwaysOffSampler(),
      spanProcessors: [new SimpleSpanProcessor(exporter)],
    });
    const unregister = register(new LlmStreamInstrumentation());
    const body = JSON.stringify({ model: 'default', stream: true, messages: [] });
    const response = await fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body });
    await response.text();
    expect(exporter.getFinishedSpans()).toHaveLength(0);
    expect(outcomeOf(response)?.outcome).toBe('completed');
    unregister();
  });

  test('the span is a child of the active one', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const unregister = register(new LlmStreamInstrumentation());
    const parent = tracerProvider.getTracer('app').startSpan('app');
    await context.with(trace.setSpan(ROOT_CONTEXT, parent), () => ask());
    const [span] = exporter.getFinishedSpans();
    expect(span?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
    unregister();
  });

  test('without a context of its own, a process never enters an AsyncLocalStorage because of us', async () => {
    const manager = new AsyncLocalStorageContextManager().enable();
    context.setGlobalContextManager(manager);
    const entered = vi.spyOn(manager, 'with');
    const ended: string[] = [];
    // Not SimpleSpanProcessor: it enters a context for each export.
    tracerProvider = new BasicTracerProvider({
      spanProcessors: [
        {
          onStart() {},
          onEnd: (span) => void ended.push(span.name),
          forceFlush: () => Promise.resolve(),
          shutdown: () => Promise.resolve(),
        },
      ],
    });
    const unregister = register(new LlmStreamInstrumentation());
    await ask();
    expect(ended).toEqual(['chat default']);
    expect(entered).not.toHaveBeenCalled();
    unregister();
  });
});
