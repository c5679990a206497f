/** What providers' finish reasons mean. The word itself is passed on as it came; this is only for deciding. */
import type { Completion } from './outcome.js';

/** A finish reason in one vocabulary; `other` where no provider is known to use it. */
export function completionOf(reason: string): Completion {
  return COMPLETIONS[reason.toLowerCase()] ?? 'other';
}

/** The provider says with its finish reason that it failed. */
export function isFailedFinish(reason: string): boolean {
  return FAILED.has(reason.toLowerCase());
}

/** The answer was cut on purpose: arguments may stop anywhere, and nobody claims that they are whole. */
export function mayCutArguments(reason: string): boolean {
  const completion = completionOf(reason);
  return completion === 'length' || completion === 'content_filter' || completion === 'refusal';
}

const COMPLETIONS: Readonly<Record<string, Completion>> = {
  stop: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  complete: 'stop',
  eos: 'stop',
  length: 'length',
  max_tokens: 'length',
  max_output_tokens: 'length',
  model_length: 'length',
  model_context_window_exceeded: 'length',
  content_filter: 'content_filter',
  content_filtered: 'content_filter',
  safety: 'content_filter',
  tool_calls: 'tool_calls',
  tool_use: 'tool_calls',
  function_call: 'tool_calls',
  refusal: 'refusal',
};

const FAILED = new Set(['error', 'abort', 'aborted', 'cancelled', 'canceled']);
