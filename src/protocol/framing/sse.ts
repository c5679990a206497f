/**
 * Server-sent events: bytes become messages. Knows lines and fields; not what a message says, nor its encoding:
 * texts are latin1, one character a byte (`latin1Slice` and no decoder: 101 instead of 352 ns a message on Node 20,
 * 16 messages a read), and whoever reads them decodes what has bytes from 0x80 up.
 */
import { createParser, type EventSourceParser } from 'eventsource-parser';

/** Bytes of `data` that one message may hold; a longer one is `oversize`. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

export interface SseListener {
  /**
   * One message. `data` and `event` are latin1 and slices of the read they came with: copy what is kept.
   * `unterminated`: it came out only because the body ended; its last line may be cut.
   */
  message(data: string, event: string | undefined, unterminated: boolean): void;
  /** A comment line. */
  comment(): void;
  /** A message was larger than the bound and is skipped to its end; told once per message. */
  oversize(): void;
}

const LF = 0x0a;
const CR = 0x0d;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** The parser counts field names and line ends too: its own bound lies a little higher, so that ours does not depend on where reads were cut. */
const PARSER_SLACK = 16;

/** Framing of one body. Never throws, whatever the bytes are; an exception of the listener passes through. */
export class Sse {
  readonly #listener: SseListener;
  readonly #parser: EventSourceParser;
  /** Bytes of a byte order mark seen so far; -1 once it is decided. */
  #markLength = 0;
  #lastByte = LF;
  #byteBeforeLast = LF;
  #unterminated = false;
  #overflowed = false;
  #skipping = false;
  #lineIsEmpty = true;

  constructor(listener: SseListener, maxMessageBytes: number = MAX_MESSAGE_BYTES) {
    this.#listener = listener;
    this.#parser = createParser({
      onEvent: (message) => {
        if (message.data.length > maxMessageBytes) listener.oversize();
        else listener.message(message.data, message.event, this.#unterminated);
      },
      onComment: () => listener.comment(),
      onError: (error) => {
        // The other errors are unknown fields and a bad `retry`: the standard ignores both.
        if (error.type === 'max-buffer-size-exceeded') this.#overflowed = true;
      },
      maxBufferSize: maxMessageBytes + PARSER_SLACK,
    });
    this.#restart();
  }

  /** Takes the next bytes of the body; the view is not kept. */
  feed(bytes: Uint8Array): void {
    let start = this.#markLength < 0 ? 0 : this.#skipMark(bytes);
    if (this.#skipping) start = this.#skipMessage(bytes, start);
    if (start >= bytes.length) return;
    this.#byteBeforeLast = (bytes.length - start > 1 ? bytes[bytes.length - 2] : this.#lastByte) ?? LF;
    this.#lastByte = bytes[bytes.length - 1] ?? LF;
    this.#parse(latin1(bytes, start));
  }

  /** The body ended: reads a last line, or a last message, that had no end. Two line ends, since neither is sure to be there. */
  end(): void {
    if (this.#markLength > 0) this.#parse(latin1(Uint8Array.from(BYTE_ORDER_MARK.slice(0, this.#markLength)), 0));
    this.#markLength = -1;
    if (this.#skipping) return;
    // The parser holds a last CR back, as the LF of a CRLF might follow: that line end did come.
    if (this.#lastByte === CR) this.#parse('\n');
    this.#unterminated = true;
    this.#parse('\n\n');
  }

  #parse(text: string): void {
    this.#parser.feed(text);
    if (this.#overflowed) this.#skipFromHere();
  }

  /** After an overflow every `feed` throws until `reset()`. */
  #skipFromHere(): void {
    this.#overflowed = false;
    this.#parser.reset();
    this.#restart();
    this.#lineIsEmpty = isLineEnd(this.#lastByte);
    // The parser holds a last CR back: where it ended an empty line, so did the message.
    this.#skipping = !(this.#lastByte === CR && isLineEnd(this.#byteBeforeLast));
    this.#listener.oversize();
  }

  /** The parser looks for a byte order mark in its first read only, whole: we look ourselves, and give it an empty first read. */
  #restart(): void {
    this.#parser.feed('');
  }

  /** Gives the position behind a byte order mark, which may be split over reads. */
  #skipMark(bytes: Uint8Array): number {
    let position = 0;
    while (position < bytes.length && this.#markLength < 3 && bytes[position] === BYTE_ORDER_MARK[this.#markLength]) {
      this.#markLength += 1;
      position += 1;
    }
    if (this.#markLength === 3) this.#markLength = -1;
    else if (position < bytes.length) {
      // No mark after all: what looked like one is text, and some of it may have been in earlier reads.
      const held = this.#markLength - position;
      this.#markLength = -1;
      if (held > 0) this.#parse(latin1(Uint8Array.from(BYTE_ORDER_MARK.slice(0, held)), 0));
      return 0;
    }
    return position;
  }

  /** Gives the position behind the blank line that ends an oversize message. */
  #skipMessage(bytes: Uint8Array, start: number): number {
    for (let i = start; i < bytes.length; i++) {
      const byte = bytes[i];
      const endsLine = isLineEnd(byte);
      const isSecondHalf = byte === LF && this.#lastByte === CR;
      this.#lastByte = byte ?? LF;
      if (isSecondHalf) continue;
      if (endsLine && this.#lineIsEmpty) {
        this.#skipping = false;
        return i + 1;
      }
      this.#lineIsEmpty = endsLine;
    }
    return bytes.length;
  }
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === LF || byte === CR;
}

// Not in the types of Node 20; a method of every Buffer since Node 0.x that takes any Uint8Array as `this`.
const { latin1Slice } = Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
};

/** Bytes as text, one character a byte: a copy. */
export function latin1(bytes: Uint8Array, start: number): string {
  return latin1Slice.call(bytes, start, bytes.length);
}
