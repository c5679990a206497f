/**
 * Requests that go their way unobserved. The callback of a context that fails after one did not fail before any call:
 * that would be a claim that nobody can make.
 */
import { guard } from '../guard.js';
import { processState } from '../process-state.js';
import type { CallOptions } from './call.js';

/** The application does not want the request observed. */
export function isIgnored({ url, method }: { readonly url: string; readonly method: string }, options: CallOptions) {
  const ignored = options.ignores?.(url, method) === true;
  if (ignored) letPass();
  return ignored;
}

/** It may be an LLM call of a format or of a client that we do not know. */
export function letPass(): void {
  guard('context', () => processState().contexts?.getStore()?.passed());
}

/** The same where nothing but the method can be told: LLM calls are POSTs, and what retrieval reads with GET is none. */
export function letPassIfPost(request: { readonly method: string }): void {
  guard('context', () => {
    const frame = processState().contexts?.getStore();
    if (frame && request.method === 'POST') frame.passed();
  });
}
