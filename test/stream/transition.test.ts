import { describe, expect, test } from 'vitest';
import {
  args,
  bytes,
  chunk,
  done,
  eof,
  finish,
  headers,
  invalid,
  left,
  RESET,
  read,
  role,
  run,
  type Script,
  started,
  text,
  thrown,
  tick,
  tool,
  usage,
} from './signals.js';

const open: Script = [started, [5, headers()], [6, read]];

function told(script: Script, options?: Parameters<typeof run>[1]): string[] {
  return run(script, options).milestones.map((milestone) => `${milestone.atMs} ${milestone.type}`);
}

describe('milestones', () => {
  test('a good stream is told in order', () => {
    expect(
      told([
        ...open,
        [10, bytes()],
        role(),
        [11, read],
        [20, bytes()],
        text(),
        [30, read],
        [31, bytes()],
        finish(),
        usage(),
        done,
        [32, read],
        [33, eof],
      ]),
    ).toEqual([
      '0 attempt',
      '5 response_headers',
      '10 first_chunk',
      '20 first_token',
      '31 finish',
      '31 usage',
      '31 done',
      '33 settled',
    ]);
  });

  test('a role-only chunk is a chunk and no token', () => {
    expect(told([...open, [10, bytes()], role(), text(0)])).not.toContain('10 first_token');
  });

  test('each fragment of a tool call is told with its position and length', () => {
    const { milestones } = run([
      ...open,
      [10, bytes()],
      tool(0),
      args(3, false),
      tool(1, 'get_time'),
      args(2, true, 1),
      args(4, true, 0),
      finish('tool_calls'),
    ]);
    expect(milestones.filter((milestone) => milestone.type === 'tool_call_fragment')).toEqual([
      { type: 'tool_call_fragment', atMs: 10, choice: 0, index: 0, fragment: 0, characters: 3 },
      { type: 'tool_call_fragment', atMs: 10, choice: 0, index: 1, fragment: 0, characters: 2 },
      { type: 'tool_call_fragment', atMs: 10, choice: 0, index: 0, fragment: 1, characters: 4 },
    ]);
    expect(milestones.filter((milestone) => milestone.type === 'tool_call_completed')).toEqual([
      { type: 'tool_call_completed', atMs: 10, choice: 0, index: 0 },
      { type: 'tool_call_completed', atMs: 10, choice: 0, index: 1 },
    ]);
  });

  test('a tool call is the first token of a turn without text', () => {
    const { outcome } = run([...open, [10, bytes()], tool(), finish('tool_calls'), done, eof]);
    expect(outcome).toMatchObject({ timeToFirstTokenMs: 10, firstTokenChannel: 'tool_call', outputChunkCount: 1 });
  });

  test('an exception is told where something was thrown, with its class', () => {
    const { milestones } = run([...open, [10, thrown(RESET)]]);
    expect(milestones.at(-2)).toEqual({ type: 'exception', atMs: 10, errorType: 'TypeError' });
  });

  test('leaving is told as cancelled, and a settled call takes no more signals', () => {
    expect(told([...open, [10, bytes()], text(), [11, left], [12, eof], text(), [13, thrown(RESET)]])).toEqual([
      '0 attempt',
      '5 response_headers',
      '10 first_chunk',
      '10 first_token',
      '11 cancelled',
      '11 settled',
    ]);
  });

  test('what follows the terminal is not counted', () => {
    const { outcome } = run([...open, [10, bytes()], text(), done, text(), invalid, [11, read], eof]);
    expect(outcome).toMatchObject({ chunkCount: 1, invalidChunkCount: 0, outcome: 'completed' });
  });

  test('characters are counted by channel, and arguments on their own', () => {
    const { outcome } = run([
      ...open,
      [10, bytes(50)],
      chunk(
        { type: 'output', choice: 0, channel: 'reasoning', characters: 7 },
        { type: 'output', choice: 0, channel: 'text', characters: 5 },
      ),
      tool(),
      args(9, true),
      finish('tool_calls'),
      eof,
    ]);
    expect(outcome).toMatchObject({
      outputCharacters: 5,
      reasoningCharacters: 7,
      toolCallArgumentCharacters: 9,
      bytesReceived: 50,
      estimatedOutputTokens: 6,
    });
  });

  test('usage that came replaces every estimate', () => {
    const { outcome } = run([...open, [10, bytes()], text(), finish(), usage(), done, eof], {
      estimatedInputTokens: 3,
    });
    expect(outcome).toMatchObject({ usage: { inputTokens: 10, outputTokens: 20 }, usageSource: 'final' });
    expect(outcome?.estimatedInputTokens).toBeUndefined();
    expect(outcome?.estimatedOutputTokens).toBeUndefined();
  });

  test('no more than 128 tool calls are followed, all are counted', () => {
    const calls = Array.from({ length: 130 }, (_, index) => tool(index, `t${index}`));
    const { outcome } = run([...open, [10, bytes()], ...calls, finish('tool_calls'), done, eof]);
    expect(outcome).toMatchObject({ toolCallCount: 130, toolCallCompletedCount: 128 });
    expect(outcome?.toolCallArgumentsCompleted).toBeUndefined();
  });
});

