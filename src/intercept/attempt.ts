/**
 * One observed attempt, from `fetch()` to the end of its connection, and who sends right now. Two kinds of strangers look
 * for attempts here: wrappers of ours that lie inside other wrappers of ours, and undici's channels.
 */
import { processState } from '../process-state.js';
import type { BodyGroup } from './branches.js';
import type { AttemptHooks, RequestFacts } from './call-hooks.js';

/** How the connection of an attempt ended. */
export type WireEnd = { readonly type: 'ended' } | { readonly type: 'failed'; readonly error: unknown };

/** One request on the wire. It must not reference undici's request object, from which the body can be reached. */
export interface Hop {
  readonly attempt: ObservedAttempt;
}

/** What is kept of an attempt. References neither Response nor body; its request only until it is on the wire. */
export interface ObservedAttempt {
  readonly hooks: AttemptHooks;
  /** The wrapper that announced it. */
  readonly wrapper: object;
  readonly url: string;
  readonly method: string;
  requestBody: string | Uint8Array | undefined;
  init: object | undefined;
  headers: object | undefined;
  /** Other wrappers that let the request through: each does so once. */
  passedBy: Set<object> | undefined;
  /** Of several hops the last one. */
  hop: Hop | undefined;
  /** Where a redirect sends the next hop. */
  redirectTo: string | undefined;
  /** An end that came before the answer: a short answer is over before `fetch()` resolves, a redirect is no end. */
  earlyEnd: WireEnd | undefined;
  answered: boolean;
  body: BodyGroup | undefined;
  reference: WeakRef<ObservedAttempt> | undefined;
}

/** Who sends right now, synchronously: an attempt, or a request that nobody wanted to observe. */
export type Sender = ObservedAttempt | 'unobserved' | undefined;

let sender: Sender;

/**
 * Attempts whose next request is not on the wire yet. Weak: a `fetch` that never settles, and that nobody waits for,
 * keeps nothing alive.
 */
const onTheirWay = new Set<WeakRef<ObservedAttempt>>();

/** Begins an attempt; {@link endAttempt} ends it. */
export function beginAttempt(
  hooks: AttemptHooks,
  wrapper: object,
  request: RequestFacts,
  args: readonly unknown[],
): ObservedAttempt {
  const init = requestObject(args);
  return {
    hooks,
    wrapper,
    url: request.url,
    method: request.method,
    requestBody: request.body,
    init,
    headers: init && headersOf(init),
    passedBy: undefined,
    hop: undefined,
    redirectTo: undefined,
    earlyEnd: undefined,
    answered: false,
    body: undefined,
    reference: undefined,
  };
}

/** undici has yet to create a request for it. Most have one before `fetch()` returns: a weak reference is made for the others only. */
export function expectHop(attempt: ObservedAttempt): void {
  attempt.reference ??= new WeakRef(attempt);
  onTheirWay.add(attempt.reference);
}

/** The request is on the wire: nobody below asks any more which one it was. */
export function arriveOnWire(attempt: ObservedAttempt): void {
  if (attempt.reference !== undefined) onTheirWay.delete(attempt.reference);
  attempt.requestBody = undefined;
  attempt.init = undefined;
  attempt.headers = undefined;
  attempt.passedBy = undefined;
}

/** The answer, or its failure, is there. */
export function endAttempt(attempt: ObservedAttempt): void {
  arriveOnWire(attempt);
  attempt.answered = true;
}

/** Runs `send`, and says to whoever asks meanwhile that `by` is sending. */
export function whileSending<T>(by: Sender, args: readonly unknown[], send: () => T): T {
  if (by === sender) return send();
  const outer = sender;
  const state = processState();
  const { shadowed } = state;
  // The marks by which another copy of us, deeper down, sees in this very moment that the request is announced.
  const marks = typeof by === 'object' ? identitiesOf(args) : [];
  sender = by;
  for (const mark of marks) shadowed.add(mark);
  state.sending += 1;
  try {
    return send();
  } finally {
    sender = outer;
    state.sending -= 1;
    for (const mark of marks) shadowed.delete(mark);
  }
}

