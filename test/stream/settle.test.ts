import { describe, expect, test } from 'vitest';
import type { CallOutcome } from '../../src/stream/outcome.js';
import type { MachineOptions } from '../../src/stream/state.js';
import {
  ABORT,
  args,
  bytes,
  chunk,
  collected,
  document,
  done,
  eof,
  errorPayload,
  finish,
  headers,
  held,
  invalid,
  left,
  RESET,
  read,
  released,
  role,
  run,
  type Script,
  shutdown,
  started,
  TIMEOUT,
  text,
  thrown,
  tick,
  tool,
  wireEnded,
  wireFailed,
  wireStarted,
} from './signals.js';

interface Row {
  readonly title: string;
  readonly script: Script;
  readonly options?: Partial<MachineOptions>;
  readonly is: Partial<CallOutcome>;
}

/** Headers came, and a read is pending. */
const open: Script = [started, [5, headers()], [6, read]];
const streaming: Script = [...open, [10, bytes()], role(), text()];
const inTool: Script = [...streaming, tool(), args(7, false)];

/** A deploy pages nobody, and what becomes of the connection is not known. */
const SHUT_DOWN: Partial<CallOutcome> = {
  outcome: 'cancelled',
  failureStage: 'unknown',
  terminationKind: 'shutdown',
  fault: 'application',
  errorCategory: undefined,
  errorType: undefined,
  retryable: undefined,
  upstreamCancelled: undefined,
};

