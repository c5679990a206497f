// Loaded before the application: `node --require ./instrumentation.cjs app.cjs`.
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { LlmStreamInstrumentation } = require('opentelemetry-instrumentation-llm-stream');

const sdk = new NodeSDK({
  serviceName: 'example-own-sdk-cjs',
  traceExporter: new OTLPTraceExporter(), // http://localhost:4318, or OTEL_EXPORTER_OTLP_ENDPOINT
  instrumentations: [new LlmStreamInstrumentation()],
});
sdk.start();

module.exports = { sdk };
