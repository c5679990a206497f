import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { suppressTracing } from '@opentelemetry/core';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CallDescription, Surroundings } from '../../src/stream/call-description.js';
import type { Milestone } from '../../src/stream/milestone.js';
import type { CallOutcome } from '../../src/stream/outcome.js';
import * as semconv from '../../src/telemetry/semconv.js';
import type { SpanSinkOptions } from '../../src/telemetry/span-attributes.js';
import { openSpan } from '../../src/telemetry/span-sink.js';
import { attributesOf } from './render-attributes.js';
import {
  bareCall,
  cancelled,
  completed,
  everyMilestone,
  everythingKnown,
  everythingSaid,
  failed,
  failedBefore,
  fragments,
  fullCall,
  START_EPOCH_MS,
} from './samples.js';

const OPTIONS: SpanSinkOptions = { spanEventLimit: 128, toolNames: true, stallThresholdMs: 10_000 };

const STANDARD_AT_START: Attributes = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-5.1',
  'server.address': 'example.openai.azure.com',
  'server.port': 443,
  'gen_ai.request.stream': true,
  'gen_ai.request.max_tokens': 1024,
  'gen_ai.request.temperature': 0.2,
  'gen_ai.request.top_p': 0.9,
  'gen_ai.request.top_k': 40,
  'gen_ai.request.seed': 7,
  'gen_ai.request.choice.count': 3,
  'gen_ai.request.frequency_penalty': 0.1,
  'gen_ai.request.presence_penalty': 0.3,
  'gen_ai.request.stop_sequences': ['END', 'STOP'],
  'gen_ai.request.reasoning.level': 'high',
  'gen_ai.output.type': 'json',
  'openai.api.type': 'chat_completions',
  'openai.request.service_tier': 'flex',
  'azure.resource_provider.namespace': 'Microsoft.CognitiveServices',
  'llm_stream.request.body_size': 2048,
  'llm_stream.request.message_count': 5,
  'llm_stream.request.tool_count': 4,
  'llm_stream.api_key_present': true,
};

const SAID_AT_START: Attributes = {
  'llm_stream.request_id': 'req-7f3a',
  'llm_stream.feature': 'summary',
  'llm_stream.route': '/chat/:id',
  'llm_stream.config_version': '2026-11-02',
  'llm_stream.retry_attempt': 2,
  'llm_stream.fallback_attempt': 1,
};

const OWN_AT_START: Attributes = {
  'app.tenant': 'acme',
  'app.flags': ['a', 'b'],
  'app.premium': true,
  'app.cohort': 7,
};

