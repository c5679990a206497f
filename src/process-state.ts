/** One state per process, over ESM and CJS copies and versions of this package. */

export interface ProcessState {
  /** Who patches `globalThis.fetch`: one instrumentation at a time, so that a call never has two spans. */
  fetchOwner: object | undefined;
  /** Bodies, readers and responses that are shadowed already. */
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
