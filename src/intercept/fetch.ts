/**
 * Wraps `fetch`. The caller gets the Response it would have had, the rejection it would have had, from a promise that
 * is derived from the original one: returning the observed promise itself would hide unhandled rejections.
 */
import { guard } from '../guard.js';
import { processState } from '../process-state.js';
import {
  announcerOf,
  beginAttempt,
  endAttempt,
  expectHop,
  type ObservedAttempt,
  type Sender,
  whileSending,
} from './attempt.js';
import type { CallHooks } from './call-hooks.js';
import { replaceProperty } from './property.js';
import { readRequest } from './request-facts.js';
import { tapResponse } from './response.js';
import { listenToWire, tellWire } from './wire.js';

/** A `fetch` of whatever make: ours forwards what it gets and gives back what it got. */
type FetchFunction = (this: unknown, ...args: unknown[]) => unknown;

/** `globalThis.fetch` under our patch. */
export interface FetchPatch {
  /** False where nothing was patched: there is no `fetch`, or this process observes it already. */
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
  return { installed: true, unpatch };
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
    const forward = () => Reflect.apply(send, this, args);
    if (!isActive()) return forward();
    const { sender, isNew } = guard('fetch', () => announce(wrapper, hooks, args)) ?? NOBODY;
    if (isNew) return observeAttempt(sender, args, forward);
    return whileSending(sender, args, forward);
  };
  copyOwnProperties(original, wrapper);
  // Same arguments, same results.
  return wrapper as unknown as F;
}

type Announcement =
  | { readonly isNew: true; readonly sender: ObservedAttempt }
  | { readonly isNew: false; readonly sender: Sender };

const NOBODY: Announcement = { isNew: false, sender: 'unobserved' };

function announce(wrapper: object, hooks: CallHooks, args: readonly unknown[]): Announcement {
  const request = readRequest(args);
  if (request === undefined) return NOBODY;
  const announcer = announcerOf(wrapper, request, args);
  if (announcer === 'another copy') return NOBODY;
  if (announcer !== undefined) return { isNew: false, sender: announcer };
  const attempt = hooks.begin(request);
  return attempt === undefined ? NOBODY : { isNew: true, sender: beginAttempt(attempt, wrapper, request, args) };
}

function observeAttempt(attempt: ObservedAttempt, args: readonly unknown[], forward: () => unknown): unknown {
  const result = sendOnce(attempt, args, forward);
  if (!(result instanceof Promise)) {
    // A mock may answer at once, or with a thenable that does its work when asked: what it gave goes back as it is.
    answer(attempt, result);
    return result;
  }
  guard('on its way', () => attempt.hop ?? expectHop(attempt));
  // `.then`, not `async`: an async wrapper would put a frame of its own into the stack of every error.
  if (isPlain(result)) {
    return result.then(
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
  guard('then', () => {
    result.then(
      (response: unknown) => answer(attempt, response),
      (error: unknown) => reject(attempt, error),
    );
  });
  return result;
}

function isPlain(promise: Promise<unknown>): boolean {
  return Object.getPrototypeOf(promise) === Promise.prototype && Reflect.ownKeys(promise).every(isSymbol);
}

/** Node's async hooks and diagnostics put symbols on promises. */
function isSymbol(key: PropertyKey): boolean {
  return typeof key === 'symbol';
}

/** Sends inside the attempt's `around`, once, whatever `around` does; the original's own exception goes to the caller. */
function sendOnce(attempt: ObservedAttempt, args: readonly unknown[], forward: () => unknown): unknown {
  let sent: (() => unknown) | undefined;
  const send = () => {
    sent ??= attemptTo(() => whileSending(attempt, args, forward), attempt);
  };
  guard('around', () => attempt.hooks.around(send));
  send();
  return sent?.();
}

/** Runs `send` now; the function it gives back returns or throws what `send` did. */
function attemptTo(send: () => unknown, attempt: ObservedAttempt): () => unknown {
  try {
    const result = send();
    return () => result;
  } catch (error) {
    reject(attempt, error);
    return () => {
      throw error;
    };
  }
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
function copyOwnProperties(from: object, to: object): void {
  for (const key of Reflect.ownKeys(from)) {
    const found = Object.getOwnPropertyDescriptor(from, key);
    if (key !== 'prototype' && found !== undefined) Reflect.defineProperty(to, key, found);
  }
}

function isFunction(value: unknown): value is FetchFunction {
  return typeof value === 'function';
}
