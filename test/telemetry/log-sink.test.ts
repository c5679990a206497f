import { type Attributes, context, DiagLogLevel, diag, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { suppressTracing } from '@opentelemetry/core';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  LlmStreamInstrumentation,
  type LlmStreamInstrumentationConfig,
  recordFailure,
  withCallContext,
} from '../../src/index.js';
import { chatText, chatToolCalls, type FaultyProvider, startFaultyProvider } from '../../src/testing/index.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../src/version.js';
import { ROADS } from './metering.js';

let provider: FaultyProvider;
let unregister: (() => void) | undefined;
beforeAll(async () => {
  provider = await startFaultyProvider();
});
afterAll(() => provider.close());
afterEach(() => {
  unregister?.();
  unregister = undefined;
  logs.disable();
  context.disable();
  diag.disable();
  vi.unstubAllEnvs();
});

interface Setup {
  readonly sampler?: Sampler;
  /** How the application says where log records go. @defaultValue given */
  readonly by?: 'given' | 'global' | 'nobody';
}

function log(config: LlmStreamInstrumentationConfig, { sampler, by = 'given' }: Setup = {}) {
  const exporter = new InMemoryLogRecordExporter();
  const loggerProvider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
  const spanExporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(spanExporter)],
    ...(sampler && { sampler }),
  });
  unregister = registerInstrumentations({
    instrumentations: [new LlmStreamInstrumentation(config)],
    tracerProvider,
    ...(by === 'given' && { loggerProvider }),
  });
  if (by === 'global') logs.setGlobalLoggerProvider(loggerProvider);
  return {
    get records() {
      return exporter.getFinishedLogRecords();
    },
    get names() {
      return exporter.getFinishedLogRecords().map(({ eventName }) => eventName);
    },
    get span() {
      const [span, ...others] = spanExporter.getFinishedSpans();
      if (span === undefined || others.length > 0) throw new Error('expected one span');
      return span;
    },
    get spans() {
      return spanExporter.getFinishedSpans();
    },
  };
}

const MODEL = 'gpt-test';
const WHOLE = { reply: chatText(['one', 'two'], { usageWhen: 'always' }) } as const;
const CUT = { reply: chatText(['one', 'two']), faults: [{ type: 'close', afterChunks: 2 }] } as const;
const TIMELINE = [
  'llm_stream.attempt',
  'llm_stream.response_headers',
  'llm_stream.first_chunk',
  'llm_stream.first_token',
];

/** What of a span a record of its call cannot know: what the SDK or the budget of span events did. */
function told({ 'llm_stream.span_events.suppressed_count': _, ...attributes }: Attributes): Attributes {
  return attributes;
}