const AT_END: Attributes = {
  'llm_stream.persistence_status': 'ok',
  'llm_stream.processing_status': 'failed',
  'llm_stream.client_delivery_status': 'client_left',
  'llm_stream.tool_call.validated': false,
  'llm_stream.tool_call.execution_started': true,
  'llm_stream.tool_call.execution_completed': false,
  'llm_stream.budget.connect_ms': 3000,
  'llm_stream.budget.headers_ms': 30_000,
  'llm_stream.budget.first_token_ms': 60_000,
  'llm_stream.budget.idle_ms': 20_000,
  'llm_stream.budget.total_ms': 600_000,
  'llm_stream.observed_by': ['fetch', 'openai'],
  'llm_stream.retry_delay_ms': 1520,
  'gen_ai.response.id': 'chatcmpl-8f2a',
  'gen_ai.response.model': 'gpt-5.1-2025-11-13',
  'gen_ai.response.finish_reasons': ['stop', 'error'],
  'gen_ai.response.time_to_first_chunk': 0.412,
  'gen_ai.usage.input_tokens': 128,
  'gen_ai.usage.output_tokens': 512,
  'gen_ai.usage.cache_read.input_tokens': 64,
  'gen_ai.usage.reasoning.output_tokens': 256,
  'openai.response.service_tier': 'default',
  'openai.response.system_fingerprint': 'fp_44709d',
  'error.type': 'overloaded_error',
  'http.response.status_code': 200,
  'llm_stream.outcome': 'failed',
  'llm_stream.failure_stage': 'during_tool_call',
  'llm_stream.stage': 'during_tool_call',
  'llm_stream.termination_kind': 'error_payload',
  'llm_stream.completion': 'tool_calls',
  'llm_stream.error_category': 'overloaded',
  'llm_stream.retryable': true,
  'llm_stream.fault': 'provider',
  'llm_stream.timeout_kind': 'idle',
  'llm_stream.provider_error.type': 'server',
  'llm_stream.provider_error.code': 'overloaded_error',
  'llm_stream.provider_error.param': 'messages',
  'llm_stream.network_error_code': 'UND_ERR_BODY_TIMEOUT',
  'llm_stream.provider_request_id': 'req_7c1e',
  'llm_stream.provider_region': 'eastus',
  'llm_stream.retry_after_ms': 2000,
  'llm_stream.rate_limit.remaining_requests': 59,
  'llm_stream.rate_limit.remaining_tokens': 149_000,
  'llm_stream.upstream_cancelled': false,
  'llm_stream.usage_available': true,
  'llm_stream.usage_source': 'final',
  'llm_stream.estimated_input_tokens': 130,
  'llm_stream.estimated_output_tokens': 75,
  'llm_stream.done_event_received': false,
  'llm_stream.finish_reason_received': true,
  'llm_stream.chunk_count': 42,
  'llm_stream.output_chunk_count': 40,
  'llm_stream.invalid_chunk_count': 1,
  'llm_stream.bytes_received': 18_234,
  'llm_stream.keep_alive_count': 3,
  'llm_stream.output_characters': 1900,
  'llm_stream.reasoning_characters': 640,
  'llm_stream.attempt_count': 2,
  'llm_stream.time_to_headers_ms': 180,
  'llm_stream.time_to_first_token_ms': 412,
  'llm_stream.time_to_last_chunk_ms': 5210,
  'llm_stream.stream_duration_ms': 5231,
  'llm_stream.max_chunk_gap_ms': 820,
  'llm_stream.consumer_pause_ms': 13,
  'llm_stream.first_token_channel': 'reasoning',
  'llm_stream.stall_count': 6,
  'llm_stream.stall_threshold_ms': 10_000,
  'llm_stream.tool_call.count': 3,
  'llm_stream.tool_call.completed_count': 2,
  'llm_stream.tool_call.fragment_count': 80,
  'llm_stream.tool_call.argument_characters': 400,
  'llm_stream.tool_call.arguments_completed': false,
  'llm_stream.tool_call.names': ['get_weather', 'get_time', 'book'],
  'llm_stream.tool_call.incomplete_names': ['book'],
  'llm_stream.span_events.suppressed_count': 0,
};

const EVERY_SPAN_EVENT: readonly (readonly [name: string, attributes: Attributes])[] = [
  ['llm_stream.attempt', { 'llm_stream.elapsed_ms': 0, 'llm_stream.attempt_number': 1 }],
  ['llm_stream.response_headers', { 'llm_stream.elapsed_ms': 10, 'http.response.status_code': 200 }],
  ['llm_stream.first_chunk', { 'llm_stream.elapsed_ms': 20 }],
  ['llm_stream.first_token', { 'llm_stream.elapsed_ms': 30, 'llm_stream.first_token_channel': 'tool_call' }],
  [
    'llm_stream.tool_call.started',
    {
      'llm_stream.elapsed_ms': 40,
      'llm_stream.choice_index': 1,
      'llm_stream.tool_call.index': 2,
      'gen_ai.tool.name': 'get_weather',
      'gen_ai.tool.call.id': 'call_abc123',
    },
  ],
  [
    'llm_stream.tool_call.fragment',
    {
      'llm_stream.elapsed_ms': 50,
      'llm_stream.choice_index': 1,
      'llm_stream.tool_call.index': 2,
      'llm_stream.tool_call.fragment_index': 0,
      'llm_stream.tool_call.fragment_characters': 6,
    },
  ],
  [
    'llm_stream.tool_call.completed',
    { 'llm_stream.elapsed_ms': 60, 'llm_stream.choice_index': 1, 'llm_stream.tool_call.index': 2 },
  ],
  ['llm_stream.invalid_chunk', { 'llm_stream.elapsed_ms': 70 }],
  ['llm_stream.stall', { 'llm_stream.elapsed_ms': 80, 'llm_stream.chunk_gap_ms': 10_001 }],
  [
    'llm_stream.usage',
    {
      'llm_stream.elapsed_ms': 90,
      'gen_ai.usage.input_tokens': 128,
      'gen_ai.usage.output_tokens': 512,
      'gen_ai.usage.cache_read.input_tokens': 64,
      'gen_ai.usage.reasoning.output_tokens': 256,
    },
  ],
  [
    'llm_stream.finish',
    { 'llm_stream.elapsed_ms': 100, 'llm_stream.choice_index': 1, 'llm_stream.finish_reason': 'tool_calls' },
  ],
  ['llm_stream.done', { 'llm_stream.elapsed_ms': 110 }],
  ['llm_stream.cancelled', { 'llm_stream.elapsed_ms': 120 }],
  ['exception', { 'llm_stream.elapsed_ms': 130, 'exception.type': 'TypeError', 'exception.message': 'terminated' }],
];

