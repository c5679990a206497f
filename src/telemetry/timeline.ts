/** What the timeline of a call is written as: span events, log records, or both; errors by a switch of their own. */
import type { TimelineMilestone } from './span-event-budget.js';

/** What one OTel signal has of the timeline. */
export interface Parts {
  readonly milestones: boolean;
  /** The error that ended the call. */
  readonly exceptions: boolean;
}

/** Where something is written. */
export type TimelineSignal = 'span-events' | 'logs' | 'both';

export const EVERYTHING: Parts = { milestones: true, exceptions: true };
export const NOTHING: Parts = { milestones: false, exceptions: false };

/**
 * @param signal - as configured
 * @param exceptionSignal - what `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` says of errors; log records it asks for are added
 */
export function timelineParts(
  signal: TimelineSignal,
  exceptionSignal: TimelineSignal,
): { readonly spanEvents: Parts; readonly logs: Parts } {
  return {
    spanEvents: { milestones: signal !== 'logs', exceptions: signal !== 'logs' && exceptionSignal !== 'logs' },
    logs: {
      milestones: signal !== 'span-events',
      exceptions: signal !== 'span-events' || exceptionSignal !== 'span-events',
    },
  };
}

export function isWritten(parts: Parts, { type }: TimelineMilestone): boolean {
  return type === 'exception' ? parts.exceptions : parts.milestones;
}
