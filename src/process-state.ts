/** One state per process, over ESM and CJS copies and versions of this package. */
import type { ApplicationHooks, CallHooks, SdkHooks } from './intercept/call-hooks.js';
import type { Aftermath } from './stream/aftermath.js';
import type { ApplicationFacts, SpanIdentity } from './stream/call-description.js';
import type { BudgetLimits, CallOutcome, OpenOutcome } from './stream/outcome.js';

/** A patch of `fetch`, as other copies of this package see it. */
export interface FetchOwner {
  /** The function it laid there no longer stands, and nobody wrapped it: what was there before is back. */
  isGone(): boolean;
  /** Gives the place up. */
  unpatch(): void;
}

/** A call as whoever asks for its outcome sees it: what `app/` reads. */
export interface ObservedCall {
  /** What can be said of the call right now. */
  report(): CallReport;
  /** Keeps the end of the call from being told until `release`, or `limitMs` after its stream; undefined: it is told. */
  hold?(limitMs: number): CallHold | undefined;
  /** How long the consumer has waited for a chunk; milliseconds. */
  silenceMs?(): number;
  /** These budgets are enforced on the call. */
  budgeted?(limits: BudgetLimits): void;
  /** The request of it that was sent last. */
  readonly sent?: SentAttempt | undefined;
  /** Watched for its budgets alone: it has no span, and is nobody's call otherwise. */
  readonly isWatchedOnly?: boolean | undefined;
}

/** One request of a call, as whoever limits it sees it. */
export interface SentAttempt {
  readonly call: ObservedCall;
  /** Undefined where the request could not be read. */
  readonly streamRequested: boolean | undefined;
  /** Whether the consumer waits for the wire right now. Undefined, as the next one, where its reads cannot be seen. */
  readonly isWaiting: boolean | undefined;
  /** How long it has waited for the wire since the headers came; milliseconds. */
  readonly waitedMs: number | undefined;
  /** How long its pending read has waited since the last bytes; milliseconds. Also where the call is settled. */
  readonly silenceMs?: number | undefined;
  /** Once its body has ended, however that was, or there is none. */
  whenOver(tell: () => void): void;
  /** It is ended because a budget is spent: that decides, whatever a `fetch` or an SDK makes of the abort. */
  spentOn?(error: Error): void;
}

export interface CallReport {
  /** Of the call's span; undefined where no tracer gave it a valid one. */
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly traceFlags?: number | undefined;
  readonly outcome: CallOutcome | OpenOutcome;
}

export interface ZeroCode {
  /** From now on its patches tell `hooks`, until what is returned is called. */
  giveWayTo(hooks: CallHooks & SdkHooks): () => void;
}

/** One hold of a call, for whoever says what became of its answer. */
export interface CallHold {
  /** Says what became of the answer; false where nobody listens any more. */
  tell(say: (aftermath: Aftermath) => void): boolean;
  release(): void;
}

/**
 * What an application said around the calls that begin in it. What is told to a frame is told to it alone: whoever tells
 * it goes through {@link framesFrom}.
 */
export interface ContextFrame {
  /** With those of the frames around it. */
  readonly facts: ApplicationFacts;
  /** Its own callback has not settled. */
  readonly isOpen: boolean;
  /** The frame that it was entered in, or one that is around that; read by {@link openAround}. */
  around: ContextFrame | undefined;
  /** It is another try by its own word; of what, where that is known. */
  readonly anotherTry: { readonly of: SpanIdentity | undefined } | undefined;
  /** The last call in it that failed, unless another try made it good. */
  readonly lastFailed: SpanIdentity | undefined;
  began(call: CallInContext): void;
  /** A request was made in it that is not observed, and may be an LLM call: what fails then is no failure before any call. */
  passed(): void;
  /** The end of a call is told. */
  ended(call: CallInContext): void;
  /** Another try of the calls with these spans succeeded. */
  madeGood(spanIds: readonly string[]): void;
}

/** A call as the contexts that it began in see it. */
export interface CallInContext {
  report(): CallReport;
  /** The callback settled; `failed`: it threw, or rejected. */
  contextEnded(failed: boolean): void;
}

/** As much of an AsyncLocalStorage as is used. */
export interface ContextStorage {
  getStore(): ContextFrame | undefined;
  run<T>(frame: ContextFrame, fn: () => T): T;
}

