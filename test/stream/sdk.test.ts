/** Calls whose attempts an SDK makes, and whose payloads its loop delivers. */
import { describe, expect, test } from 'vitest';
import type { CallOutcome } from '../../src/stream/outcome.js';
import type { ThrownError } from '../../src/stream/signal.js';
import {
  ABORT,
  attemptFailed,
  bytes,
  collected,
  delivered,
  document,
  done,
  eof,
  errorPayload,
  finish,
  headers,
  iterated,
  left,
  RESET,
  read,
  received,
  role,
  run,
  type Script,
  shutdown,
  started,
  TIMEOUT,
  text,
  thrown,
  tick,
  toldBy,
  wireFailed,
  wireStarted,
} from './signals.js';

const tooMany = headers({ status: 429, rejection: { category: 'rate_limit', ids: {} } });
const retried: Script = [started, [10, tooMany], attemptFailed, [510, started], [520, headers()]];
const looping: Script = [started, [5, headers()], toldBy('body'), [6, iterated], read, received(900), [8, role()]];
const SERIALIZATION: ThrownError = { kind: 'local', errorType: 'TypeError' };

interface Row {
  readonly title: string;
  readonly script: Script;
  readonly is: Partial<CallOutcome>;
}

const rows: readonly Row[] = [
  {
    title: 'a rejection is an attempt, the answer after it the call',
    script: [...retried, toldBy('body'), iterated, read, [530, text()], read, [540, finish()], done, [550, eof]],
    is: { outcome: 'completed', status: 200, attemptCount: 2, retryDelayMs: 500, timeToHeadersMs: 520 },
  },
  {
    title: "what a retried rejection said is not the call's",
    script: [started, tooMany, bytes(40), errorPayload('rate_limit'), attemptFailed, started, headers(), thrown(RESET)],
    is: { outcome: 'failed', errorCategory: 'stream_interrupted', providerError: undefined, bytesReceived: 0 },
  },
  {
    title: "the last rejection is the call's, once the SDK gives up",
    script: [started, tooMany, attemptFailed, [5_000, tick], thrown({ kind: 'unknown', errorType: 'RateLimitError' })],
    is: { outcome: 'failed', failureStage: 'request_rejected', errorCategory: 'rate_limit', errorType: '429' },
  },
  {
    title: 'a rejection that the SDK has not answered yet is open, however long it takes',
    script: [
      started,
      tooMany,
      attemptFailed,
      [60_000, tick],
      [60_001, started],
      headers(),
      toldBy('body'),
      [60_002, eof],
    ],
    is: { outcome: 'failed', terminationKind: 'eof', attemptCount: 2, retryDelayMs: 60_001 },
  },
  {
    title: 'an abort between two attempts is a cancellation, whatever the first was answered',
    script: [started, tooMany, attemptFailed, [100, thrown(ABORT)]],
    is: {
      outcome: 'cancelled',
      failureStage: 'client_aborted',
      stage: 'before_headers',
      terminationKind: 'consumer_abort',
      errorCategory: undefined,
    },
  },
  {
    title: 'time that ran out between two attempts ran out before headers',
    script: [started, tooMany, attemptFailed, [100, thrown(TIMEOUT)]],
    is: { outcome: 'failed', stage: 'before_headers', errorCategory: 'request_timeout', terminationKind: 'timeout' },
  },
  {
    title: 'what cannot be serialised never left',
    script: [thrown(SERIALIZATION)],
    is: {
      outcome: 'failed',
      failureStage: 'before_request',
      stage: 'before_request',
      terminationKind: 'local_error',
      errorCategory: 'invalid_request',
      fault: 'application',
      attemptCount: 0,
      retryable: false,
    },
  },
  {
    title: "a key that could not be had is the application's, though a network was in the way",
    script: [thrown({ kind: 'connect', errorType: 'TypeError', networkErrorCode: 'ECONNREFUSED' })],
    is: {
      failureStage: 'before_request',
      errorCategory: 'auth',
      fault: 'application',
      networkErrorCode: 'ECONNREFUSED',
    },
  },
  {
    title: 'an abort before anything was sent',
    script: [thrown(ABORT)],
    is: { outcome: 'cancelled', stage: 'before_request', terminationKind: 'consumer_abort' },
  },
  {
    title: 'a loop that ends with the terminal seen',
    script: [...looping, read, [9, text()], read, [10, finish()], read, [11, done], [11, eof]],
    is: {
      outcome: 'completed',
      terminationKind: 'done_event',
      bytesReceived: 900,
      chunkCount: 3,
      streamed: true,
      observedBy: ['fetch', 'openai'],
    },
  },
  {
    title: 'a break after the first chunk, with the whole answer there',
    script: [...looping, [9, left]],
    is: {
      outcome: 'cancelled',
      stage: 'before_first_token',
      terminationKind: 'consumer_break',
      doneEventReceived: false,
    },
  },
  {
    title: 'a break after the finish',
    script: [...looping, read, text(), read, finish(), left],
    is: { outcome: 'completed', terminationKind: 'finish_reason_eof', errorCategory: undefined },
  },
  {
    title: 'a connection that broke is no news before the loop is told',
    script: [...looping, wireStarted, [9, wireFailed(RESET)], [5_000, tick], read, text(), read, finish(), done, eof],
    is: { outcome: 'completed', terminationKind: 'done_event' },
  },
  {
    title: 'a loop that was told of the broken connection after the terminal came',
    script: [...looping, read, text(), read, finish(), read, thrown(RESET)],
    is: { outcome: 'failed', failureStage: 'after_finish_reason', errorCategory: 'stream_interrupted' },
  },
  {
    title: 'a break from a loop whose connection had broken unnoticed',
    script: [...looping, wireStarted, [9, wireFailed(RESET)], [10, left]],
    is: { outcome: 'cancelled', terminationKind: 'consumer_break', upstreamCancelled: true },
  },
  {
    title: 'a loop that nobody went on with',
    script: [...looping, read, text(), collected],
    is: { outcome: 'cancelled', terminationKind: 'not_consumed', stage: 'after_first_token' },
  },
  {
    title: 'a busy loop waits for no wire; a waiting one does',
    script: [...looping, [8_008, read], [9_008, text()], [9_009, left]],
    is: { consumerPauseMs: 8_000, maxChunkGapMs: 1_000 },
  },
  {
    title: 'a keep-alive that the SDK hands out answers a wait and is no chunk',
    script: [...looping, read, [9, delivered], [1_009, read], [1_010, text()], left],
    is: { chunkCount: 2, consumerPauseMs: 1_000, maxChunkGapMs: 2 },
  },
  {
    title: 'the process ends between two attempts: the next might have been answered',
    script: [started, tooMany, attemptFailed, [100, shutdown]],
    is: {
      outcome: 'cancelled',
      failureStage: 'unknown',
      stage: 'before_headers',
      terminationKind: 'shutdown',
      errorCategory: undefined,
      fault: 'application',
    },
  },
  {
    title: 'the process ends while the SDK reads why it was refused',
    script: [started, tooMany, attemptFailed, bytes(40), errorPayload('rate_limit'), [100, shutdown]],
    is: { outcome: 'failed', failureStage: 'request_rejected', errorCategory: 'rate_limit', fault: 'provider' },
  },
  {
    title: 'the process ends after a rejection that was handed out',
    script: [started, tooMany, attemptFailed, toldBy('body'), [100, shutdown]],
    is: { outcome: 'failed', failureStage: 'request_rejected', errorCategory: 'rate_limit' },
  },
  {
    title: 'the process ends in a loop whose connection had broken unnoticed',
    script: [...looping, wireStarted, [9, wireFailed(RESET)], [10, shutdown]],
    is: { outcome: 'cancelled', terminationKind: 'shutdown', stage: 'before_first_token', upstreamCancelled: true },
  },
  {
    title: 'the process ends in a loop that has its finish reason',
    script: [...looping, read, text(), read, finish(), read, shutdown],
    is: { outcome: 'completed', terminationKind: 'finish_reason_eof', errorCategory: undefined },
  },
  {
    title: 'hidden bytes: what a loop delivered counts, what only bytes say is absent',
    script: [
      started,
      headers({ body: 'hidden' }),
      [60_000, tick],
      iterated,
      read,
      [60_010, text()],
      read,
      finish(),
      read,
      eof,
    ],
    is: {
      outcome: 'completed',
      terminationKind: 'finish_reason_eof',
      errorCategory: undefined,
      doneEventReceived: undefined,
      bytesReceived: undefined,
      keepAliveCount: undefined,
      chunkCount: 2,
      observedBy: ['openai'],
    },
  },
  {
    title: 'hidden bytes that are handed out raw',
    script: [started, headers({ body: 'hidden' }), toldBy('body'), [2_000, tick]],
    is: { outcome: 'failed', failureStage: 'unknown', terminationKind: 'unknown' },
  },
  {
    title: 'an answer without a body',
    script: [started, headers({ status: 204, body: 'none' }), toldBy('body')],
    is: { outcome: 'failed', terminationKind: 'eof', errorCategory: 'stream_interrupted' },
  },
  {
    title: 'a document where a stream was asked for, that the loop never saw',
    script: [...looping.slice(0, -1), received(300), document('foreign'), eof],
    is: { outcome: 'failed', failureStage: 'request_rejected', errorCategory: 'invalid_response', fault: 'provider' },
  },
];

describe('an SDK makes the attempts', () => {
  test.each(rows)('$title', ({ script, is }) => {
    expect(run(script, { teller: 'sdk' }).outcome).toMatchObject(is);
  });

  test('while it may try again, nothing that happens to an attempt ends the call', () => {
    const script: Script = [started, wireStarted, wireFailed(RESET), attemptFailed, [30_000, tick]];
    expect(run(script, { teller: 'sdk' }).outcome).toBeUndefined();
  });

  test('each attempt is announced with its number', () => {
    const { milestones } = run(retried, { teller: 'sdk' });
    expect(milestones.filter(({ type }) => type === 'attempt')).toEqual([
      { type: 'attempt', atMs: 0, attempt: 1 },
      { type: 'attempt', atMs: 510, attempt: 2 },
    ]);
  });
});
