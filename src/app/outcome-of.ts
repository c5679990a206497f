/** What an application asks about its own calls. */
import { guard } from '../guard.js';
import { type CallOutcome, callOutcome } from './call-outcome.js';
import { findCall } from './find-call.js';

/**
 * How the call went that `subject` came out of, or how far it has got.
 *
 * Undefined where that is no observed call, and where it is several: the reason of an `AbortSignal` that ended many calls
 * says nothing of one of them. Works without an OpenTelemetry SDK and for calls that are not sampled. Never throws.
 *
 * @param subject - a Response (or its clone), an SDK's stream (or a branch of its `tee()`), a runner such as `.stream()`
 * gives (of several calls its last one), a parsed answer, an error that the call gave to the application, or one that has
 * such an error as its `cause`
 *
 * @example
 * ```ts
 * try {
 *   for await (const chunk of stream) show(chunk);
 * } catch (error) {
 *   const outcome = outcomeOf(error);
 *   if (outcome?.retryable && !outcome.partialOutput) return again();
 *   throw error;
 * }
 * ```
 */
export function outcomeOf(subject: unknown): CallOutcome | undefined {
  const found = findCall(subject);
  return found.type === 'one' ? guard('outcome', () => callOutcome(found.call.report())) : undefined;
}
