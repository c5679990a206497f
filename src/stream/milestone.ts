/**
 * What the machine announces for recording, and the Sink that takes it.
 * `atMs` is milliseconds since the call began.
 */
import type { CallOutcome, Channel, Usage } from './outcome.js';

export type Milestone =
  | { readonly type: 'attempt'; readonly atMs: number; readonly attempt: number }
  | { readonly type: 'response_headers'; readonly atMs: number; readonly status: number }
  | { readonly type: 'first_chunk'; readonly atMs: number }
  /** Each chunk, only where somebody asked for them. `hasOutput`: it carries generated output. */
  | { readonly type: 'chunk'; readonly atMs: number; readonly hasOutput: boolean }
  | { readonly type: 'first_token'; readonly atMs: number; readonly channel: Channel }
  | {
      readonly type: 'tool_call_started';
      readonly atMs: number;
      readonly choice: number;
      readonly index: number;
      readonly name?: string | undefined;
      readonly id?: string | undefined;
    }
  | ToolCallFragmentMilestone
  | { readonly type: 'tool_call_completed'; readonly atMs: number; readonly choice: number; readonly index: number }
  | { readonly type: 'invalid_chunk'; readonly atMs: number }
  /** Found while the silence lasts, or when it ends. */
  | { readonly type: 'stall'; readonly atMs: number; readonly gapMs: number }
  | { readonly type: 'usage'; readonly atMs: number; readonly usage: Usage }
  | { readonly type: 'finish'; readonly atMs: number; readonly choice: number; readonly reason: string }
  | { readonly type: 'done'; readonly atMs: number }
  | { readonly type: 'cancelled'; readonly atMs: number }
  | {
      readonly type: 'exception';
      readonly atMs: number;
      readonly errorType: string;
      readonly message?: string | undefined;
    }
  /** Always the last one, once per call. */
  | { readonly type: 'settled'; readonly atMs: number; readonly outcome: CallOutcome };

export interface ToolCallFragmentMilestone {
  readonly type: 'tool_call_fragment';
  readonly atMs: number;
  readonly choice: number;
  readonly index: number;
  /** Position of the fragment in its own call, counted from 0. */
  readonly fragment: number;
  readonly characters: number;
}

/** Takes the milestones of one call, in order, and records them somewhere. Never throws on purpose; `guard` stands around it. */
export interface Sink {
  take(milestone: Milestone): void;
}
