/**
 * The caller's signal and that of the budgets become one. Not by `AbortSignal.any`: a long-lived signal remembered every
 * signal made from it on Node 20, and a listener that is taken away leaves nothing.
 */
import { defaultMaxListeners, getMaxListeners, setMaxListeners } from 'node:events';

/** The part of an AbortSignal that is used: polyfills have it, too. */
interface SignalLike extends EventTarget {
  readonly aborted: boolean;
  readonly reason: unknown;
}

export function isSignal(value: unknown): value is SignalLike {
  return (
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    'addEventListener' in value &&
    typeof value.addEventListener === 'function'
  );
}

/** As undici does for signals that many requests share, on Nodes where a signal warns of an eleventh listener. */
const MANY_LISTENERS = 1_500;

/**
 * Aborts `controller` when `signal` aborts, with its reason.
 *
 * @returns stops that. It references `signal` weakly: listeners of the application's on it may hold the Response
 */
export function follow(signal: SignalLike, controller: AbortController): () => void {
  if (signal.aborted) {
    controller.abort(signal.reason);
    return () => {};
  }
  const target = new WeakRef(signal);
  const abort = () => controller.abort(target.deref()?.reason);
  allowMany(signal);
  signal.addEventListener('abort', abort, { once: true });
  return () => target.deref()?.removeEventListener('abort', abort);
}

function allowMany(signal: SignalLike): void {
  if (signal instanceof AbortSignal && getMaxListeners(signal) === defaultMaxListeners) {
    setMaxListeners(MANY_LISTENERS, signal);
  }
}
