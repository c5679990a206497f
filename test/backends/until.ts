/** Waits for a condition. */
import { setTimeout as wait } from 'node:timers/promises';

const PAUSE_MS = 100;

/** What the probe says once it says something. @throws after the limit, with what was waited for and what was seen last */
export async function until<T>(what: string, limitMs: number, probe: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + limitMs;
  let last: unknown = 'nothing';
  do {
    try {
      const found = await probe();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    await wait(PAUSE_MS);
  } while (Date.now() < end);
  throw new Error(`expected ${what} within ${limitMs} ms`, { cause: last });
}
