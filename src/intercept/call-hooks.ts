/**
 * The only interface outward of this room: what `intercept/` tells the rest.
 * Facts about other people's objects; what they mean is decided elsewhere.
 * Every method may be called from inside somebody's `fetch()` or `read()`: callers put `guard` around each.
 */
import type { ContextFrame, SentAttempt } from '../process-state.js';

/** A request as it was given to `fetch`, read without side effects. */
export interface RequestFacts {
  /** As given: may be relative, or no URL at all. */
  readonly url: string;
  readonly method: string;
  /** Value of a request header, by lower-case name. Undefined itself where the headers cannot be read without consuming them. */
  readonly header: ((name: string) => string | undefined) | undefined;
  /** The body, where it can be read without consuming it. */
  readonly body?: string | Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A response as `fetch` gave it. */
export interface ResponseFacts {
  /** The Response itself, to be recognised by; whoever keeps it keeps it from being collected. */
  readonly response: object;
  readonly status: number;
  header(name: string): string | undefined;
  /**
   * `none`: the body is null. `hidden`: it is not ours to see (taken by a mock that gives the same Response twice, locked,
   * of another platform); neither byte nor end of it will be told.
   */
  readonly body: 'visible' | 'none' | 'hidden';
}

export interface CallHooks {
  /** Says whether a request is observed; undefined: the request goes its way. */
  begin(request: RequestFacts): AttemptHooks | undefined;
  /** A request reached the wire although no patched `fetch` announced it. */
  unannounced(request: PassingRequest & { readonly origin: string; readonly path: string }): void;
  /**
   * A request is made by `node:http` or `node:http2`, where no more is seen of it; told where the application has said a
   * context once, and maybe twice. Absent: nobody wants to know.
   */
  sentElsewhere?(request: PassingRequest): void;
}

/** A request that is not observed, as far as it is known. */
export interface PassingRequest {
  readonly method: string;
  /** It asks for another protocol, such as a WebSocket. */
  readonly upgrades: boolean;
}

export interface AttemptHooks {
  /** What those further in may know of the attempt while they send it. */
  readonly sent?: SentAttempt | undefined;
  /** Runs the original `fetch`, once, and gives back what it gave. */
  around<T>(send: () => T): T;
  /** `fetch()` was rejected. */
  rejected(error: unknown): void;
  /** `fetch()` gave a response; undefined: its body is not observed. */
  responded(response: ResponseFacts): BodyHooks | undefined;
  /** undici gave this attempt a connection: from now on its end will be told. */
  wireStarted(): void;
  /** The last byte came over the connection. `unobserved`: somebody reads the body where we cannot see it. */
  wireEnded(unobserved: boolean): void;
  /** The connection failed. `byConsumer`: the body is being cancelled, and `error` is the reason given for it. */
  wireFailed(error: unknown, how: { readonly unobserved: boolean; readonly byConsumer: boolean }): void;
}

/** What happens to one body, all its branches taken together. */
export interface BodyHooks {
  /** A read began; the consumer waits until `bytes`, `ended` or `failed`. */
  waiting(): void;
  /** Bytes that the consumer is about to get; the view is not kept. */
  bytes(view: Uint8Array): void;
  /** The clean end reached the consumer. */
  ended(): void;
  /** A read was rejected. */
  failed(error: unknown): void;
  /** The consumer cancelled, or left its iterator. Called after the original `cancel` was. */
  left(): void;
  /** A reader was released before the end, without a cancel. */
  released(): void;
  /** A reader was taken, the first one or another. */
  held(): void;
  /** The body was collected as garbage. */
  collected(): void;
}

/** What an application says of a call that never came to a request. */
export interface EarlyFailure {
  readonly error: unknown;
  /** Of `performance.now()`. */
  readonly startMs: number;
  readonly operation?: string | undefined;
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  readonly stream?: boolean | undefined;
}

/** What an application tells by itself. */
export interface ApplicationHooks {
  /** `frame`: the context that it was said in. */
  failedEarly(failure: EarlyFailure, frame: ContextFrame | undefined): void;
}

/** What the patch of an SDK tells. */
export interface SdkHooks {
  /** The SDK was asked for something; whether it is an LLM call shows when its request is built. Undefined: nobody records. */
  enter(): SdkCallHooks | undefined;
}

/** One request of an SDK, with all its attempts, as `intercept/openai/` sees it. Told at most until it is over. */
export interface SdkCallHooks {
  /** An attempt's request is built and about to be sent; told for each attempt. */
  built(request: RequestFacts): void;
  /** An attempt is sent; undefined: nobody wants to know, it is no LLM call. */
  attempt(): AttemptHooks | undefined;
  /**
   * The SDK has its response: the attempt that brought it is the one that counts. True: nobody sees its body, and its
   * collection as garbage is to be told by `collected`.
   */
  responded(response: object): boolean;
  collected(): void;
  /** The response itself was asked for. */
  handedOut(): void;
  /** The SDK gave up; `planned` is what was to be sent, where no request was ever built. */
  failed(error: unknown, planned: PlannedRequest | undefined): void;
  /** Somebody waits for the parsed answer. */
  parsing(): void;
  /** It is a stream. */
  streamed(stream: SdkStream): LoopHooks | undefined;
  /** It is anything else. */
  parsed(answer: unknown): void;
  /** Reading or parsing it failed. */
  parseFailed(error: unknown): void;
}

/** A request as the SDK's method was asked for it. */
export interface PlannedRequest {
  readonly url: string;
  readonly method: string;
  /** The body before it is serialised; not kept. */
  readonly payload: unknown;
  readonly signal: AbortSignal | undefined;
  /** The SDK had what it needs of the application, such as a key, and began to build the request. */
  readonly prepared: boolean;
}

/** The SDK's stream object and what it is known by. */
export interface SdkStream {
  readonly stream: object;
  readonly controller: object;
  /** The caller's own signal, by which the application may have found the call already, as runners do. */
  readonly signal: AbortSignal | undefined;
}

/** What the consumer of an SDK's stream gets and does: the first loop that asks for something. */
export interface LoopHooks {
  /** Nobody sees the bytes: what the loop does not tell, nobody does. */
  readonly isOnlyWitness: boolean;
  /** `next()` was called; the consumer waits until `chunk`, `ended` or `failed`. */
  waiting(): void;
  /** The consumer is about to get this payload, which the SDK parsed; it is not kept. */
  chunk(payload: unknown): void;
  /** The loop ends without an error. `aborted`: the SDK's own controller was; `signal`: the caller's. */
  ended(how: { readonly aborted: boolean; readonly signal: AbortSignal | undefined }): void;
  /** `next()` was rejected. */
  failed(error: unknown): void;
  /** The consumer left the loop: `break`, `return`, an exception of its own. Told once the SDK has cleaned up. */
  left(): void;
  /** The loop, or the stream that nobody looped over, was collected as garbage. */
  collected(): void;
}
