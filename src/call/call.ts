/**
 * One call: signals go to the machine, its milestones to every sink. Stamps time; decides nothing.
 */
import { guard } from '../guard.js';
import {
  type CallHold,
  type CallInContext,
  type CallReport,
  type ContextFrame,
  failedBefore,
  type ObservedCall,
  processState,
  type SentAttempt,
} from '../process-state.js';
import type { DialectName } from '../protocol/dialects/dialect.js';
import type { DescribedRequest, Endpoint } from '../protocol/request.js';
import { describeThrown, type ThrownOptions } from '../protocol/thrown-error.js';
import type { CallDescription, SpanIdentity, Surroundings } from '../stream/call-description.js';
import type { Milestone, Sink } from '../stream/milestone.js';
import type { BudgetLimits, CallOutcome } from '../stream/outcome.js';
import type { Ending, Signal, Teller, ThrownError } from '../stream/signal.js';
import { snapshot } from '../stream/snapshot.js';
import { type CallState, createCallState, type MachineOptions, silenceMs, stageOf } from '../stream/state.js';
import { unknownOutcome } from '../stream/summary.js';
import { transition } from '../stream/transition.js';
import { Held } from './held.js';
import { addOpenCall, type LiveCall, type OpenCall, removeOpenCall, sweepAfterGrace } from './open-calls.js';

/** Where the milestones of one call go. */
export interface CallRecording {
  readonly sinks: readonly Sink[];
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly traceFlags?: number | undefined;
  /** Where the span is from: when it shuts down, the call ends. */
  readonly provider?: object | undefined;
  /** Whether a sink wants a milestone for each chunk. */
  readonly wantsChunks?: boolean | undefined;
  /** What the call counts as while its stream is under way; undefined where nobody counts. */
  readonly counted?: object | undefined;
  /** Runs the original `fetch` in the context in which its HTTP span becomes a child of the call's. */
  around<T>(send: () => T): T;
}

export interface CallOptions {
  readonly endpoints: readonly Endpoint[];
  readonly machine: Pick<MachineOptions, 'stallThresholdMs' | 'idleTimeoutMs' | 'missingDoneEvent'>;
  readonly exceptionMessages: boolean;
  /** True: the request is not observed. */
  readonly ignores?: ((url: string, method: string) => boolean) | undefined;
  /** True: what goes out now is telemetry itself, such as an export, and nobody's LLM call. */
  readonly isSuppressed?: (() => boolean) | undefined;
  /**
   * Nobody records these calls: they are watched for as long as they last, begin in no context, and are none of those that
   * are ended by hand, or counted then.
   */
  readonly isWatchedOnly?: boolean | undefined;
  record(call: RecordedCall): CallRecording;
  /** What the application says that its reason for an abort means. */
  classifyAbort?: ((reason: unknown) => 'timeout' | 'abort' | undefined) | undefined;
}

/** A call as it is recorded from its start on. */
export interface RecordedCall {
  readonly description: CallDescription;
  readonly dialect: DialectName;
  /** As it was asked for; undefined where no request came. */
  readonly url: string | undefined;
  readonly surroundings: Surroundings;
}

/** What a call begins with. */
export interface CallBeginning {
  readonly described: DescribedRequest;
  readonly url?: string | undefined;
  /** The caller's own. */
  readonly signal: AbortSignal | undefined;
  readonly teller: Teller;
  /** Of `performance.now()`. */
  readonly startMs: number;
  /** The contexts that it was asked for in, from the inside out. */
  readonly frames: readonly ContextFrame[];
  /** No request comes: the application failed before. */
  readonly byApplication?: boolean | undefined;
}

