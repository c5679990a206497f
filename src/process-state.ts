/** One state per process, over ESM and CJS copies and versions of this package. */

/** A patch of `fetch`, as other copies of this package see it. */
export interface FetchOwner {
  /** The function it laid there no longer stands, and nobody wrapped it: what was there before is back. */
  isGone(): boolean;
  /** Gives the place up. */
  unpatch(): void;
}

export interface ProcessState {
  /** Who patches `globalThis.fetch`: one instrumentation at a time, so that a call never has two spans. */
  fetchOwner: FetchOwner | undefined;
  /** Bodies and responses that are shadowed already; while a request is sent, its `init` or Request too. */
  readonly shadowed: WeakSet<object>;
}

const KEY = Symbol.for('opentelemetry-instrumentation-llm-stream.v1');

/** The record all copies share. */
export function processState(): ProcessState {
  // Symbol.for is how copies meet: the global object has no type for it.
  const holder = globalThis as { [KEY]?: ProcessState };
  holder[KEY] ??= { fetchOwner: undefined, shadowed: new WeakSet() };
  return holder[KEY];
}
