/** A call inside a callback of the application: who left because it had enough, and whose own code threw. */
import { describe, expect, test } from 'vitest';
import {
  ABORT,
  bytes,
  callbackEnded,
  collected,
  done,
  eof,
  finish,
  headers,
  held,
  invalid,
  iterated,
  left,
  RESET,
  read,
  released,
  run,
  type Script,
  shutdown,
  started,
  text,
  thrown,
  tick,
  toldBy,
  wireEnded,
  wireFailed,
  wireStarted,
} from './signals.js';

/** In the text at 10, as a raw reader sees it, and as the loop of an SDK does. */
const ROADS = {
  body: [started, wireStarted, [5, headers()], [6, read], [10, bytes()], text()],
  sdk: [started, wireStarted, [5, headers()], toldBy('sdk'), iterated, [6, read], [10, text()]],
} satisfies Record<string, Script>;
const NO_MORE: Script = [[60_000, tick]];

const FAILED = 'cancelled, consumer_error, application, client_aborted, after_first_token';
const ENOUGH = 'cancelled, consumer_break, client, client_aborted, after_first_token';

/** The end of the call, and when it was. */
function endOf(script: Script, { teller, ...how }: { teller: 'body' | 'sdk'; inContext: boolean }) {
  const { milestones, outcome } = run(script, { teller, ...how });
  if (outcome === undefined) return { outcome: 'open' };
  const { terminationKind, fault, failureStage, stage, errorCategory } = outcome;
  const words = [outcome.outcome, terminationKind, fault, failureStage, stage, errorCategory].filter(Boolean);
  expect(milestones.filter((milestone) => milestone.type === 'settled')).toHaveLength(1);
  return { outcome: words.join(', '), atMs: milestones.at(-1)?.atMs };
}

describe.each(['body', 'sdk'] as const)('told by the %s, a consumer that left', (road) => {
  const inText = ROADS[road];

  test.each<readonly [string, Script, string, number]>([
    [
      'and whose callback then fails',
      [
        [20, left],
        [21, callbackEnded('failed')],
      ],
      FAILED,
      20,
    ],
    [
      'and whose callback ends well',
      [
        [20, left],
        [21, callbackEnded('well')],
      ],
      ENOUGH,
      20,
    ],
    [
      'and whose callback is under way when the grace has passed',
      [
        [20, left],
        [1020, tick],
      ],
      ENOUGH,
      20,
    ],
    [
      'and whose callback fails after the grace',
      [
        [20, left],
        [1020, tick],
        [1021, callbackEnded('failed')],
      ],
      ENOUGH,
      20,
    ],
    [
      'and fails so late that nobody ticked before',
      [
        [20, left],
        [1020, callbackEnded('failed')],
      ],
      FAILED,
      20,
    ],
    [
      'twice',
      [
        [20, left],
        [21, left],
        [22, callbackEnded('failed')],
      ],
      FAILED,
      20,
    ],
    [
      'in a callback within another, which ends well first',
      [
        [20, left],
        [21, callbackEnded('failed', true)],
      ],
      FAILED,
      20,
    ],
    [
      'after the inner callback ended well, and whose outer one fails',
      [
        [15, callbackEnded('well', true)],
        [20, left],
        [21, callbackEnded('failed')],
      ],
      FAILED,
      20,
    ],
    [
      'of whose two callbacks the inner one ends well first',
      [
        [20, left],
        [21, callbackEnded('well', true)],
        [22, callbackEnded('failed')],
      ],
      FAILED,
      20,
    ],
    [
      'whose stream is collected before the callback ends',
      [
        [20, left],
        [21, collected],
        [22, callbackEnded('well')],
      ],
      ENOUGH,
      20,
    ],
    [
      'when the process ends',
      [
        [20, left],
        [21, shutdown],
      ],
      ENOUGH,
      20,
    ],
    [
      'after the callback',
      [
        [15, callbackEnded('well')],
        [20, left],
      ],
      ENOUGH,
      20,
    ],
    [
      'after a finish reason',
      [
        [19, read],
        [19, finish()],
        [20, left],
        [21, callbackEnded('failed')],
      ],
      'completed, finish_reason_eof, done',
      20,
    ],
  ])('%s', (_, script, outcome, atMs) => {
    expect(endOf([...inText, ...script, ...NO_MORE], { teller: road, inContext: true })).toEqual({ outcome, atMs });
  });

  test('outside of any callback, at once', () => {
    expect(endOf([...inText, [20, left]], { teller: road, inContext: false })).toEqual({ outcome: ENOUGH, atMs: 20 });
  });

  test('is still open to the question why, before its callback has ended', () => {
    expect(endOf([...inText, [20, left], [1019, tick]], { teller: road, inContext: true })).toEqual({
      outcome: 'open',
    });
  });
});

