/**
 * What an application calls by hand, and what needs the hooks in force: `instrumentFetch` and `instrumentOpenAI`, where
 * module hooks and the patch of global `fetch` cannot reach; `withCallContext` and `recordFailure`, for what no request shows.
 */

import { diag } from '@opentelemetry/api';
import { runInContext } from './app/call-context.js';
import type { CallContext } from './app/context-values.js';
import { findCall } from './app/find-call.js';
import { createCallHooks } from './call/hooks.js';
import { callOptions } from './compose.js';
import { readSettings } from './config.js';
import { guard } from './guard.js';
import type { ApplicationHooks, CallHooks, EarlyFailure, SdkHooks } from './intercept/call-hooks.js';
import { wrapFetch } from './intercept/fetch.js';
import { patchOpenAI } from './intercept/openai/patch.js';
import { type ContextFrame, framesFrom, processState } from './process-state.js';
import { DIALECT_NAMES } from './protocol/dialects/index.js';
import { isNode } from './runtime.js';
import { cut } from './telemetry/span-attributes.js';

/**
 * Gives a `fetch` that does what `fetch` does, and records its LLM calls: for one that is not the global one, such as
 * undici's own, or a proxy's. Records with the registered instrumentation; where there never was one, with the global
 * tracer provider and the options of the environment; after it was disabled, nothing.
 *
 * @param fetch - any function with fetch's arguments; it is not changed
 * @returns a function with the same name, `length` and properties (on Bun and Deno, `fetch` itself); a call that global `fetch` sees, too, is still one span
 * @throws TypeError where `fetch` is no function
 *
 * @example
 * ```ts
 * const client = new OpenAI({ fetch: instrumentFetch(undici.fetch) });
 * ```
 */
export function instrumentFetch<F extends (...args: never[]) => unknown>(fetch: F): F {
  if (typeof fetch !== 'function') {
    throw new TypeError(`\`instrumentFetch\` expects a fetch function, got ${kindOf(fetch)}; nothing is instrumented`);
  }
  return guard('instrumentFetch', () => wrapOnce(fetch)) ?? fetch;
}

function wrapOnce<F extends (...args: never[]) => unknown>(fetch: F): F | undefined {
  const { instrumented } = processState();
  if (!isNode() || instrumented.has(fetch)) return undefined;
  const wrapper = wrapFetch(fetch, HOOKS);
  instrumented.set(wrapper, HOOKS);
  return wrapper;
}

/**
 * Patches a copy of the OpenAI SDK (versions 4 to 7) by hand: where a bundler inlined it, module hooks never see it.
 * Records as {@link instrumentFetch} does. A copy that is patched already stays as it is.
 *
 * @param target - the class, a subclass, the module's exports, or a client; all clients of that copy are observed. Where
 * its methods are not those of a known version, one `diag` line says so, and it stays as it is
 * @returns `target`
 * @throws TypeError where it is neither a function nor an object
 *
 * @example
 * ```ts
 * import OpenAI from 'openai';
 * instrumentOpenAI(OpenAI);
 * ```
 */
export function instrumentOpenAI<T>(target: T): T {
  if ((typeof target !== 'object' && typeof target !== 'function') || target === null) {
    throw new TypeError(
      `\`instrumentOpenAI\` expects the OpenAI class or a client, got ${kindOf(target)}; nothing is instrumented`,
    );
  }
  if (guard('instrumentOpenAI', () => !isNode() || patchOpenAI(target, HOOKS) !== undefined) === false) {
    diag.warn(
      `opentelemetry-instrumentation-llm-stream: \`instrumentOpenAI\` expects the class of openai 4 to 7 or its client, got ${kindOf(target)}; ` +
        'it stays as it is, and calls are seen where they go through global `fetch`',
    );
  }
  return target;
}

/**
 * Says around LLM calls what only the application knows: each call that begins while `fn` runs, also in what it awaits,
 * has it on its span. Nested contexts merge: what is said further in counts, attributes are joined. Work that `fn` set
 * off and did not wait for still has what was said; a context that it enters once `fn` is over takes over that alone, and
 * neither `retryAttempt`, `fallbackAttempt` nor `onOutcome`.
 *
 * - `fn` fails before any call began: a span with `failure_stage` `before_request` says so, where an instrumentation is
 *   registered and enabled. Not where a request went out that is not observed and may have been an LLM call, for then
 *   nobody knows what failed: any POST or WebSocket through a patched `fetch`, undici, `node:http` or `node:http2`, and
 *   what the OpenAI SDK is asked for. A GET, as of a document, is no such request, nor is what an
 *   exporter of OpenTelemetry sends. Node 20 does not tell of `node:http2`, nor of a body that breaks on its way out.
 * - `fn` fails while it reads a stream, or leaves one that nobody reads on: that call is `cancelled` with
 *   `termination_kind` `consumer_error`, not `consumer_break`.
 * - A call with a `retryAttempt` or `fallbackAttempt` above 0 has a span link to the last call that failed before that
 *   try, in this context or in one around it. So a chain of tries is one context around all of them, which keeps chains
 *   that run at once apart, and one in it for each try; where another try succeeds, and its last call did not fail, the
 *   chain is over.
 *
 * Enters an AsyncLocalStorage, which on Node 20 and 22 makes every promise of the process dearer from the first use on.
 *
 * @param context - a value that does not fit is left out, and costs one `diag` warning
 * @param fn - is run once, at once
 * @returns what `fn` returns. Of a plain promise, one that settles with the same value or error. A generator, async or
 * not, is the same object, also out of such a promise; its steps run in the context, and `fn` is over when its body is.
 * With anything else `fn` counts as over: where a promise is more than that, such as the OpenAI SDK's with its
 * `withResponse`, await it in `fn`; where something else is iterable, loop over it in `fn`
 * @throws what `fn` throws; TypeError where it is no function
 *
 * @example
 * ```ts
 * await withCallContext({ requestId, feature: 'summary' }, async () => {
 *   for (let attempt = 0; ; attempt += 1) {
 *     try {
 *       return await withCallContext({ retryAttempt: attempt }, () => summarize(document));
 *     } catch (error) {
 *       if (attempt === 2 || !outcomeOf(error)?.retryable) throw error;
 *     }
 *   }
 * });
 * ```
 */
