/**
 * What the consumer of an SDK's stream got and did. The payload that the SDK parsed is the signal; of the bytes it is
 * only asked whether the terminal came, and which messages were no payloads.
 */
import type { LoopHooks } from '../intercept/call-hooks.js';
import type { PayloadReader } from '../protocol/dialects/dialect.js';
import { DIALECTS } from '../protocol/dialects/index.js';
import { classifyError } from '../protocol/error-body.js';
import { peek } from '../protocol/narrow.js';
import type { ThrownError } from '../stream/signal.js';
import type { Attempt, Framed } from './attempt.js';
import type { Call } from './call.js';

export class Loop implements LoopHooks {
  readonly isOnlyWitness: boolean;
  readonly #call: Call;
  readonly #attempt: Attempt | undefined;
  #payloads: PayloadReader | undefined;
  #framed: Framed | undefined;
  /** Messages delivered. */
  #delivered = 0;

  constructor(call: Call, attempt: Attempt | undefined) {
    this.#call = call;
    this.#attempt = attempt;
    this.isOnlyWitness = call.isHidden;
  }

  waiting(): void {
    const atMs = this.#call.now();
    if (this.#payloads === undefined) {
      this.#payloads = DIALECTS[this.#call.described.dialect].createReader();
      this.#framed = this.#attempt?.frame();
      this.#call.take({ type: 'iterated', atMs });
    }
    this.#call.take({ type: 'read_started', atMs });
  }

  chunk(payload: unknown): void {
    if (this.#call.isSettled) return;
    const atMs = this.#call.now();
    const special = this.#specialOf(this.#delivered);
    this.#delivered += 1;
    const signal = special === 'keep_alive' ? undefined : this.#payloads?.read(payload, atMs, special);
    if (signal?.type !== 'chunk') this.#call.take({ type: 'delivered', atMs });
    if (signal) this.#call.take(signal);
  }

  ended({ aborted, signal }: { aborted: boolean; signal: AbortSignal | undefined }): void {
    const { withheld: ofBody, spent } = this.#attempt ?? {};
    if (this.#takeTerminal()) this.#call.end({ type: 'eof' });
    // Over a `fetch` that says AbortError for every abort.
    else if (spent) this.#call.end({ type: 'error', error: spent });
    // The SDK ends an aborted loop as if nothing were wrong; before openai 7 it forgets the caller's reason, too.
    else if (aborted) this.#call.end({ type: 'error', error: this.#abortBy(signal) });
    // So it does where a custom `fetch` aborts with a signal of its own.
    else if (ofBody?.type === 'error') this.#call.end(ofBody);
    else {
      // Nothing but the terminal ends a loop before the bytes end. openai 7 takes it for one before its last line end came.
      if (ofBody?.type !== 'eof' && !this.#call.isHidden) this.#call.take({ type: 'terminal', atMs: this.#call.now() });
      this.#call.end({ type: 'eof' });
    }
  }

  failed(error: unknown): void {
    const payload = peek(error, 'error');
    // The SDK's error for what the provider said in the stream, and in no status.
    if (payload !== undefined && payload !== null && peek(error, 'status') === undefined) {
      const described = classifyError({ payload: { error: payload } });
      this.#call.take({ type: 'error_payload', atMs: this.#call.now(), error: described });
    }
    this.#takeTerminal();
    this.#call.remember(error);
    this.#call.end({ type: 'error', error: (this.#attempt ?? this.#call).describe(error) });
  }

  left(): void {
    this.#call.end({ type: 'left' });
  }

  collected(): void {
    this.#call.end({ type: 'collected' });
  }

  /** The terminal came, and everything before it was delivered: then the SDK has read it. */
  #takeTerminal(): boolean {
    const isRead = this.#framed?.terminal === true && this.#delivered >= this.#framed.messages;
    if (isRead) this.#call.take({ type: 'terminal', atMs: this.#call.now() });
    return isRead;
  }

  #specialOf(message: number): 'keep_alive' | 'error' | undefined {
    const special = this.#framed?.special;
    const found = special?.get(message);
    if (found !== undefined) special?.delete(message);
    return found;
  }

  #abortBy(signal: AbortSignal | undefined): ThrownError {
    return signal?.aborted ? this.#call.describe(signal.reason) : { kind: 'abort', errorType: 'AbortError' };
  }
}