/** Who sends right now. */
export function currentSender(): Sender {
  return sender;
}

/**
 * Who announced the request that reached `wrapper`, if another wrapper of ours further out did: it is sending right
 * now, or it waits behind somebody's async wrapper for the same request. Two equal requests side by side through one
 * wrapper are two, and so are two that a wrapper in between makes of one. Of an attempt of another copy of us no more
 * is known than that it exists.
 */
export function announcerOf(
  wrapper: object,
  request: RequestFacts,
  args: readonly unknown[],
): ObservedAttempt | 'another copy' | undefined {
  const announcer = findAnnouncer(wrapper, request, requestObjects(args));
  if (announcer !== undefined) {
    announcer.passedBy ??= new Set();
    announcer.passedBy.add(wrapper);
    return announcer;
  }
  // The mark of another copy; while we send ourselves, it is ours.
  const { shadowed, sending } = processState();
  const isMarked =
    typeof sender !== 'object' && sending > 0 && identitiesOf(args).some((identity) => shadowed.has(identity));
  return isMarked ? 'another copy' : undefined;
}

function findAnnouncer(
  wrapper: object,
  request: RequestFacts,
  objects: readonly object[],
): ObservedAttempt | undefined {
  if (typeof sender === 'object') {
    const { init, url, method } = sender;
    const isSame = objects.some((object) => object === init) || (url === request.url && method === request.method);
    return isSame && mayPass(sender, wrapper) ? sender : undefined;
  }
  for (const attempt of attemptsOnTheirWay()) {
    if (mayPass(attempt, wrapper) && isSameRequest(attempt, request, objects)) return attempt;
  }
  return undefined;
}

function mayPass(attempt: ObservedAttempt, wrapper: object): boolean {
  return attempt.wrapper !== wrapper && attempt.hop === undefined && attempt.passedBy?.has(wrapper) !== true;
}

/** The attempt whose request, or the next hop of it, undici has just created asynchronously. */
export function attemptOnItsWay(url: string, method: string): ObservedAttempt | undefined {
  for (const attempt of attemptsOnTheirWay()) {
    if (attempt.redirectTo === url) return attempt;
    if (attempt.hop === undefined && attempt.method === method && withoutFragment(attempt.url) === url) return attempt;
  }
  return undefined;
}

function* attemptsOnTheirWay(): Generator<ObservedAttempt> {
  for (const reference of onTheirWay) {
    const attempt = reference.deref();
    if (attempt === undefined) onTheirWay.delete(reference);
    else yield attempt;
  }
}

function isSameRequest(attempt: ObservedAttempt, request: RequestFacts, objects: readonly object[]): boolean {
  const { init, headers } = attempt;
  if (objects.some((object) => object === init)) return true;
  if (headers !== undefined && objects.some((object) => headersOf(object) === headers)) return true;
  const sameBody = request.body !== undefined && request.body === attempt.requestBody;
  return sameBody && request.url === attempt.url && request.method === attempt.method;
}

/** The object that identifies a request, if it was given one: its options, else its Request. */
function requestObject(args: readonly unknown[]): object | undefined {
  return requestObjects(args)[0];
}

/** Both, where somebody in between may have put options beside a Request. */
function requestObjects([input, init]: readonly unknown[]): readonly object[] {
  const objects = typeof init === 'object' && init !== null ? [init] : [];
  return typeof Request === 'function' && input instanceof Request ? [...objects, input] : objects;
}

/** What a request is known by: its options, and their headers, which come through where somebody copies the options. */
function identitiesOf(args: readonly unknown[]): readonly object[] {
  const request = requestObject(args);
  if (request === undefined) return [];
  const headers = headersOf(request);
  return headers === undefined ? [request] : [request, headers];
}

function headersOf(request: object): object | undefined {
  const headers: unknown = Reflect.get(request, 'headers');
  return typeof headers === 'object' && headers !== null ? headers : undefined;
}

function withoutFragment(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin, pathname, search } = new URL(url);
  return origin + pathname + search;
}
