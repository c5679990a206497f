/**
 * How the bytes of an answer travel: cut, joined, paced, encoded. Says nothing about what they are.
 */
import { checkFields, fail, isDurationMs, isFlag, isObject, isOneOf, isWhole } from './checks.js';

export interface Delivery {
  /**
   * What one write holds: `per_message` (default), one message; `whole`, everything up to the next wait, hold or end;
   * `{ sliced: { bytes: 1 } }`, the same cut into pieces of so many bytes, through messages and characters.
   * The event loop turns between two writes, so that a prompt reader in this process gets one read per write; a reader
   * elsewhere mostly does, but no TCP promises that.
   */
  readonly writes?: 'per_message' | 'whole' | { readonly sliced: { readonly bytes: number } };
  /** Waits between two writes. @defaultValue 0 */
  readonly gapMs?: number;
  /** Waits before the headers. @defaultValue 0 */
  readonly latencyMs?: number;
  /** Adds 0 to so many milliseconds to `latencyMs` and to each gap: the same ones in every run with the same `seed`. @defaultValue 0 */
  readonly jitterMs?: number;
  /** @defaultValue 1 */
  readonly seed?: number;
  /** Bandwidth: a write has at most a tenth of it, and takes its time. */
  readonly bytesPerSecond?: number;
  /** Line ends of SSE messages. @defaultValue `'\n'` */
  readonly lineEnding?: '\n' | '\r\n' | '\r';
  /** A byte order mark before the first byte. */
  readonly bom?: boolean;
  /** `content-encoding: gzip`, asked for or not, flushed after every write. */
  readonly gzip?: boolean;
  /**
   * How HTTP knows the end: `chunked` (default for streams), `content_length` (default for documents; the length of the
   * answer without its endings, so that whatever cuts it breaks the promise), `until_close` (neither: FIN is the end).
   */
  readonly framing?: 'chunked' | 'content_length' | 'until_close';
}

/** Throws a TypeError where the delivery is none. */
export function checkDelivery(delivery: Delivery): void {
  const owner = '`delivery`';
  checkFields(owner, delivery, {
    writes: {
      expected: "'per_message', 'whole' or { sliced: { bytes } }",
      passes: (value) => value === 'per_message' || value === 'whole' || isObject.passes(value),
    },
    gapMs: isDurationMs,
    latencyMs: isDurationMs,
    jitterMs: isDurationMs,
    seed: isWhole('', 0),
    bytesPerSecond: isWhole('bytes', 10),
    lineEnding: isOneOf(['\n', '\r\n', '\r']),
    bom: isFlag,
    gzip: isFlag,
    framing: isOneOf(['chunked', 'content_length', 'until_close']),
  });
  if (typeof delivery.writes === 'object') {
    checkFields('`writes` of `delivery`', delivery.writes, { sliced: { ...isObject, required: true } });
    checkFields('`sliced` of `delivery`', delivery.writes.sliced, {
      bytes: { ...isWhole('bytes', 1), required: true },
    });
  }
  if (delivery.gzip === true && delivery.framing === 'content_length') {
    fail('`framing` of `delivery`', '`chunked` or `until_close` together with `gzip`', delivery.framing);
  }
}

const WRITES_PER_SECOND = 10;

/** Most bytes that one write may have; undefined: any. */
export function largestWrite({ writes, bytesPerSecond }: Delivery): number | undefined {
  const slice = typeof writes === 'object' ? writes.sliced.bytes : undefined;
  const share = bytesPerSecond === undefined ? undefined : Math.floor(bytesPerSecond / WRITES_PER_SECOND);
  if (slice === undefined || share === undefined) return slice ?? share;
  return Math.min(slice, share);
}

/** How long a write of so many bytes takes beyond what the machine takes. */
export function durationMs({ bytesPerSecond }: Delivery, bytes: number): number {
  return bytesPerSecond === undefined ? 0 : (bytes / bytesPerSecond) * 1_000;
}

/** Additions between 0 and `jitterMs`, the same for the same seed. Not for cryptography: mulberry32. */
export function createJitter({ jitterMs = 0, seed = 1 }: Delivery): () => number {
  let state = seed >>> 0;
  return () => {
    if (jitterMs === 0) return 0;
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * jitterMs;
  };
}