export interface ProcessState {
  /** What the enabled instrumentation wants to know; patches made by hand talk to it, whichever copy it is of. */
  hooks: (CallHooks & SdkHooks & Partial<ApplicationHooks>) | undefined;
  /** There was one, and it may have been disabled on purpose; or there is none on purpose. */
  wasEnabled: boolean;
  /** Those of calls by hand while there never was one; of the copy that was called first, so that nothing counts twice. */
  unregistered: (CallHooks & SdkHooks & Partial<ApplicationHooks>) | undefined;
  /** The instrumentation of `/register`, which gives way to one that the application makes itself. */
  zeroCode: ZeroCode | undefined;
  /** Who patches `globalThis.fetch`: one instrumentation at a time, so that a call never has two spans. */
  fetchOwner: FetchOwner | undefined;
  /** Each `fetch` that was instrumented by hand, with what its calls are told to. */
  readonly instrumented: WeakMap<object, CallHooks>;
  /** Bodies and responses that are shadowed already; while a request is sent, its `init` or Request too. */
  readonly shadowed: WeakSet<object>;
  /** How many requests are being sent, synchronously, at this moment. */
  sending: number;
  /**
   * The call that an object belongs to: a Response, an SDK's stream or parsed answer, an error. `undefined` where the
   * same object came out of several calls, such as the reason of a signal that many of them share.
   */
  readonly calls: WeakMap<object, ObservedCall | undefined>;
  /** Errors that were recorded without a request, with the contexts that they were recorded in. */
  readonly recorded: WeakMap<object, WeakSet<object>>;
  /** Who waits for the call whose request will be made with a signal: a runner can be held before it has one. */
  readonly awaited: WeakMap<AbortSignal, readonly ((call: ObservedCall) => void)[]>;
  /** One for each copy that has open calls: ends them, and says how many they were. */
  readonly enders: Set<() => number>;
  /** What `withCallContext` was told; undefined until it is used: entering it once costs every promise from then on. */
  contexts: ContextStorage | undefined;
  /** The attempt that is sent, synchronously, at this moment; undefined while what is sent is none of a call's. */
  sendingAttempt: SentAttempt | undefined;
  /** What the application was warned of: each text is written once, whichever copy it is of. */
  readonly warned: Set<string>;
  /** Stops to wait for the end of the process; undefined while nobody has open calls. */
  stopAwaitingExit: (() => void) | undefined;
}

const KEY = Symbol.for('opentelemetry-instrumentation-llm-stream.v1');

/**
 * The record all copies share. Copies may be of different versions: a field keeps its meaning for good; a new one comes
 * with a value to begin with, put there by whoever misses it; what cannot be said with new fields needs another key.
 */
export function processState(): ProcessState {
  shared ??= meet();
  return shared;
}

let shared: ProcessState | undefined;

function meet(): ProcessState {
  // Symbol.for is how copies meet: the global object has no type for it. An older copy knew fewer fields.
  const holder = globalThis as { [KEY]?: Partial<ProcessState> };
  holder[KEY] ??= {};
  const found = holder[KEY];
  for (const [field, value] of Object.entries(beginning())) {
    if (!(field in found)) Reflect.set(found, field, value);
  }
  // Every field is there by now.
  return found as ProcessState;
}

function beginning(): ProcessState {
  return {
    hooks: undefined,
    wasEnabled: false,
    unregistered: undefined,
    zeroCode: undefined,
    fetchOwner: undefined,
    instrumented: new WeakMap(),
    shadowed: new WeakSet(),
    sending: 0,
    calls: new WeakMap(),
    recorded: new WeakMap(),
    awaited: new WeakMap(),
    enders: new Set(),
    contexts: undefined,
    sendingAttempt: undefined,
    warned: new Set(),
    stopAwaitingExit: undefined,
  };
}

/** Where the caller is: the frame it was entered in last, and those around that whose callbacks have not settled. */
export function currentFrames(): readonly ContextFrame[] {
  return framesFrom(processState().contexts?.getStore());
}

/** A frame, and those around it whose callbacks have not settled, from the inside out. */
export function framesFrom(frame: ContextFrame | undefined): readonly ContextFrame[] {
  const frames: ContextFrame[] = [];
  for (let at = frame; at !== undefined; at = openAround(at)) frames.push(at);
  return frames;
}

/**
 * The nearest frame around this one whose callback has not settled. The others are let go for good: jobs that set off one
 * another, each in a context of its own, would otherwise keep all that were before them.
 */
export function openAround(frame: ContextFrame): ContextFrame | undefined {
  let { around } = frame;
  while (around !== undefined && !around.isOpen) around = around.around;
  frame.around = around;
  return around;
}

/** The last call in these frames that failed: what another try now would be another try of. */
export function failedBefore(frames: readonly ContextFrame[]): SpanIdentity | undefined {
  for (const { lastFailed, anotherTry } of frames) {
    if (lastFailed) return lastFailed;
    // What failed around it since may be of another chain.
    if (anotherTry) return anotherTry.of;
  }
  return undefined;
}