describe('silence', () => {
  const streaming: Script = [...open, [10, bytes()], text(), [10, read]];

  test('a silence is found at a tick, once', () => {
    expect(told([...streaming, [10_009, tick], [10_010, tick], [15_010, tick]]).slice(4)).toEqual(['10010 stall']);
  });

  test('a silence is found at the next chunk where no tick came', () => {
    const { milestones } = run([...streaming, [12_010, bytes()], text()]);
    expect(milestones.at(-1)).toEqual({ type: 'stall', atMs: 12_010, gapMs: 12_000 });
  });

  test('a silence found at a tick is not found again at the chunk that ends it', () => {
    const { outcome } = run([...streaming, [11_000, tick], [12_010, bytes()], text(), finish(), done, eof]);
    expect(outcome).toMatchObject({ stallCount: 1, maxChunkGapMs: 12_000, outcome: 'completed' });
  });

  test('comments do not restart the clock', () => {
    const comment = (atMs: number) => ({ type: 'keep_alive', atMs }) as const;
    expect(
      told([...streaming, [6_000, bytes()], comment, [6_000, read], [10_500, bytes()], comment, read, tick]),
    ).toContain('10500 stall');
  });

  test('a busy consumer does not run the clock', () => {
    const { outcome } = run([
      ...open,
      [10, bytes()],
      text(),
      [20_010, read],
      [20_015, bytes()],
      text(),
      finish(),
      done,
      read,
      eof,
    ]);
    expect(outcome).toMatchObject({ stallCount: 0, maxChunkGapMs: 5, consumerPauseMs: 20_000 });
  });

  test('a silence in which the call ends is a stall, whether or not a tick met it', () => {
    expect(told([...streaming, [12_000, thrown(RESET)]]).slice(4)).toEqual([
      '12000 stall',
      '12000 exception',
      '12000 settled',
    ]);
    expect(told([...streaming, [11_000, tick], [12_000, thrown(RESET)]]).slice(4)).toEqual([
      '11000 stall',
      '12000 exception',
      '12000 settled',
    ]);
  });

  test('the wait for the end of a finished answer is no stall', () => {
    expect(told([...open, [10, bytes()], text(), finish(), read, [20_000, tick], [30_000, eof]])).not.toContain(
      '20000 stall',
    );
  });

  test('the wait for the first chunk is no gap', () => {
    const { outcome } = run([...open, [15_000, tick], [20_000, bytes()], text(), finish(), done, eof]);
    expect(outcome).toMatchObject({ stallCount: 0, timeToFirstTokenMs: 20_000 });
    expect(outcome?.maxChunkGapMs).toBe(0);
  });

  test.each<readonly [string, Script, number | undefined]>([
    ['left at once', [...open, [10, bytes()], text(), [20, left]], undefined],
    ['left after a pause', [...open, [10, bytes()], text(), [5_000, left]], undefined],
    ['left while it waits for another', [...streaming, [5_010, left]], 5_000],
    ['reset while it waits for another', [...streaming, [5_010, thrown(RESET)]], 5_000],
    ['finished by it, and waits for the end', [...open, [10, bytes()], finish(), read, [5_000, eof]], undefined],
  ])('of a single chunk there is a gap only where its consumer waited: %s', (_, script, gapMs) => {
    const { outcome } = run(script);
    expect([outcome?.chunkCount, outcome?.maxChunkGapMs]).toEqual([1, gapMs]);
  });
});
