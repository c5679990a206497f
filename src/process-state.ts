/** One state per process, over ESM and CJS copies and versions of this package. */
import type { CallHooks, SdkHooks } from './intercept/call-hooks.js';
import type { CallOutcome, OpenOutcome } from './stream/outcome.js';

/** A patch of `fetch`, as other copies of this package see it. */
export interface FetchOwner {
  /** The function it laid there no longer stands, and nobody wrapped it: what was there before is back. */
  isGone(): boolean;
  /** Gives the place up. */
  unpatch(): void;
}

/** A call as whoever asks for its outcome sees it: what `app/` reads. */
export interface ObservedCall {
  /** What can be said of the call right now. */
  report(): CallReport;
}

export interface CallReport {
  /** Of the call's span; undefined where no tracer gave it a valid one. */
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly outcome: CallOutcome | OpenOutcome;
}

export interface ZeroCode {
  /** From now on its patches tell `hooks`, until what is returned is called. */
  giveWayTo(hooks: CallHooks & SdkHooks): () => void;
}

export interface ProcessState {
  /** What the enabled instrumentation wants to know; patches made by hand talk to it, whichever copy it is of. */
  hooks: (CallHooks & SdkHooks) | undefined;
  /** There was one, and it may have been disabled on purpose. */
  wasEnabled: boolean;
  /** The instrumentation of `/register`, which gives way to one that the application makes itself. */
  zeroCode: ZeroCode | undefined;
  /** Who patches `globalThis.fetch`: one instrumentation at a time, so that a call never has two spans. */
  fetchOwner: FetchOwner | undefined;
  /** Bodies and responses that are shadowed already; while a request is sent, its `init` or Request too. */
  readonly shadowed: WeakSet<object>;
  /** How many requests are being sent, synchronously, at this moment. */
  sending: number;
  /**
   * The call that an object belongs to: a Response, an SDK's stream or parsed answer, an error. `undefined` where the
   * same object came out of several calls, such as the reason of a signal that many of them share.
   */
  readonly calls: WeakMap<object, ObservedCall | undefined>;
  /** One for each copy that has open calls: ends them, and says how many they were. */
  readonly enders: Set<() => number>;
  /** Stops to wait for the end of the process; undefined while nobody has open calls. */
  stopAwaitingExit: (() => void) | undefined;
}

const KEY = Symbol.for('opentelemetry-instrumentation-llm-stream.v1');

/**
 * The record all copies share. Copies may be of different versions: a field keeps its meaning for good; a new one comes
 * with a value to begin with, put there by whoever misses it; what cannot be said with new fields needs another key.
 */
export function processState(): ProcessState {
  shared ??= meet();
  return shared;
}

let shared: ProcessState | undefined;

function meet(): ProcessState {
  // Symbol.for is how copies meet: the global object has no type for it. An older copy knew fewer fields.
  const holder = globalThis as { [KEY]?: Partial<ProcessState> };
  holder[KEY] ??= {};
  const found = holder[KEY];
  for (const [field, value] of Object.entries(beginning())) {
    if (!(field in found)) Reflect.set(found, field, value);
  }
  // Every field is there by now.
  return found as ProcessState;
}

function beginning(): ProcessState {
  return {
    hooks: undefined,
    wasEnabled: false,
    zeroCode: undefined,
    fetchOwner: undefined,
    shadowed: new WeakSet(),
    sending: 0,
    calls: new WeakMap(),
    enders: new Set(),
    stopAwaitingExit: undefined,
  };
}
