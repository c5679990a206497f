import { type Attributes, type Context, context, type Meter, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { suppressTracing } from '@opentelemetry/core';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { AggregationType } from '@opentelemetry/sdk-metrics';
import { AlwaysOffSampler, BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { endOpenCalls } from '../../src/call/end-open-calls.js';
import {
  LlmStreamInstrumentation,
  type LlmStreamInstrumentationConfig,
  recordFailure,
  withCallContext,
} from '../../src/index.js';
import * as state from '../../src/stream/state.js';
import {
  chatCompletion,
  chatText,
  closedPort,
  type FaultyProvider,
  httpError,
  type ScenarioOrList,
  startFaultyProvider,
} from '../../src/testing/index.js';
import { type Metering, type Point, ROADS, startMetering, withoutPort } from './metering.js';

let provider: FaultyProvider;
let unregister: (() => void) | undefined;
beforeAll(async () => {
  provider = await startFaultyProvider();
});
afterAll(() => provider.close());
afterEach(() => {
  unregister?.();
  unregister = undefined;
  metrics.disable();
  context.disable();
});

function meter(config: LlmStreamInstrumentationConfig = {}, metering = startMetering()): Metering {
  const instrumentations = [new LlmStreamInstrumentation(config)];
  unregister = registerInstrumentations({ instrumentations, meterProvider: metering.provider });
  return metering;
}

const MODEL = 'gpt-test';
const OURS = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.request.model': MODEL };
const ENDPOINT = { ...OURS, 'server.address': '127.0.0.1' };
const ANSWERED = { ...ENDPOINT, 'gen_ai.response.model': MODEL };

/** Each point as its value, or how often a histogram was recorded and what came together; of times, how often alone. */
async function points(metering: Metering, name: string): Promise<readonly unknown[]> {
  const isTime = /duration|time_|gap/.test(name);
  const told = ({ attributes, value, sum }: Point) => [
    withoutPort(attributes),
    value,
    ...(sum === undefined || isTime ? [] : [sum]),
  ];
  return (await metering.points(name)).map(told);
}

describe.each(['fetch', 'openai'] as const)('a stream read to its end by %s', (road) => {
  const scenario: ScenarioOrList = { reply: chatText(['one', 'two', 'three'], { usageWhen: 'always' }) };
  const completed = { ...OURS, 'llm_stream.outcome': 'completed' };

  test('is recorded under the names of 1.41, and ours', async () => {
    const metering = meter();
    await ROADS[road](provider, MODEL, { scenario });
    const recorded: Record<string, unknown> = {};
    for (const name of (await metering.collect()).keys()) recorded[name] = await points(metering, name);
    expect(recorded).toEqual({
      'gen_ai.client.operation.duration': [[ANSWERED, 1]],
      'gen_ai.client.operation.time_to_first_chunk': [[ANSWERED, 1]],
      'gen_ai.client.operation.time_per_output_chunk': [[OURS, 2]],
      'gen_ai.client.token.usage': [
        [{ ...ANSWERED, 'gen_ai.token.type': 'input' }, 1, 10],
        [{ ...ANSWERED, 'gen_ai.token.type': 'output' }, 1, 3],
      ],
      'llm_stream.stream.outcomes': [[{ ...completed, 'llm_stream.stage': 'done' }, 1]],
      'llm_stream.stream.time_to_headers': [[completed, 1]],
      'llm_stream.stream.time_to_first_token': [[completed, 1]],
      'llm_stream.stream.max_chunk_gap': [[completed, 1]],
      'llm_stream.stream.chunks': [[completed, 1, 6]],
      'llm_stream.stream.bytes': [[completed, 1364]],
      'llm_stream.stream.stalls': [[completed, 0]],
      'llm_stream.stream.attempts': [[completed, 1, 1]],
    });
  });

  test('is recorded under the names that follow where those are asked for', async () => {
    const metering = meter({ metricNames: 'current' });
    await ROADS[road](provider, MODEL, { scenario });
    const names = [...(await metering.collect()).keys()].filter((name) => name.startsWith('gen_ai.'));
    const unknown = { ...ANSWERED, 'gen_ai.token.modality': 'unknown' };
    const recorded = await Promise.all(names.map(async (name) => [name, await points(metering, name)]));
    expect(Object.fromEntries(recorded)).toEqual({
      'gen_ai.client.inference.duration': [[ANSWERED, 1]],
      'gen_ai.client.inference.time_to_first_chunk': [[ANSWERED, 1]],
      'gen_ai.client.inference.time_per_output_chunk': [[OURS, 2]],
      'gen_ai.client.inference.usage.input_tokens': [[unknown, 10]],
      'gen_ai.client.inference.usage.output_tokens': [[unknown, 3]],
      'gen_ai.client.inference.operation.input_tokens': [[ANSWERED, 1, 10]],
      'gen_ai.client.inference.operation.output_tokens': [[ANSWERED, 1, 3]],
    });
  });

  test('is recorded under both where both are asked for', async () => {
    const metering = meter({ metricNames: 'both' });
    await ROADS[road](provider, MODEL, { scenario });
    for (const name of ['operation', 'inference']) {
      expect(await points(metering, `gen_ai.client.${name}.time_per_output_chunk`)).toEqual([[OURS, 2]]);
    }
  });

  test('has its times in seconds', async () => {
    const metering = meter();
    const held: ScenarioOrList = {
      reply: chatText(['one', 'two', 'three'], { usageWhen: 'always' }),
      hold: { afterChunks: 2, until: 'released', gate: 'never', maxMs: 60 },
    };
    await ROADS[road](provider, MODEL, { scenario: held });
    for (const [name, least] of [
      ['gen_ai.client.operation.duration', 0.055],
      ['gen_ai.client.operation.time_per_output_chunk', 0.055],
      ['llm_stream.stream.max_chunk_gap', 0.055],
      ['gen_ai.client.operation.time_to_first_chunk', 0.0001],
      ['llm_stream.stream.time_to_headers', 0.0001],
      ['llm_stream.stream.time_to_first_token', 0.0001],
    ] as const) {
      const [point] = await metering.points(name);
      expect(point?.sum, name).toBeGreaterThan(least);
      expect(point?.sum, name).toBeLessThan(20);
    }
  });
});

describe('a call that did not complete', () => {
  const outcomes = (metering: Metering) => points(metering, 'llm_stream.stream.outcomes');
  const failed = (more: Attributes) => ({ ...OURS, 'llm_stream.outcome': 'failed', ...more });

  test.each(['fetch', 'openai'] as const)('is counted where it was cut, by %s', async (road) => {
    const metering = meter({ metricNames: 'both' });
    const reply = chatText(['one', 'two', 'three'], { usageWhen: 'always' });
    await ROADS[road](provider, MODEL, { scenario: { reply, faults: [{ type: 'silent_end', afterChunks: 3 }] } });
    const stage = { 'llm_stream.failure_stage': 'after_first_token' };
    expect(await outcomes(metering)).toEqual([
      [
        failed({
          ...stage,
          'llm_stream.stage': 'after_first_token',
          'llm_stream.error_category': 'stream_interrupted',
          'llm_stream.fault': 'upstream',
        }),
        1,
      ],
    ]);
    expect(await points(metering, 'llm_stream.stream.chunks')).toEqual([[failed(stage), 1, 3]]);
    expect(await points(metering, 'llm_stream.stream.usage_missing')).toEqual([
      [failed({ 'llm_stream.usage_source': 'none' }), 1],
    ]);
    const withError = { ...ANSWERED, 'error.type': 'stream_interrupted' };
    expect(await points(metering, 'gen_ai.client.operation.duration')).toEqual([[withError, 1]]);
    expect(await points(metering, 'gen_ai.client.operation.time_to_first_chunk')).toEqual([[ANSWERED, 1]]);
    expect(await points(metering, 'gen_ai.client.token.usage')).toEqual([]);
    const unknown = { ...ANSWERED, 'gen_ai.token.modality': 'unknown' };
    expect(await points(metering, 'gen_ai.client.inference.usage.output_tokens')).toEqual([[unknown, 0]]);
    expect(await points(metering, 'gen_ai.client.inference.operation.output_tokens')).toEqual([]);
  });

  test('because it was rejected has no stream to measure, and its attempts are told', async () => {
    const metering = meter();
    const rejection = { reply: httpError(429, { message: 'slow down', type: 'requests' }, { 'retry-after-ms': '1' }) };
    await ROADS.openai(provider, MODEL, { scenario: rejection, maxRetries: 2 });
    expect(await outcomes(metering)).toEqual([
      [
        failed({
          'llm_stream.failure_stage': 'request_rejected',
          'llm_stream.stage': 'before_headers',
          'llm_stream.error_category': 'rate_limit',
          'llm_stream.fault': 'provider',
        }),
        1,
      ],
    ]);
    expect(await points(metering, 'llm_stream.stream.attempts')).toEqual([[failed({}), 1, 3]]);
    expect(await points(metering, 'llm_stream.stream.time_to_headers')).toEqual([[failed({}), 1]]);
    for (const name of ['chunks', 'stalls', 'usage_missing', 'time_to_first_token', 'max_chunk_gap']) {
      expect(await points(metering, `llm_stream.stream.${name}`)).toEqual([]);
    }
  });

  test('because nobody listens is told by its network code, and by no bytes', async () => {
    const metering = meter();
    const url = `http://127.0.0.1:${await closedPort()}`;
    await ROADS.fetch({ ...provider, url }, MODEL);
    expect(await points(metering, 'gen_ai.client.operation.duration')).toEqual([
      [{ ...ENDPOINT, 'error.type': 'ECONNREFUSED' }, 1],
    ]);
    expect(await outcomes(metering)).toEqual([
      [
        failed({
          'llm_stream.failure_stage': 'before_request',
          'llm_stream.stage': 'before_request',
          'llm_stream.error_category': 'connect_failed',
          'llm_stream.fault': 'network',
        }),
        1,
      ],
    ]);
    expect([...(await metering.collect()).keys()].sort()).toEqual([
      'gen_ai.client.operation.duration',
      'llm_stream.stream.attempts',
      'llm_stream.stream.outcomes',
    ]);
  });

  test('because its reader left has no error', async () => {
    const metering = meter();
    provider.define(MODEL, { reply: chatText(['one', 'two']), faults: [{ type: 'hang', afterChunks: 2 }] });
    const body = JSON.stringify({ model: MODEL, stream: true, messages: [] });
    const response = await fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body });
    for await (const _ of response.body ?? []) break;
    const cancelled = { ...OURS, 'llm_stream.outcome': 'cancelled', 'llm_stream.failure_stage': 'client_aborted' };
    const [outcome] = await metering.points('llm_stream.stream.outcomes');
    expect(outcome).toMatchObject({ attributes: { ...cancelled, 'llm_stream.fault': 'client' }, value: 1 });
    const [duration] = await metering.points('gen_ai.client.operation.duration');
    expect(duration?.attributes).not.toHaveProperty('error.type');
  });

  test('because its reader left after one chunk has no gap between chunks', async () => {
    const metering = meter();
    provider.define(MODEL, { reply: chatText(['one']), faults: [{ type: 'hang', afterChunks: 1 }] });
    const body = JSON.stringify({ model: MODEL, stream: true, messages: [] });
    const response = await fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body });
    for await (const _ of response.body ?? []) break;
    const attributes = { ...OURS, 'llm_stream.outcome': 'cancelled', 'llm_stream.failure_stage': 'client_aborted' };
    expect(await points(metering, 'llm_stream.stream.chunks')).toEqual([[attributes, 1, 1]]);
    expect(await points(metering, 'llm_stream.stream.max_chunk_gap')).toEqual([]);
  });

  const fails = () => {
    throw new RangeError('prompt too long');
  };
  test.each<readonly [string, () => void, Attributes]>([
    ['without a word of it', () => recordFailure(new RangeError('prompt too long')), {}],
    [
      'and what was said of it',
      () => recordFailure(new RangeError('prompt too long'), { operation: 'chat', provider: 'openai', model: MODEL }),
      OURS,
    ],
    ['in a callback around it', () => expect(() => withCallContext({}, fails)).toThrow('prompt too long'), {}],
  ])('because it failed before any request counts, %s, and is measured by nothing else', async (_, tell, known) => {
    const metering = meter({ metricNames: 'both' });
    tell();
    expect([...(await metering.collect()).keys()]).toEqual(['llm_stream.stream.outcomes']);
    expect(await outcomes(metering)).toEqual([
      [
        {
          ...known,
          'llm_stream.outcome': 'failed',
          'llm_stream.failure_stage': 'before_request',
          'llm_stream.stage': 'before_request',
          'llm_stream.error_category': 'invalid_request',
          'llm_stream.fault': 'application',
        },
        1,
      ],
    ]);
  });
});

