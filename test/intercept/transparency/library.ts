/** Observes every request with the whole library: every answer is read as if it were a model's, and every span exported. */
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { createCallHooks } from '../../../src/call/hooks.js';
import { LlmStreamInstrumentation } from '../../../src/index.js';
import { wrapFetch } from '../../../src/intercept/fetch.js';
import { openSpan } from '../../../src/telemetry/span-sink.js';
import { reportChecks } from './checks.js';
import { runApplication } from './exits.js';

const exporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const everything = { endpoints: [/.*/] };
const instrumentation = new LlmStreamInstrumentation(everything);
instrumentation.setTracerProvider(tracerProvider);

const settings = { spanEventLimit: 128, toolNames: true, stallThresholdMs: 10_000 };
const hooks = createCallHooks(() => ({
  endpoints: [{ url: /.*/ }],
  machine: { stallThresholdMs: 10_000, idleTimeoutMs: 600_000, missingDoneEvent: 'finding' },
  exceptionMessages: false,
  record({ description }) {
    const { sink, traceId, spanId, around } = openSpan(tracerProvider.getTracer('mocks'), description, settings);
    return { sinks: [sink], traceId, spanId, around };
  },
}));

const [application, origin] = process.argv.slice(2);
if (application !== undefined && origin !== undefined) await runApplication(application, origin);
else {
  await reportChecks({
    wrap: (original) => wrapFetch(original, hooks),
    observed: () => exporter.getFinishedSpans().length,
  });
}
