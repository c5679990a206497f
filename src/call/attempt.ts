/**
 * One attempt of a call and the body it brought: facts that `intercept/` reports become signals. Where the call has
 * several, the last one sent counts until an SDK says which.
 */
import { guard } from '../guard.js';
import type { AttemptHooks, BodyHooks, ResponseFacts } from '../intercept/call-hooks.js';
import type { SentAttempt } from '../process-state.js';
import { type ChunkReader, createChunkReader } from '../protocol/chunk-reader.js';
import { classifyError } from '../protocol/error-body.js';
import { describeResponse } from '../protocol/response-headers.js';
import type { Ending, ResponseHeaders, Signal, ThrownError } from '../stream/signal.js';
import type { Call } from './call.js';

/** What was framed of a body while an SDK's loop reads its payloads. */
export interface Framed {
  messages: number;
  terminal: boolean;
  /** The messages, counted from 0, that are other than plain payloads; taken out as they are delivered. */
  special: Map<number, 'keep_alive' | 'error'> | undefined;
}

/** Attempts of SDKs, by the Response they brought. */
const attempts = new WeakMap<object, Attempt>();

/** The attempt that brought `response`, if one of an SDK's did. */
export function attemptBehind(response: object): Attempt | undefined {
  return attempts.get(response);
}

export class Attempt implements AttemptHooks, BodyHooks, SentAttempt {
  readonly call: Call;
  readonly #isCurrent: (attempt: Attempt) => boolean;
  /** The ending of the body while an SDK was to say what becomes of the call. */
  withheld: Ending | undefined;
  #reader: ChunkReader | undefined;
  #headers: ResponseHeaders | undefined;
  #framed: Framed | undefined;
  /** Which budget it was that ended it: an SDK may give up without a word of it. */
  spent: ThrownError | undefined;
  /** Only where somebody limits it. */
  #reads: Reads | undefined;
  #isOver = false;

  constructor(call: Call, isCurrent: (attempt: Attempt) => boolean = always) {
    this.call = call;
    this.#isCurrent = isCurrent;
    call.sent = this;
    call.take({ type: 'attempt_started', atMs: call.now() });
  }

  around<T>(send: () => T): T {
    return this.call.around(send);
  }

  get sent(): SentAttempt {
    return this;
  }

  get streamRequested(): boolean | undefined {
    return this.call.described.description.stream;
  }

  get isWaiting(): boolean | undefined {
    return this.#headers?.body === 'visible' && this.#reads ? this.#reads.isWaiting : undefined;
  }

  get waitedMs(): number | undefined {
    return this.#headers?.body === 'visible' ? this.#reads?.waitedMs(this.call.now()) : undefined;
  }

  get silenceMs(): number | undefined {
    return this.#headers?.body === 'visible' ? this.#reads?.silenceMs(this.call.now()) : undefined;
  }

