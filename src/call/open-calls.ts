/** Live calls, and one timer over all of them that keeps no process alive. */
// Not the globals: jsdom's return numbers, and fake ones of a test never fire.
import { clearTimeout, setTimeout } from 'node:timers';
import { guard } from '../guard.js';
import { GRACE_MS } from '../stream/state.js';

/** A call as the sweep sees it. */
export interface OpenCall {
  /** Lets time pass on the call. */
  tick(): void;
  /** An ending is presumed, and waits for its grace to pass. */
  readonly presumed: boolean;
}

/** How often calls on which nothing happens are looked at, for stalls and idleness. */
const SWEEP_MS = 5_000;
/** Timers may fire a fraction of a millisecond early. */
const MARGIN_MS = 2;

const open = new Set<OpenCall>();
let timer: NodeJS.Timeout | undefined;
let firesAt = 0;

export function addOpenCall(call: OpenCall): void {
  open.add(call);
  sweepWithin(SWEEP_MS);
}

/** The call ended. */
export function removeOpenCall(call: OpenCall): void {
  open.delete(call);
}

/** An ending was presumed: it is looked at as soon as its grace has passed. */
export function sweepAfterGrace(): void {
  sweepWithin(GRACE_MS + MARGIN_MS);
}

function sweepWithin(delayMs: number): void {
  const at = performance.now() + delayMs;
  if (timer !== undefined) {
    if (firesAt <= at + MARGIN_MS) return;
    clearTimeout(timer);
  }
  firesAt = at;
  timer = setTimeout(() => guard('sweep', sweep), delayMs);
  timer.unref();
}

function sweep(): void {
  timer = undefined;
  let soon = false;
  for (const call of open) {
    // Each by itself: what fails for one call must not keep the others open.
    guard('tick', () => {
      call.tick();
      soon ||= call.presumed;
    });
  }
  if (open.size > 0) sweepWithin(soon ? GRACE_MS + MARGIN_MS : SWEEP_MS);
}