const rows: readonly Row[] = [
  // Completed.
  {
    title: 'a finish reason and the terminal',
    script: [...streaming, finish(), done, [20, read], [21, eof]],
    is: {
      outcome: 'completed',
      stage: 'done',
      terminationKind: 'done_event',
      completion: 'stop',
      errorCategory: undefined,
      fault: undefined,
      finishReasons: ['stop'],
      streamDurationMs: 21,
    },
  },
  {
    title: 'a terminal without a finish reason',
    script: [...streaming, done, [20, eof]],
    is: {
      outcome: 'completed',
      terminationKind: 'done_event',
      finishReasonReceived: false,
      doneEventReceived: true,
      finishReasons: ['error'],
    },
  },
  {
    title: 'a finish reason and the end of bytes',
    script: [...streaming, finish(), [20, eof]],
    is: {
      outcome: 'completed',
      terminationKind: 'finish_reason_eof',
      errorCategory: 'missing_done_event',
      retryable: undefined,
    },
  },
  {
    title: 'a finish reason and the end of bytes, where the terminal is demanded',
    script: [...streaming, finish(), [20, eof]],
    options: { missingDoneEvent: 'failure' },
    is: {
      outcome: 'failed',
      failureStage: 'after_finish_reason',
      stage: 'after_finish_reason',
      errorCategory: 'missing_done_event',
      fault: 'upstream',
      retryable: true,
    },
  },
  {
    title: 'a finish reason, then the consumer leaves',
    script: [...streaming, finish(), [20, left]],
    is: { outcome: 'completed', terminationKind: 'finish_reason_eof', errorCategory: undefined },
  },
  {
    title: 'a finish reason, then the caller aborts',
    script: [...streaming, finish(), [20, read], [21, thrown(ABORT)]],
    is: { outcome: 'completed', terminationKind: 'finish_reason_eof' },
  },
  {
    title: 'the terminal, then the caller aborts',
    script: [...streaming, finish(), done, [20, read], [21, thrown(ABORT)]],
    is: { outcome: 'completed', terminationKind: 'done_event' },
  },
  {
    title: 'the terminal, then a consumer that never reads on',
    script: [...streaming, finish(), done, [1_009, tick], [1_010, tick]],
    is: { outcome: 'completed', terminationKind: 'done_event', streamDurationMs: 10 },
  },
  {
    title: 'the terminal after the wire has ended',
    script: [...open, [8, wireEnded()], [10, bytes()], text(), finish(), done],
    is: { outcome: 'completed', terminationKind: 'done_event', streamDurationMs: 10 },
  },
  {
    title: 'a malformed chunk on the way',
    script: [...open, [10, bytes()], invalid, text(), finish(), done, [11, eof]],
    is: { outcome: 'completed', errorCategory: 'invalid_stream_chunk', invalidChunkCount: 1, retryable: undefined },
  },
  {
    title: 'a malformed chunk between finish reason and terminal',
    script: [...streaming, finish(), invalid, done, [20, eof]],
    is: { outcome: 'completed', terminationKind: 'done_event', errorCategory: 'invalid_stream_chunk' },
  },
  {
    title: 'length',
    script: [...streaming, finish('length'), done, [20, eof]],
    is: { outcome: 'completed', completion: 'length', errorCategory: undefined, finishReasons: ['length'] },
  },
  {
    title: 'length with cut tool arguments',
    script: [...inTool, finish('length'), done, [20, eof]],
    is: {
      outcome: 'completed',
      completion: 'length',
      errorCategory: 'incomplete_tool_arguments',
      toolCallIncompleteNames: ['get_weather'],
      toolCallCompletedCount: 0,
    },
  },
  {
    title: 'a tool without arguments',
    script: [...streaming, tool(), finish('tool_calls'), done, [20, eof]],
    is: {
      outcome: 'completed',
      completion: 'tool_calls',
      toolCallCount: 1,
      toolCallCompletedCount: 1,
      toolCallIncompleteNames: [],
    },
  },
  {
    title: 'several choices: the completion is the first that is not stop',
    script: [...open, [10, bytes()], text(1, 0), text(1, 1), finish('length', 1), finish('stop', 0), done, [20, eof]],
    is: { outcome: 'completed', completion: 'length', finishReasons: ['stop', 'length'] },
  },
  {
    title: 'a JSON document with choices',
    script: [...open, [10, bytes()], text(), finish(), document('answer'), [11, eof]],
    is: { outcome: 'completed', terminationKind: 'finish_reason_eof', errorCategory: undefined },
  },

  // Failed by what the provider said.
  {
    title: 'an in-band error before output',
    script: [...open, [10, bytes()], errorPayload('rate_limit', 'rate_limit_exceeded'), [11, eof]],
    is: {
      outcome: 'failed',
      failureStage: 'before_first_token',
      stage: 'before_first_token',
      terminationKind: 'error_payload',
      errorCategory: 'rate_limit',
      errorType: 'rate_limit_exceeded',
      fault: 'provider',
      retryable: true,
    },
  },
  {
    title: 'an in-band error, then the terminal in the same read',
    script: [...streaming, errorPayload(), done, [11, eof]],
    is: { outcome: 'failed', failureStage: 'after_first_token', terminationKind: 'error_payload', fault: 'provider' },
  },
  {
    title: 'an in-band error, then the caller aborts',
    script: [...streaming, errorPayload(), [11, read], [12, thrown(ABORT)]],
    is: { outcome: 'failed', failureStage: 'after_first_token', terminationKind: 'error_payload' },
  },
  {
    title: 'a finish reason of error',
    script: [...streaming, finish('error'), done, [20, eof]],
    is: {
      outcome: 'failed',
      failureStage: 'after_first_token',
      stage: 'after_first_token',
      terminationKind: 'error_payload',
      errorCategory: 'server_error',
      fault: 'provider',
      finishReasons: ['error'],
    },
  },
  {
    title: 'a finish reason of error in the first chunk with output keeps the stage before that chunk',
    script: [
      ...open,
      [10, bytes()],
      chunk(
        { type: 'output', choice: 0, channel: 'text', characters: 3 },
        { type: 'finish', choice: 0, reason: 'error' },
      ),
      [20, eof],
    ],
    is: { outcome: 'failed', failureStage: 'before_first_token' },
  },
  {
    title: 'tool_calls with arguments that do not close',
    script: [...inTool, finish('tool_calls'), done, [20, eof]],
    is: {
      outcome: 'failed',
      failureStage: 'during_tool_call',
      stage: 'during_tool_call',
      terminationKind: 'done_event',
      errorCategory: 'incomplete_tool_arguments',
      fault: 'provider',
      retryable: false,
    },
  },
  {
    title: 'tool_calls with arguments that do not close, and the consumer leaves',
    script: [...inTool, finish('tool_calls'), [20, left]],
    is: {
      outcome: 'failed',
      failureStage: 'during_tool_call',
      terminationKind: 'finish_reason_eof',
      errorCategory: 'incomplete_tool_arguments',
    },
  },

  // Rejected.
  {
    title: 'a status nobody reads about',
    script: [started, [5, headers({ status: 401, rejection: { category: 'auth', ids: {} } })], [1_005, tick]],
    is: {
      outcome: 'failed',
      failureStage: 'request_rejected',
      stage: 'before_headers',
      terminationKind: 'http_error',
      errorCategory: 'auth',
      errorType: '401',
      fault: 'application',
      retryable: false,
      finishReasons: undefined,
      streamDurationMs: 5,
    },
  },
  {
    title: 'a status whose body says more',
    script: [
      started,
      [5, headers({ status: 429, rejection: { category: 'rate_limit', ids: {} } })],
      [6, read],
      [7, bytes()],
      errorPayload('auth', 'insufficient_quota'),
      document('error'),
      [8, eof],
    ],
    is: { outcome: 'failed', errorCategory: 'auth', errorType: 'insufficient_quota', streamDurationMs: 8 },
  },
  {
    title: 'x-should-retry against the table',
    script: [
      started,
      [5, headers({ status: 401, rejection: { category: 'auth', ids: {} }, shouldRetry: true })],
      [6, left],
    ],
    is: { outcome: 'failed', failureStage: 'request_rejected', retryable: true },
  },
  {
    title: '200 with a JSON error',
    script: [...open, [10, bytes()], errorPayload('server_error'), document('error'), [11, eof]],
    is: {
      outcome: 'failed',
      failureStage: 'request_rejected',
      stage: 'before_headers',
      terminationKind: 'error_payload',
      fault: 'provider',
    },
  },
  {
    title: '200 with HTML',
    script: [
      started,
      [5, headers({ contentTypeFits: false })],
      [6, read],
      [10, bytes()],
      document('foreign'),
      [11, eof],
    ],
    is: {
      outcome: 'failed',
      failureStage: 'request_rejected',
      terminationKind: 'http_error',
      errorCategory: 'invalid_response',
      fault: 'provider',
      retryable: true,
      errorType: 'invalid_response',
    },
  },
  {
    title: 'HTML that nobody reads on',
    script: [started, [5, headers({ contentTypeFits: false })], [6, left]],
    is: { outcome: 'failed', failureStage: 'request_rejected', errorCategory: 'invalid_response' },
  },

  // Never sent, or cut.
  {
    title: 'a bad URL',
    script: [started, [1, thrown({ kind: 'local', errorType: 'TypeError' })]],
    is: {
      outcome: 'failed',
      failureStage: 'before_request',
      stage: 'before_request',
      terminationKind: 'local_error',
      errorCategory: 'invalid_request',
      fault: 'application',
      retryable: false,
    },
  },
  {
    title: 'a refused connection',
    script: [started, [1, thrown({ kind: 'connect', errorType: 'TypeError', networkErrorCode: 'ECONNREFUSED' })]],
    is: {
      outcome: 'failed',
      failureStage: 'before_request',
      stage: 'before_request',
      terminationKind: 'connection_error',
      errorCategory: 'connect_failed',
      fault: 'network',
      errorType: 'ECONNREFUSED',
      networkErrorCode: 'ECONNREFUSED',
      finishReasons: undefined,
    },
  },
  {
    title: 'a connect timeout',
    script: [started, [1, thrown({ kind: 'connect_timeout', networkErrorCode: 'UND_ERR_CONNECT_TIMEOUT' })]],
    is: { failureStage: 'before_request', errorCategory: 'connect_failed', timeoutKind: 'connect', fault: 'network' },
  },
  {
    title: 'a reset before headers',
    script: [started, [1, thrown(RESET)]],
    is: {
      outcome: 'failed',
      failureStage: 'before_first_token',
      stage: 'before_headers',
      terminationKind: 'connection_error',
      errorCategory: 'stream_interrupted',
      fault: 'upstream',
      retryable: true,
    },
  },
  {
    title: 'no headers in time',
    script: [started, [100, thrown(TIMEOUT)]],
    is: {
      outcome: 'failed',
      failureStage: 'before_first_token',
      stage: 'before_headers',
      terminationKind: 'timeout',
      errorCategory: 'request_timeout',
      timeoutKind: 'headers',
      fault: 'upstream',
      errorType: 'TimeoutError',
    },
  },
  {
    title: 'headers, then nothing in time',
    script: [...open, [100, thrown(TIMEOUT)]],
    is: {
      failureStage: 'before_first_token',
      stage: 'before_first_token',
      errorCategory: 'first_token_timeout',
      timeoutKind: 'first_token',
      finishReasons: ['error'],
    },
  },
  {
    title: 'a silence in mid-text that outlasts the caller',
    script: [...streaming, [11, read], [12_000, thrown(TIMEOUT)]],
    is: {
      failureStage: 'after_first_token',
      errorCategory: 'idle_timeout',
      timeoutKind: 'idle',
      fault: 'upstream',
      maxChunkGapMs: 11_989,
    },
  },
  {
    title: 'a steady stream that outlasts the caller',
    script: [...streaming, read, [60, bytes()], text(), read, [100, thrown(TIMEOUT)]],
    is: {
      failureStage: 'after_first_token',
      errorCategory: 'total_timeout',
      timeoutKind: 'total',
      fault: 'application',
      retryable: true,
    },
  },
  {
    title: 'a caller’s timeout after the finish reason',
    script: [...streaming, finish(), [11, read], [100, thrown(TIMEOUT)]],
    is: {
      outcome: 'failed',
      failureStage: 'after_finish_reason',
      terminationKind: 'timeout',
      errorCategory: 'total_timeout',
      finishReasons: ['stop'],
    },
  },
  {
    title: 'undici’s body timeout',
    script: [
      ...streaming,
      [11, read],
      [100, thrown({ kind: 'body_timeout', networkErrorCode: 'UND_ERR_BODY_TIMEOUT' })],
    ],
    is: {
      failureStage: 'after_first_token',
      errorCategory: 'idle_timeout',
      timeoutKind: 'idle',
      terminationKind: 'timeout',
      fault: 'upstream',
    },
  },
  {
    title: 'a reset before the first token',
    script: [...open, [10, bytes()], role(), [11, read], [12, thrown(RESET)]],
    is: { failureStage: 'before_first_token', terminationKind: 'connection_error', chunkCount: 1, outputChunkCount: 0 },
  },
  {
    title: 'a reset in text',
    script: [...streaming, [11, read], [12, thrown(RESET)]],
    is: { failureStage: 'after_first_token', finishReasons: ['error'] },
  },
  {
    title: 'a reset in tool arguments',
    script: [...inTool, [11, read], [12, thrown(RESET)]],
    is: { failureStage: 'during_tool_call', errorCategory: 'stream_interrupted', fault: 'upstream' },
  },
  {
    title: 'a reset after the finish reason',
    script: [...streaming, finish(), [11, read], [12, thrown(RESET)]],
    is: {
      outcome: 'failed',
      failureStage: 'after_finish_reason',
      stage: 'after_finish_reason',
      finishReasons: ['stop'],
    },
  },
  {
    title: 'a reset after the terminal that reaches the consumer',
    script: [...streaming, finish(), done, [11, read], [12, thrown(RESET)]],
    is: {
      outcome: 'failed',
      failureStage: 'after_finish_reason',
      terminationKind: 'connection_error',
      doneEventReceived: true,
    },
  },
  {
    title: 'a reset after the terminal that nobody notices',
    script: [...streaming, finish(), done, [12, wireFailed(RESET)], [1_012, tick]],
    is: { outcome: 'completed', terminationKind: 'done_event' },
  },
  {
    title: 'a silent end before output',
    script: [...open, [10, bytes()], role(), [11, eof]],
    is: { failureStage: 'before_first_token', terminationKind: 'eof', errorCategory: 'stream_interrupted' },
  },
  {
    title: 'an empty body',
    script: [...open, [11, eof]],
    is: {
      failureStage: 'before_first_token',
      terminationKind: 'eof',
      errorCategory: 'stream_interrupted',
      fault: 'upstream',
      errorType: 'stream_interrupted',
      chunkCount: 0,
    },
  },
  {
    title: 'a silent end in text',
    script: [...streaming, [11, eof]],
    is: {
      outcome: 'failed',
      failureStage: 'after_first_token',
      terminationKind: 'eof',
      fault: 'upstream',
      retryable: true,
    },
  },
  {
    title: 'a silent end in tool arguments',
    script: [...inTool, [11, eof]],
    is: { failureStage: 'during_tool_call', errorCategory: 'stream_interrupted', fault: 'upstream' },
  },
  {
    title: 'a silent end after complete arguments',
    script: [...streaming, tool(), args(2, true), [11, eof]],
    is: {
      failureStage: 'during_tool_call',
      errorCategory: 'stream_interrupted',
      toolCallCompletedCount: 0,
      toolCallIncompleteNames: ['get_weather'],
    },
  },
  {
    title: 'a silent end in text that followed a whole tool call',
    script: [...streaming, tool(), args(2, true), text(), [11, eof]],
    is: { failureStage: 'after_first_token', toolCallCompletedCount: 0 },
  },
  {
    title: 'one of two choices cut',
    script: [...open, [10, bytes()], text(1, 0), text(1, 1), finish('stop', 0), [11, eof]],
    is: {
      outcome: 'failed',
      failureStage: 'after_first_token',
      terminationKind: 'eof',
      finishReasons: ['stop', 'error'],
      finishReasonReceived: true,
    },
  },
  {
    title: 'a malformed chunk last',
    script: [...streaming, invalid, [11, eof]],
    is: {
      failureStage: 'after_first_token',
      terminationKind: 'decode_error',
      errorCategory: 'invalid_stream_chunk',
      fault: 'upstream',
      retryable: true,
    },
  },
  {
    title: 'a malformed chunk, and the consumer leaves at once',
    script: [...streaming, invalid, [11, left]],
    is: { outcome: 'failed', terminationKind: 'decode_error', errorCategory: 'invalid_stream_chunk' },
  },
  {
    title: 'a malformed chunk, and the SDK aborts its own controller',
    script: [...streaming, invalid, [11, thrown(ABORT)]],
    is: { outcome: 'failed', errorCategory: 'invalid_stream_chunk' },
  },
  {
    title: 'a JSON document that never closes',
    script: [...open, [10, bytes()], document('cut'), [11, eof]],
    is: {
      outcome: 'failed',
      failureStage: 'before_first_token',
      terminationKind: 'eof',
      errorCategory: 'stream_interrupted',
    },
  },
  {
    title: 'a JSON document that does not parse',
    script: [...open, [10, bytes()], document('malformed'), [11, eof]],
    is: {
      outcome: 'failed',
      failureStage: 'before_first_token',
      terminationKind: 'decode_error',
      errorCategory: 'invalid_stream_chunk',
    },
  },
  {
    title: 'something that is no HTTP',
    script: [started, [1, thrown({ kind: 'decode', networkErrorCode: 'HPE_INVALID_CONSTANT' })]],
    is: { failureStage: 'before_first_token', terminationKind: 'decode_error', errorCategory: 'invalid_stream_chunk' },
  },
  {
    title: 'an error nobody knows before headers',
    script: [started, [1, thrown({ kind: 'unknown' })]],
    is: {
      outcome: 'failed',
      failureStage: 'unknown',
      terminationKind: 'unknown',
      errorCategory: 'unknown',
      errorType: '_OTHER',
      fault: undefined,
      retryable: undefined,
    },
  },
  {
    title: 'an error nobody knows in the body',
    script: [...streaming, [11, read], [12, thrown({ kind: 'unknown', errorType: 'BoomError' })]],
    is: { failureStage: 'after_first_token', terminationKind: 'connection_error', errorType: 'BoomError' },
  },

  // Left.
  {
    title: 'an abort before anything was sent',
    script: [started, [1, thrown(ABORT)]],
    options: { abortedBeforeStart: true },
    is: {
      outcome: 'cancelled',
      failureStage: 'client_aborted',
      stage: 'before_request',
      terminationKind: 'consumer_abort',
      fault: 'client',
      errorType: undefined,
    },
  },
  {
    title: 'an abort before headers',
    script: [started, [1, thrown(ABORT)]],
    is: {
      outcome: 'cancelled',
      failureStage: 'client_aborted',
      stage: 'before_headers',
      terminationKind: 'consumer_abort',
      finishReasons: undefined,
    },
  },
  {
    title: 'an abort before the first token',
    script: [...open, [9, thrown(ABORT)]],
    is: { outcome: 'cancelled', stage: 'before_first_token', finishReasons: ['error'] },
  },
  {
    title: 'an abort in tool arguments',
    script: [...inTool, [11, read], [12, thrown(ABORT)]],
    is: { outcome: 'cancelled', failureStage: 'client_aborted', stage: 'during_tool_call', errorCategory: undefined },
  },
  {
    title: 'a break',
    script: [...streaming, wireStarted, wireFailed({ kind: 'abort' }, { by: 'consumer' }), [12, left]],
    is: {
      outcome: 'cancelled',
      stage: 'after_first_token',
      terminationKind: 'consumer_break',
      fault: 'client',
      upstreamCancelled: true,
      retryable: undefined,
    },
  },
  {
    title: 'a break that does not reach the provider',
    script: [wireStarted, ...streaming, [12, left]],
    is: { terminationKind: 'consumer_break', upstreamCancelled: false },
  },
  {
    title: 'a break after the wire has ended',
    script: [wireStarted, ...streaming, wireEnded(), [12, left]],
    is: { terminationKind: 'consumer_break', upstreamCancelled: undefined },
  },
  {
    title: 'a released reader that does not come back',
    script: [wireStarted, ...streaming, [12, released], [1_012, tick]],
    is: { outcome: 'cancelled', terminationKind: 'consumer_break', upstreamCancelled: false, streamDurationMs: 12 },
  },
  {
    title: 'a released reader whose successor reads to the end',
    script: [...streaming, [12, released], [500, read], [501, bytes()], finish(), done, read, [502, eof]],
    is: { outcome: 'completed', terminationKind: 'done_event' },
  },
  {
    title: 'a released reader whose successor takes its time',
    script: [...streaming, [12, released], held, [2_000, tick], [3_000, read], [3_001, bytes()], finish(), done, eof],
    is: { outcome: 'completed', terminationKind: 'done_event', consumerPauseMs: 2_990 },
  },
  {
    title: 'a cancel after the caller aborted',
    script: [...streaming, [12, wireFailed(ABORT, { by: 'caller' })], left],
    is: { outcome: 'cancelled', terminationKind: 'consumer_abort' },
  },
  {
    title: 'a cancel after the connection broke',
    script: [...streaming, [12, wireFailed(RESET)], left],
    is: { outcome: 'failed', terminationKind: 'connection_error', failureStage: 'after_first_token' },
  },
  {
    title: 'a cancel at the terminal, after the connection broke',
    script: [...streaming, finish(), done, [12, wireFailed(RESET)], left],
    is: { outcome: 'completed', terminationKind: 'done_event' },
  },
  {
    title: 'a cancel after the finish reason, and after the connection broke',
    script: [...streaming, finish(), [12, wireFailed(RESET)], left],
    is: { outcome: 'completed', terminationKind: 'finish_reason_eof' },
  },
  {
    title: 'a tool call that its own done message closed, and then a silent end',
    script: [...streaming, tool(), args(2, true), chunk({ type: 'tool_call_closed', choice: 0, index: 0 }), [12, eof]],
    is: {
      outcome: 'failed',
      failureStage: 'after_first_token',
      toolCallCompletedCount: 1,
      toolCallArgumentsCompleted: true,
    },
  },
  {
    title: 'a cancel whose reason is an error of another connection',
    script: [...streaming, [12, wireFailed({ kind: 'network', networkErrorCode: 'EPIPE' }, { by: 'consumer' })], left],
    is: { outcome: 'cancelled', terminationKind: 'consumer_break', upstreamCancelled: true },
  },
  {
    title: 'a JSON document that is too large to read',
    script: [...open, [10, bytes()], document('unread'), [11, eof]],
    is: { outcome: 'completed', terminationKind: 'eof', finishReasons: ['error'] },
  },
  {
    title: 'a time limit that was up before anything was sent',
    script: [started, [1, thrown(TIMEOUT)]],
    options: { abortedBeforeStart: true },
    is: {
      outcome: 'failed',
      failureStage: 'before_request',
      stage: 'before_request',
      errorCategory: 'total_timeout',
      timeoutKind: 'total',
      fault: 'application',
    },
  },
  {
    title: 'redirects that were not to be followed',
    script: [started, [1, thrown({ kind: 'redirect', errorType: 'TypeError' })]],
    is: { outcome: 'failed', failureStage: 'request_rejected', errorCategory: 'invalid_response', fault: 'provider' },
  },
  {
    title: 'a malformed and a good chunk in one read, and the consumer leaves at once',
    script: [...open, [10, bytes()], role(), text(), invalid, text(), [11, left]],
    is: { outcome: 'failed', terminationKind: 'decode_error', errorCategory: 'invalid_stream_chunk' },
  },
  {
    title: 'a malformed chunk, and the consumer leaves some reads later',
    script: [...streaming, invalid, read, [11, bytes()], text(), [12, left]],
    is: { outcome: 'cancelled', terminationKind: 'consumer_break', invalidChunkCount: 1 },
  },
  {
    title: 'a malformed and a good chunk in one read, and the bytes end',
    script: [...streaming, invalid, text(), [11, eof]],
    is: { outcome: 'failed', terminationKind: 'eof', errorCategory: 'stream_interrupted' },
  },
  {
    title: 'a rejection whose body never comes',
    script: [
      started,
      [5, headers({ status: 500, rejection: { category: 'server_error', ids: {} } })],
      [6, read],
      [1_005, tick],
    ],
    is: { outcome: 'failed', failureStage: 'request_rejected', errorCategory: 'server_error', streamDurationMs: 5 },
  },
  {
    title: 'an abort while nobody reads',
    script: [...streaming, [12, wireFailed(ABORT, { by: 'caller' })], [1_012, tick]],
    is: { outcome: 'cancelled', terminationKind: 'consumer_abort', streamDurationMs: 12 },
  },
  {
    title: 'a reset while nobody reads',
    script: [...streaming, [12, wireFailed(RESET)], [1_012, tick]],
    is: {
      outcome: 'failed',
      failureStage: 'after_first_token',
      terminationKind: 'connection_error',
      streamDurationMs: 12,
    },
  },
  {
    title: 'a reset while nobody reads, of a body that is collected before that is certain',
    script: [...streaming, [12, wireFailed(RESET)], [500, collected]],
    is: {
      outcome: 'failed',
      failureStage: 'after_first_token',
      terminationKind: 'connection_error',
      streamDurationMs: 12,
    },
  },
  {
    title: 'a budget that is spent while nobody reads, of a body that is collected before that is certain',
    script: [...streaming, [12, wireFailed({ ...TIMEOUT, timeoutKind: 'idle' })], [500, collected]],
    is: {
      outcome: 'failed',
      failureStage: 'after_first_token',
      terminationKind: 'timeout',
      timeoutKind: 'idle',
      errorCategory: 'idle_timeout',
      streamDurationMs: 12,
    },
  },
  {
    title: 'a body collected unread',
    script: [started, [5, headers()], [50, collected]],
    is: {
      outcome: 'cancelled',
      failureStage: 'client_aborted',
      terminationKind: 'not_consumed',
      stage: 'before_first_token',
      fault: 'client',
    },
  },

  // No end at all.
  {
    title: 'silence while the consumer waits',
    script: [...streaming, [11, read], [600_011, tick]],
    is: {
      outcome: 'failed',
      failureStage: 'after_first_token',
      terminationKind: 'idle',
      errorCategory: 'idle_timeout',
      timeoutKind: 'idle',
      fault: 'upstream',
    },
  },
  {
    title: 'a consumer that stopped reading',
    script: [...streaming, [600_010, tick]],
    is: { outcome: 'cancelled', failureStage: 'client_aborted', terminationKind: 'idle', fault: 'application' },
  },
  {
    title: 'a consumer that stopped reading after the finish reason',
    script: [...streaming, finish(), [600_010, tick]],
    is: { outcome: 'completed', terminationKind: 'finish_reason_eof' },
  },
  {
    title: 'a request that is never answered',
    script: [started, [600_000, tick]],
    is: { outcome: 'failed', stage: 'before_headers', terminationKind: 'idle', errorCategory: 'idle_timeout' },
  },
  {
    title: 'the process ends before anything was sent',
    script: [[3, shutdown]],
    is: { ...SHUT_DOWN, stage: 'before_request', streamDurationMs: 3 },
  },
  {
    title: 'the process ends before the headers',
    script: [started, wireStarted, [9, shutdown]],
    is: { ...SHUT_DOWN, stage: 'before_headers', finishReasons: undefined },
  },
  {
    title: 'the process ends before any output',
    script: [...open, [9, shutdown]],
    is: { ...SHUT_DOWN, stage: 'before_first_token' },
  },
  {
    title: 'the process ends in the text',
    script: [started, wireStarted, [5, headers()], [6, read], [10, bytes()], role(), text(), [11, shutdown]],
    is: { ...SHUT_DOWN, stage: 'after_first_token', chunkCount: 2, finishReasons: ['error'], streamDurationMs: 11 },
  },
  {
    title: 'the process ends in a tool call',
    script: [...inTool, [11, shutdown]],
    is: { ...SHUT_DOWN, stage: 'during_tool_call', toolCallArgumentsCompleted: false },
  },
  {
    title: 'the process ends in a silence',
    script: [...streaming, [11, read], [30_011, shutdown]],
    is: { ...SHUT_DOWN, stage: 'after_first_token', stallCount: 1, maxChunkGapMs: 30_000 },
  },
  {
    title: 'the process ends right after a malformed chunk',
    script: [...streaming, invalid, [11, shutdown]],
    is: { ...SHUT_DOWN, stage: 'after_first_token', invalidChunkCount: 1 },
  },
  {
    title: 'the process ends while a page of HTML is read',
    script: [started, [5, headers({ contentTypeFits: false })], [6, read], [10, bytes()], [11, shutdown]],
    is: { ...SHUT_DOWN, stage: 'before_first_token' },
  },
  {
    title: 'the process ends after the terminal',
    script: [...streaming, finish(), done, [20, read], [21, shutdown]],
    is: { outcome: 'completed', terminationKind: 'done_event', stage: 'done', fault: undefined },
  },
  {
    title: 'the process ends after the finish reason',
    script: [...streaming, finish(), [20, read], [21, shutdown]],
    is: { outcome: 'completed', terminationKind: 'finish_reason_eof', errorCategory: undefined },
  },
  {
    title: 'the process ends when one of two choices is finished',
    script: [...streaming, text(5, 1), finish(), [20, read], [21, shutdown]],
    is: { ...SHUT_DOWN, stage: 'after_first_token', finishReasons: ['stop', 'error'] },
  },
  {
    title: 'the process ends after a finish whose tool call does not close',
    script: [...inTool, finish('tool_calls'), [20, read], [21, shutdown]],
    is: { outcome: 'failed', failureStage: 'during_tool_call', errorCategory: 'incomplete_tool_arguments' },
  },
  {
    title: 'the process ends after an error in the stream',
    script: [...streaming, errorPayload('rate_limit'), [11, read], [12, shutdown]],
    is: { outcome: 'failed', failureStage: 'after_first_token', errorCategory: 'rate_limit', fault: 'provider' },
  },
  {
    title: 'the process ends after a rejection',
    script: [started, [5, headers({ status: 429, rejection: { category: 'rate_limit', ids: {} } })], [9, shutdown]],
    is: {
      outcome: 'failed',
      failureStage: 'request_rejected',
      terminationKind: 'http_error',
      errorCategory: 'rate_limit',
      streamDurationMs: 5,
    },
  },
  {
    title: 'the process ends after the consumer let go of its reader',
    script: [...streaming, [12, released], [13, shutdown]],
    is: { outcome: 'cancelled', terminationKind: 'consumer_break', fault: 'client', streamDurationMs: 12 },
  },
  {
    title: 'the process ends after a reset that nobody has noticed yet',
    script: [...streaming, [12, wireFailed(RESET)], [13, shutdown]],
    is: { outcome: 'failed', terminationKind: 'connection_error', errorType: 'ECONNRESET', streamDurationMs: 12 },
  },
  {
    title: 'the process ends while somebody reads on where nobody could look before',
    script: [started, [5, headers()], [9, wireEnded(true)], [10, read], [11, shutdown]],
    is: { ...SHUT_DOWN, stage: 'before_first_token', chunkCount: undefined },
  },
  {
    title: 'a body read where nobody can look',
    script: [started, [5, headers()], [9, wireEnded(true)], [1_009, tick]],
    is: {
      outcome: 'failed',
      failureStage: 'unknown',
      terminationKind: 'unknown',
      errorType: '_OTHER',
      chunkCount: undefined,
      bytesReceived: undefined,
      finishReasons: undefined,
    },
  },
  {
    title: 'an answer whose body cannot be seen',
    script: [started, [5, headers({ body: 'hidden' })]],
    is: { outcome: 'failed', failureStage: 'unknown', terminationKind: 'unknown', chunkCount: undefined },
  },
  {
    title: 'an answer without a body',
    script: [started, [5, headers({ body: 'none' })]],
    is: { outcome: 'failed', failureStage: 'before_first_token', terminationKind: 'eof', chunkCount: 0 },
  },
  {
    title: 'a body that breaks where nobody can look',
    script: [started, [5, headers()], [9, wireFailed(RESET, { unobserved: true })], [1_009, tick]],
    is: {
      outcome: 'failed',
      failureStage: 'unknown',
      terminationKind: 'connection_error',
      errorCategory: 'stream_interrupted',
      errorType: 'ECONNRESET',
    },
  },
];

describe('endings', () => {
  test.each(rows)('$title', ({ script, options, is }) => {
    const { outcome, milestones } = run(script, options);
    expect(outcome).toMatchObject(is);
    expect(milestones.filter((milestone) => milestone.type === 'settled')).toHaveLength(1);
  });

  test('every row of the table is named once', () => {
    expect(new Set(rows.map((row) => row.title)).size).toBe(rows.length);
  });
});
