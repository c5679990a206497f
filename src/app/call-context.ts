/**
 * What only the application knows, said around its calls. The frame of a context collects what happens to the calls that
 * begin in it; nested contexts merge. The only place that enters an AsyncLocalStorage, and only where it is used.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { types } from 'node:util';
import { guard, guardHook } from '../guard.js';
import {
  type CallInContext,
  type ContextFrame,
  failedBefore,
  framesFrom,
  openAround,
  processState,
} from '../process-state.js';
import type { ApplicationFacts, SpanIdentity } from '../stream/call-description.js';
import { bindGenerator, type StepContext } from './bound-generator.js';
import { type CallOutcome, callOutcome } from './call-outcome.js';
import { type CallContext, readContext } from './context-values.js';
import { warn } from './warn.js';

/** What is done with a callback that failed before any call began in it. */
export type OnEarlyFailure = (error: unknown, frame: ContextFrame, startedMs: number) => void;

/** Runs `fn` in a context: what it gives or throws is given or thrown. */
export function runInContext<T>(context: CallContext, fn: () => T, onEarlyFailure: OnEarlyFailure): T {
  if (typeof fn !== 'function') {
    throw new TypeError(`\`withCallContext\` expects a function as its second argument, got ${typeof fn}`);
  }
  const entered = guard('context', () => enter(context, onEarlyFailure));
  if (entered === undefined) return fn();
  let result: T;
  try {
    result = entered.run(fn);
  } catch (error) {
    entered.failed(error);
    throw error;
  }
  const derived = guard('context', () => derive(entered, result));
  if (derived !== undefined) return derived;
  // Also with an SDK's promise, which does its work when somebody waits for it: it is given as it is.
  guard('context', () => finish(entered, result));
  return result;
}

/** Derived, so that a rejection nobody handles stays one. */
function derive<T>(entered: StepContext, result: T): T | undefined {
  if (!types.isPromise(result) || Object.getPrototypeOf(result) !== Promise.prototype) return undefined;
  // Another promise would lack what the application put on this one; symbols are Node's own, where async hooks are used.
  if (Object.getOwnPropertyNames(result).length > 0) return undefined;
  const derived = result.then(
    (value) => {
      guard('context', () => finish(entered, value));
      return value;
    },
    (error: unknown) => {
      entered.failed(error);
      throw error;
    },
  );
  // A plain promise of the same value.
  return derived as T;
}

/** The callback is over, unless what it gave is a generator, whose body has yet to run. */
function finish(entered: StepContext, value: unknown): void {
  if (!bindGenerator(value, entered)) entered.settled();
}

function enter(context: CallContext, onEarlyFailure: OnEarlyFailure): StepContext {
  const state = processState();
  state.contexts ??= new AsyncLocalStorage<ContextFrame>();
  const { contexts } = state;
  const frame = new Frame(readContext(context, warn), contexts.getStore(), onEarlyFailure);
  return {
    run: (fn) => contexts.run(frame, fn),
    settled: () => void guard('context', () => frame.settled()),
    failed: (error) => void guard('context', () => frame.failed(error)),
  };
}

class Frame implements ContextFrame {
  readonly facts: ApplicationFacts;
  readonly anotherTry: { readonly of: SpanIdentity | undefined } | undefined;
  around: ContextFrame | undefined;
  readonly #onOutcome: ((outcome: CallOutcome) => void) | undefined;
  readonly #onEarlyFailure: OnEarlyFailure;
  readonly #startedMs = performance.now();
  #isOpen = true;
  /** Calls that began, here and further in. */
  #began = 0;
  /** A request went out that nobody observes, and that may have been an LLM call. */
  #passed = false;
  /** Those whose end is not told, while the callback runs; with their place in the order in which they began. */
  readonly #open = new Map<CallInContext, number>();
  /** What another try would be another try of, among the calls whose end is told. */
  #lastFailed: FailedSpan | undefined;
  /** The place up to which failures are made good. */
  #goodUpTo = 0;

  /** @param entered - the frame that the caller is in; its callback may be over */
  constructor(
    { facts, onOutcome }: ReturnType<typeof readContext>,
    entered: ContextFrame | undefined,
    onEarlyFailure: OnEarlyFailure,
  ) {
    this.around = entered && nearestOpen(entered);
    this.facts = merge(entered && inherited(entered, this.around), facts);
    const { retryAttempt = 0, fallbackAttempt = 0 } = facts;
    const isAnotherTry = retryAttempt > 0 || fallbackAttempt > 0;
    this.anotherTry = isAnotherTry ? { of: failedBefore(framesFrom(this.around)) } : undefined;
    this.#onOutcome = onOutcome;
    this.#onEarlyFailure = onEarlyFailure;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get lastFailed(): SpanIdentity | undefined {
    return this.#lastFailure()?.span;
  }

