/**
 * Bytes of one answer in, signals out: finds out what kind of body it is, frames it, parses it and asks the dialect.
 *
 * createChunkReader({ dialect, status }, onSignal) → ChunkReader { feed(bytes, atMs), end(atMs), frameOnly(onMessage) }
 *
 * A body is one JSON document where it begins with `{` or `[`, foreign where it begins with `<`, else a stream of
 * server-sent events; content types lie too often. Bodies outside 2xx are documents.
 */
import type { Chunk, DocumentState, Signal } from '../stream/signal.js';
import type { Dialect, DialectName, MessageKind, PayloadReader } from './dialects/dialect.js';
import { DIALECTS } from './dialects/index.js';
import { classifyError, isErrorPayload } from './error-body.js';
import { latin1, MAX_MESSAGE_BYTES, Sse, type SseListener } from './framing/sse.js';
import { JsonCompleteness } from './json-completeness.js';
import { SameShape } from './same-shape.js';

/** Bytes kept of a body outside 2xx; what an error of more says is not read. */
export const MAX_ERROR_BODY_BYTES = 64 * 1024;

/** Reads one body. Never throws on its own; what `onSignal` throws passes through. */
export interface ChunkReader {
  /** The next bytes; the view is not kept. Signals of whole messages follow at once, in order. */
  feed(bytes: Uint8Array, atMs: number): void;
  /** The body ended cleanly: an unfinished last message is read if it can be, and a document is told. */
  end(atMs: number): void;
  /**
   * From now on somebody else parses the payloads: `onMessage` is told of each message but the terminal, in order, and no
   * chunk is. Of a body that is one document its error is told; an answer is foreign to whoever reads messages.
   */
  frameOnly(onMessage: (kind: Exclude<MessageKind, 'terminal'>, event: string | undefined) => void): void;
}

/** Makes the reader of one body with its HTTP status. */
export function createChunkReader(
  { dialect, status }: { readonly dialect: DialectName; readonly status: number },
  onSignal: (signal: Signal) => void,
): ChunkReader {
  return new BodyReader(DIALECTS[dialect], status, onSignal);
}

type Kind = 'undecided' | 'stream' | 'document' | 'foreign' | 'unread' | 'over';

const BYTE_ORDER_MARK = Uint8Array.of(0xef, 0xbb, 0xbf);
const BLANK = Uint8Array.of(0x20);

class BodyReader implements ChunkReader, SseListener {
  readonly #dialect: Dialect;
  readonly #accepted: boolean;
  readonly #status: number;
  readonly #onSignal: (signal: Signal) => void;
  readonly #payloads: PayloadReader;
  #kind: Kind = 'undecided';
  #atMs = 0;
  #markLength = 0;
  #blankBefore = false;
  #sse: Sse | undefined;
  #shapes: SameShape | undefined;
  /** A document so far, latin1. */
  #document = '';
  #onMessage: Parameters<ChunkReader['frameOnly']>[0] | undefined;

  constructor(dialect: Dialect, status: number, onSignal: (signal: Signal) => void) {
    this.#dialect = dialect;
    this.#status = status;
    this.#accepted = status >= 200 && status < 300;
    this.#onSignal = onSignal;
    this.#payloads = dialect.createReader();
  }

