/** Live calls, and one timer over all of them that keeps no process alive. */
// Not the globals: jsdom's return numbers, and fake ones of a test never fire.
import { clearTimeout, setTimeout } from 'node:timers';
import { guard } from '../guard.js';
import type { Stage } from '../stream/outcome.js';
import { GRACE_MS } from '../stream/state.js';
import { addEnder, removeEnder } from './end-open-calls.js';

/** A call as it is seen from here. */
export interface OpenCall {
  /** Lets time pass on the call. */
  tick(): void;
  /** Whoever records the call stops: it ends now. Says whether it was open. */
  shutDown(): boolean;
  /** How it stands, for whoever counts open streams; undefined where nobody does, or its stream is over. */
  live(): LiveCall | undefined;
}

/** A call whose stream is under way. */
export interface LiveCall {
  /** What whoever records the call gave it to be counted by. */
  readonly counted: object;
  readonly stage: Stage;
  /** How long a read that is pending has waited for a chunk; 0 where none is. */
  readonly waitedMs: number;
}

/** How often calls on which nothing happens are looked at, for stalls and idleness. */
const SWEEP_MS = 5_000;
/** A timer that fires so little after another one would serves for it. */
const MARGIN_MS = 2;
/** Where many graces pass, all open calls are looked at no more often than this. */
const TOGETHER_MS = 100;

/** With the tracer provider that each of them has its span from, where that is known. */
const open = new Map<OpenCall, object | undefined>();
/** What waits until a provider has no open calls. */
const waiting = new Map<object, () => void>();
/** When to look at the calls whose grace has passed then; in order, for all graces are of one length, and a dozen at most. */
const graces: number[] = [];
let timer: NodeJS.Timeout | undefined;
let firesAt = 0;

export function addOpenCall(call: OpenCall, provider: object | undefined): void {
  open.set(call, provider);
  // Without them the call is recorded all the same, and may only end unseen.
  if (open.size === 1) guard('exit', () => addEnder(endAll));
  sweepBy(performance.now() + SWEEP_MS);
}

/** The call ended. */
export function removeOpenCall(call: OpenCall): void {
  const provider = open.get(call);
  open.delete(call);
  if (open.size === 0) guard('exit', () => removeEnder(endAll));
  if (provider !== undefined && waiting.size > 0) guard('provider', () => settleWaiting(provider));
}

/** The open calls that are counted and whose streams are under way, as they stand now. */
export function liveCalls(): readonly LiveCall[] {
  return [...open.keys()].flatMap((call) => guard('open calls', () => call.live()) ?? []);
}

/** Ends the open calls whose spans are of `provider`, and says how many they were. */
export function endCallsOf(provider: object): number {
  return endEach((of) => of === provider);
}

/** Runs `then` as soon as no call with a span of `provider` is open. Of several for one provider the last one counts. */
export function onceNoneIsOpen(provider: object, then: () => void): void {
  waiting.set(provider, then);
  settleWaiting(provider);
}

/** An ending was presumed: it is looked at as soon as its grace has passed. */
export function sweepAfterGrace(): void {
  const passesAt = performance.now() + GRACE_MS;
  const last = graces.at(-1) ?? 0;
  if (passesAt > last) graces.push(Math.max(passesAt, last + TOGETHER_MS));
  sweepBy(graces[0] ?? passesAt);
}

function endAll(): number {
  return endEach(() => true);
}

function endEach(isMeant: (provider: object | undefined) => boolean): number {
  let count = 0;
  // Those that are there now: whoever is told of an end may begin another call.
  for (const [call, provider] of [...open]) {
    // Each by itself: what fails for one call must not keep the others open.
    if (isMeant(provider) && guard('shutdown', () => call.shutDown())) count += 1;
  }
  return count;
}

function settleWaiting(provider: object): void {
  const then = waiting.get(provider);
  if (then === undefined || [...open.values()].includes(provider)) return;
  waiting.delete(provider);
  then();
}

function sweepBy(at: number): void {
  if (timer !== undefined) {
    if (firesAt <= at + MARGIN_MS) return;
    clearTimeout(timer);
  }
  firesAt = at;
  timer = setTimeout(() => guard('sweep', sweep), Math.max(0, at - performance.now()));
  timer.unref();
}

function sweep(): void {
  timer = undefined;
  const now = performance.now();
  while (graces[0] !== undefined && graces[0] <= now) graces.shift();
  for (const call of open.keys()) guard('tick', () => call.tick());
  // A timer may fire a fraction of a millisecond early: then the grace is still among those that are waited for.
  if (open.size > 0) sweepBy(Math.min(graces[0] ?? Number.POSITIVE_INFINITY, now + SWEEP_MS));
  else graces.length = 0;
}
