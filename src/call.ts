/**
 * The hallway: hooks → protocol → machine → sinks. Facts that `intercept/` reports become signals, signals milestones,
 * milestones go to every sink. Stamps time; decides nothing.
 */
import { diag } from '@opentelemetry/api';
import { guard } from './guard.js';
import type { AttemptHooks, BodyHooks, CallHooks, RequestFacts, ResponseFacts } from './intercept/call-hooks.js';
import { addOpenCall, type OpenCall, removeOpenCall, sweepAfterGrace } from './open-calls.js';
import { type ChunkReader, createChunkReader } from './protocol/chunk-reader.js';
import type { DialectName } from './protocol/dialects/dialect.js';
import { classifyError } from './protocol/error-body.js';
import { type DescribedRequest, describeRequest, type Endpoint, isLlmRequest } from './protocol/request.js';
import { describeResponse } from './protocol/response-headers.js';
import { describeThrown } from './protocol/thrown-error.js';
import type { CallDescription } from './stream/call-description.js';
import type { Milestone, Sink } from './stream/milestone.js';
import type { Signal, ThrownError } from './stream/signal.js';
import { type CallState, createCallState, type MachineOptions } from './stream/state.js';
import { unknownOutcome } from './stream/summary.js';
import { transition } from './stream/transition.js';

/** Where the milestones of one call go. */
export interface CallRecording {
  readonly sinks: readonly Sink[];
  /** False where nobody records the call: it then costs nothing more. */
  readonly recording: boolean;
  /** Runs the original `fetch` in the context in which its HTTP span becomes a child of the call's. */
  around<T>(send: () => T): T;
}

export interface CallOptions {
  readonly endpoints: readonly Endpoint[];
  readonly machine: Pick<MachineOptions, 'stallThresholdMs' | 'idleTimeoutMs' | 'missingDoneEvent'>;
  readonly exceptionMessages: boolean;
  record(description: CallDescription): CallRecording;
}

const ROADS: readonly string[] = ['fetch'];

/** Once per process, whoever is registered. */
let warned = false;

/** What `intercept/` talks to. `options` is asked at each call, so that a changed configuration holds from the next one on. */
export function createCallHooks(options: () => CallOptions): CallHooks {
  return {
    begin(request) {
      const current = options();
      const described = describeRequest(request, current.endpoints, { startEpochMs: Date.now(), observedBy: ROADS });
      return described && begin(request, described, current);
    },
    unannounced({ origin, path, method }) {
      if (warned || !isLlmRequest(origin + path, method)) return;
      warned = true;
      diag.warn(
        'opentelemetry-instrumentation-llm-stream: an LLM request reached the network without passing the patched `fetch`; ' +
          'it and others like it are not traced (said once). Was `globalThis.fetch` replaced, or does a client hold its own `fetch`?',
      );
    },
  };
}

function begin(request: RequestFacts, described: DescribedRequest, options: CallOptions): AttemptHooks {
  const recording = options.record(described.description);
  if (!recording.recording) return { ...UNRECORDED, around: (send) => recording.around(send) };
  const call = new Call(request.signal, described, recording, options);
  call.start();
  return call;
}

/** A call that nobody records still runs in its span's context: what a sampler decided holds for its children. */
const UNRECORDED: Omit<AttemptHooks, 'around'> = {
  rejected() {},
  responded: () => undefined,
  wireStarted() {},
  wireEnded() {},
  wireFailed() {},
};

class Call implements AttemptHooks, BodyHooks, OpenCall {
  readonly #startMs = performance.now();
  /** Weak: the application's listeners on it may hold the Response, whose collection is one of the endings. */
  readonly #signal: WeakRef<AbortSignal> | undefined;
  readonly #dialect: DialectName;
  readonly #streamRequested: boolean | undefined;
  readonly #recording: CallRecording;
  readonly #exceptionMessages: boolean;
  readonly #state: CallState;
  #reader: ChunkReader | undefined;

