/** `instrumentFetch` and `instrumentOpenAI`: what module hooks and the patch of global `fetch` cannot reach. */

import { diag } from '@opentelemetry/api';
import { createCallHooks } from './call/hooks.js';
import { callOptions } from './compose.js';
import { readSettings } from './config.js';
import { guard } from './guard.js';
import type { CallHooks, SdkHooks } from './intercept/call-hooks.js';
import { wrapFetch } from './intercept/fetch.js';
import { patchOpenAI } from './intercept/openai/patch.js';
import { processState } from './process-state.js';
import { DIALECT_NAMES } from './protocol/dialects/index.js';
import { isNode } from './runtime.js';

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
  if (wrapped.has(fetch)) return fetch;
  const wrapper = guard('instrumentFetch', () => (isNode() ? wrapFetch(fetch, HOOKS) : undefined));
  if (wrapper) wrapped.add(wrapper);
  return wrapper ?? fetch;
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

const wrapped = new WeakSet<object>();

let fallback: (CallHooks & SdkHooks) | undefined;

function current(): (CallHooks & SdkHooks) | undefined {
  const { hooks, wasEnabled } = processState();
  if (hooks !== undefined || wasEnabled) return hooks;
  fallback ??= withoutRegistration();
  return fallback;
}

function withoutRegistration(): CallHooks & SdkHooks {
  const options = callOptions(readSettings({}, process.env, DIALECT_NAMES), () => undefined);
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
