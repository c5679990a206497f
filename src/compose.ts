/** What a call is made with: settings and a tracer become what it needs, and its milestones go to the sinks. */
import { type Tracer, type TracerProvider, trace } from '@opentelemetry/api';
import type { CallOptions } from './call/call.js';
import { endCallsOf, onceNoneIsOpen } from './call/open-calls.js';
import type { Settings } from './config.js';
import { guard } from './guard.js';
import { type ShutdownWatch, watchShutdowns } from './intercept/tracer-provider.js';
import { SCHEMA_URL } from './telemetry/semconv.js';
import { openSpan } from './telemetry/span-sink.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from './version.js';

/** Where spans are from. */
export interface TracerSource {
  readonly tracer: Tracer;
  readonly provider: TracerProvider;
}

/**
 * What a call needs, by these settings; without a source of its own, the global provider is one. `providers` are
 * watched from the first call on.
 */
export function callOptions(
  settings: Settings,
  source: () => TracerSource | undefined,
  providers: ShutdownWatch = watchProviders(),
): CallOptions {
  const { stallThresholdMs, idleTimeoutMs, missingDoneEvent, endpoints, exceptionMessages } = settings;
  return {
    endpoints,
    machine: { stallThresholdMs, idleTimeoutMs, missingDoneEvent },
    exceptionMessages,
    record(description) {
      const { tracer, provider } = source() ?? sourceOf(trace.getTracerProvider());
      const watched = guard('provider', () => providers.watch(provider));
      const span = openSpan(tracer, description, settings);
      const { recording, sink, traceId, spanId } = span;
      // A span that nobody records has a call all the same: whoever asks for the outcome gets it.
      const sinks = recording ? [sink] : [];
      return { sinks, traceId, spanId, provider: watched, around: (send) => span.around(send) };
    },
  };
}

/** Calls end before the provider that they have their spans from shuts down. */
export function watchProviders(): ShutdownWatch {
  return watchShutdowns({ beforeShutdown: endCallsOf, onceUnneeded: onceNoneIsOpen });
}

/** A provider and our tracer of it. */
export function sourceOf(provider: TracerProvider): TracerSource {
  return { provider, tracer: provider.getTracer(PACKAGE_NAME, PACKAGE_VERSION, { schemaUrl: SCHEMA_URL }) };
}
