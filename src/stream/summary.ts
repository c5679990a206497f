/** What is known of a call at its end: the machine's memory in the words of `outcome.ts`. */
import { completionOf } from './finish-reason.js';
import type {
  CallOutcome,
  Completion,
  ErrorCategory,
  FailureStage,
  Fault,
  Outcome,
  Stage,
  TerminationKind,
  TimeoutKind,
  ToolCallOutcome,
} from './outcome.js';
import type { ThrownError } from './signal.js';
import {
  accepted,
  allFinished,
  type CallState,
  isHidden,
  isToolCallComplete,
  isUnseen,
  roadsOf,
  silenceMs,
  type ToolCallState,
} from './state.js';

/** What a row of the table says. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly terminationKind: TerminationKind;
  readonly stage: Stage;
  readonly failureStage?: FailureStage | undefined;
  readonly errorCategory?: ErrorCategory | undefined;
  readonly fault?: Fault | undefined;
  readonly timeoutKind?: TimeoutKind | undefined;
  readonly thrown?: ThrownError | undefined;
}

/** Joins the verdict with what was counted. */
export function summarize(state: CallState, verdict: Verdict, atMs: number): CallOutcome {
  const { headers } = state;
  const failed = verdict.outcome === 'failed';
  const isEstimated = state.usage === undefined && accepted(state);
  // One literal without spreads: they make it 3 to 5 µs a call slower, the reading of its keys included.
  return {
    outcome: verdict.outcome,
    stage: verdict.stage,
    failureStage: verdict.failureStage,
    terminationKind: verdict.terminationKind,
    answerCompleted: verdict.outcome === 'completed',
    completion: completion(state),
    errorCategory: verdict.errorCategory,
    errorType: failed ? errorType(state, verdict) : undefined,
    retryable: failed && verdict.errorCategory ? retryable(state, verdict.errorCategory) : undefined,
    fault: verdict.fault,
    timeoutKind: verdict.timeoutKind,
    providerError: failed ? state.providerError?.error.ids : undefined,
    networkErrorCode: verdict.thrown?.networkErrorCode,

    status: headers?.status,
    streamed: state.document !== undefined ? false : state.chunks > 0 || state.iterated || undefined,
    providerRequestId: headers?.providerRequestId,
    providerRegion: headers?.providerRegion,
    retryAfterMs: headers?.retryAfterMs,
    remainingRequests: headers?.remainingRequests,
    remainingTokens: headers?.remainingTokens,
    upstreamCancelled: verdict.outcome === 'cancelled' ? upstreamCancelled(state, verdict) : undefined,

    responseId: state.id,
    responseModel: state.model,
    serviceTier: state.serviceTier,
    systemFingerprint: state.systemFingerprint,
    finishReasons: accepted(state) && !isUnseen(state) ? finishReasons(state) : undefined,
    finishReasonReceived: state.choices.some((choice) => choice.reason !== undefined),
    doneEventReceived: isHidden(state) ? undefined : state.terminal,

    usage: state.usage,
    usageSource: state.usage ? (state.usageFinal ? 'final' : 'partial') : 'none',
    estimatedInputTokens: isEstimated ? state.options.estimatedInputTokens : undefined,
    estimatedOutputTokens: isEstimated ? estimatedOutputTokens(state) : undefined,

    chunkCount: seen(state, state.chunks),
    outputChunkCount: seen(state, state.outputChunks),
    invalidChunkCount: seen(state, state.invalidChunks),
    bytesReceived: isHidden(state) ? undefined : seen(state, state.bytes),
    keepAliveCount: isHidden(state) ? undefined : seen(state, state.keepAlives),
    outputCharacters: seen(state, state.outputCharacters),
    reasoningCharacters: seen(state, state.reasoningCharacters),

    attemptCount: state.attempts,
    timeToHeadersMs: headers?.atMs,
    timeToFirstTokenMs: state.firstTokenMs,
    firstTokenChannel: state.firstTokenChannel,
    timeToLastChunkMs: state.lastChunkMs,
    streamDurationMs: atMs,
    maxChunkGapMs: maxChunkGap(state, verdict, atMs),
    consumerPauseMs: state.consumerPauseMs,
    stallCount: state.stalls,

    toolCallCount: state.toolCallCount,
    toolCallCompletedCount: state.toolCalls.filter((call) => isToolCallComplete(state, call)).length,
    toolCallArgumentsCompleted: argumentsCompleted(state),
    toolCallFragmentCount: state.toolCallFragments,
    toolCallArgumentCharacters: state.argumentCharacters,
    toolCallNames: names(state.toolCalls),
    toolCallIncompleteNames: names(state.toolCalls.filter((call) => !isToolCallComplete(state, call))),
    toolCalls: state.toolCalls.map((call) => toolCallOutcome(state, call)),
    retryDelayMs: state.retryDelayMs,
    budgets: state.budgets,
    observedBy: roadsOf(state),
  };
}

