/**
 * Wraps `fetch`. The caller gets the Response it would have had, the rejection it would have had, from a promise that
 * is derived from the original one: returning the observed promise itself would hide unhandled rejections.
 */
import { guard } from '../guard.js';
import { processState, type SentAttempt } from '../process-state.js';
import { announcerOf, beginAttempt, endAttempt, expectHop, type ObservedAttempt, whileSending } from './attempt.js';
import type { CallHooks } from './call-hooks.js';
import { callOfRequest } from './openai/joining.js';
import { replaceProperty } from './property.js';
import { readRequest } from './request-facts.js';
import { tapResponse } from './response.js';
import { listenToWire, tellWire } from './wire.js';

/** A `fetch` of whatever make: ours forwards what it gets and gives back what it got. */
type FetchFunction = (this: unknown, ...args: unknown[]) => unknown;

/** `globalThis.fetch` under our patch. */
export interface FetchPatch {
  /** False where nothing was patched (there is no `fetch`, or this process observes it already), and once it was undone. */
  readonly installed: boolean;
  /** Puts `fetch` back; where somebody wrapped it since, ours becomes a pass-through. Open bodies are told to their end. */
  unpatch(): void;
}

/**
 * Observes every request that goes through `globalThis.fetch`, and what undici tells of the wire. At most one patch is
 * installed in a process, over all copies of this package; a second one does nothing and does not take over later,
 * unless the first was undone behind its back, as a reload in development does.
 */
export function patchFetch(hooks: CallHooks): FetchPatch {
  const state = processState();
  if (state.fetchOwner?.isGone()) state.fetchOwner.unpatch();
  if (state.fetchOwner !== undefined || typeof globalThis.fetch !== 'function') return NOT_INSTALLED;
  const replacement = replaceProperty(globalThis, 'fetch', (original, isActive) => {
    return isFunction(original) ? wrapFetch(original, hooks, isActive) : original;
  });
  if (replacement === undefined) return NOT_INSTALLED;
  const stopListening = listenToWire(hooks);
  const unpatch = () => {
    if (!replacement.isActive()) return;
    replacement.restore();
    stopListening();
    if (state.fetchOwner === owner) state.fetchOwner = undefined;
  };
  const owner = { isGone: () => replacement.isUndone(), unpatch };
  state.fetchOwner = owner;
  return {
    get installed() {
      return replacement.isActive() && !replacement.isUndone();
    },
    unpatch,
  };
}

const NOT_INSTALLED: FetchPatch = { installed: false, unpatch() {} };

/**
 * Wraps any `fetch`: the same name, `length` and extra properties. Observes what `hooks` want while `isActive`; a
 * request that another wrapper of ours announced already goes its way.
 */
export function wrapFetch<F extends (...args: never[]) => unknown>(
  original: F,
  hooks: CallHooks,
  isActive: () => boolean = () => true,
): F {
  // What a caller of `F` may pass is F's affair: the arguments are handed on as they came.
  const send = original as unknown as FetchFunction;
  const wrapper: FetchFunction = function fetch(this: unknown, ...args) {
    const forward = once(() => Reflect.apply(send, this, args));
    // Whatever happens to us before, while or after it is sent: it is sent once, and the caller gets what came of it.
    const derived = guard('fetch', () => (isActive() ? observe(wrapper, hooks, args, forward) : undefined));
    return derived ?? forward();
  };
  copyOwnProperties(original, wrapper);
  // Same arguments, same results.
  return wrapper as unknown as F;
}

/** Runs `send` at the first call, and says at each what came of it: the result, or the exception. */
function once(send: () => unknown): () => unknown {
  let outcome: (() => unknown) | undefined;
  return () => {
    outcome ??= remember(send);
    return outcome();
  };
}