  whenOver(tell: () => void): void {
    this.#reads ??= new Reads();
    this.#reads.tells.push(tell);
    if (this.#isOver || this.#headers?.body === 'none') this.#reads.over();
  }

  spentOn(error: Error): void {
    this.spent = this.call.describe(error);
  }

  rejected(error: unknown): void {
    const thrown = this.#reads && this.call.describe(error);
    if (thrown?.timeoutKind !== undefined) this.spent = thrown;
    if (this.call.isBySdk) this.#take({ type: 'attempt_failed', atMs: this.call.now() });
    else this.call.fail(error);
  }

  responded(response: ResponseFacts): BodyHooks | undefined {
    // An attempt further in, of a `fetch` that makes several, brought it and sees its bytes.
    const inner = this.call.isBySdk ? attempts.get(response.response) : undefined;
    if (inner) {
      for (const tell of this.#reads?.tells ?? []) inner.whenOver(tell);
      return undefined;
    }
    const atMs = this.call.now();
    const { status, body } = response;
    const { dialect, description } = this.call.described;
    const accepted = status >= 200 && status < 300;
    this.call.remember(response.response);
    if (this.call.isBySdk) attempts.set(response.response, this);
    this.#headers = {
      type: 'response_headers',
      atMs,
      status,
      body,
      ...(!accepted && { rejection: classifyError({ status }) }),
      ...describeResponse(response, { streamRequested: description.stream, nowEpochMs: Date.now() }),
    };
    this.#take(this.#headers);
    if (!accepted && this.call.isBySdk) this.#take({ type: 'attempt_failed', atMs });
    if (body === 'none') this.#reads?.over();
    if (body !== 'visible') return undefined;
    this.#reader = createChunkReader({ dialect, status }, (signal) => this.#onRead(signal));
    return this;
  }

  waiting(): void {
    this.#reads?.began(this.call.now());
    if (!this.call.isToldBySdk) this.#take({ type: 'read_started', atMs: this.call.now() });
  }

  bytes(view: Uint8Array): void {
    this.#reads?.brought(this.call.now());
    if (this.call.isSettled) return;
    const atMs = this.call.now();
    this.#take({ type: this.call.isIterated ? 'bytes_received' : 'bytes', atMs, length: view.byteLength });
    this.#reader?.feed(view, atMs);
  }

  ended(): void {
    // Whatever is wrong with the last message, the call is over.
    guard('last message', () => this.#reader?.end(this.call.now()));
    this.#end({ type: 'eof' });
  }

  failed(error: unknown): void {
    if (!this.call.isToldBySdk) this.call.remember(error);
    this.#end({ type: 'error', error: this.describe(error) });
  }

  left(): void {
    this.#end({ type: 'left' });
  }

  held(): void {
    if (!this.call.isToldBySdk) this.#take({ type: 'held', atMs: this.call.now() });
  }

  released(): void {
    this.#reads?.dropped(this.call.now());
    if (!this.call.isToldBySdk) this.#take({ type: 'released', atMs: this.call.now() });
  }

  collected(): void {
    this.#end({ type: 'collected' });
  }

  wireStarted(): void {
    this.#take({ type: 'wire_started', atMs: this.call.now() });
  }

  wireEnded(unobserved: boolean): void {
    this.#take({ type: 'wire_ended', atMs: this.call.now(), unobserved });
  }

  wireFailed(error: unknown, { unobserved, byConsumer }: { unobserved: boolean; byConsumer: boolean }): void {
    const by = this.call.isAbortReason(error) ? 'caller' : byConsumer ? 'consumer' : 'wire';
    this.#take({ type: 'wire_failed', atMs: this.call.now(), error: this.call.describe(error), by, unobserved });
  }

  /** Says again what came, where another attempt has been sent since. */
  restate(): void {
    if (this.#headers) this.#take({ ...this.#headers });
  }

  /** The body is read to its clean end, and an SDK has yet to say what it made of it. */
  get isWhole(): boolean {
    return this.withheld?.type === 'eof';
  }

  /** The body tells the end of the call from now on, and the end it had already. */
  takeOver(): void {
    this.call.take({ type: 'told_by', atMs: this.call.now(), teller: 'body' });
    const ending = this.withheld;
    this.withheld = undefined;
    if (ending) this.call.end(ending);
  }

  /** An SDK's loop reads the payloads from now on: the bytes are framed only. */
  frame(): Framed {
    const framed: Framed = { messages: 0, terminal: false, special: undefined };
    this.#framed = framed;
    this.#reader?.frameOnly((kind, event) => {
      const special = kind === 'keep_alive' ? kind : event === 'error' ? event : undefined;
      if (special !== undefined) {
        framed.special ??= new Map();
        framed.special.set(framed.messages, special);
      }
      framed.messages += 1;
    });
    return framed;
  }

  /** What `error` is, where a `fetch` or an SDK may have made it out of the abort of a budget. */
  describe(error: unknown): ThrownError {
    const described = this.call.describe(error);
    return described.kind === 'abort' ? (this.spent ?? described) : described;
  }

  #onRead(signal: Signal): void {
    // It came; whether it reaches the consumer, the loop says.
    if (this.#framed && signal.type === 'terminal') this.#framed.terminal = true;
    else this.#take(signal);
  }

  #end(ending: Ending): void {
    this.#reader = undefined;
    this.#isOver = true;
    this.#reads?.over();
    if (this.call.isToldBySdk) this.withheld ??= ending;
    else if (this.#isCurrent(this)) this.call.end(ending);
  }

  #take(signal: Signal): void {
    if (this.#isCurrent(this)) this.call.take(signal);
  }
}

/** How long the consumer waits for the wire, and who wants to know when it is over. */
class Reads {
  readonly tells: (() => void)[] = [];
  #pending = 0;
  #sinceMs = 0;
  #waitedMs = 0;

  get isWaiting(): boolean {
    return this.#pending > 0;
  }

  waitedMs(atMs: number): number {
    return this.#waitedMs + this.silenceMs(atMs);
  }

  silenceMs(atMs: number): number {
    return this.#pending > 0 ? atMs - this.#sinceMs : 0;
  }

  began(atMs: number): void {
    if (this.#pending === 0) this.#sinceMs = atMs;
    this.#pending += 1;
  }

  brought(atMs: number): void {
    this.#waitedMs = this.waitedMs(atMs);
    this.#sinceMs = atMs;
    this.#pending = Math.max(0, this.#pending - 1);
  }

  dropped(atMs: number): void {
    this.#waitedMs = this.waitedMs(atMs);
    this.#pending = 0;
  }

  over(): void {
    for (const tell of this.tells.splice(0)) guard('limit', tell);
  }
}

function always(): boolean {
  return true;
}
