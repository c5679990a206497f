/**
 * Milestones become one span: its attributes, its span events, its status and its end.
 * With `log-sink.ts` and `span-events.ts` all that knows how a milestone is written; it decides nothing about what happened.
 */
import {
  type Context,
  context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { CallDescription, Surroundings } from '../stream/call-description.js';
import type { Milestone, Sink } from '../stream/milestone.js';
import type { CallOutcome } from '../stream/outcome.js';
import { END_ATTRIBUTES, forEachKnown, type SpanSinkOptions, startAttributes } from './span-attributes.js';
import { SpanEventBudget, type TimelineMilestone } from './span-event-budget.js';
import { SPAN_EVENTS, spanEventAttributes } from './span-events.js';
import { EVERYTHING, isWritten } from './timeline.js';

/** The span of one call, from before its first attempt. */
export interface OpenedSpan {
  /** Takes the call's milestones; ends the span at `settled` and ignores whatever follows. */
  readonly sink: Sink;
  /** False where nobody will see the span (sampled out, suppressed, no SDK): `sink` does nothing, and need not be fed. */
  readonly recording: boolean;
  /** Undefined where no SDK gave the span an identity. */
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly traceFlags: number | undefined;
  readonly span: Span;
  /** With the span in it, and nothing else: what is recorded in it belongs to the span. */
  readonly context: Context;
  /**
   * Runs `send` once and gives back, or throws, what it did. Its HTTP span becomes our child where the application has
   * an active context; where it has none, no context is entered.
   */
  around<T>(send: () => T): T;
}

/** Starts the call's span as a child of the active one, with everything a sampler may want to see. */
export function openSpan(
  tracer: Tracer,
  call: CallDescription,
  options: SpanSinkOptions,
  surroundings: Surroundings = {},
  hooks: SpanHooks = {},
): OpenedSpan {
  const { application, previous } = surroundings;
  const attributes = startAttributes(call, application);
  const links: Link[] = previous ? [{ context: { ...previous, isRemote: false } }] : [];
  const span = tracer.startSpan(
    nameOf(call),
    { kind: SpanKind.CLIENT, startTime: call.startEpochMs, attributes, links },
    context.active(),
  );
  const recording = span.isRecording();
  const spanContext = span.spanContext();
  const isValid = isSpanContextValid(spanContext);
  return {
    recording,
    span,
    traceId: isValid ? spanContext.traceId : undefined,
    spanId: isValid ? spanContext.spanId : undefined,
    traceFlags: isValid ? spanContext.traceFlags : undefined,
    get context() {
      return isValid ? trace.setSpan(ROOT_CONTEXT, span) : ROOT_CONTEXT;
    },
    sink: recording ? new SpanSink(span, call, options, hooks) : INERT,
    around: (send) => runInside(span, send),
  };
}

/** As the convention has it; ours where the operation is not known. */
function nameOf({ operation, model }: CallDescription): string {
  if (operation === undefined) return 'llm_stream.call';
  return model === undefined ? operation : `${operation} ${model}`;
}

const INERT: Sink = { take() {} };

/** A span that is sampled out is entered too: its children have to learn the decision. */
function runInside<T>(span: Span, send: () => T): T {
  const active = context.active();
  if (isRoot(active) || !isSpanContextValid(span.spanContext())) return send();
  return context.with(trace.setSpan(active, span), send);
}

/**
 * A process without a context of its own must never enter an AsyncLocalStorage because of us: on Node 20 and 22 that
 * costs every promise from then on.
 */
function isRoot(active: Context): boolean {
  if (active === ROOT_CONTEXT) return true;
  // From 1.10 on the API is both an ES module and CommonJS, and each has a root of its own: a context manager that was
  // required gives us one that is not ours. All roots are empty; the field is private, so its absence proves nothing.
  const { _currentContext: entries } = active as { readonly _currentContext?: unknown };
  return entries instanceof Map && entries.size === 0;
}

/** What the application does with the span. */
export interface SpanHooks {
  /** Sees the span with all its attributes. */
  beforeEnd?: ((span: Span, outcome: CallOutcome) => void) | undefined;
  /** The span records no longer, although nobody here ended it. */
  endedEarly?: (() => void) | undefined;
}

class SpanSink implements Sink {
  /** Let go with the end: the outcome of a call may outlive its span by far. */
  #span: Span | undefined;
  readonly #budget: SpanEventBudget;
  readonly #startEpochMs: number;
  readonly #stream: boolean | undefined;
  readonly #options: SpanSinkOptions;
  readonly #hooks: SpanHooks;

  constructor(span: Span, call: CallDescription, options: SpanSinkOptions, hooks: SpanHooks) {
    this.#hooks = hooks;
    this.#span = span;
    this.#startEpochMs = call.startEpochMs;
    this.#stream = call.stream;
    this.#options = options;
    this.#budget = new SpanEventBudget(options.spanEventLimit, (milestone) => this.#write(milestone));
  }

  take(milestone: Milestone): void {
    if (this.#span === undefined || milestone.type === 'chunk') return;
    // A hook may have ended it, or a sampler that was asked late dropped it: an SDK warns of each thing that is still
    // written on it.
    if (!this.#span.isRecording()) {
      this.#span = undefined;
      this.#hooks.endedEarly?.();
    } else if (milestone.type === 'settled') this.#settle(this.#span, milestone.outcome, milestone.atMs);
    else if (isWritten(this.#options.spanEvents ?? EVERYTHING, milestone)) this.#budget.offer(milestone);
  }

  #write(milestone: TimelineMilestone): void {
    const attributes = spanEventAttributes(milestone, this.#options);
    this.#span?.addEvent(SPAN_EVENTS[milestone.type], attributes, this.#startEpochMs + milestone.atMs);
  }

  #settle(span: Span, outcome: CallOutcome, atMs: number): void {
    try {
      // No description: it would be a message. A call that ended well, or that somebody left, stays UNSET.
      if (outcome.outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
      this.#budget.close();
      const { suppressedCount } = this.#budget;
      const stream = this.#stream ?? outcome.streamed;
      const ended = { outcome, suppressedCount, stream, options: this.#options };
      // One by one: an object of forty keys in between doubles the cost.
      forEachKnown(END_ATTRIBUTES, ended, (name, value) => span.setAttribute(name, value));
      this.#hooks.beforeEnd?.(span, outcome);
    } finally {
      // A span that lacks attributes is worth more than one that never ends.
      this.#span = undefined;
      if (span.isRecording()) span.end(this.#startEpochMs + atMs);
      else this.#hooks.endedEarly?.();
    }
  }
}