describe('the record of a call', () => {
  test.each(['fetch', 'openai'] as const)('says what its span says, by %s', async (road) => {
    const logged = log({ logRecord: true });
    await withCallContext({ feature: 'summary', requestId: 'r-1', attributes: { tenant: 'acme' } }, () =>
      ROADS[road](provider, MODEL, { scenario: WHOLE }),
    );
    const [record, ...others] = logged.records;
    expect(others).toEqual([]);
    expect(record).toMatchObject({
      eventName: 'llm_stream.call',
      severityNumber: 9,
      severityText: 'INFO',
      body: undefined,
      instrumentationScope: { name: PACKAGE_NAME, version: PACKAGE_VERSION },
      spanContext: { spanId: logged.span.spanContext().spanId },
    });
    expect(record?.attributes).toEqual(told(logged.span.attributes));
    expect(record?.attributes).toMatchObject({
      'llm_stream.outcome': 'completed',
      'llm_stream.chunk_count': 5,
      'gen_ai.usage.input_tokens': 10,
      'llm_stream.feature': 'summary',
      tenant: 'acme',
    });
    expect(record?.hrTime).toEqual(logged.span.endTime);
    // The timeline stays where it was.
    expect(logged.span.events.map(({ name }) => name)).toContain('llm_stream.first_token');
  });

  test('is an error where the call failed', async () => {
    const logged = log({ logRecord: true });
    await ROADS.fetch(provider, MODEL, { scenario: CUT });
    expect(logged.records[0]).toMatchObject({
      eventName: 'llm_stream.call',
      severityNumber: 17,
      severityText: 'ERROR',
    });
    expect(logged.records[0]?.attributes).toMatchObject({ 'llm_stream.failure_stage': 'after_first_token' });
  });

  test('is made while its span still records', async () => {
    const recording: unknown[] = [];
    const processor = { onEmit() {}, forceFlush: () => Promise.resolve(), shutdown: () => Promise.resolve() };
    const loggerProvider = new LoggerProvider({
      processors: [
        {
          ...processor,
          onEmit: (_record, within) => void recording.push(trace.getSpan(within ?? ROOT_CONTEXT)?.isRecording()),
        },
      ],
    });
    const instrumentations = [new LlmStreamInstrumentation({ logRecord: true, signal: 'both' })];
    const tracerProvider = new BasicTracerProvider();
    unregister = registerInstrumentations({ instrumentations, tracerProvider, loggerProvider });
    await ROADS.fetch(provider, MODEL, { scenario: WHOLE });
    expect(recording.length).toBeGreaterThan(5);
    expect(new Set(recording)).toEqual(new Set([true]));
  });

  test('is there for a call that is not sampled, whose timeline is not', async () => {
    const logged = log({ logRecord: true, signal: 'logs' }, { sampler: new AlwaysOffSampler() });
    await ROADS.fetch(provider, MODEL, { scenario: CUT });
    expect(logged.names).toEqual(['llm_stream.call']);
  });

  test('is there for a call that failed before any request', () => {
    const logged = log({ logRecord: true });
    recordFailure(new RangeError('CANARY'), { operation: 'chat' });
    expect(logged.records[0]).toMatchObject({ eventName: 'llm_stream.call', severityNumber: 17 });
    expect(JSON.stringify(logged.records[0]?.attributes)).not.toContain('CANARY');
  });

  test('is not there under suppressTracing', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const logged = log({ logRecord: true, signal: 'both' });
    await context.with(suppressTracing(ROOT_CONTEXT), () => ROADS.fetch(provider, MODEL, { scenario: WHOLE }));
    expect(logged.names).toEqual([]);
  });

  test('is not there unless it is asked for', async () => {
    const logged = log({});
    await ROADS.fetch(provider, MODEL, { scenario: CUT });
    expect(logged.names).toEqual([]);
    expect(logged.span.events.map(({ name }) => name)).toContain('exception');
  });
});

describe('the timeline', () => {
  test('is log records instead of span events with `logs`', async () => {
    const logged = log({ signal: 'logs' });
    await ROADS.fetch(provider, MODEL, { scenario: CUT });
    expect(logged.names).toEqual([...TIMELINE, 'gen_ai.client.operation.exception']);
    expect(logged.span.events).toEqual([]);
    expect(logged.span.attributes['llm_stream.span_events.suppressed_count']).toBe(0);
  });

  test('is both with `both`, with the same attributes at the same times', async () => {
    const logged = log({ signal: 'both' });
    await ROADS.fetch(provider, MODEL, { scenario: CUT });
    const events = logged.span.events.map(({ name, attributes, time }) => ({ name, attributes, time }));
    const records = logged.records.map(({ eventName, attributes, hrTime, spanContext }) => {
      expect(spanContext?.spanId).toBe(logged.span.spanContext().spanId);
      return { name: eventName, attributes, time: hrTime };
    });
    expect(events.map(({ name }) => name)).toEqual([...TIMELINE, 'exception']);
    expect(records).toEqual(
      events.map((event) =>
        event.name === 'exception' ? { ...event, name: 'gen_ai.client.operation.exception' } : event,
      ),
    );
  });

  test('has no cap as log records: every fragment of a tool call is there', async () => {
    const logged = log({ signal: 'both', spanEventLimit: 0 });
    const fragments = ['{"a":"', ...Array.from({ length: 298 }, () => 'x'), '"}'];
    await ROADS.fetch(provider, MODEL, { scenario: { reply: chatToolCalls([{ name: 'note', fragments }]) } });
    const all = logged.records.filter(({ eventName }) => eventName === 'llm_stream.tool_call.fragment');
    expect(all.map(({ attributes }) => attributes['llm_stream.tool_call.fragment_index'])).toEqual(
      Array.from({ length: 300 }, (_, index) => index),
    );
    expect(all[0]).toMatchObject({ severityNumber: 5 });
    expect(logged.span.events).toEqual([]);
    expect(JSON.stringify(logged.records.map(({ attributes }) => attributes))).not.toContain('xx');
  });

  test('has no tool names where the option drops them', async () => {
    const logged = log({ signal: 'logs', logRecord: true, toolNames: false });
    await ROADS.fetch(provider, MODEL, { scenario: { reply: chatToolCalls([{ name: 'note', fragments: ['{}'] }]) } });
    expect(logged.names).toContain('llm_stream.tool_call.started');
    expect(JSON.stringify(logged.records.map(({ attributes }) => attributes))).not.toContain('note');
  });

  test('needs no tracer', async () => {
    const exporter = new InMemoryLogRecordExporter();
    const loggerProvider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
    const instrumentations = [new LlmStreamInstrumentation({ signal: 'logs' })];
    unregister = registerInstrumentations({ instrumentations, loggerProvider });
    await ROADS.fetch(provider, MODEL, { scenario: CUT });
    const records = exporter.getFinishedLogRecords();
    expect(records.map(({ eventName }) => eventName)).toEqual([...TIMELINE, 'gen_ai.client.operation.exception']);
    expect(records[0]?.spanContext).toBeUndefined();
  });
});

