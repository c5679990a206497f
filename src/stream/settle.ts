/**
 * THE table of endings: what a call's end means, from what was delivered before it.
 * Rows are tried from the top; the first that matches decides. `docs/design.md` §5 draws the same table.
 */
import { mayCutArguments } from './finish-reason.js';
import type { CallOutcome, ErrorCategory, Fault, Stage, TerminationKind, TimeoutKind } from './outcome.js';
import type { ThrownError } from './signal.js';
import {
  accepted,
  allFinished,
  type CallState,
  type FinalEnding,
  finishReasonOf,
  isBySdk,
  isHidden,
  progressOf,
  silenceMs,
  stageOf,
} from './state.js';
import { summarize, type Verdict } from './summary.js';

/** Decides how the call ended, and gathers what is known of it. `atMs` is the time of the ending. */
export function settle(state: CallState, ending: FinalEnding, atMs: number): CallOutcome {
  const end: End = { state, ending, thrown: ending.type === 'error' ? ending.error : undefined, atMs };
  for (const row of ENDINGS) {
    const verdict = row(end);
    if (verdict) return summarize(state, verdict, atMs);
  }
  return summarize(state, unknownEnding(end), atMs);
}

interface End {
  readonly state: CallState;
  readonly ending: FinalEnding;
  readonly thrown: ThrownError | undefined;
  readonly atMs: number;
}

type Row = (end: End) => Verdict | undefined;

/**
 * In the order of DESIGN §5: what the provider said, whose error it was, terminal, leaving, the end of bytes, no end at
 * all; the end of the process stands before what only a look back can say.
 */
const ENDINGS: readonly Row[] = [
  rejectedByStatus,
  readElsewhere,
  errorPayload,
  failedFinishReason,
  nothingSent,
  abortedByCaller,
  timedOut,
  brokenConnection,
  argumentsDoNotClose,
  terminalReceived,
  everyChoiceFinished,
  shutDown,
  rejectedByContent,
  malformedLast,
  consumerLeft,
  idle,
  wholeDocument,
  silentTruncation,
];

function rejectedByStatus(end: End): Verdict | undefined {
  const { state } = end;
  if (state.headers === undefined || accepted(state) || isLeft(end)) return undefined;
  const category = state.providerError?.error.category ?? state.headers.rejection?.category ?? 'unknown';
  return rejected('http_error', category, PROVIDER_REJECTIONS.has(category) ? 'provider' : 'application');
}

/** The consumer went, its time was up, or the process ended, while an SDK was about to try again. */
function isLeft({ state, ending, thrown }: End): boolean {
  if (!isBySdk(state)) return false;
  // An SDK that reads why it was refused will not try again.
  if (ending.type === 'shutdown') return state.teller === 'sdk' && state.providerError === undefined;
  return thrown?.kind === 'abort' || thrown?.kind === 'timeout';
}

/** Read where it cannot be seen, such as by a reader made around us: only the connection's end is known. */
function readElsewhere(end: End): Verdict | undefined {
  const { state, ending, thrown } = end;
  if (!state.unobserved || thrown?.kind === 'abort' || ending.type === 'shutdown') return undefined;
  if (!thrown) return unknownEnding(end);
  return { ...unknownEnding(end), terminationKind: 'connection_error', errorCategory: 'stream_interrupted' };
}

/** Delivered in the body, whatever follows it. A document that is nothing but an error is a rejection. */
function errorPayload({ state }: End): Verdict | undefined {
  if (!state.providerError) return undefined;
  const { stage } = state.providerError;
  const { category } = state.providerError.error;
  if (state.document !== undefined) {
    return rejected('error_payload', category, PROVIDER_REJECTIONS.has(category) ? 'provider' : 'application');
  }
  return failed(stage, 'error_payload', category, 'provider');
}

function failedFinishReason({ state }: End): Verdict | undefined {
  return state.failedFinish && failed(state.failedFinish, 'error_payload', 'server_error', 'provider');
}

/** No connection, or no request at all. */
function nothingSent({ state, thrown }: End): Verdict | undefined {
  if (!thrown || state.headers) return undefined;
  if (state.attempts === 0) return neverSent(thrown, state.options.byApplication === true);
  switch (thrown.kind) {
    case 'local':
      return failed('before_request', 'local_error', 'invalid_request', 'application', { thrown });
    case 'connect':
      return failed('before_request', 'connection_error', 'connect_failed', 'network', { thrown });
    case 'redirect':
      return { ...rejected('http_error', 'invalid_response', 'provider'), thrown };
    case 'connect_timeout':
      return failed('before_request', 'connection_error', 'connect_failed', 'network', {
        thrown,
        timeoutKind: 'connect',
      });
    default:
      return undefined;
  }
}

