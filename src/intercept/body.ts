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

/** What a read or an iterator's step resolves with. */
interface ReadResult {
  readonly done: boolean;
  readonly value?: unknown;
}

/** One holder of a stream: a reader or an iterator. */
class Hold {
  released = false;

  constructor(
    readonly branch: Branch,
    private readonly fillsViews = false,
  ) {}

  /** Tells of one read. Our reaction is the first on the promise, so the hooks know before the consumer does. */
  watch(read: unknown): void {
    guard('read', () => {
      if (!this.branch.group.isOpen) return;
      this.branch.group.waiting(this.branch);
      // The platform's own promise; it is not derived, because that would reorder reads and `closed`.
      (read as Promise<ReadResult>).then(this.onResult, this.onError);
    });
  }

  release(): void {
    this.released = true;
    this.branch.group.released(this.branch);
  }

  // Nobody handles the promise of these reactions: what they throw would be an unhandled rejection of the application's.
  private readonly onResult = (result: ReadResult): void => {
    guard('read result', () => {
      const { group } = this.branch;
      if (result.done) group.ended(this.branch);
      else group.delivered(this.branch, bytesOf(result.value));
    });
  };

  private readonly onError = (error: unknown): void => {
    guard('read error', () => {
      const { group } = this.branch;
      if (!this.isOwnDoing(error)) group.failed(this.branch, error);
      else if (!this.released) group.delivered(this.branch, NO_BYTES);
    });
  };

  /** Reads rejected because their reader was released, or because of the view they were to fill, say nothing of the stream. */
  private isOwnDoing(error: unknown): boolean {
    if (!(this.released || this.fillsViews) || !(error instanceof TypeError) || !('code' in error)) return false;
    return error.code === 'ERR_INVALID_STATE' || error.code === 'ERR_INVALID_ARG_TYPE';
  }
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  // A made-up stream may carry anything; what is no bytes counts as none.
  return NO_BYTES;
}

const NO_BYTES = new Uint8Array(0);

const holds = new WeakMap<object, Hold>();

function tapReader(reader: unknown, branch: Branch): void {
  if (!isObject(reader)) return;
  const home: unknown = Object.getPrototypeOf(reader);
  const kind = READERS.find(({ prototype }) => prototype === home);
  if (kind === undefined) return;
  Object.defineProperties(reader, kind.hidden);
  holds.set(reader, new Hold(branch, kind.fillsViews));
  branch.group.held(branch);
}

function readerMethods(prototype: object) {
  return {
    read(this: object, ...args: unknown[]): unknown {
      const read = callInherited(prototype, this, 'read', args);
      const hold = holds.get(this);
      if (hold !== undefined && !hold.released) hold.watch(read);
      return read;
    },

    cancel(this: object, ...args: unknown[]): unknown {
      const hold = holds.get(this);
      const holding = hold?.released === false ? hold.branch : undefined;
      if (holding) guard('leaving', () => holding.group.leaving());
      const cancelled = callInherited(prototype, this, 'cancel', args);
      if (holding) guard('cancel', () => holding.group.left(holding));
      return cancelled;
    },

    releaseLock(this: object, ...args: unknown[]): unknown {
      const released = callInherited(prototype, this, 'releaseLock', args);
      const hold = holds.get(this);
      if (hold !== undefined && !hold.released) guard('releaseLock', () => hold.release());
      return released;
    },
  };
}

function byobMethods(prototype: object) {
  const methods = readerMethods(prototype);
  return {
    ...methods,
    // `read.length` is 1 here: the view to fill.
    read(this: object, view: unknown, ...rest: unknown[]): unknown {
      return Reflect.apply(methods.read, this, [view, ...rest]);
    },
  };
}

const READERS = [
  {
    prototype: ReadableStreamDefaultReader.prototype,
    hidden: hiddenProperties(readerMethods(ReadableStreamDefaultReader.prototype)),
    fillsViews: false,
  },
  {
    prototype: ReadableStreamBYOBReader.prototype,
    hidden: hiddenProperties(byobMethods(ReadableStreamBYOBReader.prototype)),
    fillsViews: true,
  },
];

/** Node gives each iterator methods of its own: these are replaced, with the flags they have. */
function tapIterator(iterator: unknown, branch: Branch, options: unknown): void {
  if (!isIterator(iterator)) return;
  const hold = new Hold(branch);
  const keepsStream = isObject(options) && 'preventCancel' in options && Boolean(options.preventCancel);
  const { next: nativeNext, return: nativeReturn } = iterator;
  const methods = {
    next(this: unknown, ...args: unknown[]): unknown {
      const read = Reflect.apply(nativeNext, this, args);
      if (!hold.released) hold.watch(read);
      return read;
    },
    return(this: unknown, value: unknown, ...rest: unknown[]): unknown {
      if (!keepsStream) guard('leaving', () => branch.group.leaving());
      const returned = Reflect.apply(nativeReturn, this, [value, ...rest]);
      guard('return', () => {
        if (!keepsStream) branch.group.left(branch);
        else if (!hold.released) hold.release();
      });
      return returned;
    },
  };
  for (const key of ['next', 'return'] as const) {
    const found = Object.getOwnPropertyDescriptor(iterator, key) ?? HIDDEN;
    Object.defineProperty(iterator, key, { ...found, value: methods[key] });
  }
  branch.group.held(branch);
}

const HIDDEN = { enumerable: false, writable: true, configurable: true };

interface NativeIterator {
  next(...args: unknown[]): unknown;
  return(...args: unknown[]): unknown;
}

function isIterator(value: unknown): value is NativeIterator {
  return isObject(value) && 'next' in value && 'return' in value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
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
