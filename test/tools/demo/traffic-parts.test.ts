/** The small parts of the traffic: who begins when, what is counted, what is lost. */
import { describe, expect, test } from 'vitest';
import { watchExports } from '../../../src/tools/demo/traffic/exports.js';
import { inTurn } from '../../../src/tools/demo/traffic/in-turn.js';
import { roundLine } from '../../../src/tools/demo/traffic/report.js';
import { Tally } from '../../../src/tools/demo/traffic/tally.js';

describe('work in turn', () => {
  test('has never more at once than is allowed, and is done when all of it is', async () => {
    const running = new Set<number>();
    const seen: number[] = [];
    await inTurn([1, 2, 3, 4, 5], { paceMs: 0, atOnce: 2, signal: new AbortController().signal }, async (item) => {
      running.add(item);
      seen.push(running.size);
      await new Promise((resolve) => setImmediate(resolve));
      running.delete(item);
    });
    expect(seen).toHaveLength(5);
    expect(Math.max(...seen)).toBe(2);
    expect(running.size).toBe(0);
  });

  test('begins nothing after its signal fired, and waits for what runs', async () => {
    const stop = new AbortController();
    const done: number[] = [];
    await inTurn([1, 2, 3], { paceMs: 60_000, atOnce: 9, signal: stop.signal }, async (item) => {
      stop.abort();
      await new Promise((resolve) => setImmediate(resolve));
      done.push(item);
    });
    expect(done).toEqual([1]);
  });
});

describe('the tally', () => {
  test('counts what ended alike, in all and since it was asked', () => {
    const tally = new Tally();
    tally.ended({}, { outcome: 'completed' });
    tally.ended({}, { outcome: 'failed', failureStage: 'unknown' });
    expect(tally.news()).toEqual([
      { outcome: 'completed', calls: 1 },
      { outcome: 'failed', failureStage: 'unknown', calls: 1 },
    ]);
    tally.ended({}, { outcome: 'completed' });
    expect(tally.news()).toEqual([{ outcome: 'completed', calls: 1 }]);
    expect(tally.total()).toEqual([
      { outcome: 'completed', calls: 2 },
      { outcome: 'failed', failureStage: 'unknown', calls: 1 },
    ]);
  });

  test('is settled when every call that began has ended', async () => {
    const tally = new Tally();
    const [one, other] = [{}, {}];
    tally.began(one);
    tally.began(other);
    let isSettled = false;
    const settled = tally.settled().then(() => {
      isSettled = true;
    });
    tally.ended(one, { outcome: 'completed' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isSettled).toBe(false);
    tally.ended(other, { outcome: 'completed' });
    await settled;
    await tally.settled();
  });
});

describe('a watched exporter', () => {
  test('says what was taken, what was lost, and each change once', () => {
    const results: { code: number; error?: Error }[] = [
      { code: 1, error: new Error('refused') },
      { code: 1, error: new Error('refused again') },
      { code: 0 },
    ];
    const exporter = {
      export(_items: string[], done: (result: { code: number; error?: Error }) => void) {
        const result = results.shift();
        if (result !== undefined) done(result);
      },
    };
    const changes: (string | undefined)[] = [];
    const exported = watchExports(exporter, {
      count: ({ length }) => length,
      changed: (problem) => changes.push(problem),
    });
    const told: number[] = [];
    const send = (...items: string[]) => exporter.export(items, ({ code }) => told.push(code));
    send('a', 'b');
    send('c');
    expect(exported()).toEqual({ accepted: 0, lost: 3, problem: 'refused again' });
    send('d');
    expect(exported()).toEqual({ accepted: 1, lost: 3 });
    // Nothing is heard of this one.
    send('e', 'f');
    expect(exported()).toEqual({ accepted: 1, lost: 5 });
    expect(changes).toEqual(['refused', undefined]);
    expect(told).toEqual([1, 1, 0]);
  });
});

test('the line of a round says how calls ended, the most frequent failures first', () => {
  const ended = [
    { outcome: 'failed', failureStage: 'unknown', calls: 1 },
    { outcome: 'completed', calls: 8 },
    { outcome: 'failed', failureStage: 'request_rejected', calls: 2 },
  ];
  expect(roundLine(4, ended)).toBe(
    'round 4: 11 calls, 8 completed, 0 cancelled, 3 failed (2 request_rejected, 1 unknown)',
  );
});
