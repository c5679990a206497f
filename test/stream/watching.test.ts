/** What metrics and budgets ask of a call: a milestone for each chunk, and to be named in the outcome. */
import { describe, expect, test } from 'vitest';
import {
  budgeted,
  bytes,
  done,
  eof,
  finish,
  headers,
  read,
  role,
  run,
  type Script,
  started,
  text,
  tick,
} from './signals.js';

const begun: Script = [started, [5, headers()], [6, read]];

function chunks(script: Script, options?: Parameters<typeof run>[1]) {
  return run(script, options).milestones.filter((milestone) => milestone.type === 'chunk');
}

describe('a watched call', () => {
  test('tells each chunk, and whether it carries output', () => {
    const script: Script = [...begun, [10, bytes()], text(), [30, bytes()], role(), finish()];
    expect(chunks(script, { watched: true })).toEqual([
      { type: 'chunk', atMs: 10, hasOutput: true },
      { type: 'chunk', atMs: 30, hasOutput: false },
      { type: 'chunk', atMs: 30, hasOutput: false },
    ]);
  });

  test('tells no chunk where nobody asked', () => {
    expect(chunks([...begun, [10, bytes()], role(), text()])).toEqual([]);
  });
});

describe('budgets', () => {
  const limits = { headersMs: 30_000, idleMs: 20_000 };

  test('are in the outcome, however the call ends', () => {
    const { outcome } = run([budgeted(limits), ...begun, [10, bytes()], text(), finish(), done, read, [11, eof]]);
    expect(outcome).toMatchObject({ outcome: 'completed', budgets: { headersMs: 30_000, idleMs: 20_000 } });
  });

  test('end nothing by themselves: whoever enforces them aborts', () => {
    expect(run([budgeted(limits), ...begun, [30_001, tick]]).outcome).toBeUndefined();
  });

  test('are absent where there are none', () => {
    expect(run([...begun, [10, eof]]).outcome?.budgets).toBeUndefined();
  });
});
