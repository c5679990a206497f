/**
 * Requests that go their way unobserved. The callback of a context that fails after one did not fail before any call:
 * that would be a claim that nobody can make.
 */
import { guard } from '../guard.js';
import { type ContextFrame, currentFrames, processState } from '../process-state.js';
import type { CallOptions } from './call.js';

/** The application does not want the request observed. */
export function isIgnored({ url, method }: { readonly url: string; readonly method: string }, options: CallOptions) {
  const ignored = options.ignores?.(url, method) === true;
  if (ignored) guard('context', () => letPass(currentFrames(), options));
  return ignored;
}

/** It may be an LLM call of a format or of a client that we do not know. */
export function letPass(frames: readonly ContextFrame[], { isSuppressed }: CallOptions): void {
  // An exporter at work sends in the context of whoever ended a span, or set its timer.
  if (frames.length === 0 || isSuppressed?.()) return;
  for (const frame of frames) frame.passed();
}

/** The same where nothing but the kind of request can be told: LLM calls are POSTs, and what retrieval reads with GET is none. */
export function letPassIfAsking(
  { method, upgrades = false }: { readonly method: string; readonly upgrades?: boolean | undefined },
  options: () => CallOptions,
): void {
  guard('context', () => {
    if (processState().contexts !== undefined && (method === 'POST' || upgrades)) letPass(currentFrames(), options());
  });
}
