/** `/budgets`: a `fetch` that gives up in time, and says on which wait. */
import { createDispatcher } from './app/budgets/connecting.js';
import { type FetchFunction, limitFetch } from './app/budgets/limit-fetch.js';
import { type Budgets, readLimits } from './app/budgets/limits.js';
import type { CallOptions } from './call/call.js';
import { createCallHooks } from './call/hooks.js';
import { readSettings } from './config.js';
import { guard } from './guard.js';
import type { AttemptHooks, CallHooks } from './intercept/call-hooks.js';
import { copyOwnProperties, wrapFetch } from './intercept/fetch.js';
import { readRequest } from './intercept/request-facts.js';
import { processState } from './process-state.js';
import { DIALECT_NAMES } from './protocol/dialects/index.js';
import { isNode } from './runtime.js';

export { BudgetSetupError, type BudgetSetupErrorCode } from './app/budgets/budget-setup-error.js';
export type { Budgets } from './app/budgets/limits.js';
export { TimeoutError } from './app/budgets/timeout-error.js';
export type { TimeoutKind } from './stream/outcome.js';

/**
 * Gives a `fetch` that ends a request whose budget is spent: it aborts it, so that the provider sees the connection
 * close, and rejects what waits, `fetch()` or a read, with a {@link TimeoutError} that says which budget it was. An LLM
 * call that the instrumentation observes has it on its span, and what the budgets are. Works without the
 * instrumentation, too, and records nothing then.
 *
 * Requests that are no LLM call have the budgets `connectMs`, `headersMs` and `totalMs`, and so have answers that are
 * not streamed. The signal of the request keeps its meaning: its abort ends the request, with its own reason. The
 * timers keep no process alive.
 *
 * The OpenAI SDK tries a request again whose headers, or whose connection, did not come in time; each attempt has its
 * own budgets. After the last it throws its `APIConnectionTimeoutError`, which before openai 7 has no `cause`:
 * `outcomeOf(error)` knows the budget all the same. While a stream is read, the loop throws the TimeoutError itself; over
 * node-fetch, too, whose first-token and idle budgets need an observed SDK. A `fetch` that says AbortError for every abort
 * in bodies of its own is beyond that: an SDK ends its loop there as if the answer were whole, and the span says what was.
 *
 * @param fetch - the global one, undici's, node-fetch, or any other with fetch's arguments; it is not changed
 * @param budgets - see {@link Budgets}, with the defaults
 * @returns a function with the same name, `length` and properties; on Bun, Deno, in browsers and edge runtimes `fetch` itself
 * @throws TypeError where `fetch` is no function, or a budget no positive number
 * @throws BudgetSetupError where `connectMs` is given, and there is no `undici` to enforce it, or the global dispatcher is
 * not undici's own
 *
 * @example
 * ```ts
 * const client = new OpenAI({ fetch: fetchWithBudgets(fetch, { firstTokenMs: 20_000, idleMs: 10_000 }) });
 * ```
 */
export function fetchWithBudgets<F extends (...args: never[]) => unknown>(fetch: F, budgets: Budgets = {}): F {
  if (typeof fetch !== 'function') {
    throw new TypeError(`\`fetchWithBudgets\` expects a fetch function, got ${fetch === null ? 'null' : typeof fetch}`);
  }
  const limits = readLimits(budgets);
  if (!isNode()) return fetch;
  const { connectMs } = limits.other;
  const dispatcher = connectMs === undefined ? () => undefined : createDispatcher(fetch, connectMs);
  // What a caller of `F` may pass is F's affair: the arguments are handed on as they came.
  const send = fetch as unknown as FetchFunction;
  const limited = limitFetch(send, { limits, dispatcher, begin: watchUnrecorded });
  copyOwnProperties(fetch, limited);
  // Same arguments, same results.
  return wrapFetch(limited, hooksOf(fetch)) as unknown as F;
}

/** Whoever is enabled at the moment of a request records it, as it would without budgets; what was instrumented by hand, as that says. */
function hooksOf(fetch: object): CallHooks {
  return (
    guard('budgets', () => processState().instrumented.get(fetch)) ?? {
      begin: (request) => processState().hooks?.begin(request),
      unannounced() {},
    }
  );
}

/** Watches an LLM call that nobody records: its chunks are to be told from what else comes. */
function watchUnrecorded(args: readonly unknown[]): AttemptHooks | undefined {
  const request = readRequest(args);
  unrecorded ??= withoutRecord();
  return request && unrecorded.begin(request);
}

let unrecorded: CallHooks | undefined;

function withoutRecord(): CallHooks {
  const { stallThresholdMs, idleTimeoutMs, missingDoneEvent, endpoints } = readSettings({}, process.env, DIALECT_NAMES);
  const options: CallOptions = {
    endpoints,
    machine: { stallThresholdMs, idleTimeoutMs, missingDoneEvent },
    exceptionMessages: false,
    isWatchedOnly: true,
    record: () => ({ sinks: [], traceId: undefined, spanId: undefined, around: (send) => send() }),
  };
  return createCallHooks(() => options);
}