function remember(send: () => unknown): () => unknown {
  try {
    const result = send();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** Sends, and gives the promise that the caller is to have instead of the original one; undefined: the original. */
function observe(
  wrapper: object,
  hooks: CallHooks,
  args: readonly unknown[],
  forward: () => unknown,
): Promise<unknown> | undefined {
  const sender = guard('announce', () => announce(wrapper, hooks, args));
  // It has said whose attempt it is.
  if (sender === 'another copy') whileSending('unobserved', args, () => sendQuietly(forward));
  else if (sender?.wrapper === wrapper) return observeAttempt(sender, args, forward);
  else whileSending(sender ?? 'unobserved', args, () => sendAs(sender?.hooks.sent, forward));
  return undefined;
}

/** The attempt that is sent: a new one of `wrapper`, or the one that a wrapper further out announced. */
function announce(
  wrapper: object,
  hooks: CallHooks,
  args: readonly unknown[],
): ObservedAttempt | 'another copy' | undefined {
  const request = readRequest(args);
  if (request === undefined) return undefined;
  const announcer = announcerOf(wrapper, request, args);
  if (announcer !== undefined) return announcer;
  const call = callOfRequest(args[1]);
  const attempt = call ? call.hooks.attempt() : hooks.begin(request);
  return attempt && beginAttempt(attempt, wrapper, request, args);
}

/** Says to whoever is further in whose attempt is sent. */
function sendAs(attempt: SentAttempt | undefined, forward: () => unknown): void {
  const state = processState();
  const outer = state.sendingAttempt;
  state.sendingAttempt = attempt;
  sendQuietly(forward);
  state.sendingAttempt = outer;
}

/** The exception is the caller's, who gets it when `forward` is asked again. */
function sendQuietly(forward: () => unknown): void {
  try {
    forward();
  } catch {}
}

function observeAttempt(
  attempt: ObservedAttempt,
  args: readonly unknown[],
  forward: () => unknown,
): Promise<unknown> | undefined {
  let isSent = false;
  const send = () => {
    if (!isSent) whileSending(attempt, args, () => sendAs(attempt.hooks.sent, forward));
    isSent = true;
  };
  guard('around', () => attempt.hooks.around(send));
  send();
  let result: unknown;
  try {
    result = forward();
  } catch (error) {
    reject(attempt, error);
    return undefined;
  }
  if (result instanceof Promise) return derive(attempt, result);
  // A mock may answer at once, or with a thenable that does its work when asked: what it gave goes back as it is.
  answer(attempt, result);
  return undefined;
}

function derive(attempt: ObservedAttempt, original: Promise<unknown>): Promise<unknown> | undefined {
  if (attempt.hop === undefined) expectHop(attempt);
  // `.then`, not `async`: an async wrapper would put a frame of its own into the stack of every error.
  if (isPlain(original)) {
    return original.then(
      (response) => {
        answer(attempt, response);
        return response;
      },
      (error: unknown) => {
        reject(attempt, error);
        throw error;
      },
    );
  }
  // A promise with members of its own (`.abort`, `.json`) must stay the one it is.
  original.then(
    (response) => answer(attempt, response),
    (error: unknown) => reject(attempt, error),
  );
  return undefined;
}

/** Without members of its own. Node's async hooks and diagnostics put symbols on promises. */
export function isPlain(promise: Promise<unknown>): boolean {
  const isSymbol = (key: PropertyKey) => typeof key === 'symbol';
  return Object.getPrototypeOf(promise) === Promise.prototype && Reflect.ownKeys(promise).every(isSymbol);
}

function answer(attempt: ObservedAttempt, response: unknown): void {
  guard('answer', () => {
    endAttempt(attempt);
    tellWire(attempt, tapResponse(response, attempt.hooks));
  });
}

function reject(attempt: ObservedAttempt, error: unknown): void {
  guard('reject', () => {
    endAttempt(attempt);
    tellWire(attempt, undefined);
    attempt.hooks.rejected(error);
  });
}

/** Others leave marks on `fetch` (`__nextPatched`), and patch it again where they do not find them. */
export function copyOwnProperties(from: object, to: object): void {
  for (const key of Reflect.ownKeys(from)) {
    const found = Object.getOwnPropertyDescriptor(from, key);
    if (key !== 'prototype' && found !== undefined) Reflect.defineProperty(to, key, found);
  }
}

function isFunction(value: unknown): value is FetchFunction {
  return typeof value === 'function';
}
