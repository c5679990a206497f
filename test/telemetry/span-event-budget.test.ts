import { describe, expect, test } from 'vitest';
import {
  FRAGMENT_RING_SIZE,
  SPAN_EVENT_CAPS,
  SPAN_EVENT_RESERVE,
  SpanEventBudget,
  type TimelineMilestone,
} from '../../src/telemetry/span-event-budget.js';
import { everyMilestone, fragments } from './samples.js';

describe('the caps', () => {
  test('add up to 45, within the reserve of 48', () => {
    expect(Object.values(SPAN_EVENT_CAPS).reduce((sum, cap) => sum + cap, 0)).toBe(45);
    expect(SPAN_EVENT_RESERVE).toBe(48);
  });

  test('hold for each type, and the surplus is counted', () => {
    const { written, suppressed } = run(128, twentyOfEach());
    expect(countByType(written)).toEqual(SPAN_EVENT_CAPS);
    // Of twenty headers in a row the last stands for all: none is missed.
    expect(suppressed).toBe(12 * 20 + 1 - 45);
  });
});

describe('fragments', () => {
  test.each([
    { limit: 128, offered: 1, leading: 1, ringed: 0, suppressed: 0 },
    { limit: 128, offered: 64, leading: 64, ringed: 0, suppressed: 0 },
    { limit: 128, offered: 80, leading: 64, ringed: 16, suppressed: 0 },
    { limit: 128, offered: 81, leading: 64, ringed: 16, suppressed: 1 },
    { limit: 128, offered: 97, leading: 64, ringed: 16, suppressed: 17 },
    { limit: 128, offered: 2000, leading: 64, ringed: 16, suppressed: 1920 },
    { limit: 512, offered: 464, leading: 448, ringed: 16, suppressed: 0 },
    { limit: 512, offered: 2000, leading: 448, ringed: 16, suppressed: 1536 },
    { limit: 58, offered: 30, leading: 0, ringed: 10, suppressed: 20 },
    { limit: 48, offered: 30, leading: 0, ringed: 0, suppressed: 30 },
    { limit: 0, offered: 3, leading: 0, ringed: 0, suppressed: 3 },
    { limit: Number.POSITIVE_INFINITY, offered: 2000, leading: 2000, ringed: 0, suppressed: 0 },
  ])('limit $limit, $offered offered: the first $leading and the newest $ringed are written', (row) => {
    const { written, beforeClose, suppressed } = run(row.limit, fragments(row.offered));
    const numbers = written.map((milestone) => (milestone.type === 'tool_call_fragment' ? milestone.fragment : -1));
    const all = Array.from({ length: row.offered }, (_, index) => index);
    expect(numbers).toEqual([...all.slice(0, row.leading), ...all.slice(row.offered - row.ringed)]);
    expect(beforeClose).toBe(row.leading);
    expect(suppressed).toBe(row.suppressed);
    expect(FRAGMENT_RING_SIZE).toBe(16);
  });
});

describe('response headers', () => {
  const headers = (status: number): TimelineMilestone => ({ type: 'response_headers', atMs: status, status });
  const attempt = (number: number): TimelineMilestone => ({ type: 'attempt', atMs: number, attempt: number });

  test('of several attempts, those of the answer the call goes on with are written, before what follows them', () => {
    const { written, suppressed } = run(128, [
      attempt(1),
      headers(429),
      attempt(2),
      headers(200),
      { type: 'first_chunk', atMs: 300 },
      { type: 'done', atMs: 400 },
    ]);
    expect(written).toEqual([attempt(1), attempt(2), headers(200), { type: 'first_chunk', atMs: 300 }, done(400)]);
    expect(suppressed).toBe(0);
  });

  test('those of an attempt that comes too late are counted', () => {
    const { written, suppressed } = run(128, [headers(200), { type: 'first_chunk', atMs: 300 }, headers(500)]);
    expect(written).toEqual([headers(200), { type: 'first_chunk', atMs: 300 }]);
    expect(suppressed).toBe(1);
  });

  test('those of a call of which nothing else is known are written at the end', () => {
    expect(run(128, [headers(429)]).written).toEqual([headers(429)]);
  });
});

describe('a limit below the reserve', () => {
  test('is never exceeded, whatever it is', () => {
    for (let limit = 0; limit <= 60; limit += 1) {
      const { written } = run(limit, [...twentyOfEach(), ...fragments(40)]);
      expect(written.length).toBe(limit < 45 ? limit : 45 + Math.max(0, limit - 48));
    }
  });

  test.each([
    { limit: 1, types: ['exception'] },
    { limit: 2, types: ['cancelled', 'exception'] },
    { limit: 3, types: ['cancelled', 'exception', 'finish'] },
    { limit: 4, types: ['cancelled', 'exception', 'finish', 'first_token'] },
    { limit: 5, types: ['cancelled', 'exception', 'finish', 'first_token', 'response_headers'] },
  ])('of $limit keeps $types', ({ limit, types }) => {
    expect(Object.keys(countByType(run(limit, twentyOfEach()).written)).sort()).toEqual(types);
  });

  test('of 32 keeps every type, and no fragment', () => {
    const { written, suppressed } = run(32, [...twentyOfEach(), ...fragments(10)]);
    expect(Object.keys(countByType(written)).sort()).toEqual(Object.keys(SPAN_EVENT_CAPS).sort());
    expect(suppressed).toBe(12 * 20 + 1 + 10 - 32);
  });

  test.each([-1, Number.NaN, 0.5])('of %s writes nothing', (limit) => {
    expect(run(limit, everyMilestone).written).toEqual([]);
  });
});

function run(limit: number, milestones: readonly TimelineMilestone[]) {
  const written: TimelineMilestone[] = [];
  const budget = new SpanEventBudget(limit, (milestone) => written.push(milestone));
  for (const milestone of milestones) budget.offer(milestone);
  const beforeClose = written.length;
  budget.close();
  return { written, beforeClose, suppressed: budget.suppressedCount };
}

function twentyOfEach(): TimelineMilestone[] {
  return everyMilestone
    .filter((milestone) => milestone.type !== 'tool_call_fragment')
    .flatMap((milestone) => Array.from({ length: 20 }, () => milestone));
}

function countByType(milestones: readonly TimelineMilestone[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of milestones) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

function done(atMs: number): TimelineMilestone {
  return { type: 'done', atMs };
}
