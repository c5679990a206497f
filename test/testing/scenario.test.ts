import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chatText, type FaultyProvider, httpError, startFaultyProvider } from '../../src/testing/index.js';

let provider: FaultyProvider;
beforeAll(async () => {
  provider = await startFaultyProvider();
});
afterAll(() => provider.close());

const reply = chatText(['Hel', 'lo']);

/** As somebody without types would write it. */
function define(scenario: unknown): void {
  Reflect.apply(provider.define, provider, ['s', scenario]);
}

describe('`define` refuses', () => {
  test.each<{ scenario: unknown; message: string }>([
    { scenario: undefined, message: 'scenario "s" must be a scenario or a list of them, got undefined' },
    { scenario: [], message: 'scenario "s" must be a scenario or a list of them, got []' },
    { scenario: [{ reply }, 5], message: 'scenario "s": a scenario must be an object, got 5' },
    { scenario: {}, message: 'scenario "s": `reply` of a scenario must be an object, got undefined' },
    {
      scenario: { reply: 'text' },
      message: 'scenario "s": `reply` of a scenario must be an object, got "text"',
    },
    {
      scenario: { reply: { type: 'x' } },
      message: 'scenario "s": `reply` must be what a builder such as `chatText` or `httpError` made, got {"type":"x"}',
    },
    {
      scenario: { reply: httpError(99) },
      message: 'scenario "s": `status` of `reply` must be a whole number, 200 to 599, got 99',
    },
    {
      scenario: { reply: httpError(429, {}, { 'retry after': '1' }) },
      message:
        'scenario "s": `headers` of `reply` must be an object of header names and string values, got {"retry after":"1"}',
    },
    {
      scenario: { reply, fault: [] },
      message: 'scenario "s": `fault` of a scenario must be one of its fields (reply, delivery, faults, hold), got []',
    },
    {
      scenario: { reply, faults: {} },
      message: 'scenario "s": `faults` of a scenario must be a list, got {}',
    },
    {
      scenario: { reply, faults: [{ type: 'no_such' }] },
      message: expect.stringMatching(
        /^scenario "s": `type` of a fault must be one of reset, close, .*, got "no_such"$/,
      ),
    },
    {
      scenario: { reply, faults: [null] },
      message: expect.stringMatching(/^scenario "s": `type` of a fault must be one of .*, got undefined$/),
    },
    {
      scenario: { reply, faults: [{ type: 'reset' }] },
      message:
        'scenario "s": fault `reset` must be given exactly one of `afterChunks` and `after`, got {"type":"reset"}',
    },
    {
      scenario: { reply, faults: [{ type: 'reset', afterChunks: '2' }] },
      message: 'scenario "s": `afterChunks` of fault `reset` must be a whole number of chunks, 0 or more, got "2"',
    },
    {
      scenario: { reply, faults: [{ type: 'reset', afterChunks: 6 }] },
      message: 'scenario "s": `afterChunks` of fault `reset` must be at most 5, the chunks of this reply, got 6',
    },
    {
      scenario: { reply, faults: [{ type: 'reset', after: 'noon' }] },
      message:
        'scenario "s": `after` of fault `reset` must be one of "request", "headers", "finish", "done", got "noon"',
    },
    {
      scenario: { reply, faults: [{ type: 'stall', afterChunks: 1 }] },
      message: 'scenario "s": `ms` of fault `stall` must be a number of milliseconds from 0 to 600000, got undefined',
    },
    {
      scenario: { reply, faults: [{ type: 'silent_end', after: 'request' }] },
      message: 'scenario "s": `after` of fault `silent_end` must be a place behind the headers, got "request"',
    },
    {
      scenario: { reply, faults: [{ type: 'raw_bytes', afterChunks: 1, hex: 'abc' }] },
      message: 'scenario "s": `hex` of fault `raw_bytes` must be pairs of hexadecimal digits, got "abc"',
    },
    {
      scenario: { reply, faults: [{ type: 'heartbeats', everyMs: 1, everyChunks: 1 }] },
      message:
        'scenario "s": fault `heartbeats` must be given exactly one of `everyChunks` and `everyMs`, got {"type":"heartbeats","everyMs":1,"everyChunks":1}',
    },
    {
      scenario: { reply, faults: [{ type: 'retry_after' }] },
      message: 'scenario "s": fault `retry_after` must be given `seconds`, `ms` or both, got {"type":"retry_after"}',
    },
    {
      scenario: {
        reply,
        faults: [
          { type: 'reset', afterChunks: 1 },
          { type: 'close', afterChunks: 2 },
        ],
      },
      message: 'scenario "s": `faults` must be a list with one ending at most, got ["reset","close"]',
    },
    {
      scenario: { reply, faults: [{ type: 'no_gzip_trailer' }] },
      message: 'scenario "s": fault `no_gzip_trailer` must be together with `delivery.gzip`, got {}',
    },
    {
      scenario: { reply, delivery: { writes: 'slices' } },
      message:
        'scenario "s": `writes` of `delivery` must be \'per_message\', \'whole\' or { sliced: { bytes } }, got "slices"',
    },
    {
      scenario: { reply, delivery: { writes: { sliced: { bytes: 0 } } } },
      message: 'scenario "s": `bytes` of `sliced` of `delivery` must be a whole number of bytes, 1 or more, got 0',
    },
    {
      scenario: { reply, delivery: { gzip: true, framing: 'content_length' } },
      message:
        'scenario "s": `framing` of `delivery` must be `chunked` or `until_close` together with `gzip`, got "content_length"',
    },
    {
      scenario: { reply, hold: { afterChunks: 1, until: 'released' } },
      message:
        'scenario "s": `gate` of `hold` must be the name of a gate with `until: \'released\'`, else absent, got undefined',
    },
    {
      scenario: { reply, hold: { afterChunks: 9, until: 'client_gone' } },
      message: 'scenario "s": `afterChunks` of `hold` must be at most 5, the chunks of this reply, got 9',
    },
    {
      scenario: { reply, hold: [{ afterChunks: 1, until: 'noon' }] },
      message: 'scenario "s": `until` of `hold` must be one of "client_gone", "released", got "noon"',
    },
  ])('$message', ({ scenario, message }) => {
    expect(() => define(scenario)).toThrow(TypeError);
    expect(() => define(scenario)).toThrow(expect.objectContaining({ message }));
  });
});

test('the options are checked too', async () => {
  await expect(startFaultyProvider({ port: -1 })).rejects.toThrow(
    '`port` of the options must be a whole number, 0 to 65535, got -1',
  );
  const scenarios = { bad: { reply, faults: [{ type: 'reset', afterChunks: -1 } as const] } };
  await expect(startFaultyProvider({ scenarios })).rejects.toThrow(
    'scenario "bad": `afterChunks` of fault `reset` must be a whole number of chunks, 0 or more, got -1',
  );
});
