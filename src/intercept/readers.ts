/**
 * The holders of a stream: readers and iterators, shadowed so that each read, its answer, the release and the leaving
 * are told to the branch.
 */
import { guard } from '../guard.js';
import type { Branch } from './branches.js';
import { callInherited, hiddenProperties } from './property.js';

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

/** Shadows a reader that the platform gave. */
export function tapReader(reader: unknown, branch: Branch): void {
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
export function tapIterator(iterator: unknown, branch: Branch, options: unknown): void {
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

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