describe('the span', () => {
  test('is named by operation and model, is a client span, and lasts from the start of the call to its end', () => {
    const span = record({ outcome: completed, endMs: 900.5 });
    expect(span.name).toBe('chat gpt-5.1');
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(epochMs(span.startTime)).toBe(START_EPOCH_MS);
    expect(epochMs(span.endTime)).toBe(START_EPOCH_MS + 900.5);
  });

  test('is named by the operation alone where the model is not known', () => {
    expect(record({ call: { ...bareCall, model: undefined } }).name).toBe('chat');
  });

  test('is named by us where no operation is known', () => {
    const call = { ...bareCall, operation: undefined, provider: undefined };
    expect(record({ call }).name).toBe('llm_stream.call');
    expect(record({ call }).attributes).not.toHaveProperty('gen_ai.operation.name');
  });

  test('links to the failed call that it is another try of, and to nothing else', () => {
    expect(record({ surroundings: { previous: failedBefore } }).links).toEqual([
      {
        context: {
          traceId: '0af7651916cd43dd8448eb211c80319c',
          spanId: 'b7ad6b7169203331',
          traceFlags: 1,
          isRemote: false,
        },
      },
    ]);
    expect(record().links).toEqual([]);
  });

  test('keeps ours where an application gives an attribute the same name', () => {
    const application = { attributes: { 'gen_ai.request.model': 'another', 'gen_ai.conversation.id': 'c-1' } };
    const { attributes } = record({ call: fullCall, surroundings: { application } });
    expect(attributes).toMatchObject({ 'gen_ai.request.model': 'gpt-5.1', 'gen_ai.conversation.id': 'c-1' });
  });

  test('shows a sampler all that is known of the request, and all that the application said', () => {
    const seen: Attributes[] = [];
    const sampler: Sampler = {
      shouldSample: (_parent, _traceId, _name, _kind, attributes) => {
        seen.push({ ...attributes });
        return { decision: SamplingDecision.RECORD_AND_SAMPLED };
      },
    };
    record({ call: fullCall, sampler, surroundings: { application: everythingSaid } });
    expect(seen).toEqual([{ ...STANDARD_AT_START, ...SAID_AT_START, ...OWN_AT_START }]);
  });

  test('has every attribute that an outcome can fill', () => {
    const span = record({ call: fullCall, outcome: everythingKnown, surroundings: { application: everythingSaid } });
    expect(span.attributes).toEqual({ ...STANDARD_AT_START, ...SAID_AT_START, ...OWN_AT_START, ...AT_END });
    expect(span.droppedAttributesCount).toBe(0);
  });

  test('has a span event for every milestone, at its own time', () => {
    const span = record({ milestones: everyMilestone });
    expect(span.events.map((event) => [event.name, event.attributes])).toEqual(EVERY_SPAN_EVENT);
    expect(span.events.map((event) => Math.round(epochMs(event.time) - START_EPOCH_MS))).toEqual(
      everyMilestone.map((milestone) => Math.round(milestone.atMs)),
    );
  });

  test('writes what `semconv.ts` names: nothing else, and all of it', () => {
    const { attributes: _own, ...said } = everythingSaid;
    const surroundings = { application: said };
    const span = record({ call: fullCall, outcome: everythingKnown, milestones: everyMilestone, surroundings });
    const attributes = new Set(
      [span.attributes, ...span.events.map((event) => event.attributes ?? {})].flatMap(Object.keys),
    );
    expect([...attributes].sort()).toEqual(exported('ATTR_').filter((name) => !OF_METRICS.has(name)));
    expect(span.events.map((event) => event.name).sort()).toEqual(exported('EVENT_'));
  });

  test('has on each span event the attributes that the reference lists for it', () => {
    const span = record({ milestones: everyMilestone });
    for (const { name, attributes } of span.events) {
      expect(Object.keys(attributes ?? {}).sort(), name).toEqual(
        [...attributesOf(name), 'llm_stream.elapsed_ms'].sort(),
      );
    }
  });

  test('has nothing that is not known', () => {
    const span = record({ call: { ...bareCall, model: undefined, stream: undefined }, outcome: UNSEEN });
    expect(span.attributes).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'llm_stream.api_key_present': false,
      'llm_stream.observed_by': ['fetch'],
      'llm_stream.outcome': 'completed',
      'llm_stream.stage': 'done',
      'llm_stream.termination_kind': 'unknown',
      'llm_stream.usage_available': false,
      'llm_stream.usage_source': 'none',
      'llm_stream.attempt_count': 1,
      'llm_stream.stream_duration_ms': 900,
      'llm_stream.span_events.suppressed_count': 0,
    });
  });
});

