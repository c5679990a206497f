/**
 * Text becomes the bytes of a body: line ends, byte order mark, gzip.
 */
import { constants, crc32, deflateRawSync } from 'node:zlib';
import type { Delivery } from './delivery.js';

export interface BodyEncoder {
  /** The bytes of a text; with `most`, the first so many of them, or half. With gzip, what is cut is the text. */
  encode(text: string, most?: number | 'half'): Uint8Array;
  /** Length of a whole body, without gzip. */
  lengthOf(text: string): number;
  /** What a compressed body ends with; nothing without gzip. */
  trailer(): Uint8Array;
}

const BYTE_ORDER_MARK = '\u{FEFF}';

export function createBodyEncoder({ lineEnding = '\n', bom = false, gzip = false }: Delivery): BodyEncoder {
  const compress = gzip ? createGzipMember() : undefined;
  let first = bom;
  const plain = (text: string, mark: boolean): Buffer =>
    Buffer.from((mark ? BYTE_ORDER_MARK : '') + (lineEnding === '\n' ? text : text.replaceAll('\n', lineEnding)));
  return {
    encode(text, most) {
      const bytes = plain(text, first);
      first = false;
      const cut = bytes.subarray(0, most === 'half' ? Math.floor(bytes.length / 2) : most);
      return compress === undefined ? cut : compress.add(cut);
    },
    lengthOf: (text) => plain(text, bom).length,
    trailer: () => compress?.trailer() ?? Buffer.alloc(0),
  };
}

/** RFC 1952 §2.3: magic number, deflate, no flags, no time, no hints, unknown system. */
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** RFC 1951 §3.2.3: a last block with nothing in it. */
const LAST_BLOCK = Buffer.from([3, 0]);

/**
 * One gzip member, piece by piece, each to be inflated as soon as it arrives. By hand and synchronous: a zlib stream calls
 * back from a flush before its bytes can be read on Node 26.10 (it can on 20, 22 and 24), and what is late misses the fault.
 */
function createGzipMember(): { add(bytes: Uint8Array): Uint8Array; trailer(): Uint8Array } {
  let checksum = 0;
  let size = 0;
  let started = false;
  const opened = (bytes: Uint8Array): Uint8Array => {
    if (started) return bytes;
    started = true;
    return Buffer.concat([GZIP_HEADER, bytes]);
  };
  return {
    add(bytes) {
      checksum = crc32(bytes, checksum);
      size += bytes.length;
      // A sync flush ends on a byte and refers to nothing before it: such pieces in a row are one deflate stream.
      return opened(deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }));
    },
    trailer() {
      const sums = Buffer.alloc(8);
      sums.writeUInt32LE(checksum, 0);
      sums.writeUInt32LE(size % 2 ** 32, 4);
      return opened(Buffer.concat([LAST_BLOCK, sums]));
    },
  };
}
