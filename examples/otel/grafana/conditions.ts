/**
 * The conditions that panels and alerts share: which calls count as what. Values are words of the package's own types.
 */
import type { FailureStage, Outcome } from '../../../src/stream/outcome.js';
import { ATTR_LLM_STREAM_FAILURE_STAGE, ATTR_LLM_STREAM_OUTCOME } from '../../../src/telemetry/semconv.js';
import { CALLS } from './metrics.js';
import { is, isNot, isOneOf, type Promql, share } from './promql.js';
import type { Condition, Tag } from './traces.js';

/** What a first token is slow above: a bound of the histogram's buckets, so that a share above it is counted, not guessed. */
export const SLOW_FIRST_TOKEN_SECONDS = 5.12;

/** Before there was any answer to show. */
export const STAGES_BEFORE_OUTPUT = [
  'before_request',
  'request_rejected',
  'before_first_token',
] as const satisfies readonly FailureStage[];

/** Somebody was reading when it broke, or a tool was about to be called. */
export const STAGES_IN_OUTPUT = ['after_first_token', 'during_tool_call'] as const satisfies readonly FailureStage[];

/** After the first token, and the answer may have been whole. */
export const STAGES_AFTER_OUTPUT = [
  ...STAGES_IN_OUTPUT,
  'after_finish_reason',
] as const satisfies readonly FailureStage[];

export const COMPLETED = is<Outcome>(ATTR_LLM_STREAM_OUTCOME, 'completed');
export const FAILED = is<Outcome>(ATTR_LLM_STREAM_OUTCOME, 'failed');
export const CANCELLED = is<Outcome>(ATTR_LLM_STREAM_OUTCOME, 'cancelled');
/** What failure rates are of: a reader who leaves says nothing about the provider, neither good nor bad. */
export const DECIDED = isNot<Outcome>(ATTR_LLM_STREAM_OUTCOME, 'cancelled');

export const BEFORE_OUTPUT = isOneOf(ATTR_LLM_STREAM_FAILURE_STAGE, STAGES_BEFORE_OUTPUT);
export const IN_OUTPUT = isOneOf(ATTR_LLM_STREAM_FAILURE_STAGE, STAGES_IN_OUTPUT);
export const AFTER_OUTPUT = isOneOf(ATTR_LLM_STREAM_FAILURE_STAGE, STAGES_AFTER_OUTPUT);

/** The same of spans. */
export const ALL_SPANS: Condition = { attribute: ATTR_LLM_STREAM_OUTCOME, isPresent: true };
export const COMPLETED_SPANS = ofOutcome('completed');
export const FAILED_SPANS = ofOutcome('failed');
export const CANCELLED_SPANS = ofOutcome('cancelled');

export function ofStage(...stages: readonly FailureStage[]): Condition {
  const [is] = stages;
  return stages.length === 1 && is !== undefined
    ? { attribute: ATTR_LLM_STREAM_FAILURE_STAGE, is }
    : { attribute: ATTR_LLM_STREAM_FAILURE_STAGE, isOneOf: stages };
}

function ofOutcome(outcome: Outcome): Tag {
  return { attribute: ATTR_LLM_STREAM_OUTCOME, is: outcome };
}

/** @param by - labels */
export function failureRate(at: Promql, by: readonly string[] = []): string {
  return share(at.callRate(CALLS, [FAILED], by), at.callRate(CALLS, [DECIDED], by));
}