describe('attributes', () => {
  test('of usage that was cut short are written, and `usage_available` is false', () => {
    const { attributes } = record({ outcome: { ...cancelled, usage: { inputTokens: 12 }, usageSource: 'partial' } });
    expect(attributes).toMatchObject({
      'gen_ai.usage.input_tokens': 12,
      'llm_stream.usage_available': false,
      'llm_stream.usage_source': 'partial',
    });
    expect(attributes).not.toHaveProperty('gen_ai.usage.output_tokens');
  });

  test('that hold the usual are left out: one choice, the tier `auto`', () => {
    const { attributes } = record({ call: { ...bareCall, parameters: { choiceCount: 1, serviceTier: 'auto' } } });
    expect(attributes).not.toHaveProperty('gen_ai.request.choice.count');
    expect(attributes).not.toHaveProperty('openai.request.service_tier');
  });

  test('of streaming are absent from a call that did not ask for a stream', () => {
    const { attributes } = record({
      call: { ...bareCall, stream: false },
      outcome: { ...completed, timeToFirstTokenMs: 400 },
    });
    expect(attributes).not.toHaveProperty('gen_ai.request.stream');
    expect(attributes).not.toHaveProperty('gen_ai.response.time_to_first_chunk');
    expect(attributes).not.toHaveProperty('llm_stream.stall_threshold_ms');
    expect(attributes).toHaveProperty('llm_stream.time_to_first_token_ms', 400);
  });

  test('say false and 0 where the body was visible', () => {
    expect(
      record({ outcome: { ...failed, finishReasonReceived: false, doneEventReceived: false } }).attributes,
    ).toMatchObject({
      'llm_stream.finish_reason_received': false,
      'llm_stream.done_event_received': false,
      'llm_stream.tool_call.count': 0,
      'llm_stream.stall_count': 0,
      'llm_stream.stall_threshold_ms': 10_000,
    });
  });

  test.each([undefined, true, false])('say that arguments completed: %s', (toolCallArgumentsCompleted) => {
    const { attributes } = record({ outcome: { ...completed, toolCallArgumentsCompleted } });
    expect(attributes['llm_stream.tool_call.arguments_completed']).toBe(toolCallArgumentsCompleted);
  });

  test('hold at most 16 tool names of at most 128 characters, no half character among them', () => {
    const toolCallNames = [`${'x'.repeat(127)}🌦`, 'y'.repeat(200), ...Array.from({ length: 30 }, () => 'z')];
    const names = record({ outcome: { ...completed, toolCallNames } }).attributes['llm_stream.tool_call.names'];
    expect(names).toEqual(['x'.repeat(127), 'y'.repeat(128), ...Array.from({ length: 14 }, () => 'z')]);
  });

  test('hold no tool name, neither on the span nor on its span events, where the option drops them', () => {
    const span = record({ outcome: everythingKnown, milestones: everyMilestone, options: { toolNames: false } });
    expect(JSON.stringify([span.attributes, span.events])).not.toMatch(/get_weather|get_time|book|call_abc123/);
    expect(span.attributes['llm_stream.tool_call.count']).toBe(3);
  });
});