/** Of a call of which nothing can be said but that it is over, and what was tried. */
export function unknownOutcome(state: CallState, atMs: number): CallOutcome {
  return {
    outcome: 'failed',
    stage: 'before_headers',
    failureStage: 'unknown',
    terminationKind: 'unknown',
    errorCategory: 'unknown',
    errorType: '_OTHER',
    finishReasonReceived: false,
    doneEventReceived: false,
    usageSource: 'none',
    attemptCount: state.attempts,
    streamDurationMs: atMs,
    stallCount: 0,
    toolCallCount: 0,
    toolCallCompletedCount: 0,
    toolCallFragmentCount: 0,
    toolCallArgumentCharacters: 0,
    toolCallNames: [],
    toolCallIncompleteNames: [],
    toolCalls: [],
    observedBy: roadsOf(state),
  };
}

function toolCallOutcome(state: CallState, call: ToolCallState): ToolCallOutcome {
  const { choice, index, id, name } = call;
  return { choice, index, id, name, complete: isToolCallComplete(state, call) };
}

/** Of several choices, the first that is not `stop`. */
function completion(state: CallState): Completion | undefined {
  const completions = byPosition(state).flatMap((choice) => (choice.reason ? [completionOf(choice.reason)] : []));
  return completions.find((one) => one !== 'stop') ?? completions[0];
}

/** The provider's code, else the network's, else the error's class, else the status, else the category. */
function errorType(state: CallState, { thrown, errorCategory }: Verdict): string {
  const status = state.headers && !accepted(state) ? String(state.headers.status) : undefined;
  const named = providerCode(state) ?? thrown?.networkErrorCode ?? thrown?.errorType ?? status;
  if (named !== undefined) return named;
  return errorCategory === undefined || errorCategory === 'unknown' ? '_OTHER' : errorCategory;
}

function providerCode(state: CallState): string | undefined {
  const { code, type } = state.providerError?.error.ids ?? {};
  // Some servers repeat the status as the code: their type says more.
  return code !== undefined && !/^\d+$/.test(code) ? code : (type ?? code);
}

const RETRYABLE: Readonly<Record<ErrorCategory, boolean | undefined>> = {
  rate_limit: true,
  overloaded: true,
  server_error: true,
  connect_failed: true,
  request_timeout: true,
  first_token_timeout: true,
  idle_timeout: true,
  total_timeout: true,
  stream_interrupted: true,
  invalid_stream_chunk: true,
  invalid_response: true,
  // As a failure (option `missingDoneEvent`); as a soft finding nobody asks.
  missing_done_event: true,
  quota: false,
  auth: false,
  not_found: false,
  context_length: false,
  invalid_request: false,
  content_filter: false,
  incomplete_tool_arguments: false,
  persistence_failed: false,
  processing_failed: false,
  delivery_failed: false,
  unknown: undefined,
};

function retryable(state: CallState, category: ErrorCategory): boolean | undefined {
  return state.headers?.shouldRetry ?? RETRYABLE[category];
}

function upstreamCancelled(state: CallState, { terminationKind }: Verdict): boolean | undefined {
  if (state.wire === 'failed') return true;
  // Whether the connection outlives us is not known yet.
  return state.wire === 'open' && terminationKind !== 'shutdown' ? false : undefined;
}

/** `error` is the convention's word for a choice that never got a reason. */
function finishReasons(state: CallState): readonly string[] {
  if (state.choices.length === 0) return ['error'];
  return byPosition(state).map((choice) => choice.reason ?? 'error');
}

function byPosition(state: CallState): CallState['choices'] {
  return [...state.choices].sort((a, b) => a.choice - b.choice);
}

/** English text has about four characters a token; good enough for an order of magnitude, and named an estimate. */
const CHARACTERS_PER_TOKEN = 4;

function estimatedOutputTokens(state: CallState): number | undefined {
  const characters = state.outputCharacters + state.reasoningCharacters + state.argumentCharacters;
  return characters > 0 ? Math.ceil(characters / CHARACTERS_PER_TOKEN) : undefined;
}

/** A part of the body is not a number for the whole. */
function seen(state: CallState, count: number): number | undefined {
  return isUnseen(state) ? undefined : count;
}

/**
 * The silence in which a stream died counts; the wait for the end of a finished one does not. Whoever left after a single
 * chunk waited for no other: that is no gap, and not one of 0.
 */
function maxChunkGap(state: CallState, verdict: Verdict, atMs: number): number | undefined {
  const isFinished = verdict.outcome === 'completed' || state.terminal || allFinished(state);
  const closingMs = isFinished || state.chunks === 0 ? 0 : silenceMs(state, atMs);
  return closingMs === 0 ? state.maxChunkGapMs : Math.max(state.maxChunkGapMs ?? 0, closingMs);
}

function argumentsCompleted(state: CallState): boolean | undefined {
  if (state.toolCalls.some((call) => !isToolCallComplete(state, call))) return false;
  return state.toolCallCount > 0 && state.toolCalls.length === state.toolCallCount ? true : undefined;
}

function names(calls: readonly ToolCallState[]): readonly string[] {
  return calls.flatMap((call) => (call.name === undefined ? [] : [call.name]));
}
