import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LlmStreamInstrumentation, withCallContext } from '../../src/index.js';
import * as semconv from '../../src/telemetry/semconv.js';
import { chatText, type FaultyProvider, startFaultyProvider } from '../../src/testing/index.js';
import { ROADS, startMetering } from './metering.js';
import { type DescribedName, describedNames } from './render-attributes.js';

const described = describedNames().filter(({ constant }) => constant.startsWith('METRIC_'));
const attributesOf = ({ name, facts }: DescribedName) => {
  const own = describedNames().filter((other) => (facts['attributes'] ?? '').split(', ').includes(other.name));
  expect(own.length, name).toBe(facts['attributes']?.split(', ').length);
  return own.map((attribute) => attribute.name).sort();
};

let provider: FaultyProvider;
/** By name, what all kinds of calls together recorded. */
let recorded: ReadonlyMap<string, MetricData>;
let attributes: ReadonlyMap<string, ReadonlySet<string>>;

beforeAll(async () => {
  provider = await startFaultyProvider();
  const metering = startMetering();
  const unregister = registerInstrumentations({
    instrumentations: [
      new LlmStreamInstrumentation({
        metricNames: 'both',
        metricDimensions: ['feature', 'route'],
        stallThresholdMs: 5000,
      }),
    ],
    meterProvider: metering.provider,
  });
  const usage = {
    prompt_tokens: 10,
    completion_tokens: 5,
    total_tokens: 15,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 2 },
  };
  const whole = chatText(['a', 'b', 'c'], { usage, usageWhen: 'always' });
  const facts = { feature: 'summary', route: '/sum', retryAttempt: 1, fallbackAttempt: 1 };
  await withCallContext(facts, async () => {
    await ROADS.fetch(provider, 'whole', { scenario: { reply: whole } });
    const cut = { reply: whole, faults: [{ type: 'silent_end', afterChunks: 3 } as const] };
    await ROADS.openai(provider, 'cut', { scenario: cut });
    const held = { reply: whole, hold: { afterChunks: 2, until: 'released', gate: 'open' } as const };
    const open = ROADS.fetch(provider, 'open', { scenario: held });
    await provider.gate('open').arrival();
    recorded = await metering.collect();
    provider.gate('open').open();
    await open;
  });
  unregister();
  attributes = new Map(
    [...recorded].map(([name, { dataPoints }]) => [
      name,
      new Set(dataPoints.flatMap((point) => Object.keys(point.attributes))),
    ]),
  );
});
afterAll(() => provider.close());

test('every metric that is recorded is described, and every one that is described is recorded', () => {
  expect(described.map(({ name }) => name).sort()).toEqual([...recorded.keys()].sort());
  const exported = Object.entries(semconv).filter(([constant]) => constant.startsWith('METRIC_'));
  expect(described.map(({ constant, name }) => [constant, name]).sort()).toEqual(exported.sort());
});

describe.each(described)('$name', (metric) => {
  const { name, meaning, facts } = metric;

  test('has the unit and the description that it is described with', () => {
    const descriptor = recorded.get(name)?.descriptor;
    expect([descriptor?.unit, descriptor?.description]).toEqual([facts['unit'], meaning]);
    expect(facts['source']).toMatch(/^(GenAI 1\.41|GenAI 1\.42-dev|ours)$/);
    expect(facts['present']).toBeTruthy();
  });

  test('is the instrument that it is described as', () => {
    const data = recorded.get(name);
    const kind =
      data?.dataPointType === DataPointType.SUM
        ? `${data.isMonotonic ? 'counter' : 'observable up-down counter'}`
        : data?.dataPointType === DataPointType.HISTOGRAM && 'histogram';
    expect(kind).toBe(facts['instrument']);
  });

  test('has the attributes that it is described with, and no other', () => {
    expect([...(attributes.get(name) ?? [])].sort()).toEqual(attributesOf(metric));
  });
});