describe('what follows the leaving', () => {
  const cancelled: Script = [...ROADS.body, [20, left]];

  test.each<readonly [string, Script]>([
    [
      'a read of the cancelled stream, and its end',
      [
        [21, read],
        [22, eof],
      ],
    ],
    [
      'a read that fails',
      [
        [21, read],
        [22, thrown(RESET)],
      ],
    ],
    [
      'another reader',
      [
        [21, held],
        [22, released],
      ],
    ],
    ['bytes and chunks on their way', [[21, bytes()], text(), invalid, done]],
    ['an abort to be sure', [[21, thrown(ABORT)]]],
    ['the failure of the connection', [[21, wireFailed(RESET, { unobserved: true })]]],
  ])('changes nothing: %s', (_, script) => {
    const how = { teller: 'body', inContext: true } as const;
    expect(endOf([...cancelled, ...script, [30, callbackEnded('failed')]], how)).toEqual({ outcome: FAILED, atMs: 20 });
    expect(endOf([...cancelled, ...script, [30, callbackEnded('well')]], how)).toEqual({ outcome: ENOUGH, atMs: 20 });
    const { outcome } = run([...cancelled, ...script, [30, callbackEnded('well')]], { inContext: true });
    expect(outcome).toMatchObject({ chunkCount: 1, bytesReceived: 100, outputCharacters: 5, invalidChunkCount: 0 });
  });

  test('says whether the cancellation reached the connection', () => {
    const script: Script = [...cancelled, [21, wireFailed(ABORT, { by: 'consumer' })], [30, callbackEnded('failed')]];
    expect(run(script, { inContext: true }).outcome?.upstreamCancelled).toBe(true);
    expect(run([...cancelled, [30, callbackEnded('failed')]], { inContext: true }).outcome?.upstreamCancelled).toBe(
      false,
    );
  });
});

describe('leaving right after a malformed chunk, as SDKs do,', () => {
  const script: Script = [...ROADS.body, [15, read], [16, bytes()], invalid, [16, left]];

  test.each(['failed', 'well'] as const)('is an invalid chunk where the callback ends %s', (how) => {
    expect(endOf([...script, [20, callbackEnded(how)]], { teller: 'body', inContext: true })).toEqual({
      outcome: 'failed, decode_error, upstream, after_first_token, after_first_token, invalid_stream_chunk',
      atMs: 16,
    });
  });
});

