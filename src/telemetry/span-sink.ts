/**
 * Milestones become one span: its attributes, its span events, its status and its end.
 * The only file that knows how a milestone is written; it decides nothing about what happened.
 */
import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { CallDescription } from '../stream/call-description.js';
import type { Milestone, Sink } from '../stream/milestone.js';
import type { CallOutcome } from '../stream/outcome.js';
import * as names from './semconv.js';
import {
  cut,
  END_ATTRIBUTES,
  fill,
  forEachKnown,
  type SpanSinkOptions,
  START_ATTRIBUTES,
  USAGE_ATTRIBUTES,
} from './span-attributes.js';
import { SpanEventBudget, type TimelineMilestone } from './span-event-budget.js';

/** The span of one call, from before its first attempt. */
export interface OpenedSpan {
  /** Takes the call's milestones; ends the span at `settled` and ignores whatever follows. */
  readonly sink: Sink;
  /** False where nobody will see the span (sampled out, suppressed, no SDK): `sink` does nothing, and need not be fed. */
  readonly recording: boolean;
  /** Undefined where no SDK gave the span an identity. */
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  /**
   * Runs `send` once and gives back, or throws, what it did. Its HTTP span becomes our child where the application has
   * an active context; where it has none, no context is entered.
   */
  around<T>(send: () => T): T;
}

/** Starts the call's span as a child of the active one, with everything a sampler may want to see. */
export function openSpan(tracer: Tracer, call: CallDescription, options: SpanSinkOptions): OpenedSpan {
  const span = tracer.startSpan(
    call.model === undefined ? call.operation : `${call.operation} ${call.model}`,
    { kind: SpanKind.CLIENT, startTime: call.startEpochMs, attributes: fill({}, START_ATTRIBUTES, call) },
    context.active(),
  );
  const recording = span.isRecording();
  const spanContext = span.spanContext();
  const isValid = isSpanContextValid(spanContext);
  return {
    recording,
    traceId: isValid ? spanContext.traceId : undefined,
    spanId: isValid ? spanContext.spanId : undefined,
    sink: recording ? new SpanSink(span, call, options) : INERT,
    around: (send) => runInside(span, send),
  };
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

class SpanSink implements Sink {
  /** Let go with the end: the outcome of a call may outlive its span by far. */
  #span: Span | undefined;
  readonly #budget: SpanEventBudget;
  readonly #startEpochMs: number;
  readonly #stream: boolean | undefined;
  readonly #options: SpanSinkOptions;

  constructor(span: Span, call: CallDescription, options: SpanSinkOptions) {
    this.#span = span;
    this.#startEpochMs = call.startEpochMs;
    this.#stream = call.stream;
    this.#options = options;
    this.#budget = new SpanEventBudget(options.spanEventLimit, (milestone) => this.#write(milestone));
  }

  take(milestone: Milestone): void {
    if (this.#span === undefined) return;
    if (milestone.type === 'settled') this.#settle(this.#span, milestone.outcome, milestone.atMs);
    else this.#budget.offer(milestone);
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
    } finally {
      // A span that lacks attributes is worth more than one that never ends.
      this.#span = undefined;
      span.end(this.#startEpochMs + atMs);
    }
  }
}

const SPAN_EVENTS: Readonly<Record<TimelineMilestone['type'], string>> = {
  attempt: names.EVENT_LLM_STREAM_ATTEMPT,
  response_headers: names.EVENT_LLM_STREAM_RESPONSE_HEADERS,
  first_chunk: names.EVENT_LLM_STREAM_FIRST_CHUNK,
  first_token: names.EVENT_LLM_STREAM_FIRST_TOKEN,
  tool_call_started: names.EVENT_LLM_STREAM_TOOL_CALL_STARTED,
  tool_call_fragment: names.EVENT_LLM_STREAM_TOOL_CALL_FRAGMENT,
  tool_call_completed: names.EVENT_LLM_STREAM_TOOL_CALL_COMPLETED,
  invalid_chunk: names.EVENT_LLM_STREAM_INVALID_CHUNK,
  stall: names.EVENT_LLM_STREAM_STALL,
  usage: names.EVENT_LLM_STREAM_USAGE,
  finish: names.EVENT_LLM_STREAM_FINISH,
  done: names.EVENT_LLM_STREAM_DONE,
  cancelled: names.EVENT_LLM_STREAM_CANCELLED,
  exception: names.EVENT_EXCEPTION,
};

// No object spread here: Node 20 takes 1.5 µs for one that has these keys, and 27 ns without.
function spanEventAttributes(milestone: TimelineMilestone, { toolNames }: SpanSinkOptions): Attributes {
  const attributes: Attributes = { [names.ATTR_LLM_STREAM_ELAPSED_MS]: Math.round(milestone.atMs) };
  switch (milestone.type) {
    case 'attempt':
      attributes[names.ATTR_LLM_STREAM_ATTEMPT_NUMBER] = milestone.attempt;
      break;
    case 'response_headers':
      attributes[names.ATTR_HTTP_RESPONSE_STATUS_CODE] = milestone.status;
      break;
    case 'first_token':
      attributes[names.ATTR_LLM_STREAM_FIRST_TOKEN_CHANNEL] = milestone.channel;
      break;
    case 'tool_call_started':
      attributes[names.ATTR_LLM_STREAM_CHOICE_INDEX] = milestone.choice;
      attributes[names.ATTR_LLM_STREAM_TOOL_CALL_INDEX] = milestone.index;
      if (!toolNames) break;
      if (milestone.name !== undefined) attributes[names.ATTR_GEN_AI_TOOL_NAME] = cut(milestone.name);
      // Under the same option: some providers make the id out of the name, as in `functions.get_weather:0`.
      if (milestone.id !== undefined) attributes[names.ATTR_GEN_AI_TOOL_CALL_ID] = cut(milestone.id);
      break;
    case 'tool_call_fragment':
      attributes[names.ATTR_LLM_STREAM_CHOICE_INDEX] = milestone.choice;
      attributes[names.ATTR_LLM_STREAM_TOOL_CALL_INDEX] = milestone.index;
      attributes[names.ATTR_LLM_STREAM_TOOL_CALL_FRAGMENT_INDEX] = milestone.fragment;
      attributes[names.ATTR_LLM_STREAM_TOOL_CALL_FRAGMENT_CHARACTERS] = milestone.characters;
      break;
    case 'tool_call_completed':
      attributes[names.ATTR_LLM_STREAM_CHOICE_INDEX] = milestone.choice;
      attributes[names.ATTR_LLM_STREAM_TOOL_CALL_INDEX] = milestone.index;
      break;
    case 'stall':
      attributes[names.ATTR_LLM_STREAM_CHUNK_GAP_MS] = Math.round(milestone.gapMs);
      break;
    case 'usage':
      fill(attributes, USAGE_ATTRIBUTES, milestone.usage);
      break;
    case 'finish':
      attributes[names.ATTR_LLM_STREAM_CHOICE_INDEX] = milestone.choice;
      attributes[names.ATTR_LLM_STREAM_FINISH_REASON] = milestone.reason;
      break;
    case 'exception':
      attributes[names.ATTR_EXCEPTION_TYPE] = milestone.errorType;
      if (milestone.message !== undefined) attributes[names.ATTR_EXCEPTION_MESSAGE] = milestone.message;
      break;
    case 'first_chunk':
    case 'invalid_chunk':
    case 'done':
    case 'cancelled':
      break;
  }
  return attributes;
}
