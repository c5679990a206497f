/**
 * One call: signals go to the machine, its milestones to every sink. Stamps time; decides nothing.
 */
import { guard } from '../guard.js';
import { type CallReport, type ObservedCall, processState } from '../process-state.js';
import type { DescribedRequest, Endpoint } from '../protocol/request.js';
import { describeThrown } from '../protocol/thrown-error.js';
import type { CallDescription } from '../stream/call-description.js';
import type { Milestone, Sink } from '../stream/milestone.js';
import type { CallOutcome } from '../stream/outcome.js';
import type { Ending, Signal, Teller, ThrownError } from '../stream/signal.js';
import { snapshot } from '../stream/snapshot.js';
import { type CallState, createCallState, type MachineOptions, roadsOf } from '../stream/state.js';
import { unknownOutcome } from '../stream/summary.js';
import { transition } from '../stream/transition.js';
import { addOpenCall, type OpenCall, removeOpenCall, sweepAfterGrace } from './open-calls.js';

/** Where the milestones of one call go. */
export interface CallRecording {
  readonly sinks: readonly Sink[];
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  /** Where the span is from: when it shuts down, the call ends. */
  readonly provider?: object | undefined;
  /** Runs the original `fetch` in the context in which its HTTP span becomes a child of the call's. */
  around<T>(send: () => T): T;
}

export interface CallOptions {
  readonly endpoints: readonly Endpoint[];
  readonly machine: Pick<MachineOptions, 'stallThresholdMs' | 'idleTimeoutMs' | 'missingDoneEvent'>;
  readonly exceptionMessages: boolean;
  record(description: CallDescription): CallRecording;
}

/** What a call begins with. */
export interface CallBeginning {
  readonly described: DescribedRequest;
  /** The caller's own. */
  readonly signal: AbortSignal | undefined;
  readonly teller: Teller;
  /** Of `performance.now()`. */
  readonly startMs: number;
}

export class Call implements OpenCall, ObservedCall {
  readonly described: DescribedRequest;
  readonly #startMs: number;
  /** Weak: the application's listeners on it may hold the Response, whose collection is one of the endings. */
  readonly #signal: WeakRef<AbortSignal> | undefined;
  readonly #recording: CallRecording;
  readonly #exceptionMessages: boolean;
  readonly #state: CallState;
  #outcome: CallOutcome | undefined;

  constructor({ described, signal, teller, startMs }: CallBeginning, options: CallOptions) {
    this.described = described;
    this.#startMs = startMs;
    this.#signal = signal && new WeakRef(signal);
    this.#exceptionMessages = options.exceptionMessages;
    const { stallThresholdMs, idleTimeoutMs, missingDoneEvent } = options.machine;
    this.#state = createCallState({
      stallThresholdMs,
      idleTimeoutMs,
      missingDoneEvent,
      abortedBeforeStart: signal?.aborted ?? false,
      estimatedInputTokens: described.estimatedInputTokens,
      teller,
    });
    this.#recording = options.record(described.description);
    addOpenCall(this, this.#recording.provider);
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
    else if (state.settled) this.#tell([settledUnknown(state, signal.atMs)]);
    if (state.settled) removeOpenCall(this);
    else if (state.presumed !== undefined && state.presumed !== presumedBefore) sweepAfterGrace();
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
    const describe = () => describeThrown(error, this.#signal?.deref(), { messages: this.#exceptionMessages });
    return guard('error', describe) ?? { kind: 'unknown' };
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
    const { traceId, spanId } = this.#recording;
    return { traceId, spanId, outcome: this.#outcome ?? snapshot(this.#state, this.now()) };
  }

  tick(): void {
    // Over, and still among the open calls: something of ours failed at its end.
    if (this.#state.settled) removeOpenCall(this);
    else this.take({ type: 'tick', atMs: this.now() });
  }

  shutDown(): boolean {
    const wasOpen = !this.#state.settled;
    if (wasOpen) this.end({ type: 'shutdown' });
    else removeOpenCall(this);
    return wasOpen && this.#state.settled;
  }

  get presumed(): boolean {
    return this.#state.presumed !== undefined;
  }

  #tell(milestones: readonly Milestone[]): void {
    for (const milestone of milestones) {
      if (milestone.type === 'settled') this.#outcome = milestone.outcome;
      for (const sink of this.#recording.sinks) guard('sink', () => sink.take(milestone));
    }
  }
}

function isOpen(call: ObservedCall): boolean {
  return call.report().outcome.outcome === 'open';
}

function settledUnknown(state: CallState, atMs: number): Milestone {
  return { type: 'settled', atMs, outcome: { ...unknownOutcome(atMs), observedBy: roadsOf(state) } };
}