test.each(['fetch', 'openai'] as const)('an answer that is one document is no stream, by %s', async (road) => {
  const metering = meter();
  const scenario = { reply: chatText(['whole']) };
  await ROADS[road](provider, MODEL, { scenario, request: { stream: false } });
  expect([...(await metering.collect()).keys()].sort()).toEqual([
    'gen_ai.client.operation.duration',
    'gen_ai.client.token.usage',
    'llm_stream.stream.attempts',
    'llm_stream.stream.bytes',
    'llm_stream.stream.outcomes',
    'llm_stream.stream.time_to_headers',
  ]);
});

test('a stall counts', async () => {
  const metering = meter({ stallThresholdMs: 20 });
  const reply = chatText(['one', 'two', 'three']);
  const hold = { afterChunks: 2, until: 'released', gate: 'never', maxMs: 60 } as const;
  await ROADS.fetch(provider, MODEL, { scenario: { reply, hold } });
  expect(await points(metering, 'llm_stream.stream.stalls')).toEqual([
    [{ ...OURS, 'llm_stream.outcome': 'completed' }, 1],
  ]);
});

test('retries of the application are told with the attempts', async () => {
  const metering = meter();
  const scenario = { reply: chatText(['one']) };
  await withCallContext({ retryAttempt: 2, fallbackAttempt: 1 }, () => ROADS.fetch(provider, MODEL, { scenario }));
  const told = { 'llm_stream.retry_attempt': 2, 'llm_stream.fallback_attempt': 1 };
  expect(await points(metering, 'llm_stream.stream.attempts')).toEqual([
    [{ ...OURS, 'llm_stream.outcome': 'completed', ...told }, 1, 1],
  ]);
});

