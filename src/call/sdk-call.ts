/** One request of an SDK: its attempts, its answer, and who tells how it ends. */
import { guard } from '../guard.js';
import type {
  AttemptHooks,
  LoopHooks,
  PlannedRequest,
  RequestFacts,
  SdkCallHooks,
  SdkStream,
} from '../intercept/call-hooks.js';
import { currentFrames, processState } from '../process-state.js';
import { DIALECTS } from '../protocol/dialects/index.js';
import { classifyError, isErrorPayload } from '../protocol/error-body.js';
import { peek } from '../protocol/narrow.js';
import { describeRequest, type RequestToDescribe } from '../protocol/request.js';
import type { ThrownError } from '../stream/signal.js';
import { Attempt, attemptBehind } from './attempt.js';
import { Call, type CallOptions } from './call.js';
import { Loop } from './loop.js';
import { isIgnored, letPass } from './unobserved.js';

export class SdkCall implements SdkCallHooks {
  readonly #options: CallOptions;
  readonly #startMs = performance.now();
  readonly #startEpochMs = Date.now();
  /** Its request is built later, when the callback of a context that gives the SDK's promise as it is has settled. */
  readonly #frames = currentFrames();
  #call: Call | undefined;
  /** Its request is no LLM call. */
  #isForeign = false;
  /** The one that counts: the last sent, until the SDK has its response. */
  #attempt: Attempt | undefined;
  #hasResponse = false;
  #isHandedOut = false;
  #isParsing = false;
  #isStreamed = false;

  constructor(options: CallOptions) {
    this.#options = options;
  }

  built(request: RequestFacts): void {
    this.#open(request, request.signal);
    // Whatever it asks for, a GET may resume an answer.
    if (this.#isForeign) guard('context', () => letPass(this.#frames, this.#options));
  }

  attempt(): AttemptHooks | undefined {
    if (this.#call === undefined) return undefined;
    this.#attempt = new Attempt(this.#call, (attempt) => attempt === this.#attempt);
    return this.#attempt;
  }

  responded(response: object): boolean {
    const attempt = attemptBehind(response);
    if (attempt !== undefined && attempt !== this.#attempt && attempt.call === this.#call) {
      this.#attempt = attempt;
      attempt.restate();
    }
    this.#hasResponse = true;
    // A hidden body tells nothing: somebody may still ask for what the SDK makes of it.
    const isHidden = this.#call?.isHidden ?? false;
    if (!this.#isParsing && (!isHidden || this.#isHandedOut)) this.#handOver();
    return isHidden;
  }

  handedOut(): void {
    this.#isHandedOut = true;
    if (this.#hasResponse && !this.#isParsing) this.#handOver();
  }

  collected(): void {
    // Its loop is gone with it, or was never begun; where it was handed out as it is, somebody may have read it.
    if (this.#isStreamed) this.#call?.end({ type: 'collected' });
    else this.#handOver();
  }

  failed(error: unknown, planned: PlannedRequest | undefined): void {
    if (this.#call === undefined && planned) this.#open({ ...planned, header: undefined }, planned.signal);
    const call = this.#call;
    if (call === undefined) return;
    if (call.isHidden) this.#tellErrorOf(call, error);
    const described = this.#spentBudget(call.describe(error));
    const isKey = planned?.prepared === false && described.kind !== 'abort' && described.kind !== 'timeout';
    call.remember(error);
    call.end({ type: 'error', error: isKey ? { ...described, kind: 'credentials' } : described });
  }

  parsing(): void {
    this.#isParsing = true;
    if (this.#hasResponse) this.#call?.take({ type: 'told_by', atMs: this.#call.now(), teller: 'sdk' });
  }

  streamed({ stream, controller, signal }: SdkStream): LoopHooks | undefined {
    const call = this.#call;
    if (call === undefined) return undefined;
    this.#isParsing = false;
    this.#isStreamed = true;
    call.remember(stream);
    call.findBy(controller);
    if (signal) call.findBy(signal);
    // Of a hidden body only a loop can tell anything.
    if (!call.isHidden) this.#handOver();
    return new Loop(call, this.#attempt);
  }

  parsed(answer: unknown): void {
    const call = this.#call;
    if (call === undefined) return;
    this.#isParsing = false;
    // A binary answer is the Response itself.
    const isRaw = typeof answer === 'object' && answer !== null && attemptBehind(answer) !== undefined;
    if (!isRaw) call.remember(answer);
    if (call.isHidden && !isRaw) this.#tellAnswer(call, answer);
    else this.#handOver();
  }

  parseFailed(error: unknown): void {
    const call = this.#call;
    if (call === undefined) return;
    this.#isParsing = false;
    call.remember(error);
    const { kind } = call.describe(error);
    // Read to its end, and then refused by the helper that was to make something of it: the call is what its bytes say.
    if (this.#attempt?.isWhole) this.#handOver();
    else if (call.isHidden && kind === 'unknown') {
      call.take({ type: 'document', atMs: call.now(), state: 'unread' });
      call.end({ type: 'eof' });
    } else call.fail(error);
  }

  #open(request: RequestToDescribe, signal: AbortSignal | undefined): void {
    if (this.#call !== undefined || this.#isForeign) return;
    const described = describeRequest(request, this.#options.endpoints, { startEpochMs: this.#startEpochMs });
    this.#isForeign = described === undefined || isIgnored(request, this.#options);
    if (described === undefined || this.#isForeign) return;
    const asked = { frames: this.#frames, startMs: this.#startMs };
    this.#call = new Call({ described, url: request.url, signal, teller: 'sdk', ...asked }, this.#options);
    if (signal) announce(this.#call, signal);
  }

  /** The SDK gives up after a time-out, and does not say whose: before openai 7 its error has no cause. */
  #spentBudget(described: ThrownError): ThrownError {
    const isSilent = described.kind === 'headers_timeout' && described.networkErrorCode === undefined;
    return isSilent ? (this.#attempt?.spent ?? described) : described;
  }

  #handOver(): void {
    if (this.#attempt) this.#attempt.takeOver();
    else this.#call?.take({ type: 'told_by', atMs: this.#call.now(), teller: 'body' });
  }

  /** The SDK parsed what the bytes, which nobody saw, would have said. */
  #tellAnswer(call: Call, answer: unknown): void {
    const atMs = call.now();
    const dialect = DIALECTS[call.described.dialect];
    const isError = isErrorPayload(answer);
    const isAnswer = !isError && dialect.isAnswer(answer);
    if (isError || isAnswer) call.take(dialect.createReader().read(answer, atMs));
    call.take({ type: 'document', atMs, state: isError ? 'error' : isAnswer ? 'answer' : 'foreign' });
    call.end({ type: 'eof' });
  }

  #tellErrorOf(call: Call, error: unknown): void {
    const payload = peek(error, 'error');
    const status = peek(error, 'status');
    if (payload === undefined || payload === null || typeof status !== 'number') return;
    const described = classifyError({ status, payload: { error: payload } });
    call.take({ type: 'error_payload', atMs: call.now(), error: described });
  }
}

/** A runner is found by its signal, and whoever held it before it had a call gets the one it has now. */
function announce(call: Call, signal: AbortSignal): void {
  call.findBy(signal);
  const { awaited } = processState();
  const waiting = awaited.get(signal) ?? [];
  awaited.delete(signal);
  for (const tell of waiting) guard('hold', () => tell(call));
}