describe('a callback that fails with its stream open', () => {
  test.each<readonly [string, Script, string, number | undefined]>([
    [
      'and nobody reading: nobody knows yet',
      [
        [20, callbackEnded('failed')],
        [1020, tick],
        [60_000, tick],
      ],
      'open',
      undefined,
    ],
    [
      'and nobody reading ever: its code threw',
      [
        [20, callbackEnded('failed')],
        [610_000, tick],
      ],
      FAILED,
      20,
    ],
    [
      'and its reader released then: its code threw',
      [
        [20, callbackEnded('failed')],
        [25, released],
        [1025, tick],
      ],
      FAILED,
      20,
    ],
    [
      'and another reader that cancels: its code threw',
      [
        [15, released],
        [20, callbackEnded('failed')],
        [25, held],
        [5000, left],
      ],
      FAILED,
      15,
    ],
    [
      'and a connection that breaks then, as nobody reads: its code threw',
      [
        [20, callbackEnded('failed')],
        [30, wireFailed(RESET)],
        [1030, tick],
      ],
      FAILED,
      20,
    ],
    [
      'and a connection that breaks before it cancels: its code threw',
      [
        [20, callbackEnded('failed')],
        [30, wireFailed(RESET)],
        [35, left],
      ],
      FAILED,
      20,
    ],
    [
      'and somebody else reading on into a broken connection: that is what was wrong',
      [
        [20, callbackEnded('failed')],
        [30, wireFailed(RESET)],
        [40, read],
        [41, thrown(RESET)],
      ],
      'failed, connection_error, upstream, after_first_token, after_first_token, stream_interrupted',
      41,
    ],
    [
      'and somebody else reading on, who then has enough: a break',
      [[20, callbackEnded('failed')], [5000, read], [5001, bytes()], text(), [5002, left]],
      ENOUGH,
      5002,
    ],
    [
      'and somebody reading on unseen: nobody knows',
      [
        [20, callbackEnded('failed')],
        [30, wireEnded(true)],
        [31, collected],
      ],
      'failed, unknown, unknown, after_first_token, unknown',
      31,
    ],
    [
      'after its reader was released: its code threw',
      [
        [15, released],
        [20, callbackEnded('failed')],
        [1020, tick],
      ],
      FAILED,
      15,
    ],
    [
      'and cancels while it cleans up: its code threw',
      [
        [20, callbackEnded('failed')],
        [25, left],
      ],
      FAILED,
      20,
    ],
    [
      'and is collected: its code threw',
      [
        [20, callbackEnded('failed')],
        [25, collected],
      ],
      FAILED,
      20,
    ],
    [
      'within another that fails, too',
      [
        [20, callbackEnded('failed', true)],
        [25, callbackEnded('failed')],
        [30, collected],
      ],
      FAILED,
      20,
    ],
    [
      'while somebody waits for a chunk: it goes on',
      [
        [15, read],
        [20, callbackEnded('failed')],
        [1020, tick],
        [1021, bytes()],
        text(),
        finish(),
        done,
        read,
        [1022, eof],
      ],
      'completed, done_event, done',
      1022,
    ],
    [
      'and somebody else reading on, however late: it goes on',
      [[20, callbackEnded('failed')], [1020, tick], [5000, read], [5001, bytes()], finish(), done, read, [5002, eof]],
      'completed, done_event, done',
      5002,
    ],
    [
      'and a connection that broke before: that is what was wrong',
      [
        [15, wireFailed(RESET)],
        [20, callbackEnded('failed')],
        [1020, tick],
      ],
      'failed, connection_error, upstream, after_first_token, after_first_token, stream_interrupted',
      15,
    ],
    [
      'when the process ends: its code threw',
      [
        [20, callbackEnded('failed')],
        [21, shutdown],
      ],
      FAILED,
      20,
    ],
  ])('%s', (_, script, outcome, atMs) => {
    const end = endOf([...ROADS.body, ...script], { teller: 'body', inContext: true });
    expect(end).toEqual(atMs === undefined ? { outcome } : { outcome, atMs });
  });

  test('and a loop beside it that pauses: the loop goes on', () => {
    const script: Script = [
      ...ROADS.sdk,
      [20, callbackEnded('failed')],
      [1020, tick],
      [1300, read],
      [1301, finish()],
      [1302, read],
      [1303, eof],
    ];
    expect(endOf(script, { teller: 'sdk', inContext: true })).toEqual({
      outcome: 'completed, finish_reason_eof, done, missing_done_event',
      atMs: 1303,
    });
  });

  test.each([
    ['is left', left],
    ['is collected', collected],
    ['is open when the process ends', shutdown],
  ])('and a loop that %s, however late: its code threw', (_, step) => {
    const script: Script = [...ROADS.sdk, [20, callbackEnded('failed')], [1020, tick], [5000, step]];
    expect(endOf(script, { teller: 'sdk', inContext: true })).toEqual({ outcome: FAILED, atMs: 20 });
  });

  test('before its headers: it goes on', () => {
    const script: Script = [
      started,
      [5, callbackEnded('failed')],
      [2000, tick],
      [2001, headers()],
      [2002, read],
      [2003, eof],
    ];
    expect(endOf(script, { teller: 'body', inContext: true })).toMatchObject({ atMs: 2003 });
  });

  test('after a refusal, whose body nobody reads: a refusal', () => {
    const script: Script = [
      started,
      [5, headers({ status: 503, rejection: { category: 'overloaded', ids: {} } })],
      [6, callbackEnded('failed')],
      [1005, tick],
    ];
    expect(endOf(script, { teller: 'body', inContext: true })).toEqual({
      outcome: 'failed, http_error, provider, request_rejected, before_headers, overloaded',
      atMs: 5,
    });
  });

  test('and a finished answer, of which only the last read is missing: complete', () => {
    const script: Script = [
      ...ROADS.body,
      [15, read],
      [16, bytes()],
      finish(),
      done,
      [20, callbackEnded('failed')],
      [1020, tick],
    ];
    expect(endOf(script, { teller: 'body', inContext: true })).toEqual({
      outcome: 'completed, done_event, done',
      atMs: 16,
    });
  });
});

describe('a callback that ends well', () => {
  test('and leaves its stream open changes nothing: somebody else reads it', () => {
    expect(
      endOf([...ROADS.body, [20, callbackEnded('well')], [60_000, tick]], { teller: 'body', inContext: true }),
    ).toEqual({
      outcome: 'open',
    });
  });
});
