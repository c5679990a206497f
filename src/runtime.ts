/** Whether this is Node. Where it is not, nothing is patched or hooked, and one line says so. */
import { diag } from '@opentelemetry/api';
import { PACKAGE_NAME } from './version.js';

/** The runtime that only looks like Node, by its name; undefined on Node. */
export function foreignRuntime(): 'Bun' | 'Deno' | undefined {
  if (process.versions['bun'] !== undefined) return 'Bun';
  return 'Deno' in globalThis ? 'Deno' : undefined;
}

/** Asked by every entry that would patch or hook something. False says so, over `diag`, once per process where somebody listens. */
export function isNode(): boolean {
  const runtime = foreignRuntime();
  if (runtime === undefined) return true;
  if (!isSaid()) diag.error(`${PACKAGE_NAME}: ${unsupported(runtime)}`);
  if (hasDiagLogger()) markSaid();
  return false;
}

export function unsupported(runtime: string): string {
  return `${runtime} is not supported; LLM calls are not traced`;
}

/** Where all copies of the API of major version 1 keep what is registered; there is no getter for it. */
const API = Symbol.for('opentelemetry.js.api.1');

/** Whether anybody hears what `diag` is told. */
export function hasDiagLogger(): boolean {
  const holder = globalThis as { [API]?: { readonly diag?: unknown } };
  return holder[API]?.diag !== undefined;
}

// Symbol.for is how copies meet: the global object has no type for it.
const SAID = Symbol.for('opentelemetry-instrumentation-llm-stream.unsupported');
const shared = globalThis as { [SAID]?: true };

/** Somebody heard it. */
export function isSaid(): boolean {
  return shared[SAID] === true;
}

/** Also for who says it in another way. */
export function markSaid(): void {
  shared[SAID] = true;
}