export function withCallContext<T>(context: CallContext, fn: () => T): T {
  return runInContext(context, fn, (error, frame, startMs) => {
    const { hooks, recorded } = processState();
    // Without an instrumentation nobody knows what requests went out. What was recorded by hand was so elsewhere.
    if (isNode() && findCall(error, recorded).type === 'none') failEarly({ error, startMs }, frame, hooks);
  });
}

/** What is known of a call that never came to a request; absent means unknown. */
export interface FailedCall {
  /** `gen_ai.operation.name`, such as `chat`. */
  readonly operation?: string | undefined;
  /** `gen_ai.provider.name`, such as `openai`. */
  readonly provider?: string | undefined;
  /** The model that would have been asked for. */
  readonly model?: string | undefined;
  /** A stream would have been asked for. */
  readonly stream?: boolean | undefined;
}

/**
 * Records an LLM call that failed before there was a request to see, such as a prompt that could not be built: a span
 * with `failure_stage` `before_request`, the class or code of `error`, and the context it is said in. Nothing is recorded
 * of an error that came out of an observed call itself, for it has a span, or that was recorded before in this context
 * or in one within it; an error that only has such a one as its `cause` is recorded. Never throws.
 *
 * @param error - what was thrown; an abort is `cancelled`. Its message is not recorded
 */
export function recordFailure(error: unknown, call: FailedCall = {}): void {
  guard('recordFailure', () => {
    const { operation, provider, model, stream } = isObject(call) ? call : {};
    const facts = { operation: nameFrom(operation), provider: nameFrom(provider), model: nameFrom(model) };
    const isStream = typeof stream === 'boolean' ? stream : undefined;
    const frame = processState().contexts?.getStore();
    if (!isNode() || isKnown(error, frame)) return;
    failEarly({ error, startMs: performance.now(), ...facts, stream: isStream }, frame, current());
  });
}

function failEarly(failure: EarlyFailure, frame: ContextFrame | undefined, hooks: Hooks | undefined): void {
  if (hooks?.failedEarly === undefined) return;
  const { error } = failure;
  if (isReference(error)) {
    const { recorded } = processState();
    const contexts = recorded.get(error) ?? new WeakSet();
    recorded.set(error, contexts);
    for (const one of [contextOf(frame), ...framesFrom(frame)]) contexts.add(one);
  }
  hooks.failedEarly(failure, frame);
}

/** One error may stand for many failures, as a circuit breaker's does: of a recorded one the context decides. */
function isKnown(error: unknown, frame: ContextFrame | undefined): boolean {
  if (!isReference(error)) return false;
  const { calls, recorded } = processState();
  const isOfCall = calls.has(error) && calls.get(error)?.isWatchedOnly !== true;
  return recorded.get(error)?.has(contextOf(frame)) ?? isOfCall;
}

/** Where there is none, what all copies share stands for it. */
function contextOf(frame: ContextFrame | undefined): object {
  return frame ?? processState();
}

function isReference(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function nameFrom(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? cut(value) : undefined;
}

function isObject(value: unknown): value is FailedCall {
  return typeof value === 'object' && value !== null;
}

type Hooks = CallHooks & SdkHooks & Partial<ApplicationHooks>;

function current(): Hooks | undefined {
  const state = processState();
  if (state.hooks !== undefined || state.wasEnabled) return state.hooks;
  state.unregistered ??= withoutRegistration();
  return state.unregistered;
}

function withoutRegistration(): Hooks {
  const options = callOptions(readSettings({}, process.env, DIALECT_NAMES));
  return createCallHooks(() => options);
}

/** Whoever is enabled at the moment of a call records it. */
const HOOKS: CallHooks & SdkHooks = {
  begin: (request) => current()?.begin(request),
  enter: () => current()?.enter(),
  unannounced() {},
};

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'function' ? `a function named "${value.name.slice(0, 64)}"` : `${typeof value}`;
}