test('feature and route are attributes of ours where they are asked for, and nowhere else', async () => {
  const metering = meter({ metricDimensions: ['feature', 'route'] });
  const scenario = { reply: chatText(['one']) };
  await withCallContext({ feature: 'summary', route: '/sum' }, () => ROADS.fetch(provider, MODEL, { scenario }));
  for (const [name, { dataPoints }] of await metering.collect()) {
    const expected = name.startsWith('llm_stream.') ? ['summary', '/sum'] : [undefined, undefined];
    for (const { attributes } of dataPoints) {
      expect([attributes['llm_stream.feature'], attributes['llm_stream.route']], name).toEqual(expected);
    }
  }
  unregister?.();
  const without = meter();
  await withCallContext({ feature: 'summary', route: '/sum' }, () => ROADS.fetch(provider, MODEL, { scenario }));
  expect((await without.points('llm_stream.stream.outcomes'))[0]?.attributes).not.toHaveProperty('llm_stream.feature');
});

test('histograms have the conventions’ buckets', async () => {
  const metering = meter({ metricNames: 'both' });
  await ROADS.fetch(provider, MODEL, { scenario: { reply: chatText(['a', 'b', 'c'], { usageWhen: 'always' }) } });
  const collected = await metering.collect();
  const seconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
  const tokens = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];
  const buckets = (name: string) => {
    const value = collected.get(name)?.dataPoints[0]?.value;
    return typeof value === 'object' && 'buckets' in value ? value.buckets.boundaries : undefined;
  };
  for (const name of ['duration', 'time_to_first_chunk', 'time_per_output_chunk']) {
    expect(buckets(`gen_ai.client.operation.${name}`), name).toEqual(seconds);
    expect(buckets(`gen_ai.client.inference.${name}`), name).toEqual(seconds);
  }
  expect(buckets('gen_ai.client.token.usage')).toEqual(tokens);
  expect(buckets('gen_ai.client.inference.operation.input_tokens')).toEqual(tokens);
  expect(buckets('gen_ai.client.inference.operation.output_tokens')).toEqual(tokens);
  expect(buckets('llm_stream.stream.time_to_headers')).toEqual(seconds);
  expect(buckets('llm_stream.stream.time_to_first_token')).toEqual(seconds);
  expect(buckets('llm_stream.stream.max_chunk_gap')).toEqual([...seconds, 163.84, 327.68, 655.36]);
  expect(buckets('llm_stream.stream.chunks')).toEqual([
    0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000,
  ]);
  expect(buckets('llm_stream.stream.attempts')).toEqual([1, 2, 3, 4, 5, 6, 8, 10]);
});

