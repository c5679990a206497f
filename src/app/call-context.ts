/**
 * What only the application knows, said around its calls. The frame of a context collects what happens to the calls that
 * begin in it; nested contexts merge. The only place that enters an AsyncLocalStorage, and only where it is used.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { types } from 'node:util';
import { guard, guardHook } from '../guard.js';
import { type CallInContext, type ContextFrame, processState } from '../process-state.js';
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
  readonly #onOutcome: ((outcome: CallOutcome) => void) | undefined;
  readonly #outer: ContextFrame | undefined;
  readonly #onEarlyFailure: OnEarlyFailure;
  readonly #startedMs = performance.now();
  #isRunning = true;
  /** Calls that began, here and further in. */
  #began = 0;
  /** A request went out that nobody observes, and that may have been an LLM call. */
  #passed = false;
  /** Those whose end is not told, while the callback runs; with their place in the order in which they began. */
  readonly #open = new Map<CallInContext, number>();
  /** What another try would be another try of. */
  #lastFailed: FailedSpan | undefined;

  constructor(
    { facts, onOutcome }: ReturnType<typeof readContext>,
    outer: ContextFrame | undefined,
    onEarlyFailure: OnEarlyFailure,
  ) {
    this.facts = merge(outer?.facts, facts);
    this.#onOutcome = onOutcome;
    this.#outer = outer;
    this.#onEarlyFailure = onEarlyFailure;
  }

  get isRunning(): boolean {
    return this.#isRunning || this.#outer?.isRunning === true;
  }

  get previous(): SpanIdentity | undefined {
    const { retryAttempt = 0, fallbackAttempt = 0 } = this.facts;
    return retryAttempt > 0 || fallbackAttempt > 0 ? this.failedBefore : undefined;
  }

  get failedBefore(): SpanIdentity | undefined {
    let last = this.#lastFailed;
    // A failure may be decided and not told: a refusal waits for its body, a held call for the application.
    for (const [call, place] of this.#open) last = lastFailed(last, call, place);
    return last?.span ?? this.#outer?.failedBefore;
  }

  began(call: CallInContext): void {
    this.#began += 1;
    if (this.#isRunning) this.#open.set(call, this.#began);
    this.#outer?.began(call);
  }

  passed(): void {
    this.#passed = true;
    this.#outer?.passed();
  }

  ended(call: CallInContext): void {
    const place = this.#open.get(call) ?? this.#began;
    this.#open.delete(call);
    this.#lastFailed = lastFailed(this.#lastFailed, call, place);
    const onOutcome = this.#onOutcome;
    if (onOutcome) guardHook('onOutcome', () => onOutcome(callOutcome(call.report())));
    this.#outer?.ended(call);
  }

  settled(): void {
    this.#close(false);
  }

  failed(error: unknown): void {
    this.#close(true);
    if (this.#began === 0 && !this.#passed) this.#onEarlyFailure(error, this, this.#startedMs);
  }

  #close(failed: boolean): void {
    this.#isRunning = false;
    const open = [...this.#open.keys()];
    this.#open.clear();
    // A callback around this one may read on, and tells them when it is over.
    if (!failed && this.isRunning) return;
    for (const call of open) guard('context', () => call.contextEnded(failed));
  }
}

interface FailedSpan {
  readonly span: SpanIdentity;
  readonly place: number;
}

/** The last failure, once it is known how `call` went. */
function lastFailed(before: FailedSpan | undefined, call: CallInContext, place: number): FailedSpan | undefined {
  const { traceId, spanId, traceFlags = 0, outcome } = call.report();
  // Another try that completes is the end of its chain: nothing that comes later is another try of what it made good.
  if (outcome.outcome === 'completed') return call.previous?.spanId === before?.span.spanId ? undefined : before;
  if (outcome.outcome !== 'failed' || traceId === undefined || spanId === undefined) return before;
  return place >= (before?.place ?? 0) ? { span: { traceId, spanId, traceFlags }, place } : before;
}

/** What is said further in counts; attributes are joined one by one. */
function merge(outer: ApplicationFacts | undefined, inner: ApplicationFacts): ApplicationFacts {
  if (outer === undefined) return inner;
  const attributes = { ...outer.attributes, ...inner.attributes };
  return { ...outer, ...inner, ...(Object.keys(attributes).length > 0 && { attributes }) };
}
