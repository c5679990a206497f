/** One provider, one real SDK, one instrumentation per test file; each row is a model name, and so a span. */
import type { Attributes } from '@opentelemetry/api';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect, vi } from 'vitest';
import { LlmStreamInstrumentation, type LlmStreamInstrumentationConfig } from '../../src/index.js';
import { type FaultyProvider, type ScenarioOrList, startFaultyProvider } from '../../src/testing/index.js';

/** Stands in prompts, answers, tool arguments, keys, headers, queries and errors; may stand in no exported byte. */
export const CANARY = 'CANARY';

export interface Harness {
  readonly provider: FaultyProvider;
  readonly instrumentation: LlmStreamInstrumentation;
  /** The one span of a model, once it has ended; fails where a second one comes, or a canary. */
  span(model: string): Promise<ReadableSpan>;
  /** The spans of a model, in the order in which they ended, once so many have; fails where one more comes, or a canary. */
  spansOf(model: string, count: number): Promise<readonly ReadableSpan[]>;
  readonly spans: readonly ReadableSpan[];
  /** Defines a scenario and gives back what asks for it. */
  ask(model: string, scenario: ScenarioOrList | undefined, more?: Record<string, unknown>): Ask;
  close(): Promise<void>;
}

export interface Ask {
  readonly url: string;
  readonly baseURL: string;
  readonly body: Record<string, unknown>;
  readonly init: RequestInit & { readonly method: 'POST'; readonly body: string };
}

/** @param sampler - every span is recorded where there is none */
export async function startHarness(config: LlmStreamInstrumentationConfig = {}, sampler?: Sampler): Promise<Harness> {
  const exporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  const tracerProvider = new BasicTracerProvider({ spanProcessors, ...(sampler && { sampler }) });
  const instrumentation = new LlmStreamInstrumentation(config);
  const unregister = registerInstrumentations({ instrumentations: [instrumentation], tracerProvider });
  const provider = await startFaultyProvider();
  const of = (model: string): ReadableSpan[] =>
    exporter.getFinishedSpans().filter((span) => span.attributes['gen_ai.request.model'] === model);
  const spansOf = async (model: string, count: number): Promise<readonly ReadableSpan[]> => {
    await vi.waitFor(() => expect(of(model).length).toBeGreaterThanOrEqual(count), { timeout: 10_000, interval: 5 });
    const spans = of(model);
    if (spans.length !== count) throw new Error(`${model} has ${spans.length} spans`);
    for (const span of spans) expect(exportedBytes(span)).not.toContain(CANARY);
    return spans;
  };
  return {
    provider,
    instrumentation,
    get spans() {
      return exporter.getFinishedSpans();
    },
    async span(model) {
      const [span] = await spansOf(model, 1);
      if (span === undefined) throw new Error(`${model} has no span`);
      return span;
    },
    spansOf,
    ask(model, scenario, more = {}) {
      if (scenario) provider.define(model, scenario);
      const body = { model, stream: true, messages: [{ role: 'user', content: `${CANARY} prompt` }], ...more };
      return {
        url: `${provider.url}/v1/chat/completions?key=${CANARY}`,
        baseURL: `${provider.url}/v1`,
        body,
        init: {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer sk-${CANARY}`, 'x-note': CANARY },
          body: JSON.stringify(body),
        },
      };
    },
    async close() {
      unregister();
      await provider.close();
      await tracerProvider.shutdown();
    },
  };
}

/** What the OTLP exporter would send. */
export function exportedBytes(span: ReadableSpan): string {
  return new TextDecoder().decode(JsonTraceSerializer.serializeRequest([span]));
}

/** What a row says of its span, in short names. */
export interface SpanFacts {
  readonly outcome: 'completed' | 'cancelled' | 'failed';
  readonly failureStage?: string;
  readonly stage: string;
  readonly termination: string;
  readonly category?: string;
  readonly fault?: string;
  /** Absent: nobody could count. */
  readonly chunks?: number;
  readonly usage?: boolean;
  readonly finish?: readonly string[];
  readonly retryable?: boolean;
  /** Further attributes, by their own names. */
  readonly also?: Attributes;
}

/** Holds a span against a row: every fact of the row, and absence where the row is silent. */
export function expectSpan(span: ReadableSpan, facts: SpanFacts): void {
  const { attributes } = span;
  expect({
    outcome: attributes['llm_stream.outcome'],
    failureStage: attributes['llm_stream.failure_stage'],
    stage: attributes['llm_stream.stage'],
    termination: attributes['llm_stream.termination_kind'],
    category: attributes['llm_stream.error_category'],
    fault: attributes['llm_stream.fault'],
    chunks: attributes['llm_stream.chunk_count'],
    usage: attributes['llm_stream.usage_available'],
    finish: attributes['gen_ai.response.finish_reasons'],
    retryable: attributes['llm_stream.retryable'],
    status: span.status,
    ended: span.ended,
    hasErrorType: attributes['error.type'] !== undefined,
  }).toEqual({
    failureStage: undefined,
    category: undefined,
    fault: undefined,
    finish: undefined,
    retryable: undefined,
    usage: false,
    ...withoutAlso(facts),
    // 1 is unset, 2 is error in the specification; the API counts UNSET as 0 and ERROR as 2.
    status: facts.outcome === 'failed' ? { code: 2 } : { code: 0 },
    ended: true,
    hasErrorType: facts.outcome === 'failed',
  });
  expect(attributes).toMatchObject(facts.also ?? {});
}

function withoutAlso({ also: _, ...facts }: SpanFacts): Omit<SpanFacts, 'also'> {
  return facts;
}

/** What an application says of an error: its class and message, for rows to quote. */
export function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const name = error instanceof DOMException ? error.name : error.constructor.name;
  return `${name}: ${error.message}`;
}