describe('which calls count', () => {
  const scenario = { reply: chatText(['one']) };
  const calls = async (metering: Metering) => (await metering.points('llm_stream.stream.outcomes'))[0]?.value ?? 0;

  test('one that is not sampled does', async () => {
    const metering = startMetering();
    const tracerProvider = new BasicTracerProvider({ sampler: new AlwaysOffSampler() });
    const instrumentations = [new LlmStreamInstrumentation()];
    unregister = registerInstrumentations({ instrumentations, tracerProvider, meterProvider: metering.provider });
    await ROADS.fetch(provider, MODEL, { scenario });
    expect(await calls(metering)).toBe(1);
  });

  test('one under suppressTracing does not', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const metering = meter();
    await context.with(suppressTracing(ROOT_CONTEXT), () => ROADS.fetch(provider, MODEL, { scenario }));
    context.with(suppressTracing(ROOT_CONTEXT), () => recordFailure(new Error('no')));
    expect((await metering.collect()).size).toBe(0);
    await ROADS.fetch(provider, MODEL, { scenario });
    expect(await calls(metering)).toBe(1);
  });

  test('none does where metrics are switched off', async () => {
    const metering = meter({ metrics: false });
    await ROADS.fetch(provider, MODEL, { scenario });
    expect((await metering.collect()).size).toBe(0);
  });

  test('those after a global meter provider is registered do, however late', async () => {
    unregister = registerInstrumentations({ instrumentations: [new LlmStreamInstrumentation()] });
    await ROADS.fetch(provider, MODEL, { scenario });
    const metering = startMetering();
    metrics.setGlobalMeterProvider(metering.provider);
    await ROADS.fetch(provider, MODEL, { scenario });
    expect(await calls(metering)).toBe(1);
  });

  test('those of a provider that was given count there, not with the global one', async () => {
    const global = startMetering();
    metrics.setGlobalMeterProvider(global.provider);
    const metering = meter();
    await ROADS.fetch(provider, MODEL, { scenario });
    expect(await calls(metering)).toBe(1);
    expect((await global.collect()).size).toBe(0);
  });

  test('one that ends with the process does', async () => {
    const metering = meter();
    provider.define('open', { reply: chatText(['one']), faults: [{ type: 'hang', afterChunks: 1 }] });
    const body = JSON.stringify({ model: 'open', stream: true, messages: [] });
    const left = new AbortController();
    await fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body, signal: left.signal });
    expect(endOpenCalls()).toBe(1);
    expect(await calls(metering)).toBe(1);
    left.abort();
  });
});

