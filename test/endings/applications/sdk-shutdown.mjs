/** Exports over OTLP/HTTP, flushes, and shuts the SDK down while its streams are open. */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, NoopSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { library, openStreams, say } from './set-up.mjs';

const { LlmStreamInstrumentation } = await import(library);
let ended = 0;
const counting = { ...new NoopSpanProcessor(), onStart() {}, onEnd: () => (ended += 1) };
counting.forceFlush = counting.shutdown = async () => {};
const exporting = new BatchSpanProcessor(new OTLPTraceExporter());
const sdk = new NodeSDK({
  spanProcessors: [counting, exporting],
  instrumentations: [new LlmStreamInstrumentation()],
  autoDetectResources: false,
});
sdk.start();
globalThis.held = await openStreams(1_000);
await exporting.forceFlush();
say({ endedByFlush: ended });
await sdk.shutdown();
say({ endedByShutdown: ended });
process.exit(0);
