/**
 * The one timer of this room: bounded by its callers, cut short by a signal, and never a reason for a process to live.
 */

/** Resolves after `ms`, or when `signal` fires. Zero and less: at once, without a timer. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms).unref();
    signal.addEventListener('abort', over);
  });
}
