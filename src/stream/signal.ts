/**
 * Everything that can happen to a call, in words that no provider owns: the input of the machine.
 * `atMs` is milliseconds since the call began. No signal holds content: text is a number of characters here.
 */
import type { BudgetLimits, Channel, ErrorCategory, ProviderErrorIds, TimeoutKind, Usage } from './outcome.js';

export type Signal =
  | { readonly type: 'attempt_started'; readonly atMs: number }
  /** An attempt came to nothing; who makes the attempts may make another. */
  | { readonly type: 'attempt_failed'; readonly atMs: number }
  /** Who tells the end of the call from now on; see {@link Teller}. */
  | { readonly type: 'told_by'; readonly atMs: number; readonly teller: Teller }
  | ResponseHeaders
  /** The consumer asked for bytes and waits. */
  | { readonly type: 'read_started'; readonly atMs: number }
  /** Bytes reached the consumer. What they say follows as signals of its own. */
  | { readonly type: 'bytes'; readonly atMs: number; readonly length: number }
  /** Bytes came whose payloads are told as they reach the consumer, by whoever parsed them. */
  | { readonly type: 'bytes_received'; readonly atMs: number; readonly length: number }
  /** An SDK's loop was begun: from now on the consumer reads payloads. */
  | { readonly type: 'iterated'; readonly atMs: number }
  /** A loop got something that is no chunk. */
  | { readonly type: 'delivered'; readonly atMs: number }
  | Chunk
  /** A message that is no payload: malformed JSON, or larger than the buffer. */
  | { readonly type: 'invalid_chunk'; readonly atMs: number }
  /** A comment, a ping, an empty message. */
  | { readonly type: 'keep_alive'; readonly atMs: number }
  /** The provider says in the body that it failed. */
  | { readonly type: 'error_payload'; readonly atMs: number; readonly error: ProviderError }
  /** The dialect's own end of stream, such as `[DONE]`. */
  | { readonly type: 'terminal'; readonly atMs: number }
  /** The answer was one JSON document; `chunk` or `error_payload` says what stood in it. */
  | { readonly type: 'document'; readonly atMs: number; readonly state: DocumentState }
  /** The consumer took a reader, the first one or another. */
  | { readonly type: 'held'; readonly atMs: number }
  /** The consumer let go of its reader without cancelling. */
  | { readonly type: 'released'; readonly atMs: number }
  /** The request has a connection, whose end will be told. */
  | { readonly type: 'wire_started'; readonly atMs: number }
  /** The connection delivered its last byte; the consumer may not have read it yet. */
  | { readonly type: 'wire_ended'; readonly atMs: number; readonly unobserved: boolean }
  | WireFailed
  | { readonly type: 'ended'; readonly atMs: number; readonly ending: Ending }
  /** Limits are enforced on it. */
  | { readonly type: 'budgeted'; readonly atMs: number; readonly limits: BudgetLimits }
  /**
   * The application's callback around the call settled. `failed`: it threw, or rejected; `inContext`: another one around
   * it is under way.
   */
  | {
      readonly type: 'context_ended';
      readonly atMs: number;
      readonly failed: boolean;
      readonly inContext: boolean;
    }
  /** Time passed. */
  | { readonly type: 'tick'; readonly atMs: number };

/**
 * `body`: its bytes, with the connection as witness. `sdk`: whoever made the attempts and gives their answer to the
 * consumer; a rejection, a broken connection or the end of the bytes is then no ending until it says so.
 */
export type Teller = 'body' | 'sdk';

/** The connection failed; the consumer may not have noticed yet. */
export interface WireFailed {
  readonly type: 'wire_failed';
  readonly atMs: number;
  readonly error: ThrownError;
  /** Whose doing: the caller's own signal (known by the identity of its reason), the consumer's cancel, or the wire's. */
  readonly by: 'caller' | 'consumer' | 'wire';
  readonly unobserved: boolean;
}

