// The usual bootstrap file, as an ES module.
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { LlmStreamInstrumentation } from 'opentelemetry-instrumentation-llm-stream';
import spans from './print-spans.cjs';

registerInstrumentations({
  instrumentations: [new LlmStreamInstrumentation()],
  tracerProvider: spans.tracerProvider,
});