  constructor(
    signal: AbortSignal | undefined,
    described: DescribedRequest,
    recording: CallRecording,
    options: CallOptions,
  ) {
    this.#signal = signal && new WeakRef(signal);
    this.#dialect = described.dialect;
    this.#streamRequested = described.description.stream;
    this.#recording = recording;
    this.#exceptionMessages = options.exceptionMessages;
    const { stallThresholdMs, idleTimeoutMs, missingDoneEvent } = options.machine;
    this.#state = createCallState({
      stallThresholdMs,
      idleTimeoutMs,
      missingDoneEvent,
      abortedBeforeStart: signal?.aborted ?? false,
      estimatedInputTokens: described.estimatedInputTokens,
    });
  }

  start(): void {
    addOpenCall(this);
    this.#take({ type: 'attempt_started', atMs: this.#now() });
  }

  around<T>(send: () => T): T {
    return this.#recording.around(send);
  }

  rejected(error: unknown): void {
    this.failed(error);
  }

  responded(response: ResponseFacts): BodyHooks | undefined {
    const atMs = this.#now();
    const { status, body } = response;
    const accepted = status >= 200 && status < 300;
    this.#take({
      type: 'response_headers',
      atMs,
      status,
      body,
      ...(!accepted && { rejection: classifyError({ status }) }),
      ...describeResponse(response, { streamRequested: this.#streamRequested, nowEpochMs: Date.now() }),
    });
    if (body !== 'visible') return undefined;
    this.#reader = createChunkReader({ dialect: this.#dialect, status }, (signal) => this.#take(signal));
    return this;
  }

  waiting(): void {
    this.#take({ type: 'read_started', atMs: this.#now() });
  }

  bytes(view: Uint8Array): void {
    const atMs = this.#now();
    this.#take({ type: 'bytes', atMs, length: view.byteLength });
    this.#reader?.feed(view, atMs);
  }

  ended(): void {
    const atMs = this.#now();
    // Whatever is wrong with the last message, the call is over.
    guard('last message', () => this.#reader?.end(atMs));
    this.#take({ type: 'ended', atMs, ending: { type: 'eof' } });
  }

  failed(error: unknown): void {
    this.#take({ type: 'ended', atMs: this.#now(), ending: { type: 'error', error: this.#describe(error) } });
  }

  left(): void {
    this.#take({ type: 'ended', atMs: this.#now(), ending: { type: 'left' } });
  }

  held(): void {
    this.#take({ type: 'held', atMs: this.#now() });
  }

  released(): void {
    this.#take({ type: 'released', atMs: this.#now() });
  }

  collected(): void {
    this.#take({ type: 'ended', atMs: this.#now(), ending: { type: 'collected' } });
  }

  wireStarted(): void {
    this.#take({ type: 'wire_started', atMs: this.#now() });
  }

  wireEnded(unobserved: boolean): void {
    this.#take({ type: 'wire_ended', atMs: this.#now(), unobserved });
  }

  wireFailed(error: unknown, { unobserved, byConsumer }: { unobserved: boolean; byConsumer: boolean }): void {
    const signal = this.#signal?.deref();
    const byCaller = signal?.aborted === true && Object.is(signal.reason, error);
    const by = byCaller ? 'caller' : byConsumer ? 'consumer' : 'wire';
    this.#take({ type: 'wire_failed', atMs: this.#now(), error: this.#describe(error), by, unobserved });
  }

  tick(): void {
    // Over, and still among the open calls: something of ours failed at its end.
    if (this.#state.settled) this.#close();
    else this.#take({ type: 'tick', atMs: this.#now() });
  }

  get presumed(): boolean {
    return this.#state.presumed !== undefined;
  }

  #now(): number {
    return performance.now() - this.#startMs;
  }

  #describe(error: unknown): ThrownError {
    const describe = () => describeThrown(error, this.#signal?.deref(), { messages: this.#exceptionMessages });
    return guard('error', describe) ?? { kind: 'unknown' };
  }

  #take(signal: Signal): void {
    const state = this.#state;
    if (state.settled) return;
    const presumedBefore = state.presumed;
    const milestones = guard('machine', () => transition(state, signal));
    if (milestones) this.#tell(milestones);
    // Where the machine failed at the very end, the span ends all the same.
    else if (state.settled) this.#tell([{ type: 'settled', atMs: signal.atMs, outcome: unknownOutcome(signal.atMs) }]);
    if (state.settled) this.#close();
    else if (state.presumed !== undefined && state.presumed !== presumedBefore) sweepAfterGrace();
  }

  #tell(milestones: readonly Milestone[]): void {
    for (const milestone of milestones) {
      for (const sink of this.#recording.sinks) guard('sink', () => sink.take(milestone));
    }
  }

  #close(): void {
    removeOpenCall(this);
    this.#reader = undefined;
  }
}
