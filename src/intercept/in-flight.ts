/**
 * Attempts between `fetch()` and its answer. Two kinds of strangers look for them here: wrappers of ours that lie
 * inside other wrappers of ours, and undici's channels.
 */
import { processState } from '../process-state.js';
import type { BodyGroup } from './branches.js';
import type { AttemptHooks, RequestFacts } from './call-hooks.js';

/** How the connection of an attempt ended. */
export type WireEnd = { readonly type: 'ended' } | { readonly type: 'failed'; readonly error: unknown };

/** One request on the wire. It must not reference undici's request object, from which the body can be reached. */
export interface Hop {
  readonly flight: Flight;
}

/** One attempt, and what its connection did. References neither Response nor body. */
export interface Flight {
  readonly attempt: AttemptHooks;
  /** The wrapper that announced it. */
  readonly wrapper: object;
  readonly url: string;
  readonly method: string;
  /** Dropped with the answer, like the next. */
  requestBody: string | Uint8Array | undefined;
  init: object | undefined;
  /** Other wrappers that let the request through: each does so once. */
  readonly passedBy: Set<object>;
  /** Of several hops the last one. */
  hop: Hop | undefined;
  /** Where a redirect sends the next hop. */
  redirectTo: string | undefined;
  /** An end that came before the answer: a short answer is over before `fetch()` resolves, a redirect is no end. */
  earlyEnd: WireEnd | undefined;
  answered: boolean;
  body: BodyGroup | undefined;
}

/** Who sends right now, synchronously: an attempt, or a request that nobody wanted to observe. */
export type Sender = Flight | 'unobserved' | undefined;

let sender: Sender;
const flights = new Set<Flight>();

/** Begins a flight; {@link land} ends it. */
export function takeOff(
  attempt: AttemptHooks,
  wrapper: object,
  request: RequestFacts,
  args: readonly unknown[],
): Flight {
  const flight: Flight = {
    attempt,
    wrapper,
    url: request.url,
    method: request.method,
    requestBody: request.body,
    init: requestObject(args),
    passedBy: new Set(),
    hop: undefined,
    redirectTo: undefined,
    earlyEnd: undefined,
    answered: false,
    body: undefined,
  };
  flights.add(flight);
  return flight;
}

/** The answer, or its failure, is there. */
export function land(flight: Flight): void {
  flights.delete(flight);
  flight.answered = true;
  flight.requestBody = undefined;
  flight.init = undefined;
}

/** Runs `send`, and says to whoever asks meanwhile that `by` is sending. */
export function whileSending<T>(by: Sender, args: readonly unknown[], send: () => T): T {
  if (by === sender) return send();
  const outer = sender;
  const { shadowed } = processState();
  // The mark by which another copy of us, deeper down, sees in this very moment that the request is announced.
  const mark = typeof by === 'object' ? requestObject(args) : undefined;
  sender = by;
  if (mark !== undefined) shadowed.add(mark);
  try {
    return send();
  } finally {
    sender = outer;
    if (mark !== undefined) shadowed.delete(mark);
  }
}

/** Who sends right now. */
export function currentSender(): Sender {
  return sender;
}

/**
 * Who announced the request that reached `wrapper`, if another wrapper of ours further out did: it is sending right
 * now, or it waits behind somebody's async wrapper for the same request. Two equal requests side by side through one
 * wrapper are two. Of an attempt of another copy of us no more is known than that it exists.
 */
export function announcerOf(
  wrapper: object,
  request: RequestFacts,
  args: readonly unknown[],
): Flight | 'another copy' | undefined {
  if (typeof sender === 'object') return sender;
  const init = requestObject(args);
  if (init !== undefined && processState().shadowed.has(init)) return 'another copy';
  for (const flight of flights) {
    if (flight.wrapper === wrapper || flight.hop !== undefined || flight.passedBy.has(wrapper)) continue;
    if (isSameRequest(flight, request, init)) {
      flight.passedBy.add(wrapper);
      return flight;
    }
  }
  return undefined;
}

/** The attempt whose request, or the next hop of it, undici has just created asynchronously. */
export function flightTo(url: string, method: string): Flight | undefined {
  for (const flight of flights) {
    if (flight.redirectTo === url || (flight.method === method && withoutFragment(flight.url) === url)) return flight;
  }
  return undefined;
}

function isSameRequest(flight: Flight, request: RequestFacts, init: object | undefined): boolean {
  if (init !== undefined && flight.init === init) return true;
  const sameBody = request.body !== undefined && request.body === flight.requestBody;
  return sameBody && request.url === flight.url && request.method === flight.method;
}

/** The object that identifies a request, if it was given one: its options, else its Request. */
function requestObject(args: readonly unknown[]): object | undefined {
  const [input, init] = args;
  if (typeof init === 'object' && init !== null) return init;
  return typeof Request === 'function' && input instanceof Request ? input : undefined;
}

function withoutFragment(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin, pathname, search } = new URL(url);
  return origin + pathname + search;
}
