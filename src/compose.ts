/** What a call is made with: settings and a tracer become what it needs, and its milestones go to the sinks. */
import { type Tracer, type TracerProvider, trace } from '@opentelemetry/api';
import type { CallOptions } from './call/call.js';
import type { Settings } from './config.js';
import { SCHEMA_URL } from './telemetry/semconv.js';
import { openSpan } from './telemetry/span-sink.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from './version.js';

/** What a call needs, by these settings; without a tracer of its own, the global provider's. */
export function callOptions(settings: Settings, tracer: () => Tracer | undefined): CallOptions {
  const { stallThresholdMs, idleTimeoutMs, missingDoneEvent, endpoints, exceptionMessages } = settings;
  return {
    endpoints,
    machine: { stallThresholdMs, idleTimeoutMs, missingDoneEvent },
    exceptionMessages,
    record(description) {
      const span = openSpan(tracer() ?? tracerOf(trace.getTracerProvider()), description, settings);
      const { recording, sink, traceId, spanId } = span;
      // A span that nobody records has a call all the same: whoever asks for the outcome gets it.
      return { sinks: recording ? [sink] : [], traceId, spanId, around: (send) => span.around(send) };
    },
  };
}

/** Our tracer of a provider. */
export function tracerOf(provider: TracerProvider): Tracer {
  return provider.getTracer(PACKAGE_NAME, PACKAGE_VERSION, { schemaUrl: SCHEMA_URL });
}
