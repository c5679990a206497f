/** When calls whose end is presumed are looked at again: each as soon as its own grace has passed. */
import { afterEach, expect, test, vi } from 'vitest';
import { addOpenCall, type OpenCall, removeOpenCall, sweepAfterGrace } from '../../src/call/open-calls.js';

const GRACE_MS = 1_000;
/** What a busy machine may add; a grace that begins anew with the sweep before it would add 900. */
const LATE_MS = 500;

const open = new Set<OpenCall>();
afterEach(() => {
  for (const call of open) removeOpenCall(call);
  open.clear();
});

/** A call that ends in a grace from now, and says how long it took until it was looked at then. */
function presume(): () => number {
  const sinceMs = performance.now();
  let endedAfterMs = Number.NaN;
  const call = {
    tick() {
      const passedMs = performance.now() - sinceMs;
      if (passedMs < GRACE_MS || !open.has(call)) return;
      endedAfterMs = passedMs;
      open.delete(call);
      removeOpenCall(call);
    },
    shutDown: () => false,
    live: () => undefined,
  };
  open.add(call);
  addOpenCall(call, undefined);
  sweepAfterGrace();
  return () => endedAfterMs;
}

/** Goes on once `ms` have passed since the file began to count. */
async function at(ms: number, sinceMs: number): Promise<void> {
  await vi.waitFor(() => expect(performance.now() - sinceMs).toBeGreaterThan(ms), { interval: 5, timeout: 5_000 });
}

test('a call that presumes its end while another one waits for its own ends after one grace, not after two', async () => {
  const startMs = performance.now();
  const endings: (() => number)[] = [];
  for (let call = 0; call < 8; call += 1) {
    await at(call * 120, startMs);
    endings.push(presume());
  }
  await vi.waitFor(() => expect(open.size).toBe(0), { timeout: 5_000 });
  for (const ended of endings) expect(ended()).toBeLessThan(GRACE_MS + LATE_MS);
});

test('calls that presume their ends at about the same time end together, and one that comes after a quiet time ends, too', async () => {
  const together = Array.from({ length: 1_000 }, presume);
  await vi.waitFor(() => expect(open.size).toBe(0), { timeout: 5_000 });
  const later = presume();
  await vi.waitFor(() => expect(open.size).toBe(0), { timeout: 5_000 });
  for (const ended of [...together, later]) expect(ended()).toBeLessThan(GRACE_MS + LATE_MS);
});
