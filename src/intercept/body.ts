/**
 * Shadows one ReadableStream with own, non-enumerable methods, so that every way to read it is seen: readers,
 * iterators, pipes, cancel, tee. The stream stays the platform's own; our methods call the platform's and look on.
 *
 * The methods are shared by all bodies and find the branch by `this`: a closure each would cost memory per stream,
 * and could hold what must stay collectable.
 *
 * `text()`, `json()` and the other methods of a native Response read through a shadowed `getReader` (Node 20–26), so
 * they need nothing here. Not seen, and left to the wire: `new ReadableStreamDefaultReader(body)`, a transfer by
 * `structuredClone`.
 */
import { guard } from '../guard.js';
import { processState } from '../process-state.js';
import type { Branch } from './branches.js';
import { callInherited, hiddenProperties, isUntouched } from './property.js';
import { pulling, readerForAdapter } from './pulling.js';
import { isObject, tapIterator, tapReader } from './readers.js';
import { COLLECTED_BY_UNDICI, watchUnread } from './unread.js';

/** Whether `value` is a stream that can be observed from here on: the platform's, untouched, unlocked. */
export function canTapBody(value: unknown): value is ReadableStream {
  return (
    value instanceof ReadableStream &&
    !value.locked &&
    Object.isExtensible(value) &&
    !processState().shadowed.has(value) &&
    isUntouched(value, STREAM, STREAM_METHODS)
  );
}

/** Shadows `stream`; what happens to it is told to `branch` from now on. */
export function tapBody(stream: ReadableStream, branch: Branch): void {
  Object.defineProperties(stream, HIDDEN_STREAM_METHODS);
  processState().shadowed.add(stream);
  branches.set(stream, branch);
  watchUnread(stream, branch);
}

/** The branch that reads of `stream` are told to. */
export function branchOf(stream: unknown): Branch | undefined {
  return stream instanceof ReadableStream ? branches.get(stream) : undefined;
}

/** `parent` was divided into `parts`, by `tee()` or by `clone()`: from now on they tell what becomes of it. */
export function tapParts(parent: Branch, parts: readonly unknown[]): void {
  const { group } = parent;
  if (!group.isOpen || !parts.every(canTapBody)) return;
  for (const part of parts) tapBody(part, group.addBranch(part, parent));
  group.divided(parent);
}

const branches = new WeakMap<object, Branch>();
const STREAM = ReadableStream.prototype;

// The order of the parameters and `length` are the platform's: `pipeTo.length` is 1, `getReader.length` is 0.
const STREAM_METHODS = {
  getReader(this: ReadableStream, ...args: unknown[]): unknown {
    const reader = callInherited(STREAM, this, 'getReader', args);
    observe('getReader', this, (branch) => tapReader(reader, branch));
    return observe('fromWeb', this, () => readerForAdapter(reader, STREAM_METHODS.getReader)) ?? reader;
  },

  values(this: ReadableStream, ...args: unknown[]): unknown {
    const iterator = callInherited(STREAM, this, 'values', args);
    observe('values', this, (branch) => tapIterator(iterator, branch, args[0]));
    return iterator;
  },

  cancel(this: ReadableStream, ...args: unknown[]): unknown {
    // A locked stream refuses: then nobody has left.
    const refused = branches.has(this) && this.locked;
    if (!refused) observe('leaving', this, ({ group }) => group.leaving());
    const cancelled = callInherited(STREAM, this, 'cancel', args);
    if (!refused) {
      observe('cancel', this, (branch) => {
        if (args[0] === COLLECTED_BY_UNDICI) branch.group.collected(branch);
        else branch.group.left(branch);
      });
    }
    return cancelled;
  },

  tee(this: ReadableStream, ...args: unknown[]): unknown {
    const parts = callInherited(STREAM, this, 'tee', args);
    observe('tee', this, (branch) => {
      if (Array.isArray(parts)) tapParts(branch, parts);
    });
    return parts;
  },

  pipeTo(this: ReadableStream, destination: unknown, ...rest: unknown[]): unknown {
    const piped = observe('pipeTo', this, () => pipe(this, destination, rest[0]));
    return piped ?? callInherited(STREAM, this, 'pipeTo', [destination, ...rest]);
  },

  pipeThrough(this: ReadableStream, transform: unknown, ...rest: unknown[]): unknown {
    const readable = observe('pipeThrough', this, () => {
      if (!isTransform(transform)) return undefined;
      const piped = pipe(this, transform.writable, rest[0]);
      // As the platform does: what breaks the pipe shows on the readable side.
      piped?.catch(() => {});
      return piped && transform.readable;
    });
    return readable ?? callInherited(STREAM, this, 'pipeThrough', [transform, ...rest]);
  },
};

const HIDDEN_STREAM_METHODS = hiddenProperties({
  ...STREAM_METHODS,
  // One function under both names, as it is natively.
  [Symbol.asyncIterator]: STREAM_METHODS.values,
});

/** Runs `look` if `stream` is observed and its end not told yet. */
function observe<T>(place: string, stream: ReadableStream, look: (branch: Branch) => T): T | undefined {
  return guard(place, () => {
    const branch = branches.get(stream);
    return branch?.group.isOpen ? look(branch) : undefined;
  });
}

function isTransform(value: unknown): value is { readable: ReadableStream; writable: unknown } {
  return isObject(value) && 'readable' in value && value.readable instanceof ReadableStream && 'writable' in value;
}

/**
 * Pipes through a reader that is seen, into the platform's own `pipeTo`. Undefined, with nothing touched, where the
 * platform would refuse: its refusal is then the one the consumer gets.
 *
 * The promise is a derived one: returning the one we react to would hide an unhandled rejection.
 */
function pipe(stream: ReadableStream, destination: unknown, options: unknown): Promise<void> | undefined {
  if (stream.locked || !(destination instanceof WritableStream) || destination.locked || !arePipeOptions(options)) {
    return undefined;
  }
  // Ours by definition: `getReader` was asked for no mode.
  const reader = Reflect.apply(STREAM_METHODS.getReader, stream, []) as ReadableStreamDefaultReader<unknown>;
  // Without the release `locked` would stay true, and `preventCancel` would be of no use.
  const release = () => reader.releaseLock();
  try {
    const piped = callInherited(STREAM, pulling(reader), 'pipeTo', [destination, options]) as Promise<void>;
    return piped.then(release, (error: unknown) => {
      release();
      throw error;
    });
  } catch (error) {
    release();
    throw error;
  }
}

function arePipeOptions(options: unknown): boolean {
  if (options === undefined || options === null) return true;
  if (!isObject(options)) return false;
  const signal = 'signal' in options ? options.signal : undefined;
  return signal === undefined || signal instanceof AbortSignal;
}
