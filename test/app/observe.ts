/** Calls made by hand: what the core would have written into the process state, without a network. */
import { type CallReport, type ObservedCall, processState } from '../../src/process-state.js';
import type { CallOutcome, OpenOutcome } from '../../src/stream/outcome.js';

export const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
export const SPAN_ID = 'b7ad6b7169203331';

/** A stream of text that was read to its end. */
export const completed: CallOutcome = {
  outcome: 'completed',
  stage: 'done',
  failureStage: undefined,
  terminationKind: 'done_event',
  completion: 'stop',
  status: 200,
  streamed: true,
  finishReasons: ['stop'],
  finishReasonReceived: true,
  doneEventReceived: true,
  usageSource: 'none',
  chunkCount: 4,
  outputChunkCount: 2,
  invalidChunkCount: 0,
  bytesReceived: 900,
  keepAliveCount: 0,
  outputCharacters: 11,
  reasoningCharacters: 0,
  attemptCount: 1,
  timeToHeadersMs: 20.4,
  timeToFirstTokenMs: 31.6,
  firstTokenChannel: 'text',
  timeToLastChunkMs: 50,
  streamDurationMs: 52.2,
  stallCount: 0,
  toolCallCount: 0,
  toolCallCompletedCount: 0,
  toolCallFragmentCount: 0,
  toolCallArgumentCharacters: 0,
  toolCallNames: [],
  toolCallIncompleteNames: [],
  toolCalls: [],
  observedBy: ['fetch', 'openai'],
};

/** The same, cut in the text: the loop ended as if all were well. */
export const cut: CallOutcome = {
  ...completed,
  outcome: 'failed',
  stage: 'after_first_token',
  failureStage: 'after_first_token',
  terminationKind: 'eof',
  completion: undefined,
  errorCategory: 'stream_interrupted',
  errorType: 'stream_interrupted',
  retryable: true,
  fault: 'upstream',
  finishReasons: ['error'],
  finishReasonReceived: false,
  doneEventReceived: false,
};

export const left: CallOutcome = {
  ...cut,
  outcome: 'cancelled',
  failureStage: 'client_aborted',
  terminationKind: 'consumer_break',
  errorCategory: undefined,
  errorType: undefined,
  retryable: undefined,
  fault: 'client',
};

const { terminationKind: _kind, failureStage: _stage, ...soFar } = cut;
/** The same, while its loop runs. */
export const open: OpenOutcome = {
  ...soFar,
  outcome: 'open',
  errorCategory: undefined,
  errorType: undefined,
  retryable: undefined,
  fault: undefined,
  finishReasons: undefined,
};

/** Nobody could see the body; counts that a call of the machine would have are whatever it saw before that. */
export const unseen: CallOutcome = {
  ...completed,
  outcome: 'failed',
  stage: 'after_first_token',
  failureStage: 'unknown',
  terminationKind: 'unknown',
  errorCategory: 'unknown',
  errorType: '_OTHER',
  finishReasons: undefined,
  chunkCount: undefined,
  outputChunkCount: undefined,
  invalidChunkCount: undefined,
  bytesReceived: undefined,
  keepAliveCount: undefined,
  outputCharacters: undefined,
  reasoningCharacters: undefined,
  timeToFirstTokenMs: undefined,
  firstTokenChannel: undefined,
  toolCallCount: 1,
  toolCallArgumentsCompleted: false,
  toolCalls: [{ choice: 0, index: 0, name: 'book', complete: false }],
};

/** An answer that called tools, `complete` says which of them are whole. */
export function withToolCalls<T extends CallOutcome | OpenOutcome>(outcome: T, ...complete: readonly boolean[]): T {
  const names = ['get_weather', 'get_time', 'book'];
  return {
    ...outcome,
    toolCallCount: complete.length,
    toolCallCompletedCount: complete.filter(Boolean).length,
    toolCallArgumentsCompleted: complete.every(Boolean),
    toolCalls: complete.map((isComplete, index) => ({
      choice: 0,
      index,
      id: `call_${index}`,
      name: names[index],
      complete: isComplete,
    })),
  };
}

export function callOf(outcome: CallOutcome | OpenOutcome, ids: Partial<CallReport> = {}): ObservedCall {
  return { report: () => ({ traceId: TRACE_ID, spanId: SPAN_ID, ...ids, outcome }) };
}

/** Makes `subject` come out of a call, as the core does; gives it back. */
export function observe<T extends object>(subject: T, outcome: CallOutcome | OpenOutcome): T {
  processState().calls.set(subject, callOf(outcome));
  return subject;
}

/** As the core does where the same object came out of several calls. */
export function observeTwice<T extends object>(subject: T): T {
  processState().calls.set(subject, undefined);
  return subject;
}
