/** What a call is made with: settings and a tracer become what it needs, and its milestones go to the sinks. */
import { context, diag, type Tracer, type TracerProvider, trace } from '@opentelemetry/api';
import { guardedHooks } from './application-hooks.js';
import type { CallOptions } from './call/call.js';
import { endCallsOf, liveCalls, onceNoneIsOpen } from './call/open-calls.js';
import { exceptionSignal, type Settings } from './config.js';
import { guard } from './guard.js';
import { type ShutdownWatch, watchShutdowns } from './intercept/tracer-provider.js';
import { findInstruments, findLogger, type GivenProviders, isSuppressed } from './providers.js';
import type { Sink } from './stream/milestone.js';
import { LiveGauges } from './telemetry/live-gauges.js';
import { type LoggedCall, LogSink, type LogSinkOptions } from './telemetry/log-sink.js';
import { type MeteredCall, MetricSink } from './telemetry/metric-sink.js';
import { SCHEMA_URL } from './telemetry/semconv.js';
import { type OpenedSpan, openSpan } from './telemetry/span-sink.js';
import { NOTHING, timelineParts } from './telemetry/timeline.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from './version.js';

/** Where spans are from. */
export interface TracerSource {
  readonly tracer: Tracer;
  readonly provider: TracerProvider;
}

/** What of the application's OpenTelemetry the calls of one instrumentation are recorded with. */
export interface Recorders {
  /** The tracer provider we were given; undefined: the global one. */
  tracerSource(): TracerSource | undefined;
  readonly given: GivenProviders;
  readonly tracerProviders: ShutdownWatch;
  readonly gauges: LiveGauges;
}

/** Those of nobody: whatever is registered. Tracer providers are watched from the first call on. */
export function globalRecorders(): Recorders {
  return { tracerSource: () => undefined, given: {}, tracerProviders: watchProviders(), gauges: watchStreams() };
}

/** What a call needs, by these settings. */
export function callOptions(settings: Settings, recorders: Recorders = globalRecorders()): CallOptions {
  const { stallThresholdMs, idleTimeoutMs, missingDoneEvent, endpoints, exceptionMessages } = settings;
  const hooks = guardedHooks(settings);
  const parts = timelineParts(settings.signal, exceptionSignal(process.env));
  const sinkOptions = { ...settings, ...parts };
  return {
    endpoints,
    machine: { stallThresholdMs, idleTimeoutMs, missingDoneEvent },
    exceptionMessages,
    ignores: hooks.ignores,
    isSuppressed: () => isSuppressed(context.active()),
    classifyAbort: hooks.classifyAbort,
    record(call) {
      const { description, surroundings } = call;
      const { tracer, provider } = recorders.tracerSource() ?? sourceOf(trace.getTracerProvider());
      const watched = guard('provider', () => recorders.tracerProviders.watch(provider));
      const span = openSpan(tracer, description, sinkOptions, surroundings, hooks.ofSpan);
      const { recording, traceId, spanId, traceFlags } = span;
      if (recording) hooks.started(span.span, call);
      const isUnwanted = guard('context', () => isSuppressed(context.active())) ?? false;
      const told = { description, application: surroundings.application, context: () => span.context };
      const metrics = isUnwanted ? undefined : guard('metrics', () => meter(told, settings, recorders));
      const logs = isUnwanted ? undefined : guard('logs', () => logCall(told, span, sinkOptions, recorders));
      // The one of the span is the last: records belong to a span that is still recording. A span that nobody records
      // has a call all the same: whoever asks for the outcome gets it.
      const sinks = [metrics, logs, recording ? span.sink : undefined].filter((sink) => sink !== undefined);
      return {
        sinks,
        traceId,
        spanId,
        traceFlags,
        provider: watched,
        wantsChunks: metrics !== undefined,
        counted: metrics,
        around: (send) => span.around(send),
      };
    },
  };
}

function meter(call: MeteredCall, settings: Settings, { given, gauges }: Recorders): MetricSink | undefined {
  const instruments = settings.metrics ? findInstruments(given) : undefined;
  if (instruments === undefined) return undefined;
  guard('gauges', () => gauges.put(instruments));
  return new MetricSink(instruments, call, settings);
}

function logCall(call: LoggedCall, span: OpenedSpan, options: LogSinkOptions, { given }: Recorders): Sink | undefined {
  // The timeline is that of a span: what a sampler left out has none. The record of a call is its own.
  const isSampledOut = span.traceId !== undefined && !span.recording;
  const logs = isSampledOut ? NOTHING : options.logs;
  if (!options.logRecord && !logs.milestones && !logs.exceptions) return undefined;
  const logger = findLogger(given);
  if (logger === undefined) {
    sayOnce();
    return undefined;
  }
  return new LogSink(logger, call, { ...options, logs });
}

let isSaid = false;

function sayOnce(): void {
  if (isSaid) return;
  isSaid = true;
  diag.warn(
    `${PACKAGE_NAME}: log records are asked for (\`logRecord\`, \`signal\` or \`OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN\`), and no ` +
      'logger provider is registered; there are none until one is (said once)',
  );
}

/** The calls under way, counted for whoever collects metrics. */
export function watchStreams(): LiveGauges {
  return new LiveGauges(() =>
    liveCalls().flatMap(({ counted, stage, waitedMs }) =>
      counted instanceof MetricSink ? [{ sink: counted, stage, waitedMs }] : [],
    ),
  );
}

/** Calls end before the provider that they have their spans from shuts down. */
export function watchProviders(): ShutdownWatch {
  return watchShutdowns({ beforeShutdown: endCallsOf, onceUnneeded: onceNoneIsOpen });
}

/** A provider and our tracer of it. */
export function sourceOf(provider: TracerProvider): TracerSource {
  return { provider, tracer: provider.getTracer(PACKAGE_NAME, PACKAGE_VERSION, { schemaUrl: SCHEMA_URL }) };
}
