/**
 * A `fetch` under a clock: the same arguments but for the signal, the same result. Which call a request belongs to is
 * said by whoever announces requests; one that nobody announced is watched here, and recorded nowhere.
 */
import { guard } from '../../guard.js';
import type { AttemptHooks, BodyHooks } from '../../intercept/call-hooks.js';
import { isPlain } from '../../intercept/fetch.js';
import { tapResponse } from '../../intercept/response.js';
import { processState } from '../../process-state.js';
import { isSignal } from './callers-signal.js';
import type { Limits } from './limits.js';
import { nodeBodyOf } from './node-body.js';
import { type Answer, RequestClock } from './request-clock.js';
import { copyOptions } from './request-options.js';

/** A `fetch` of whatever make. */
export type FetchFunction = (this: unknown, ...args: unknown[]) => unknown;

/** What a request is limited by, and who makes what is needed for it. */
export interface Limiting {
  readonly limits: Limits;
  /** Gives the dispatcher that has the connect budget, if there is to be one; for requests that bring none of their own. */
  dispatcher(): object | undefined;
  /** Watches a request that nobody announced; undefined: it is no LLM call. */
  begin(args: readonly unknown[]): AttemptHooks | undefined;
}

/** Wraps `send`; what cannot be limited, such as a request with a signal that is none, is sent as it is. */
export function limitFetch(send: FetchFunction, limiting: Limiting): FetchFunction {
  const unconnected = withoutConnect(limiting.limits);
  return function fetch(this: unknown, ...args) {
    const limited = guard('budgets', () => limit(args, limiting, unconnected));
    if (limited === undefined) return Reflect.apply(send, this, args);
    let result: unknown;
    try {
      result = limited.sending(() => Reflect.apply(send, this, limited.args));
    } catch (error) {
      throw limited.failed(error);
    }
    if (!(result instanceof Promise)) {
      limited.answered(result);
      return result;
    }
    const derived = result.then(
      (response) => {
        limited.answered(response);
        return response;
      },
      (error: unknown) => {
        throw limited.failed(error);
      },
    );
    if (isPlain(result)) return derived;
    // A promise with members of its own (`.abort`, `.json`) must stay the one it is.
    derived.catch(() => {});
    return result;
  };
}

/** One request, limited. */
interface LimitedRequest {
  readonly args: readonly unknown[];
  sending<T>(send: () => T): T;
  answered(response: unknown): void;
  /** Gives what the caller is told instead of `error`. */
  failed(error: unknown): unknown;
}

function limit(
  args: readonly unknown[],
  { limits, dispatcher, begin }: Limiting,
  unconnected: Limits,
): LimitedRequest | undefined {
  const [input, init, ...rest] = args;
  const options = copyOptions(input, init);
  if (options === undefined) return undefined;
  const callersSignal = options.signal === undefined && isObject(input) ? Reflect.get(input, 'signal') : options.signal;
  // The platform's to refuse.
  if (callersSignal !== undefined && callersSignal !== null && !isSignal(callersSignal)) return undefined;
  const connecting = options.dispatcher === undefined ? dispatcher() : undefined;

  const announced = processState().sendingAttempt;
  const own = announced === undefined ? guard('budgets', () => begin([input, options])) : undefined;
  const clock = new RequestClock(connecting ? limits : unconnected, callersSignal);
  const next = { ...options, signal: clock.signal, ...(connecting && { dispatcher: connecting }) };
  clock.start(announced ?? own?.sent);
  return {
    args: [input, next, ...rest],
    sending: (send) => (announced ? marked(next, send) : send()),
    answered: (response) => void guard('budgets', () => answer(response, clock, { isAnnounced: !!announced, own })),
    failed(error) {
      const told = clock.errorFor(error);
      clock.end();
      if (own) guard('budgets', () => own.rejected(told));
      return told;
    },
  };
}

function withoutConnect({ streamed, other }: Limits): Limits {
  return { streamed: { ...streamed, connectMs: undefined }, other: { ...other, connectMs: undefined } };
}

/** The mark by which another copy of us, further in, sees that the request is announced: these options are new to it. */
function marked<T>(init: object, send: () => T): T {
  const { shadowed } = processState();
  shadowed.add(init);
  try {
    return send();
  } finally {
    shadowed.delete(init);
  }
}

function answer(
  response: unknown,
  clock: RequestClock,
  { isAnnounced, own }: { isAnnounced: boolean; own: AttemptHooks | undefined },
): void {
  const observer = !isAnnounced && isObject(response) ? processState().calls.get(response)?.sent : undefined;
  clock.answered(answerOf(response), observer);
  // Whoever announced the request sees the body, and tells its end; so does somebody further in who records it.
  if (observer) own?.rejected(undefined);
  else if (!isAnnounced) tapResponse(response, own ?? untilItsEnd(clock));
}

/** Of a request that is no LLM call only the end of its body is of interest. */
function untilItsEnd(clock: RequestClock): AttemptHooks {
  const end = () => clock.end();
  const body: BodyHooks = {
    waiting() {},
    bytes() {},
    ended: end,
    failed: end,
    left: end,
    held() {},
    released() {},
    collected: end,
  };
  return {
    around: (send) => send(),
    rejected: end,
    responded({ body: kind }) {
      if (kind === 'none') end();
      return kind === 'visible' ? body : undefined;
    },
    wireStarted() {},
    wireEnded() {},
    wireFailed() {},
  };
}

function answerOf(response: unknown): Answer {
  if (!isObject(response)) return { ok: false, contentType: '', nodeBody: undefined };
  const status: unknown = Reflect.get(response, 'status');
  const headers: unknown = Reflect.get(response, 'headers');
  const get: unknown = isObject(headers) ? Reflect.get(headers, 'get') : undefined;
  const contentType: unknown = typeof get === 'function' ? Reflect.apply(get, headers, ['content-type']) : undefined;
  return {
    ok: typeof status === 'number' && status >= 200 && status < 300,
    contentType: typeof contentType === 'string' ? contentType.toLowerCase() : '',
    nodeBody: nodeBodyOf(response),
  };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