describe('`OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN`', () => {
  const EXCEPTION = 'gen_ai.client.operation.exception';

  test.each([
    { value: 'logs', onSpan: false, logged: [EXCEPTION] },
    { value: 'logs/dup', onSpan: true, logged: [EXCEPTION] },
    { value: ' other , logs ', onSpan: false, logged: [EXCEPTION] },
    { value: 'logs,logs/dup', onSpan: true, logged: [EXCEPTION] },
    { value: '', onSpan: true, logged: [] },
    { value: 'spans', onSpan: true, logged: [] },
  ])('of "$value" has the error on the span: $onSpan, and in the logs: $logged', async ({ value, onSpan, ...rest }) => {
    vi.stubEnv('OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN', value);
    const logged = log({});
    await ROADS.fetch(provider, MODEL, { scenario: CUT });
    const events = logged.span.events.map(({ name }) => name);
    expect(events).toEqual([...TIMELINE, ...(onSpan ? ['exception'] : [])]);
    expect(logged.names).toEqual(rest.logged);
  });

  test('tells of the error its type, and nothing it says', async () => {
    vi.stubEnv('OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN', 'logs');
    const logged = log({});
    await ROADS.fetch(provider, MODEL, { scenario: CUT });
    const [record] = logged.records;
    expect(record).toMatchObject({ severityNumber: 13, severityText: 'WARN' });
    expect(record?.attributes).toEqual({
      'exception.type': 'TypeError',
      'llm_stream.elapsed_ms': expect.any(Number),
    });
  });
});

describe('where log records go', () => {
  test('is the global logger provider where none was given, however late it is registered', async () => {
    const logged = log({ logRecord: true }, { by: 'global' });
    await ROADS.fetch(provider, MODEL, { scenario: WHOLE });
    expect(logged.names).toEqual(['llm_stream.call']);
  });

  test('is the one of `@opentelemetry/api` 1.10, where that is the one that is registered', async () => {
    const exporter = new InMemoryLogRecordExporter();
    const loggerProvider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
    vi.doMock('@opentelemetry/api', async (importOriginal) => ({
      ...(await importOriginal<object>()),
      logs: { getLoggerProvider: () => loggerProvider },
    }));
    vi.resetModules();
    const { findLogger } = await import('../../src/providers.js');
    findLogger({ loggerProvider: logs.getLoggerProvider() })?.emit({ eventName: 'there' });
    expect(exporter.getFinishedLogRecords().map(({ eventName }) => eventName)).toEqual(['there']);
    vi.doUnmock('@opentelemetry/api');
    vi.resetModules();
  });

  test('is nowhere where none is registered: one line says so, and the spans are as ever', async () => {
    const lines: string[] = [];
    diag.setLogger(
      { error() {}, warn: (line) => void lines.push(line), info() {}, debug() {}, verbose() {} },
      DiagLogLevel.WARN,
    );
    const logged = log({ logRecord: true }, { by: 'nobody' });
    await ROADS.fetch(provider, MODEL, { scenario: WHOLE });
    await ROADS.fetch(provider, MODEL, { scenario: WHOLE });
    expect(logged.spans).toHaveLength(2);
    expect(lines).toEqual([
      'opentelemetry-instrumentation-llm-stream: log records are asked for (`logRecord`, `signal` or ' +
        '`OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN`), and no logger provider is registered; there are none until one is (said once)',
    ]);
  });

  test('may be a logger that is not enabled: nothing is made for it', async () => {
    const emit = vi.fn();
    const enabled = vi.fn(() => false);
    const loggerProvider = { getLogger: () => ({ emit, enabled }) };
    const instrumentations = [new LlmStreamInstrumentation({ logRecord: true, signal: 'logs' })];
    unregister = registerInstrumentations({ instrumentations, loggerProvider });
    await ROADS.fetch(provider, MODEL, { scenario: WHOLE });
    expect(enabled).toHaveBeenCalled();
    expect(emit).not.toHaveBeenCalled();
  });
});
