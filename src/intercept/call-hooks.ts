/**
 * The only interface outward of this room: what `intercept/` tells the rest.
 * Facts about other people's objects; what they mean is decided elsewhere.
 * Every method may be called from inside somebody's `fetch()` or `read()`: callers put `guard` around each.
 */

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
  unannounced(request: { readonly origin: string; readonly path: string; readonly method: string }): void;
}

export interface AttemptHooks {
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
