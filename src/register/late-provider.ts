/**
 * A tracer provider that decides at each span where it is from: the application's global provider, if there is one by
 * then, else the SDK of our own. A call belongs to the provider that was there when it began.
 */
import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  type Span,
  type SpanOptions,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import type { OwnSdk, TracerArguments } from './own-sdk.js';

export interface LateProvider extends TracerProvider {
  /** Where the next span will be from: the global provider, or this one itself. */
  getDelegate(): TracerProvider;
}

/** `own`: undefined where an SDK of ours is not wanted. */
export function createLateProvider(own: OwnSdk | undefined): LateProvider {
  const provider: LateProvider = {
    getTracer: (...asked) => new LateTracer(asked, own),
    getDelegate: () => globalProvider() ?? provider,
  };
  return provider;
}

/** The application's; undefined where none is registered. */
export function globalProvider(): TracerProvider | undefined {
  const registered = trace.getTracerProvider();
  // What is given out is a proxy, by which tracers that were taken early begin to record late. By its methods, as it may
  // be of another copy of the API.
  if (!isProxy(registered)) return registered;
  return registered.getDelegateTracer('') === undefined ? undefined : registered.getDelegate();
}

interface Proxy extends TracerProvider {
  getDelegate(): TracerProvider;
  getDelegateTracer(name: string): Tracer | undefined;
}

function isProxy(provider: TracerProvider): provider is Proxy {
  return 'getDelegate' in provider && 'getDelegateTracer' in provider;
}

class LateTracer implements Tracer {
  readonly #asked: TracerArguments;
  readonly #own: OwnSdk | undefined;

  constructor(asked: TracerArguments, own: OwnSdk | undefined) {
    this.#asked = asked;
    this.#own = own;
  }

  startSpan(name: string, options: SpanOptions = {}, parent: Context = context.active()): Span {
    const registered = globalProvider();
    if (registered !== undefined) return registered.getTracer(...this.#asked).startSpan(name, options, parent);
    return this.#own?.startSpan(this.#asked, name, options, parent) ?? trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, ...rest: readonly unknown[]): ReturnType<F> {
    const [options, parent] = rest.slice(0, -1) as [SpanOptions?, Context?];
    // The last argument of each form is the function.
    const run = rest.at(-1) as F;
    const around = parent ?? context.active();
    const span = this.startSpan(name, options, around);
    // As the API says of it.
    return context.with(trace.setSpan(around, span), () => run(span)) as ReturnType<F>;
  }
}
