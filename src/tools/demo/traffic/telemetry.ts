/**
 * What an application does to have streams, and what becomes of them, on dashboards: the instrumentation under a real
 * NodeSDK, with traces and metrics over OTLP/HTTP.
 */
import type { tracing } from '@opentelemetry/sdk-node';
import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import { LlmStreamInstrumentation } from '../../../index.js';
import { load } from '../load.js';
import { watchExports } from './exports.js';
import { within } from './in-turn.js';
import type { Exported, TrafficJob } from './messages.js';
import type { Tally } from './tally.js';

export interface TrafficTelemetry {
  /** Reads the metrics now, and sends them. */
  collect(): Promise<void>;
  /** Sends what is there, for a bounded time, and says how all exports went. */
  shutdown(): Promise<{ readonly spans: Exported; readonly metrics: Exported }>;
}

const METRICS_EVERY_MS = 5_000;
const SPANS_EVERY_MS = 1_000;
/** A backend that does not answer is not waited for longer. */
const BACKEND_TIMEOUT_MS = 4_000;
const SHUTDOWN_LIMIT_MS = 5_000;

export async function startTrafficTelemetry(
  { tracesUrl, metricsUrl, instanceId, endpoints, stallThresholdMs }: TrafficJob,
  tally: Tally,
  tell: (url: string, problem: string | undefined) => void,
): Promise<TrafficTelemetry> {
  const { NodeSDK, metrics, resources, tracing } = await load(
    '@opentelemetry/sdk-node',
    () => import('@opentelemetry/sdk-node'),
  );
  const { OTLPTraceExporter } = await load(
    '@opentelemetry/exporter-trace-otlp-http',
    () => import('@opentelemetry/exporter-trace-otlp-http'),
  );
  const { OTLPMetricExporter } = await load(
    '@opentelemetry/exporter-metrics-otlp-http',
    () => import('@opentelemetry/exporter-metrics-otlp-http'),
  );
  const traceExporter = new OTLPTraceExporter({ url: tracesUrl, timeoutMillis: BACKEND_TIMEOUT_MS });
  const metricExporter = new OTLPMetricExporter({
    url: metricsUrl,
    timeoutMillis: BACKEND_TIMEOUT_MS,
    temporalityPreference: metrics.AggregationTemporality.CUMULATIVE,
  });
  const spans = watchExports<tracing.ReadableSpan[]>(traceExporter, {
    count: ({ length }) => length,
    changed: (problem) => tell(tracesUrl, problem),
  });
  const collections = watchExports(metricExporter, {
    count: () => 1,
    changed: (problem) => tell(metricsUrl, problem),
  });
  const reader = new metrics.PeriodicExportingMetricReader({
    exporter: metricExporter,
    exportIntervalMillis: METRICS_EVERY_MS,
    exportTimeoutMillis: METRICS_EVERY_MS,
  });
  const sdk = new NodeSDK({
    resource: resources.resourceFromAttributes({
      [ATTR_SERVICE_NAME]: 'llm-stream-demo',
      [ATTR_SERVICE_INSTANCE_ID]: instanceId,
    }),
    autoDetectResources: false,
    spanProcessors: [new tracing.BatchSpanProcessor(traceExporter, { scheduledDelayMillis: SPANS_EVERY_MS })],
    metricReaders: [reader],
    instrumentations: [
      new LlmStreamInstrumentation({
        stallThresholdMs,
        endpoints,
        // Both sets: whichever a dashboard asks for is there.
        metricNames: 'both',
        metricDimensions: ['feature', 'route'],
        requestHook: (span) => tally.began(span),
        outcomeHook: (span, outcome) => tally.ended(span, outcome),
      }),
    ],
  });
  sdk.start();
  return {
    // What a backend refused is among the results.
    collect: () => reader.forceFlush().catch(() => undefined),
    async shutdown() {
      const sent = sdk.shutdown().catch(() => undefined);
      await within(SHUTDOWN_LIMIT_MS, sent);
      return { spans: spans(), metrics: collections() };
    },
  };
}
