/**
 * An application under the real SDK that keeps book: what its calls were, by the outcome hook, and for each of their
 * spans whether the exporter was told that the collector took it, and when.
 */
import { context, metrics as metricsApi, propagation, trace } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { metrics, NodeSDK, tracing } from '@opentelemetry/sdk-node';
import { LlmStreamInstrumentation } from '../../src/index.js';
import {
  chatText,
  chatToolCalls,
  type FaultyProvider,
  httpError,
  startFaultyProvider,
} from '../../src/testing/index.js';

export const SERVICE = 'backends-sender';

/** Small, so that what is under way when something dies is little. */
const BATCH_DELAY_MS = 100;
const METRICS_INTERVAL_MS = 500;
const EXPORT_LIMIT_MS = 5_000;

/** The models of the provider: how each call of it ends. */
const SCENARIOS = {
  good: { reply: chatText(['Hello', ' world'], { usageWhen: 'always' }) },
  cut: { reply: chatText(['Hello', ' world', ' again']), faults: [{ type: 'silent_end', afterChunks: 3 }] },
  refused: { reply: httpError(503) },
  'cut in a tool call': {
    reply: chatToolCalls([{ name: 'get_weather', fragments: ['{"city": ', '"Bath"}'] }]),
    faults: [{ type: 'silent_end', afterChunks: 3 }],
  },
  'without an end': { reply: chatText(['Hello'], { usageWhen: 'always' }), faults: [{ type: 'no_done' }] },
  left: { reply: chatText(['Hello']), hold: { after: 'headers', until: 'client_gone' } },
} as const;

export type Model = keyof typeof SCENARIOS;

export interface Sender {
  /** One call, read to its end; `left` is cancelled. */
  call(model: Model): Promise<void>;
  /** A request to the application, with a span of its own around one call; both are sent, one after the other. */
  request(model: Model): Promise<void>;
  /** Trace ids of ended calls. */
  readonly ended: ReadonlySet<string>;
  /** Trace ids that the exporter was told were taken, with the moment it was told. */
  readonly accepted: ReadonlyMap<string, number>;
  /** How many spans there are to those. */
  readonly acceptedSpans: number;
  /** Trace ids that it was told were not. */
  readonly refused: ReadonlySet<string>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface SenderOptions {
  /** Whether it has a metric reader. @defaultValue true */
  readonly metrics?: boolean;
}

/** @param url as `OTEL_EXPORTER_OTLP_ENDPOINT` wants it */
export async function startSender(url: string, { metrics: hasMetrics = true }: SenderOptions = {}): Promise<Sender> {
  const provider = await startFaultyProvider({ scenarios: SCENARIOS });
  const ended = new Set<string>();
  const accepted = new Map<string, number>();
  const refused = new Set<string>();
  let acceptedSpans = 0;
  const inner = new OTLPTraceExporter({ url: `${url}/v1/traces`, timeoutMillis: EXPORT_LIMIT_MS });
  const exporter: tracing.SpanExporter = {
    export(spans, done) {
      inner.export(spans, (result) => {
        if (result.error === undefined) acceptedSpans += spans.length;
        for (const span of spans) {
          const { traceId } = span.spanContext();
          if (result.error === undefined) accepted.set(traceId, Date.now());
          else refused.add(traceId);
        }
        done(result);
      });
    },
    shutdown: () => inner.shutdown(),
  };
  const processor = new tracing.BatchSpanProcessor(exporter, { scheduledDelayMillis: BATCH_DELAY_MS });
  const reader = new metrics.PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url: `${url}/v1/metrics`, timeoutMillis: METRICS_INTERVAL_MS }),
    exportIntervalMillis: METRICS_INTERVAL_MS,
    exportTimeoutMillis: METRICS_INTERVAL_MS,
  });
  const instrumentation = new LlmStreamInstrumentation({
    outcomeHook: (span) => void ended.add(span.spanContext().traceId),
  });
  const sdk = new NodeSDK({
    serviceName: SERVICE,
    autoDetectResources: false,
    spanProcessors: [processor],
    metricReaders: hasMetrics ? [reader] : [],
    instrumentations: [instrumentation],
  });
  sdk.start();
  return {
    call: (model) => call(provider, model),
    request: (model) =>
      trace.getTracer('application').startActiveSpan('request', async (span) => {
        await call(provider, model);
        // The call's own span is on its way before this one ends.
        await processor.forceFlush();
        span.end();
      }),
    ended,
    accepted,
    get acceptedSpans() {
      return acceptedSpans;
    },
    refused,
    async flush() {
      await processor.forceFlush();
      if (hasMetrics) await reader.forceFlush();
    },
    async close() {
      await sdk.shutdown();
      instrumentation.disable();
      // The next sender of this process is another one.
      for (const api of [trace, metricsApi, context, propagation]) api.disable();
      await provider.close();
    },
  };
}

async function call(provider: FaultyProvider, model: Model): Promise<void> {
  const body = JSON.stringify({ model, stream: true, messages: [], stream_options: { include_usage: true } });
  const response = await fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body });
  if (model === 'left') await response.body?.cancel();
  else await response.text();
}