  began(call: CallInContext): void {
    this.#began += 1;
    if (this.#isOpen) this.#open.set(call, this.#began);
  }

  passed(): void {
    this.#passed = true;
  }

  ended(call: CallInContext): void {
    const place = this.#open.get(call) ?? this.#began;
    this.#open.delete(call);
    this.#lastFailed = this.#laterOf(this.#lastFailed, call, place);
    const onOutcome = this.#onOutcome;
    if (onOutcome) guardHook('onOutcome', () => onOutcome(callOutcome(call.report())));
  }

  madeGood(spanIds: readonly string[]): void {
    const last = this.#lastFailure();
    if (last === undefined || !spanIds.includes(last.span.spanId)) return;
    this.#lastFailed = undefined;
    this.#goodUpTo = last.place;
  }

  settled(): void {
    const madeGood = this.#madeGood();
    this.#close(false);
    if (madeGood.length === 0) return;
    for (const frame of framesFrom(this.around)) frame.madeGood(madeGood);
  }

  failed(error: unknown): void {
    this.#close(true);
    if (this.#began === 0 && !this.#passed) this.#onEarlyFailure(error, this, this.#startedMs);
  }

  #close(failed: boolean): void {
    this.#isOpen = false;
    const open = [...this.#open.keys()];
    this.#open.clear();
    // A callback around this one may read on, and tells them when it is over.
    if (openAround(this) !== undefined && !failed) return;
    for (const call of open) guard('context', () => call.contextEnded(failed));
  }

  /** The spans of the failed calls that this try, which succeeded, makes good: those before it, and those in it. */
  #madeGood(): readonly string[] {
    if (this.anotherTry === undefined) return [];
    const inIt = this.#lastFailure();
    // Its last call failed, and nobody threw: a stream that was cut looks whole to whoever reads it.
    if (inIt?.place === this.#began) return [];
    return [this.anotherTry.of, inIt?.span].flatMap((span) => span?.spanId ?? []);
  }

  #lastFailure(): FailedSpan | undefined {
    let last = this.#lastFailed;
    // A failure may be decided and not told: a refusal waits for its body, a held call for the application.
    for (const [call, place] of this.#open) last = this.#laterOf(last, call, place);
    return last;
  }

  /** The last failure, once it is known how `call` went. */
  #laterOf(before: FailedSpan | undefined, call: CallInContext, place: number): FailedSpan | undefined {
    const { traceId, spanId, traceFlags = 0, outcome } = call.report();
    if (outcome.outcome !== 'failed' || traceId === undefined || spanId === undefined) return before;
    if (place <= this.#goodUpTo || place < (before?.place ?? 0)) return before;
    return { span: { traceId, spanId, traceFlags }, place };
  }
}

interface FailedSpan {
  readonly span: SpanIdentity;
  readonly place: number;
}

/** Also where the frame itself goes on: it lets go of what is over around it. */
function nearestOpen(frame: ContextFrame): ContextFrame | undefined {
  const around = openAround(frame);
  return frame.isOpen ? frame : around;
}

/** What was set off by a callback that is over still belongs to what that one was for; another try of it it is not. */
function inherited(entered: ContextFrame, around: ContextFrame | undefined): ApplicationFacts {
  if (entered === around) return entered.facts;
  const { retryAttempt: _retry, fallbackAttempt: _fallback, ...lasting } = entered.facts;
  const { retryAttempt, fallbackAttempt } = around?.facts ?? {};
  return {
    ...lasting,
    ...(retryAttempt !== undefined && { retryAttempt }),
    ...(fallbackAttempt !== undefined && { fallbackAttempt }),
  };
}

/** Those of two contexts. A span may have 128, unless its limits say otherwise, and most of the others come later. */
const MAX_ATTRIBUTES = 64;

/** What is said further in counts; attributes are joined one by one, and where they are too many, the outer ones go. */
function merge(outer: ApplicationFacts | undefined, inner: ApplicationFacts): ApplicationFacts {
  if (outer === undefined) return inner;
  const joined = Object.entries({ ...outer.attributes, ...inner.attributes });
  const attributes = Object.fromEntries(joined.slice(-MAX_ATTRIBUTES));
  return { ...outer, ...inner, ...(joined.length > 0 && { attributes }) };
}