  feed(bytes: Uint8Array, atMs: number): void {
    this.#atMs = atMs;
    const start = this.#kind === 'undecided' ? this.#decide(bytes) : 0;
    if (start >= bytes.length) return;
    if (this.#kind === 'stream') this.#sse?.feed(start === 0 ? bytes : bytes.subarray(start));
    else if (this.#kind === 'document') this.#keep(latin1(bytes, start));
  }

  end(atMs: number): void {
    this.#atMs = atMs;
    if (this.#kind === 'stream') this.#sse?.end();
    else if (this.#kind === 'document') this.#endDocument();
    else if (this.#kind === 'foreign' || this.#kind === 'unread') this.#tellDocument(this.#kind);
    this.#sse = undefined;
    this.#shapes = undefined;
    this.#document = '';
    this.#kind = 'over';
  }

  frameOnly(onMessage: Parameters<ChunkReader['frameOnly']>[0]): void {
    this.#onMessage = onMessage;
    this.#shapes = undefined;
  }

  /** Gives the position of the first byte that counts. Blanks before it say nothing: gateways send them to keep a connection. */
  #decide(bytes: Uint8Array): number {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] ?? 0;
      const isMark = this.#markLength < 3 && !this.#blankBefore && byte === BYTE_ORDER_MARK[this.#markLength];
      const isCutMark = !isMark && (this.#markLength === 1 || this.#markLength === 2);
      if (isMark) this.#markLength += 1;
      else if (byte === 0x20 || byte === 0x09) this.#blankBefore = true;
      else if (byte !== 0x0a && byte !== 0x0d) {
        this.#begin(isCutMark ? 'stream' : this.#kindOf(byte));
        return i;
      } else this.#blankBefore = false;
    }
    return bytes.length;
  }

  #kindOf(byte: number): Kind {
    if (byte === 0x3c) return 'foreign';
    return byte === 0x7b || byte === 0x5b || !this.#accepted ? 'document' : 'stream';
  }

  #begin(kind: Kind): void {
    this.#kind = this.#accepted || kind === 'foreign' ? kind : 'document';
    if (this.#kind !== 'stream') return;
    // Listens itself: closures would weigh as much as its own state.
    this.#sse = new Sse(this);
    // A blank at the start of a line makes another field of it, and half a mark is text.
    if (this.#markLength > 0) this.#sse.feed(BYTE_ORDER_MARK.subarray(0, this.#markLength));
    if (this.#blankBefore) this.#sse.feed(BLANK);
  }

  message(data: string, event: string | undefined, unterminated: boolean): void {
    const kind = this.#dialect.kindOf(data, event);
    if (kind !== 'terminal') this.#onMessage?.(kind, event);
    if (kind === 'payload' && this.#onMessage) return;
    if (kind !== 'payload') this.#onSignal({ type: kind, atMs: this.#atMs });
    else this.#onPayload(data, event, unterminated);
  }

  comment(): void {
    this.#onSignal({ type: 'keep_alive', atMs: this.#atMs });
  }

  oversize(): void {
    if (this.#onMessage) this.#onMessage('payload', undefined);
    else this.#onSignal({ type: 'invalid_chunk', atMs: this.#atMs });
  }

  #onPayload(data: string, event: string | undefined, unterminated: boolean): void {
    const atMs = this.#atMs;
    const repeated = event === undefined ? this.#shapes?.read(data, atMs) : undefined;
    if (repeated) {
      this.#onSignal(repeated);
      return;
    }
    const parsed = parseJson(decodeUtf8(data));
    if (parsed === undefined) {
      // The body ended inside it: that it is no JSON says nothing of the provider.
      if (!unterminated) this.#onSignal({ type: 'invalid_chunk', atMs });
      return;
    }
    const signal = this.#payloads.read(parsed.value, atMs, event);
    if (signal.type === 'chunk' && event === undefined) this.#remember(data, parsed.value, signal);
    this.#onSignal(signal);
  }

  #remember(data: string, payload: unknown, chunk: Chunk): void {
    this.#shapes ??= new SameShape();
    this.#shapes.remember(data, () => this.#payloads.repeatable(payload, chunk));
  }

  #keep(text: string): void {
    const bound = this.#accepted ? MAX_MESSAGE_BYTES : MAX_ERROR_BODY_BYTES;
    if (this.#document.length + text.length <= bound) this.#document += text;
    else {
      this.#kind = 'unread';
      this.#document = '';
    }
  }

  #endDocument(): void {
    const text = decodeUtf8(this.#document);
    const parsed = parseJson(text) ?? (this.#accepted ? undefined : firstPayloadOf(this.#document));
    if (parsed === undefined) this.#tellDocument(stateOfBroken(text));
    else if (!this.#accepted) this.#endErrorBody(parsed.value);
    else this.#endAnswer(unwrapped(parsed.value));
  }

  #endErrorBody(payload: unknown): void {
    this.#onSignal({
      type: 'error_payload',
      atMs: this.#atMs,
      error: classifyError({ status: this.#status, payload }),
    });
    this.#tellDocument('error');
  }

  #endAnswer(payload: unknown): void {
    if (isErrorPayload(payload)) {
      this.#onSignal(this.#payloads.read(payload, this.#atMs));
      this.#tellDocument('error');
    } else if (this.#dialect.isAnswer(payload) && !this.#onMessage) {
      this.#onSignal(this.#payloads.read(payload, this.#atMs));
      this.#tellDocument('answer');
    } else this.#tellDocument('foreign');
  }

  #tellDocument(state: DocumentState): void {
    this.#onSignal({ type: 'document', atMs: this.#atMs, state });
  }
}

/** JSON, or undefined: the parser's own error quotes what it read, and must go nowhere. */
function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/**
 * What bytes that were framed as latin1 say in UTF-8; invalid ones become U+FFFD. Nearly all are ASCII, which has as many
 * bytes as characters: 90 ns for 330 of them, where a loop takes 820 (Node 20).
 */
function decodeUtf8(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text, 'latin1').toString('utf8');
}

/** An error in a list of its own, as Google sends it, is that error. */
function unwrapped(payload: unknown): unknown {
  return Array.isArray(payload) && payload.length === 1 && isErrorPayload(payload[0]) ? payload[0] : payload;
}

function stateOfBroken(text: string): DocumentState {
  const first = text.charAt(0);
  if (first !== '{' && first !== '[') return 'foreign';
  const scanner = new JsonCompleteness();
  scanner.push(text);
  return scanner.closed || scanner.broken ? 'malformed' : 'cut';
}

/** Some servers answer a streamed request that they reject with one server-sent event. */
function firstPayloadOf(text: string): { readonly value: unknown } | undefined {
  let payload: { readonly value: unknown } | undefined;
  const sse = new Sse({
    message(data) {
      payload ??= parseJson(decodeUtf8(data));
    },
    comment() {},
    oversize() {},
  });
  sse.feed(Buffer.from(text, 'latin1'));
  sse.end();
  return payload;
}
