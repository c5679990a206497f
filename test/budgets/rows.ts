/** Answers that spend a budget, and what an application and a span say of it. */

import type { Budgets } from '../../src/budgets.js';
import { chatText, type Scenario } from '../../src/testing/index.js';
import { CANARY } from '../scenarios/harness.js';
import { only } from './askers.js';

/** Seven chunks: the opening, five of text, the finish; then `[DONE]`. */
export const TEXT = chatText([CANARY, ' a', ' b', ' c', ' d']);

export interface SpentRow {
  readonly name: string;
  readonly budgets: Budgets;
  readonly scenario: Scenario;
  /** As `budget limit`. */
  readonly spent: string;
  /** Nothing came: an SDK that makes the attempts puts an error of its own in its place. */
  readonly beforeHeaders?: boolean;
  /** Messages that were delivered; absent: some. */
  readonly messages?: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const failed = (timeoutKind: string, stage: string, more: Readonly<Record<string, unknown>> = {}) => ({
  'llm_stream.outcome': 'failed',
  'llm_stream.failure_stage': stage === 'before_headers' ? 'before_first_token' : stage,
  'llm_stream.stage': stage,
  'llm_stream.termination_kind': 'timeout',
  'llm_stream.timeout_kind': timeoutKind,
  'llm_stream.fault': 'upstream',
  'llm_stream.retryable': true,
  'error.type': 'TimeoutError',
  ...more,
});

const silentAfter = (afterChunks: number): Scenario => ({
  reply: TEXT,
  hold: { afterChunks, until: 'client_gone' },
});

const DEAD = { reply: TEXT, hold: { after: 'request', until: 'client_gone' } } as const;

const idle = (more: Readonly<Record<string, unknown>> = {}) =>
  failed('idle', 'after_first_token', {
    'llm_stream.error_category': 'idle_timeout',
    'llm_stream.budget.idle_ms': 600,
    ...more,
  });

export const SPENT: readonly SpentRow[] = [
  {
    name: 'no headers',
    budgets: only({ headersMs: 600 }),
    scenario: DEAD,
    spent: 'headers 600',
    beforeHeaders: true,
    messages: 0,
    attributes: failed('headers', 'before_headers', {
      'llm_stream.error_category': 'request_timeout',
      'llm_stream.budget.headers_ms': 600,
    }),
  },
  {
    name: 'no output, for want of headers',
    budgets: only({ firstTokenMs: 600 }),
    scenario: DEAD,
    spent: 'first_token 600',
    beforeHeaders: true,
    messages: 0,
    attributes: failed('first_token', 'before_headers', {
      'llm_stream.error_category': 'first_token_timeout',
      'llm_stream.budget.first_token_ms': 600,
    }),
  },
  {
    name: 'no output after an opening chunk, and comments',
    budgets: only({ firstTokenMs: 700, idleMs: 40 }),
    scenario: { ...silentAfter(1), faults: [{ type: 'heartbeats', everyMs: 10, text: 'alive' }] },
    spent: 'first_token 700',
    attributes: failed('first_token', 'before_first_token', {
      'llm_stream.error_category': 'first_token_timeout',
      'llm_stream.chunk_count': 1,
      'llm_stream.budget.first_token_ms': 700,
      'llm_stream.budget.idle_ms': 40,
    }),
  },
  {
    name: 'silence',
    budgets: only({ idleMs: 600 }),
    scenario: silentAfter(3),
    spent: 'idle 600',
    messages: 3,
    attributes: idle({ 'llm_stream.chunk_count': 3 }),
  },
  {
    name: 'silence, long before the budget for the first output is over',
    budgets: only({ firstTokenMs: 600_000, idleMs: 600 }),
    scenario: silentAfter(3),
    spent: 'idle 600',
    messages: 3,
    attributes: idle({ 'llm_stream.chunk_count': 3, 'llm_stream.budget.first_token_ms': 600_000 }),
  },
  {
    name: 'comments only',
    budgets: only({ idleMs: 600 }),
    scenario: { ...silentAfter(3), faults: [{ type: 'heartbeats', everyMs: 10, text: 'alive' }] },
    spent: 'idle 600',
    attributes: idle({ 'llm_stream.chunk_count': 3 }),
  },
  {
    name: 'a chunk that comes byte by byte',
    budgets: only({ idleMs: 600 }),
    scenario: { reply: TEXT, delivery: { bytesPerSecond: 150, writes: { sliced: { bytes: 4 } } } },
    spent: 'idle 600',
    attributes: failed('idle', 'before_first_token', {
      'llm_stream.error_category': 'idle_timeout',
      'llm_stream.chunk_count': 1,
      'llm_stream.budget.idle_ms': 600,
    }),
  },
  {
    name: 'silence after the finish reason',
    budgets: only({ idleMs: 600 }),
    scenario: { reply: TEXT, hold: { after: 'finish', until: 'client_gone' } },
    spent: 'idle 600',
    messages: 7,
    attributes: failed('idle', 'after_finish_reason', {
      'llm_stream.error_category': 'idle_timeout',
      'llm_stream.chunk_count': 7,
      'llm_stream.budget.idle_ms': 600,
    }),
  },
  {
    name: 'a lively stream without end',
    budgets: only({ totalMs: 900, idleMs: 600 }),
    scenario: { reply: chatText(Array.from({ length: 400 }, () => ' a')), delivery: { gapMs: 10 } },
    spent: 'total 900',
    attributes: failed('total', 'after_first_token', {
      'llm_stream.error_category': 'total_timeout',
      'llm_stream.fault': 'application',
      'llm_stream.budget.total_ms': 900,
      'llm_stream.budget.idle_ms': 600,
    }),
  },
];