/** An SDK failed before it had a request to send. */
function neverSent(thrown: ThrownError, byApplication: boolean): Verdict | undefined {
  if (thrown.kind === 'abort' || thrown.kind === 'timeout') return undefined;
  if (byApplication) {
    // Whatever it was that failed: only these two are known to be about the call.
    const category = thrown.kind === 'credentials' ? 'auth' : thrown.kind === 'local' ? 'invalid_request' : 'unknown';
    return failed('before_request', 'local_error', category, 'application', { thrown });
  }
  // Whoever was to give the key may have failed on a network of its own.
  const isKey = thrown.kind === 'credentials' || thrown.kind === 'connect' || thrown.kind === 'network';
  return failed('before_request', 'local_error', isKey ? 'auth' : 'invalid_request', 'application', { thrown });
}

/** The caller's own abort. After a finish it is only a way of leaving; right after a malformed chunk it is the SDKs' way of failing. */
function abortedByCaller({ state, thrown }: End): Verdict | undefined {
  if (thrown?.kind !== 'abort' || state.terminal || allFinished(state) || state.invalidInDelivery) return undefined;
  return cancelled(stageOf(state), 'consumer_abort', 'client');
}

function timedOut(end: End): Verdict | undefined {
  const { state, thrown } = end;
  const stage = stageOf(state);
  switch (thrown?.kind) {
    case 'timeout': {
      if (thrown.timeoutKind !== undefined) return budgetSpent(thrown, thrown.timeoutKind, stage);
      if (stage === 'before_request') {
        // Time was up before there was anything to wait for.
        return failed('before_request', 'timeout', 'total_timeout', 'application', { thrown, timeoutKind: 'total' });
      }
      const [errorCategory, timeoutKind] = callersTimeout(end, stage);
      const fault = errorCategory === 'total_timeout' ? 'application' : 'upstream';
      return failed(stage, 'timeout', errorCategory, fault, { thrown, timeoutKind });
    }
    case 'headers_timeout':
      return failed(stage, 'timeout', 'request_timeout', 'upstream', { thrown, timeoutKind: 'headers' });
    case 'body_timeout':
      return failed(stage, 'timeout', 'idle_timeout', 'upstream', { thrown, timeoutKind: 'idle' });
    default:
      return undefined;
  }
}

/** The error says which limit it was. */
function budgetSpent(thrown: ThrownError, timeoutKind: TimeoutKind, stage: Exclude<Stage, 'done'>): Verdict {
  const [errorCategory, fault] = BUDGETS[timeoutKind];
  const at = timeoutKind === 'connect' ? 'before_request' : stage;
  return failed(at, 'timeout', errorCategory, fault, { thrown, timeoutKind });
}

const BUDGETS: Readonly<Record<TimeoutKind, readonly [ErrorCategory, Fault]>> = {
  connect: ['connect_failed', 'network'],
  headers: ['request_timeout', 'upstream'],
  first_token: ['first_token_timeout', 'upstream'],
  idle: ['idle_timeout', 'upstream'],
  total: ['total_timeout', 'application'],
};

/** Which wait the caller's limit cut: after output, a silence long enough for a stall, or a stream that was alive. */
function callersTimeout({ state, atMs }: End, stage: Stage): readonly [ErrorCategory, TimeoutKind] {
  if (stage === 'before_headers') return ['request_timeout', 'headers'];
  if (stage === 'before_first_token') return ['first_token_timeout', 'first_token'];
  if (silenceMs(state, atMs) >= state.options.stallThresholdMs) return ['idle_timeout', 'idle'];
  return ['total_timeout', 'total'];
}

function brokenConnection({ state, thrown }: End): Verdict | undefined {
  if (!thrown || thrown.kind === 'abort') return undefined;
  const stage = stageOf(state);
  if (thrown.kind === 'decode') return failed(stage, 'decode_error', 'invalid_stream_chunk', 'upstream', { thrown });
  // Before headers an error nobody knows may be anybody's; in a body it can only be the stream's.
  if (thrown.kind === 'unknown' && !state.headers) return undefined;
  return failed(stage, 'connection_error', 'stream_interrupted', 'upstream', { thrown });
}

/** The answer claims to be finished, and a tool call in it cannot be executed. */
function argumentsDoNotClose({ state }: End): Verdict | undefined {
  if (!state.terminal && !allFinished(state)) return undefined;
  const cut = state.toolCalls.some((call) => {
    if (call.argumentsClosed) return false;
    const reason = finishReasonOf(state, call.choice);
    return reason === undefined || !mayCutArguments(reason);
  });
  if (!cut) return undefined;
  return failed('during_tool_call', finishedBy(state), 'incomplete_tool_arguments', 'provider');
}

function terminalReceived({ state }: End): Verdict | undefined {
  return state.terminal ? completed('done_event', softFinding(state, false)) : undefined;
}

/** By the end of bytes or by a consumer that had enough: the same. */
function everyChoiceFinished({ state, ending }: End): Verdict | undefined {
  if (!allFinished(state)) return undefined;
  // Where the bytes are hidden nobody saw whether the terminal came.
  const missing = ending.type === 'eof' && state.document === undefined && !isHidden(state);
  if (missing && state.options.missingDoneEvent === 'failure') {
    return failed('after_finish_reason', 'finish_reason_eof', 'missing_done_event', 'upstream');
  }
  return completed('finish_reason_eof', softFinding(state, missing));
}

