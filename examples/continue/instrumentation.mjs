// Loaded before the application: `node --import ./instrumentation.mjs app.mjs`.
import 'opentelemetry-instrumentation-llm-stream/hook'; // lets ES modules import an instrumented openai
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { metrics, NodeSDK } from '@opentelemetry/sdk-node';
import { LlmStreamInstrumentation } from 'opentelemetry-instrumentation-llm-stream';

export const sdk = new NodeSDK({
  serviceName: 'example-continue',
  traceExporter: new OTLPTraceExporter(), // http://localhost:4318, or OTEL_EXPORTER_OTLP_ENDPOINT
  metricReaders: [new metrics.PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })],
  instrumentations: [new LlmStreamInstrumentation()],
});
sdk.start();
