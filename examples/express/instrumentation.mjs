// Loaded before the application: `node --import ./instrumentation.mjs server.mjs`.
import 'opentelemetry-instrumentation-llm-stream/hook'; // lets ES modules import an instrumented openai
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { LlmStreamInstrumentation } from 'opentelemetry-instrumentation-llm-stream';

export const sdk = new NodeSDK({
  serviceName: 'example-express',
  traceExporter: new OTLPTraceExporter(), // http://localhost:4318, or OTEL_EXPORTER_OTLP_ENDPOINT
  instrumentations: [new LlmStreamInstrumentation()],
});
sdk.start();
