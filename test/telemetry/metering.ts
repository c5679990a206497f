/** Calls to the faulty provider, and what a real metrics SDK, and a real logs SDK, were told of them. */
import type { Attributes } from '@opentelemetry/api';
import {
  type DataPoint,
  MeterProvider,
  type MetricData,
  MetricReader,
  type ViewOptions,
} from '@opentelemetry/sdk-metrics';
import OpenAI from 'openai';
import { expect } from 'vitest';
import { instrumentOpenAI } from '../../src/index.js';
import type { FaultyProvider, ScenarioOrList } from '../../src/testing/index.js';

/** A data point: a sum, or how often a histogram was recorded and what came together. */
export interface Point {
  readonly attributes: Attributes;
  readonly value: number;
  readonly sum?: number | undefined;
}

export interface Metering {
  readonly provider: MeterProvider;
  /** Every metric by name, as it stands. */
  collect(): Promise<ReadonlyMap<string, MetricData>>;
  /** The points of one metric, by what its attributes say; a number for each sum, and for each histogram how often. */
  points(name: string): Promise<readonly Point[]>;
}

/** Of a sum, or of a histogram. */
type Value = number | { readonly count: number; readonly sum?: number };

class Reader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

export function startMetering(views: ViewOptions[] = []): Metering {
  const reader = new Reader();
  const provider = new MeterProvider({ readers: [reader], views });
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect();
    expect(errors).toEqual([]);
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return new Map(metrics.map((metric) => [metric.descriptor.name, metric]));
  };
  return {
    provider,
    collect,
    async points(name) {
      const points: readonly DataPoint<Value>[] = (await collect()).get(name)?.dataPoints ?? [];
      return points.map(({ value, attributes }) =>
        typeof value === 'number' ? { attributes, value } : { attributes, value: value.count, sum: value.sum },
      );
    },
  };
}

// Tests import it where no module hook sees it.
instrumentOpenAI(OpenAI);

/** One call for `model`, by one of the two roads, read to its end; what it throws is its own affair. */
export type Road = (provider: FaultyProvider, model: string, more?: Ask) => Promise<void>;

interface Ask {
  readonly scenario?: ScenarioOrList;
  readonly request?: Record<string, unknown>;
  readonly maxRetries?: number;
}

export const ROADS: Readonly<Record<'fetch' | 'openai', Road>> = {
  async fetch(provider, model, { scenario, request } = {}) {
    if (scenario) provider.define(model, scenario);
    const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'CANARY' }], ...request });
    try {
      await (await fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body })).text();
    } catch {
      // The metrics say it.
    }
  },
  async openai(provider, model, { scenario, request, maxRetries = 0 } = {}) {
    if (scenario) provider.define(model, scenario);
    const client = new OpenAI({ baseURL: `${provider.url}/v1`, apiKey: 'sk-test', maxRetries, logLevel: 'off' });
    try {
      const answer = await client.chat.completions.create({
        model,
        stream: true,
        messages: [{ role: 'user', content: 'CANARY' }],
        ...request,
      });
      if (Symbol.asyncIterator in answer) for await (const _ of answer);
    } catch {
      // The metrics say it.
    }
  },
};

/** The attributes of one point, the port aside: it is another one each time. */
export function withoutPort({ 'server.port': port, ...attributes }: Attributes): Attributes {
  if (port !== undefined) expect(port).toBeTypeOf('number');
  return attributes;
}
