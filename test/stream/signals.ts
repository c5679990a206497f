/** Signals written by hand, short enough to read in a row. */

import type { Milestone } from '../../src/stream/milestone.js';
import type { BudgetLimits, CallOutcome } from '../../src/stream/outcome.js';
import type {
  ChunkPart,
  DocumentState,
  ResponseHeaders,
  Signal,
  Teller,
  ThrownError,
  WireFailed,
} from '../../src/stream/signal.js';
import { createCallState, type MachineOptions } from '../../src/stream/state.js';
import { transition } from '../../src/stream/transition.js';

/** A signal, or a function that makes it for a moment in time. */
export type Step = (atMs: number) => Signal;

export const started: Step = (atMs) => ({ type: 'attempt_started', atMs });
export const headers =
  (more: Partial<ResponseHeaders> = {}): Step =>
  (atMs) => ({ type: 'response_headers', status: 200, body: 'visible', contentTypeFits: true, ...more, atMs });
export const read: Step = (atMs) => ({ type: 'read_started', atMs });
export const bytes =
  (length = 100): Step =>
  (atMs) => ({ type: 'bytes', atMs, length });
export const chunk =
  (...parts: ChunkPart[]): Step =>
  (atMs) => ({ type: 'chunk', atMs, parts });
export const text = (characters = 5, choice = 0): Step =>
  chunk({ type: 'output', choice, channel: 'text', characters });
export const role = (choice = 0): Step => chunk({ type: 'choice', choice });
export const tool = (index = 0, name = 'get_weather', choice = 0): Step =>
  chunk({ type: 'tool_call_started', choice, index, name, id: `call_${index}` });
export const args = (characters: number, argumentsClosed: boolean, index = 0, choice = 0): Step =>
  chunk({ type: 'tool_call_fragment', choice, index, characters, argumentsClosed });
export const finish = (reason = 'stop', choice = 0): Step => chunk({ type: 'finish', choice, reason });
export const usage = (final = true): Step =>
  chunk({ type: 'usage', usage: { inputTokens: 10, outputTokens: 20 }, final });
export const invalid: Step = (atMs) => ({ type: 'invalid_chunk', atMs });
export const done: Step = (atMs) => ({ type: 'terminal', atMs });
export const errorPayload =
  (category: 'server_error' | 'rate_limit' | 'auth' = 'server_error', code?: string): Step =>
  (atMs) => ({ type: 'error_payload', atMs, error: { category, ids: { code } } });
export const document =
  (state: DocumentState): Step =>
  (atMs) => ({ type: 'document', atMs, state });
export const released: Step = (atMs) => ({ type: 'released', atMs });
export const wireStarted: Step = (atMs) => ({ type: 'wire_started', atMs });
export const wireEnded =
  (unobserved = false): Step =>
  (atMs) => ({ type: 'wire_ended', atMs, unobserved });
export const wireFailed =
  (error: ThrownError, more: Partial<Pick<WireFailed, 'by' | 'unobserved'>> = {}): Step =>
  (atMs) => ({ type: 'wire_failed', atMs, error, by: 'wire', unobserved: false, ...more });
export const held: Step = (atMs) => ({ type: 'held', atMs });
export const attemptFailed: Step = (atMs) => ({ type: 'attempt_failed', atMs });
export const toldBy =
  (teller: Teller): Step =>
  (atMs) => ({ type: 'told_by', atMs, teller });
export const iterated: Step = (atMs) => ({ type: 'iterated', atMs });
export const delivered: Step = (atMs) => ({ type: 'delivered', atMs });
export const received =
  (length = 100): Step =>
  (atMs) => ({ type: 'bytes_received', atMs, length });
/** The callback around the call settled; `inContext`: another one around it is under way. */
export const callbackEnded =
  (how: 'well' | 'failed', inContext = false): Step =>
  (atMs) => ({ type: 'context_ended', atMs, failed: how === 'failed', inContext });
export const budgeted =
  (limits: BudgetLimits): Step =>
  (atMs) => ({ type: 'budgeted', atMs, limits });
export const tick: Step = (atMs) => ({ type: 'tick', atMs });
export const eof: Step = (atMs) => ({ type: 'ended', atMs, ending: { type: 'eof' } });
export const left: Step = (atMs) => ({ type: 'ended', atMs, ending: { type: 'left' } });
export const collected: Step = (atMs) => ({ type: 'ended', atMs, ending: { type: 'collected' } });
export const shutdown: Step = (atMs) => ({ type: 'ended', atMs, ending: { type: 'shutdown' } });
export const thrown =
  (error: ThrownError): Step =>
  (atMs) => ({ type: 'ended', atMs, ending: { type: 'error', error } });

export const RESET: ThrownError = { kind: 'network', errorType: 'TypeError', networkErrorCode: 'ECONNRESET' };
export const ABORT: ThrownError = { kind: 'abort', errorType: 'AbortError' };
export const TIMEOUT: ThrownError = { kind: 'timeout', errorType: 'TimeoutError' };

/** `[at, step]` at a moment of its own, a bare step at the moment of the one before. */
export type Script = readonly (Step | readonly [atMs: number, step: Step])[];

export interface Run {
  readonly milestones: readonly Milestone[];
  readonly outcome: CallOutcome | undefined;
}

/** Runs a script through the machine. */
export function run(script: Script, options: Partial<MachineOptions> = {}): Run {
  const state = createCallState({
    stallThresholdMs: 10_000,
    idleTimeoutMs: 600_000,
    missingDoneEvent: 'finding',
    abortedBeforeStart: false,
    teller: 'body',
    ...options,
  });
  const milestones: Milestone[] = [];
  let atMs = 0;
  for (const entry of script) {
    const [at, step] = typeof entry === 'function' ? [atMs, entry] : entry;
    atMs = at;
    milestones.push(...transition(state, step(atMs)));
  }
  const settled = milestones.filter((milestone) => milestone.type === 'settled');
  return { milestones, outcome: settled[0]?.outcome };
}
