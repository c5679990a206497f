/**
 * Milestones become log records, in the context of the call's span and while it is still recording: one for each of
 * them, without a cap, and one for the whole call at its end.
 */
import type { Attributes, Context } from '@opentelemetry/api';
import { type Logger, SeverityNumber } from '@opentelemetry/api-logs';
import type { ApplicationFacts, CallDescription } from '../stream/call-description.js';
import type { Milestone, Sink } from '../stream/milestone.js';
import type { CallOutcome } from '../stream/outcome.js';
import { LOG_GEN_AI_CLIENT_OPERATION_EXCEPTION, LOG_LLM_STREAM_CALL } from './semconv.js';
import { END_ATTRIBUTES, fill, startAttributes } from './span-attributes.js';
import type { TimelineMilestone } from './span-event-budget.js';
import { SPAN_EVENTS, spanEventAttributes } from './span-events.js';
import { isWritten, type Parts } from './timeline.js';

export interface LogSinkOptions {
  /** Whether there is a record of the whole call. */
  readonly logRecord: boolean;
  /** Which milestones are records. */
  readonly logs: Parts;
  readonly toolNames: boolean;
  readonly stallThresholdMs: number;
}

/** What is logged of one call. */
export interface LoggedCall {
  readonly description: CallDescription;
  readonly application: ApplicationFacts | undefined;
  /** The one that has the call's span in it; asked for when something is logged. */
  context(): Context;
}

/** Takes the milestones of one call; ignores what follows `settled`. Belongs before the sink that ends the span. */
export class LogSink implements Sink {
  readonly #logger: Logger;
  readonly #options: LogSinkOptions;
  /** Let go with the end: the outcome of a call may outlive its span by far. */
  #call: LoggedCall | undefined;
  #context: Context | undefined;

  constructor(logger: Logger, call: LoggedCall, options: LogSinkOptions) {
    this.#logger = logger;
    this.#call = call;
    this.#options = options;
  }

  take(milestone: Milestone): void {
    const call = this.#call;
    if (call === undefined || milestone.type === 'chunk') return;
    if (milestone.type === 'settled') {
      if (this.#options.logRecord) this.#logCall(call, milestone.outcome, milestone.atMs);
      this.#call = undefined;
      this.#context = undefined;
    } else if (isWritten(this.#options.logs, milestone)) this.#logMilestone(call, milestone);
  }

  #logMilestone(call: LoggedCall, milestone: TimelineMilestone): void {
    const { eventName, severity } = recordOf(milestone);
    this.#emit(call, eventName, severity, milestone.atMs, () => spanEventAttributes(milestone, this.#options));
  }

  #logCall(call: LoggedCall, outcome: CallOutcome, atMs: number): void {
    const { description, application } = call;
    const severity = outcome.outcome === 'failed' ? 'ERROR' : 'INFO';
    this.#emit(call, LOG_LLM_STREAM_CALL, severity, atMs, () => {
      const stream = description.stream ?? outcome.streamed;
      const ended = { outcome, stream, suppressedCount: undefined, options: this.#options };
      return fill(startAttributes(description, application), END_ATTRIBUTES, ended);
    });
  }

  #emit(call: LoggedCall, eventName: string, severity: Severity, atMs: number, attributes: () => Attributes): void {
    this.#context ??= call.context();
    const asked = { context: this.#context, severityNumber: SeverityNumber[severity], eventName };
    // Loggers of earlier versions have no `enabled`.
    if (this.#logger.enabled?.(asked) === false) return;
    const timestamp = call.description.startEpochMs + atMs;
    this.#logger.emit({ ...asked, timestamp, severityText: severity, attributes: attributes() });
  }
}

type Severity = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';

function recordOf({ type }: TimelineMilestone): { readonly eventName: string; readonly severity: Severity } {
  if (type === 'exception') return { eventName: LOG_GEN_AI_CLIENT_OPERATION_EXCEPTION, severity: 'WARN' };
  // Hundreds in one answer.
  return { eventName: SPAN_EVENTS[type], severity: type === 'tool_call_fragment' ? 'DEBUG' : 'INFO' };
}