/** A deploy is nobody's failure: what the answer was like so far is not asked, for it was not over. */
function shutDown({ state, ending }: End): Verdict | undefined {
  if (ending.type !== 'shutdown') return undefined;
  return {
    outcome: 'cancelled',
    terminationKind: 'shutdown',
    stage: stageOf(state),
    failureStage: 'unknown',
    fault: 'application',
  };
}

/** A 2xx answer that is no answer: HTML, JSON without choices. */
function rejectedByContent({ state, ending }: End): Verdict | undefined {
  const empty = state.bytes === 0 && ending.type === 'eof' && !isHidden(state);
  const misfit = state.headers?.contentTypeFits === false && state.chunks === 0 && !empty;
  // A loop over messages gets nothing out of one document; where the bytes are hidden only the headers say that it is one.
  const unlooped = state.iterated && isHidden(state) && state.headers?.saysJson === true && state.chunks === 0;
  return state.document === 'foreign' || misfit || unlooped
    ? rejected('http_error', 'invalid_response', 'provider')
    : undefined;
}

/** The last message did not parse and the stream ended, or one did not parse and the reader left at once: SDKs do. */
function malformedLast({ state, ending }: End): Verdict | undefined {
  if (ending.type === 'idle' || ending.type === 'unobserved') return undefined;
  const isLast = ending.type === 'eof' ? state.lastMessageInvalid : state.invalidInDelivery;
  if (!isLast && state.document !== 'malformed') return undefined;
  return failed(progressOf(state), 'decode_error', 'invalid_stream_chunk', 'upstream');
}

function consumerLeft({ state, ending }: End): Verdict | undefined {
  if (ending.type === 'left') return cancelled(progressOf(state), 'consumer_break', 'client');
  if (ending.type === 'collected') return cancelled(progressOf(state), 'not_consumed', 'client');
  if (ending.type === 'consumer_error') return cancelled(progressOf(state), 'consumer_error', 'application');
  return undefined;
}

function idle({ state, ending }: End): Verdict | undefined {
  if (ending.type !== 'idle') return undefined;
  const stage = stageOf(state);
  if (state.headers && state.pendingReads === 0) return cancelled(stage, 'idle', 'application');
  return failed(stage, 'idle', 'idle_timeout', 'upstream', { timeoutKind: 'idle' });
}

/** Read to its end and without a finish reason: complete where the format has none. */
function wholeDocument({ state, ending }: End): Verdict | undefined {
  const isWhole = state.document === 'answer' || state.document === 'unread';
  return ending.type === 'eof' && isWhole ? completed('eof', softFinding(state, false)) : undefined;
}

/** The bytes ended cleanly, and neither a finish reason nor a terminal had come: the application saw success. */
function silentTruncation({ state, ending }: End): Verdict | undefined {
  return ending.type === 'eof' ? failed(progressOf(state), 'eof', 'stream_interrupted', 'upstream') : undefined;
}

function unknownEnding({ state, thrown }: End): Verdict {
  return {
    outcome: 'failed',
    terminationKind: 'unknown',
    stage: stageOf(state),
    failureStage: 'unknown',
    errorCategory: 'unknown',
    thrown,
  };
}

/** The provider is at fault for these, the request for the others. */
const PROVIDER_REJECTIONS: ReadonlySet<ErrorCategory> = new Set([
  'rate_limit',
  'overloaded',
  'server_error',
  'invalid_response',
  'request_timeout',
]);

function completed(terminationKind: TerminationKind, errorCategory: ErrorCategory | undefined): Verdict {
  return { outcome: 'completed', terminationKind, stage: 'done', errorCategory };
}

function cancelled(stage: Stage, terminationKind: TerminationKind, fault: Fault): Verdict {
  return { outcome: 'cancelled', terminationKind, stage, failureStage: 'client_aborted', fault };
}

function rejected(terminationKind: TerminationKind, errorCategory: ErrorCategory, fault: Fault): Verdict {
  const blame = errorCategory === 'unknown' ? undefined : fault;
  return {
    outcome: 'failed',
    terminationKind,
    stage: 'before_headers',
    failureStage: 'request_rejected',
    errorCategory,
    fault: blame,
  };
}

function failed(
  stage: Exclude<Stage, 'done'>,
  terminationKind: TerminationKind,
  errorCategory: ErrorCategory,
  fault: Fault,
  more: Pick<Verdict, 'thrown' | 'timeoutKind'> = {},
): Verdict {
  const failureStage = stage === 'before_headers' ? 'before_first_token' : stage;
  return { outcome: 'failed', terminationKind, stage, failureStage, errorCategory, fault, ...more };
}

function finishedBy(state: CallState): TerminationKind {
  return state.terminal ? 'done_event' : 'finish_reason_eof';
}

/** What was not right about a completed call: one word, the gravest. */
function softFinding(state: CallState, missingDoneEvent: boolean): ErrorCategory | undefined {
  if (state.toolCalls.some((call) => !call.argumentsClosed)) return 'incomplete_tool_arguments';
  if (missingDoneEvent) return 'missing_done_event';
  return state.invalidChunks > 0 ? 'invalid_stream_chunk' : undefined;
}
