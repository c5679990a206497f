/**
 * What a provider's streaming format has to say of itself. A dialect takes payload *objects*, so that the SDK's own
 * parsed chunk and our parsed bytes go the same way; it knows nothing of bytes, requests or the life of a call.
 */
import type { Chunk, Signal } from '../../stream/signal.js';

/** The formats we read, by the name that configuration uses. */
export type DialectName = 'openai-chat-completions';

export type ErrorPayload = Extract<Signal, { type: 'error_payload' }>;

/** One provider format; the registry is `index.ts`. */
export interface Dialect {
  /** `gen_ai.operation.name`. */
  readonly operation: string;
  /** `openai.api.type`, for the formats that have one. */
  readonly apiType?: string | undefined;
  /** Path endings that only this format uses, without a query. */
  readonly pathSuffixes: readonly string[];
  /** What a message is before anybody parses it; `data` and `event` as framed, not yet decoded. */
  kindOf(data: string, event: string | undefined): MessageKind;
  /** Whether a whole JSON document is an answer of this format. */
  isAnswer(document: unknown): boolean;
  /** A reader for the payloads of one call. */
  createReader(): PayloadReader;
}

export type MessageKind = 'payload' | 'terminal' | 'keep_alive';

/** Reads the payloads of one call, in order; its state is small and holds no content. */
export interface PayloadReader {
  /**
   * Says what stands in a payload. Never throws: an odd payload is a chunk without parts.
   * @param payload Parsed JSON, of any shape; not kept, not changed.
   * @param atMs Milliseconds since the call began; goes into the signal.
   * @param event The `event:` of its message, if it had one.
   */
  read(payload: unknown, atMs: number, event?: string): Chunk | ErrorPayload;
  /**
   * Names the one string of a payload just read that may change while all the rest stays, and the chunk still be told
   * without parsing; undefined where there is more to it. `same-shape.ts` is for whom.
   */
  repeatable(payload: unknown, chunk: Chunk): Repeatable | undefined;
}

/** A payload whose like may be read again by looking at one string alone. */
export interface Repeatable {
  /** The JSON key of that string. */
  readonly key: string;
  /** Its value in the payload just read; not to be kept. */
  readonly value: string;
  /**
   * The chunk of the same payload with another value: `text` from `start` to before `end`, which is not empty and has
   * `characters` code points. Undefined where the state of the call has moved on: then the payload has to be read in full.
   */
  again(text: string, start: number, end: number, characters: number, atMs: number): Chunk | undefined;
}