test('without a meter provider no call is watched chunk by chunk', async () => {
  const created = vi.spyOn(state, 'createCallState');
  const scenario = { reply: chatText(['one']) };
  unregister = registerInstrumentations({ instrumentations: [new LlmStreamInstrumentation()] });
  await ROADS.fetch(provider, MODEL, { scenario });
  unregister();
  meter();
  await ROADS.fetch(provider, MODEL, { scenario });
  expect(created.mock.results.map(({ value }) => value.watched)).toEqual([false, true]);
  created.mockRestore();
});

test('a record is made in the context of the call’s span', async () => {
  const spans: string[] = [];
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [
      {
        onStart() {},
        onEnd: (span) => void spans.push(span.spanContext().spanId),
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  });
  const recordedIn = new Set<string | undefined>();
  const keep = (_value: number, _attributes?: Attributes, within?: Context) =>
    void recordedIn.add(within && trace.getSpanContext(within)?.spanId);
  const observable = () => ({ addCallback() {}, removeCallback() {} });
  // Another object for each name: one that is the same for all is nobody's.
  const fake: Meter = {
    createCounter: () => ({ add: keep }),
    createUpDownCounter: () => ({ add: keep }),
    createHistogram: () => ({ record: keep }),
    createGauge: () => ({ record: keep }),
    createObservableCounter: observable,
    createObservableGauge: observable,
    createObservableUpDownCounter: observable,
    addBatchObservableCallback() {},
    removeBatchObservableCallback() {},
  };
  const instrumentations = [new LlmStreamInstrumentation({ metricNames: 'both' })];
  unregister = registerInstrumentations({ instrumentations, tracerProvider, meterProvider: { getMeter: () => fake } });
  await ROADS.fetch(provider, MODEL, { scenario: { reply: chatText(['one', 'two'], { usageWhen: 'always' }) } });
  expect(spans).toHaveLength(1);
  expect([...recordedIn]).toEqual(spans);
});

test('a meter that throws costs the metrics, not the call', async () => {
  const { provider: real } = startMetering();
  // The base class asks for a meter, too, when it is given the provider.
  const getMeter = vi.fn<() => Meter>(() => {
    throw new TypeError('no meter');
  });
  getMeter.mockImplementationOnce(() => real.getMeter('test'));
  unregister = registerInstrumentations({
    instrumentations: [new LlmStreamInstrumentation()],
    meterProvider: { getMeter },
  });
  provider.define(MODEL, { reply: chatCompletion({ choices: [] }) });
  const body = JSON.stringify({ model: MODEL, messages: [] });
  const response = await fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body });
  expect(response.status).toBe(200);
  await response.text();
  expect(getMeter).toHaveBeenCalledTimes(2);
});

test('a View can drop a metric', async () => {
  const dropped = {
    instrumentName: 'gen_ai.client.operation.time_per_output_chunk',
    aggregation: { type: AggregationType.DROP },
  } as const;
  const metering = meter({}, startMetering([dropped]));
  await ROADS.fetch(provider, MODEL, { scenario: { reply: chatText(['one', 'two']) } });
  expect([...(await metering.collect()).keys()]).not.toContain('gen_ai.client.operation.time_per_output_chunk');
});