export interface ResponseHeaders {
  readonly type: 'response_headers';
  readonly atMs: number;
  readonly status: number;
  /** `none`: the answer has no body. `hidden`: it has one that cannot be seen, and no end of it will be told. */
  readonly body: 'visible' | 'none' | 'hidden';
  /** False where the content type cannot carry what was asked for, such as HTML. */
  readonly contentTypeFits: boolean;
  /** The content type is that of one JSON document. */
  readonly saysJson?: boolean | undefined;
  /** What a status outside 2xx says by itself; its body may say more. */
  readonly rejection?: ProviderError | undefined;
  readonly providerRequestId?: string | undefined;
  readonly providerRegion?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** The provider's `x-should-retry`. */
  readonly shouldRetry?: boolean | undefined;
  readonly remainingRequests?: number | undefined;
  readonly remainingTokens?: number | undefined;
}

/** One provider payload. */
export interface Chunk {
  readonly type: 'chunk';
  readonly atMs: number;
  readonly id?: string | undefined;
  readonly model?: string | undefined;
  readonly serviceTier?: string | undefined;
  readonly systemFingerprint?: string | undefined;
  readonly parts: readonly ChunkPart[];
}

export type ChunkPart =
  | { readonly type: 'choice'; readonly choice: number }
  /** Generated output that is not a tool call; `characters` are Unicode code points. */
  | {
      readonly type: 'output';
      readonly choice: number;
      readonly channel: Exclude<Channel, 'tool_call'>;
      readonly characters: number;
    }
  | ToolCallStarted
  | ToolCallFragment
  | { readonly type: 'tool_call_closed'; readonly choice: number; readonly index: number }
  | { readonly type: 'finish'; readonly choice: number; readonly reason: string }
  | { readonly type: 'usage'; readonly usage: Usage; readonly final: boolean };

export interface ToolCallStarted {
  readonly type: 'tool_call_started';
  readonly choice: number;
  /** Position of the call among the calls of its choice, counted from 0 in order of appearance. */
  readonly index: number;
  readonly name?: string | undefined;
  readonly id?: string | undefined;
}

export interface ToolCallFragment {
  readonly type: 'tool_call_fragment';
  readonly choice: number;
  readonly index: number;
  /** Unicode code points of argument text. */
  readonly characters: number;
  /** Whether the argument text so far is one whole JSON value, or blank. */
  readonly argumentsClosed: boolean;
}

/** An error as the provider put it, in its body or in its status. */
export interface ProviderError {
  readonly category: ErrorCategory;
  readonly ids: ProviderErrorIds;
}

/** What a body that is not a stream turned out to be. */
export type DocumentState =
  | 'answer'
  | 'error'
  /** JSON without choices or error, HTML, text. */
  | 'foreign'
  /** Larger than what is kept of a document: what it says is unknown. */
  | 'unread'
  /** JSON that never closed. */
  | 'cut'
  /** JSON that closes and does not parse. */
  | 'malformed';

/** An error that a promise was rejected with, as far as it may be told. */
export interface ThrownError {
  readonly kind: ThrownKind;
  /** Class or code name of the error; low cardinality. */
  readonly errorType?: string | undefined;
  readonly networkErrorCode?: string | undefined;
  /** Which budget was spent, where the error says so. */
  readonly timeoutKind?: TimeoutKind | undefined;
  /** Only with the option `exceptionMessages`. */
  readonly message?: string | undefined;
}

export type ThrownKind =
  /** The caller's own signal, aborted on purpose. */
  | 'abort'
  /** The caller's own signal, because time was up. */
  | 'timeout'
  | 'headers_timeout'
  | 'body_timeout'
  | 'connect_timeout'
  /** DNS, refused, TLS: the provider was never reached. */
  | 'connect'
  /** The connection broke. */
  | 'network'
  /** Redirects that were not to be followed, or too many. */
  | 'redirect'
  /** What came was no HTTP, or did not decompress. */
  | 'decode'
  /** URL, options, serialization: nothing left the process. */
  | 'local'
  /** There is no key, or whoever was to give one failed. */
  | 'credentials'
  | 'unknown';

export type Ending =
  /** The body ended cleanly, and the consumer was told. */
  | { readonly type: 'eof' }
  /** A promise of the consumer was rejected: `fetch()` or a read. */
  | { readonly type: 'error'; readonly error: ThrownError }
  /** The consumer stopped reading: cancel, break, or a reader that never came back. */
  | { readonly type: 'left' }
  /** The body was collected as garbage. */
  | { readonly type: 'collected' }
  /** The process, or what records the call, ends while it is open: nobody's news of the call itself. */
  | { readonly type: 'shutdown' };
