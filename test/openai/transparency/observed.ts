/** Observes every copy of the SDK, as an application would whose SDK was bundled. */
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { instrumentOpenAI, LlmStreamInstrumentation } from '../../../src/index.js';
import { loadSdks } from '../sdks.js';
import { runChild } from './child.js';

const exporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
registerInstrumentations({ instrumentations: [new LlmStreamInstrumentation()], tracerProvider });

await runChild(
  loadSdks,
  ({ OpenAI }) => void instrumentOpenAI(OpenAI),
  () => exporter.getFinishedSpans().length,
);
