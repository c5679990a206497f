/**
 * Wraps `fetch`. The caller gets the Response it would have had, the rejection it would have had, from a promise that
 * is derived from the original one: returning the observed promise itself would hide unhandled rejections.
 */
import { guard } from '../guard.js';
import { processState } from '../process-state.js';
import type { CallHooks } from './call-hooks.js';
import { announcerOf, type Flight, land, type Sender, takeOff, whileSending } from './in-flight.js';
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
  | { readonly isNew: true; readonly sender: Flight }
  | { readonly isNew: false; readonly sender: Sender };

const NOBODY: Announcement = { isNew: false, sender: 'unobserved' };

function announce(wrapper: object, hooks: CallHooks, args: readonly unknown[]): Announcement {
  const request = readRequest(args);
  if (request === undefined) return NOBODY;
  const announcer = announcerOf(wrapper, request, args);
  if (announcer === 'another copy') return NOBODY;
  if (announcer !== undefined) return { isNew: false, sender: announcer };
  const attempt = hooks.begin(request);
  return attempt === undefined ? NOBODY : { isNew: true, sender: takeOff(attempt, wrapper, request, args) };
}

function observeAttempt(flight: Flight, args: readonly unknown[], forward: () => unknown): unknown {
  const result = sendOnce(flight, args, forward);
  if (!isThenable(result)) {
    // A mock may answer at once; what it gave goes back as it is.
    answer(flight, result);
    return result;
  }
  // `.then`, not `async`: an async wrapper would put a frame of its own into the stack of every error.
  return result.then(
    (response) => {
      answer(flight, response);
      return response;
    },
    (error: unknown) => {
      reject(flight, error);
      throw error;
    },
  );
}

/** Sends inside the attempt's `around`, once, whatever `around` does; the original's own exception goes to the caller. */
function sendOnce(flight: Flight, args: readonly unknown[], forward: () => unknown): unknown {
  let sent: (() => unknown) | undefined;
  const send = () => {
    sent ??= attemptTo(() => whileSending(flight, args, forward), flight);
  };
  guard('around', () => flight.attempt.around(send));
  send();
  return sent?.();
}

/** Runs `send` now; the function it gives back returns or throws what `send` did. */
function attemptTo(send: () => unknown, flight: Flight): () => unknown {
  try {
    const result = send();
    return () => result;
  } catch (error) {
    reject(flight, error);
    return () => {
      throw error;
    };
  }
}

function answer(flight: Flight, response: unknown): void {
  guard('answer', () => {
    land(flight);
    tellWire(flight, tapResponse(response, flight.attempt));
  });
}

function reject(flight: Flight, error: unknown): void {
  guard('reject', () => {
    land(flight);
    tellWire(flight, undefined);
    flight.attempt.rejected(error);
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

function isThenable(value: unknown): value is Promise<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}