export class Call implements OpenCall, ObservedCall, CallInContext {
  readonly described: DescribedRequest;
  readonly #startMs: number;
  /** Weak: the application's listeners on it may hold the Response, whose collection is one of the endings. */
  readonly #signal: WeakRef<AbortSignal> | undefined;
  readonly #recording: CallRecording;
  readonly #thrown: ThrownOptions;
  readonly #state: CallState;
  readonly #frames: readonly ContextFrame[];
  #held: Held | undefined;
  /** Decided; told as soon as nobody holds it. */
  #settled: Settled | undefined;
  #isTold = false;
  /** Of several attempts the last one. */
  sent: SentAttempt | undefined;
  readonly isWatchedOnly: boolean;

  constructor(beginning: CallBeginning, options: CallOptions) {
    const { described, url, signal, teller, startMs, frames, byApplication } = beginning;
    this.described = described;
    this.#startMs = startMs;
    this.#signal = signal && new WeakRef(signal);
    this.#thrown = { messages: options.exceptionMessages, classifyAbort: options.classifyAbort };
    this.#frames = frames;
    this.isWatchedOnly = options.isWatchedOnly === true;
    const { stallThresholdMs, idleTimeoutMs, missingDoneEvent } = options.machine;
    this.#state = createCallState({
      stallThresholdMs,
      idleTimeoutMs,
      missingDoneEvent,
      abortedBeforeStart: signal?.aborted ?? false,
      estimatedInputTokens: described.estimatedInputTokens,
      teller,
      inContext: this.#isInContext(),
      byApplication,
    });
    const { description, dialect } = described;
    const surroundings = { application: frames[0]?.facts, previous: previousOf(frames) };
    this.#recording = options.record({ description, dialect, url, surroundings });
    if (this.#recording.wantsChunks) this.#state.watched = true;
    addOpenCall(this, this.#recording.provider);
    for (const frame of frames) guard('context', () => frame.began(this));
  }

  /** Milliseconds since the call began. */
  now(): number {
    return performance.now() - this.#startMs;
  }

  around<T>(send: () => T): T {
    return this.#recording.around(send);
  }

  get isSettled(): boolean {
    return this.#state.settled;
  }

  /** Whether an SDK tells the end right now. */
  get isToldBySdk(): boolean {
    return this.#state.teller === 'sdk';
  }

  /** Whether an SDK makes the attempts. */
  get isBySdk(): boolean {
    return this.#state.options.teller === 'sdk';
  }

  get isHidden(): boolean {
    return this.#state.headers?.body === 'hidden';
  }

  get isIterated(): boolean {
    return this.#state.iterated;
  }

  take(signal: Signal): void {
    const state = this.#state;
    if (state.settled) return;
    const presumedBefore = state.presumed;
    const milestones = guard('machine', () => transition(state, signal));
    if (milestones) this.#tell(milestones);
    // Where the machine failed at the very end, the span ends all the same.
    else if (state.settled) {
      const { atMs } = signal;
      this.#tell([{ type: 'settled', atMs, outcome: unknownOutcome(state, atMs) }]);
    }
    if (!state.settled && state.presumed !== undefined && state.presumed !== presumedBefore) sweepAfterGrace();
  }

  end(ending: Ending): void {
    this.take({ type: 'ended', atMs: this.now(), ending });
  }

  /** A promise of the consumer was rejected, for good. */
  fail(error: unknown): void {
    this.remember(error);
    this.end({ type: 'error', error: this.describe(error) });
  }

  describe(error: unknown): ThrownError {
    return guard('error', () => describeThrown(error, this.#signal?.deref(), this.#thrown)) ?? { kind: 'unknown' };
  }

  /** Whether `error` is the reason with which the caller aborted. */
  isAbortReason(error: unknown): boolean {
    const signal = this.#signal?.deref();
    return signal?.aborted === true && Object.is(signal.reason, error);
  }

  /** From now on the call is found by `subject`, unless that came out of another call, too. */
  remember(subject: unknown): void {
    if ((typeof subject !== 'object' && typeof subject !== 'function') || subject === null) return;
    const { calls } = processState();
    const isShared = calls.has(subject) && calls.get(subject) !== this;
    calls.set(subject, isShared ? undefined : this);
  }

  /** The same by something that serves calls one after the other, as a runner's signal does: the last one is meant. */
  findBy(subject: object): void {
    const { calls } = processState();
    const before = calls.get(subject);
    const isShared = calls.has(subject) && (before === undefined || isOpen(before));
    calls.set(subject, isShared && before !== this ? undefined : this);
  }

  report(): CallReport {
    const { traceId, spanId, traceFlags } = this.#recording;
    return { traceId, spanId, traceFlags, outcome: this.#outcome() ?? snapshot(this.#state, this.now()) };
  }

  hold(limitMs: number): CallHold | undefined {
    if (this.#isTold) return undefined;
    this.#held ??= new Held(() => this.#tellEnd());
    return this.#held.hold(limitMs);
  }

  silenceMs(): number {
    return silenceMs(this.#state, this.now());
  }

  budgeted(limits: BudgetLimits): void {
    this.take({ type: 'budgeted', atMs: this.now(), limits });
  }

  contextEnded(failed: boolean): void {
    this.take({ type: 'context_ended', atMs: this.now(), failed, inContext: this.#isInContext() });
  }

  tick(): void {
    if (!this.#state.settled) this.take({ type: 'tick', atMs: this.now() });
    // Over, and still among the open calls without being held: something of ours failed at its end.
    else if (!this.#held?.isOpen) {
      this.#tellEnd();
      removeOpenCall(this);
    }
  }

  live(): LiveCall | undefined {
    const state = this.#state;
    const { counted } = this.#recording;
    if (counted === undefined || state.settled) return undefined;
    // Without a read nobody waits: the consumer is busy, or the headers have not come.
    return { counted, stage: stageOf(state), waitedMs: state.pendingReads > 0 ? this.silenceMs() : 0 };
  }

  shutDown(): boolean {
    if (this.#isTold) {
      removeOpenCall(this);
      return false;
    }
    if (this.isWatchedOnly) return false;
    if (!this.#state.settled) this.end({ type: 'shutdown' });
    this.#held?.end();
    return this.#isTold;
  }

  #tell(milestones: readonly Milestone[]): void {
    for (const milestone of milestones) {
      if (milestone.type === 'settled') this.#settle(milestone);
      else this.#give(milestone);
    }
  }

  #settle(settled: Settled): void {
    this.#settled = settled;
    const held = this.#held;
    // Without a limit nobody might ever tell the end.
    const waits = guard('hold', () => held?.isOpen && held.settled());
    if (!waits) this.#tellEnd();
  }

  #tellEnd(): void {
    const outcome = this.#outcome();
    if (this.#isTold || this.#settled === undefined || outcome === undefined) return;
    this.#isTold = true;
    const { atMs } = this.#settled;
    // Whoever was to get the answer left after its stream had ended.
    if (outcome.outcome === 'cancelled' && this.#settled.outcome.outcome !== 'cancelled') {
      this.#give({ type: 'cancelled', atMs });
    }
    this.#give({ type: 'settled', atMs, outcome });
    removeOpenCall(this);
    for (const frame of this.#frames) guard('context', () => frame.ended(this));
  }

  #isInContext(): boolean {
    return this.#frames.some(({ isOpen }) => isOpen);
  }

  #give(milestone: Milestone): void {
    for (const sink of this.#recording.sinks) guard('sink', () => sink.take(milestone));
  }

  #outcome(): CallOutcome | undefined {
    const outcome = this.#settled?.outcome;
    return outcome && this.#held ? this.#held.applyTo(outcome) : outcome;
  }
}

/** The failed call that the next one in these contexts is another try of. */
function previousOf(frames: readonly ContextFrame[]): SpanIdentity | undefined {
  const { retryAttempt = 0, fallbackAttempt = 0 } = frames[0]?.facts ?? {};
  return retryAttempt > 0 || fallbackAttempt > 0 ? failedBefore(frames) : undefined;
}

type Settled = Extract<Milestone, { type: 'settled' }>;

function isOpen(call: ObservedCall): boolean {
  return call.report().outcome.outcome === 'open';
}
