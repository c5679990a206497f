/**
 * Work that is begun piece by piece: at a pace, and never more than so much at once.
 */
import { setTimeout } from 'node:timers/promises';

export interface Turns {
  /** Between two beginnings. */
  readonly paceMs: number;
  readonly atOnce: number;
  /** When it fires nothing more is begun. */
  readonly signal: AbortSignal;
}

/** Resolves when all that was begun is done. @param work - does not reject */
export async function inTurn<T>(
  items: Iterable<T>,
  { paceMs, atOnce, signal }: Turns,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  for (const item of items) {
    while (running.size >= atOnce) await Promise.race(running);
    if (signal.aborted) break;
    const one = work(item).finally(() => running.delete(one));
    running.add(one);
    if (paceMs > 0) await pause(paceMs, signal);
  }
  await Promise.all(running);
}

/** Resolves after so long, or when the signal fires. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  // A signal that fires rejects: it is over all the same.
  return setTimeout(ms, undefined, signal && { signal }).catch(() => undefined);
}

/** Resolves when the promise does, or after so long; leaves no timer. */
export async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  await Promise.race([promise, pause(ms, over.signal)]);
  over.abort();
}