describe('status', () => {
  test.each([
    { outcome: completed, status: SpanStatusCode.UNSET, errorType: undefined },
    { outcome: cancelled, status: SpanStatusCode.UNSET, errorType: undefined },
    { outcome: failed, status: SpanStatusCode.ERROR, errorType: 'ECONNRESET' },
    { outcome: { ...failed, errorType: undefined }, status: SpanStatusCode.ERROR, errorType: '_OTHER' },
    { outcome: { ...cancelled, errorType: 'AbortError' }, status: SpanStatusCode.UNSET, errorType: undefined },
  ])('of a call that $outcome.outcome is $status, its error.type $errorType', ({ outcome, status, errorType }) => {
    const span = record({ outcome });
    expect(span.status).toEqual({ code: status });
    expect(span.attributes['error.type']).toBe(errorType);
  });
});

describe('the `exception` span event', () => {
  test('has the class alone: no message, no stack', () => {
    const span = record({ milestones: [{ type: 'exception', atMs: 500, errorType: 'TypeError' }], outcome: failed });
    expect(span.events.map((event) => [event.name, event.attributes])).toEqual([
      ['exception', { 'llm_stream.elapsed_ms': 500, 'exception.type': 'TypeError' }],
    ]);
  });
});

describe('settling', () => {
  test('twice ends the span once, and nothing is written afterwards', () => {
    const { exporter, sink } = start();
    sink.take(settled(completed));
    sink.take(settled(failed));
    for (const milestone of everyMilestone) sink.take(milestone);
    const spans = exporter.getFinishedSpans();
    expect(spans).toHaveLength(1);
    expect(spans[0]?.attributes['llm_stream.outcome']).toBe('completed');
    expect(spans[0]?.events).toEqual([]);
  });

  test('ends the span although an attribute cannot be written', () => {
    const { exporter, sink } = start();
    const broken = new Proxy(completed, {
      get(target, key, receiver) {
        if (key === 'chunkCount') throw new Error('broken');
        return Reflect.get(target, key, receiver);
      },
    });
    expect(() => sink.take(settled(broken))).toThrow('broken');
    expect(exporter.getFinishedSpans()).toHaveLength(1);
  });
});

describe('span events and the limit in force', () => {
  const LIFE: readonly Milestone[] = [
    { type: 'attempt', atMs: 0, attempt: 1 },
    { type: 'response_headers', atMs: 100, status: 200 },
    { type: 'first_chunk', atMs: 200 },
    { type: 'first_token', atMs: 210, channel: 'tool_call' },
    { type: 'tool_call_started', atMs: 220, choice: 0, index: 0, name: 'book' },
  ];
  const END: readonly Milestone[] = [
    { type: 'tool_call_completed', atMs: 9000, choice: 0, index: 0 },
    { type: 'finish', atMs: 9010, choice: 0, reason: 'tool_calls' },
    { type: 'done', atMs: 9020 },
  ];
  const MILESTONES = 8;

  test.each([
    { limit: 128, offered: 1, written: 1 },
    { limit: 128, offered: 30, written: 30 },
    { limit: 128, offered: 80, written: 80 },
    { limit: 128, offered: 81, written: 80 },
    { limit: 128, offered: 2000, written: 80 },
    { limit: 32, offered: 1, written: 0 },
    { limit: 32, offered: 2000, written: 0 },
    { limit: 512, offered: 464, written: 464 },
    { limit: 512, offered: 2000, written: 464 },
  ])('of $limit: of $offered fragments $written are exported beside every milestone', ({ limit, offered, written }) => {
    const outcome = { ...completed, toolCallCount: 1, toolCallCompletedCount: 1, toolCallFragmentCount: offered };
    const span = record({ limit, outcome, milestones: [...LIFE, ...fragments(offered), ...END] });
    const numbers = fragmentNumbers(span);
    const leading = Math.min(offered, Math.max(0, written - 16));
    const all = Array.from({ length: offered }, (_, index) => index);
    expect(numbers).toEqual(
      written >= offered ? all : [...all.slice(0, leading), ...all.slice(offered - (written - leading))],
    );
    expect(span.events).toHaveLength(MILESTONES + written);
    expect(span.droppedEventsCount).toBe(0);
    expect(span.attributes['llm_stream.span_events.suppressed_count']).toBe(offered - written);
  });

  test('newest fragments stand behind the milestones, with their own times', () => {
    const span = record({ milestones: [...LIFE, ...fragments(81), ...END] });
    const last = span.events.at(-1);
    expect(span.events.at(-17)?.name).toBe('llm_stream.done');
    expect(last?.attributes).toMatchObject({
      'llm_stream.tool_call.fragment_index': 80,
      'llm_stream.elapsed_ms': 1080,
    });
    expect(last && epochMs(last.time)).toBe(START_EPOCH_MS + 1080);
  });

  test('of 128 keeps six parallel tool calls apart', () => {
    const calls = Array.from({ length: 6 }, (_, index) => index);
    const milestones: Milestone[] = [
      ...calls.map((index): Milestone => ({ type: 'tool_call_started', atMs: 1, choice: 0, index, name: `t${index}` })),
      ...Array.from({ length: 10 }, (_, fragment) => fragment).flatMap((fragment) =>
        calls.map(
          (index): Milestone => ({ type: 'tool_call_fragment', atMs: 2, choice: 0, index, fragment, characters: 3 }),
        ),
      ),
      ...calls.map((index): Milestone => ({ type: 'tool_call_completed', atMs: 3, choice: 0, index })),
    ];
    const span = record({ milestones });
    for (const index of calls) {
      const own = span.events.filter((event) => event.attributes?.['llm_stream.tool_call.index'] === index);
      expect(own.map((event) => event.name)).toEqual([
        'llm_stream.tool_call.started',
        ...Array.from({ length: 10 }, () => 'llm_stream.tool_call.fragment'),
        'llm_stream.tool_call.completed',
      ]);
      expect(own.slice(1, 11).map((event) => event.attributes?.['llm_stream.tool_call.fragment_index'])).toEqual([
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
      ]);
    }
    expect(span.droppedEventsCount).toBe(0);
  });

  test.each([1, 5, 32, 48, 128])('of %i is never exceeded, and the exception is always there', (limit) => {
    const noise = Array.from({ length: 20 }, () => everyMilestone.slice(0, -1)).flat();
    const exception = everyMilestone.slice(-1);
    const span = record({ limit, outcome: failed, milestones: [...noise, ...fragments(200), ...exception] });
    expect(span.droppedEventsCount).toBe(0);
    expect(span.events.length).toBeLessThanOrEqual(limit);
    expect(span.events.map((event) => event.name)).toContain('exception');
  });
});

