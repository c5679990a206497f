/** Exports over OTLP/HTTP, and shuts the SDK down when it is told to terminate. */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { library, openStreams, say } from './set-up.mjs';

const { LlmStreamInstrumentation } = await import(library);
const sdk = new NodeSDK({
  traceExporter: new OTLPTraceExporter(),
  instrumentations: [new LlmStreamInstrumentation()],
  autoDetectResources: false,
});
sdk.start();
process.on('SIGTERM', async () => {
  await sdk.shutdown();
  process.exit(0);
});
globalThis.held = await openStreams(1_000);
say('ready');