describe('a span that is not recorded', () => {
  test.each([
    { why: 'sampled out', sampler: new AlwaysOffSampler(), within: ROOT_CONTEXT },
    { why: 'suppressed', sampler: undefined, within: suppressTracing(ROOT_CONTEXT) },
  ])('because it is $why says so, and its sink does nothing', ({ sampler, within }) => {
    useContextManager();
    const { exporter, opened } = context.with(within, () => start({ sampler }));
    expect(opened.recording).toBe(false);
    for (const milestone of everyMilestone) opened.sink.take(milestone);
    opened.sink.take(settled(failed));
    expect(opened.around(() => 'sent')).toBe('sent');
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  test('because there is no SDK says so', () => {
    const opened = openSpan(trace.getTracer('none'), bareCall, OPTIONS);
    expect(opened.recording).toBe(false);
    expect(opened.around(() => 'sent')).toBe('sent');
  });

  test('because it is sampled out is still the parent of the HTTP span', () => {
    useContextManager();
    const seen = context.with(APPLICATION, () => {
      const { opened } = start({ sampler: new AlwaysOffSampler() });
      return opened.around(() => trace.getActiveSpan());
    });
    expect(seen?.isRecording()).toBe(false);
    expect(seen?.spanContext().traceFlags).toBe(0);
  });
});

describe('`around`', () => {
  test('enters no context in a process that has none of its own', () => {
    const entered = useContextManager();
    const { opened } = start();
    expect(opened.around(() => [trace.getActiveSpan(), context.active()])).toEqual([undefined, ROOT_CONTEXT]);
    expect(entered).not.toHaveBeenCalled();
  });

  test('makes the span active in a process that has a context', () => {
    const entered = useContextManager();
    const key = createContextKey('the application');
    const { opened, exporter, active } = context.with(ROOT_CONTEXT.setValue(key, 'kept'), () => {
      const started = start();
      return { ...started, active: started.opened.around(() => context.active()) };
    });
    // The application's, and ours.
    expect(entered).toHaveBeenCalledTimes(2);
    opened.sink.take(settled(completed));
    expect(active.getValue(key)).toBe('kept');
    expect(trace.getSpan(active)?.spanContext()).toEqual(exporter.getFinishedSpans()[0]?.spanContext());
  });

  test('enters none where the context manager came with another copy of the API, whose root is not ours', () => {
    class ForeignManager extends AsyncLocalStorageContextManager {
      // A second copy's root: another object, as empty as ours.
      readonly #root = ROOT_CONTEXT.deleteValue(createContextKey('nothing'));
      override active(): Context {
        const active = super.active();
        return active === ROOT_CONTEXT ? this.#root : active;
      }
    }
    const entered = useContextManager(new ForeignManager());
    expect(context.active()).not.toBe(ROOT_CONTEXT);
    start().opened.around(() => undefined);
    expect(entered).not.toHaveBeenCalled();
  });

  test('throws what `send` threw', () => {
    useContextManager();
    const error = new TypeError('fetch failed');
    const { opened } = start();
    const send = () => {
      throw error;
    };
    expect(() => opened.around(send)).toThrow(error);
    expect(() => context.with(APPLICATION, () => opened.around(send))).toThrow(error);
  });

  test('starts the span as a child of the active one', () => {
    useContextManager();
    const { exporter, tracer } = start();
    const parent = tracer.startSpan('the request that the application serves');
    context
      .with(trace.setSpan(ROOT_CONTEXT, parent), () => openSpan(tracer, bareCall, OPTIONS))
      .sink.take(settled(completed));
    expect(exporter.getFinishedSpans()[0]?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
  });
});

const APPLICATION = ROOT_CONTEXT.setValue(createContextKey('application'), true);

/** A body that was read where nobody could see it. */
const UNSEEN: CallOutcome = {
  ...completed,
  terminationKind: 'unknown',
  completion: undefined,
  finishReasons: undefined,
  finishReasonReceived: false,
  doneEventReceived: false,
  chunkCount: undefined,
  outputChunkCount: undefined,
  invalidChunkCount: undefined,
  bytesReceived: undefined,
  keepAliveCount: undefined,
  outputCharacters: undefined,
  reasoningCharacters: undefined,
};

interface Setup {
  readonly call?: CallDescription | undefined;
  readonly options?: Partial<SpanSinkOptions> | undefined;
  readonly limit?: number | undefined;
  readonly sampler?: Sampler | undefined;
  readonly surroundings?: Surroundings | undefined;
}

function start({ call = bareCall, options, limit = 128, sampler, surroundings }: Setup = {}) {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    spanLimits: { eventCountLimit: limit },
    ...(sampler && { sampler }),
  });
  const tracer = provider.getTracer('test');
  const opened = openSpan(tracer, call, { ...OPTIONS, spanEventLimit: limit, ...options }, surroundings);
  return { exporter, tracer, opened, sink: opened.sink };
}

interface Recorded extends Setup {
  readonly milestones?: readonly Milestone[];
  readonly outcome?: CallOutcome;
  readonly endMs?: number;
}

/** The span of a whole call, as it was exported. */
function record({ milestones = [], outcome = completed, endMs = 9999, ...setup }: Recorded = {}): ReadableSpan {
  const { exporter, sink } = start(setup);
  for (const milestone of milestones) sink.take(milestone);
  sink.take({ type: 'settled', atMs: endMs, outcome });
  const [span, ...others] = exporter.getFinishedSpans();
  if (span === undefined || others.length > 0) throw new Error('expected one span');
  return span;
}

function settled(outcome: CallOutcome): Milestone {
  return { type: 'settled', atMs: 9999, outcome };
}

/** Installs a real context manager; the spy sees each time an AsyncLocalStorage is entered. */
function useContextManager(manager = new AsyncLocalStorageContextManager()) {
  const entered = vi.spyOn(manager, 'with');
  context.setGlobalContextManager(manager.enable());
  return entered;
}

afterEach(() => context.disable());

function fragmentNumbers(span: ReadableSpan): unknown[] {
  return span.events
    .filter((event) => event.name === 'llm_stream.tool_call.fragment')
    .map((event) => event.attributes?.['llm_stream.tool_call.fragment_index']);
}

function epochMs([seconds, nanos]: readonly [number, number]): number {
  return seconds * 1000 + nanos / 1e6;
}

/** Written by another sink alone. */
const OF_METRICS = new Set(['gen_ai.token.modality', 'gen_ai.token.type']);

function exported(prefix: string): string[] {
  return Object.entries(semconv)
    .filter(([constant]) => constant.startsWith(prefix))
    .map(([, name]) => name)
    .sort();
}
