import { describe, expect, test } from 'vitest';
import { chatCompletions, MAX_CHOICES, MAX_TOOL_CALLS } from '../../../src/protocol/dialects/chat-completions.js';
import type { PayloadReader } from '../../../src/protocol/dialects/dialect.js';
import { FIXTURE_NAMES, fixture, inWords, signalsOf } from '../read-body.js';

/** What each body says, in the order in which it says it; usage is input/output/cached/reasoning. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  audio: [
    'chunk: choice 0, audio 2',
    'chunk: choice 0, audio 4',
    'chunk: choice 0',
    'chunk: choice 0, finish stop',
    'terminal',
  ],
  'azure-filter-results': [
    'chunk',
    'chunk: choice 0, text 2',
    'chunk: choice 0',
    'chunk: choice 0, finish content_filter',
    'terminal',
  ],
  'content-parts-mistral': [
    'chunk: choice 0, reasoning 4',
    'chunk: choice 0, text 8',
    'chunk: choice 0, finish stop',
    'terminal',
  ],
  'cut-after-payload': ['chunk: choice 0, text 1', 'chunk: choice 0, text 1'],
  'cut-inside-payload': ['chunk: choice 0, text 1'],
  'data-over-several-lines': ['chunk: choice 0, text 1', 'chunk: choice 0, finish stop', 'terminal'],
  'done-without-line-end': ['chunk: choice 0, text 1', 'chunk: choice 0, finish stop', 'terminal'],
  'gateway-error-then-done': [
    'chunk: choice 0, text 4',
    'error: rate_limit type=undefined code=rate_limit_exceeded param=undefined',
    'terminal',
  ],
  'gateway-error-without-done': [
    'chunk: choice 0, text 4',
    'error: server_error type=server_error code=upstream_error param=undefined',
  ],
  'gateway-tool-calls-all-index-0': [
    'chunk: choice 0, call 0 starts get_weather call_a, call 0 +8 open',
    'chunk: choice 0, call 0 +8 closed',
    'chunk: choice 0, call 1 starts get_time call_b, call 1 +14 closed',
    'chunk: choice 0',
    'chunk: choice 0, finish tool_calls',
    'terminal',
  ],
  'gateway-usage-with-empty-delta': [
    'chunk: choice 0, text 1',
    'chunk: choice 0, finish end_turn',
    'chunk: choice 0, usage 5/1/-/-',
    'terminal',
  ],
  'groq-usage': [
    'chunk: choice 0',
    'chunk: choice 0, text 1',
    'chunk: choice 0, finish stop, usage 5/1/-/-',
    'terminal',
  ],
  'keep-alives': [
    'keep_alive',
    'keep_alive',
    'keep_alive',
    'keep_alive',
    'chunk: choice 0, text 2',
    'keep_alive',
    'chunk: choice 0, finish stop',
    'terminal',
  ],
  'legacy-function-call': [
    'chunk: choice 0, call 0 starts lookup undefined',
    'chunk: choice 0, call 0 +5 open',
    'chunk: choice 0, call 0 +3 closed',
    'chunk: choice 0, finish function_call',
    'terminal',
  ],
  'malformed-payload': [
    'chunk: choice 0, text 1',
    'invalid_chunk',
    'chunk: choice 0, text 1',
    'chunk: choice 0, finish stop',
    'terminal',
  ],
  obfuscation: [
    'chunk: choice 0',
    'chunk: choice 0, text 3',
    'chunk: choice 0, text 4',
    'chunk: choice 0, text 6',
    'chunk: choice 0, finish stop',
    'terminal',
  ],
  'odd-payloads': ['chunk', 'chunk', 'chunk', 'chunk', 'chunk', 'chunk: choice 2', 'chunk'],
  'openrouter-error-with-choices': [
    'chunk: choice 0, text 4',
    'error: server_error type=undefined code=502 param=undefined',
  ],
  'parallel-tool-calls': [
    'chunk: choice 0',
    'chunk: choice 0, call 0 starts get_weather call_a',
    'chunk: choice 0, call 0 +4 open',
    'chunk: choice 0, call 0 +12 closed',
    'chunk: choice 0, call 1 starts get_time call_b',
    'chunk: choice 0, call 1 +2 closed',
    'chunk: choice 0, finish tool_calls',
    'terminal',
  ],
  'reasoning-deepseek': [
    'chunk: choice 0',
    'chunk: choice 0, reasoning 3',
    'chunk: choice 0, reasoning 5',
    'chunk: choice 0, text 2',
    'chunk: choice 0, finish stop, usage 7/9/0/-',
    'terminal',
  ],
  'reasoning-openrouter': [
    'keep_alive',
    'chunk: choice 0, reasoning 10',
    'keep_alive',
    'chunk: choice 0, reasoning 4',
    'chunk: choice 0, text 4',
    'chunk: choice 0, finish stop',
    'terminal',
  ],
  refusal: [
    'chunk: choice 0',
    'chunk: choice 0, refusal 7',
    'chunk: choice 0, refusal 9',
    'chunk: choice 0, finish stop',
    'terminal',
  ],
  'text-and-usage': [
    'chunk: choice 0',
    'chunk: choice 0, text 5',
    'chunk: choice 0, text 6',
    'chunk: choice 0, finish stop',
    'chunk: usage 19/10/4/2',
    'terminal',
  ],
  'text-not-ascii': [
    'chunk: choice 0, text 5',
    'chunk: choice 0, text 3',
    'chunk: choice 0, text 3',
    'chunk: choice 0, text 2',
    'chunk: choice 0, text 19',
    'chunk: choice 0, finish stop',
    'terminal',
  ],
  'tool-call-cut-by-length': [
    'chunk: choice 0, call 0 starts get_weather call_a',
    'chunk: choice 0, call 0 +13 open',
    'chunk: choice 0, finish length',
    'terminal',
  ],
  'tool-calls-without-index': [
    'chunk: choice 0, call 0 starts get_weather call_a, call 0 +16 closed, call 1 starts get_time call_b, call 1 +2 closed',
    'chunk: choice 0, finish tool_calls',
    'terminal',
  ],
  'two-choices': [
    'chunk: choice 0, text 1',
    'chunk: choice 1, text 1',
    'chunk: choice 0, finish stop',
    'chunk: choice 1, text 1',
    'chunk: choice 1, finish length',
    'terminal',
  ],
  'usage-all-zeros': ['chunk: choice 0, text 1', 'chunk: choice 0, finish stop', 'chunk: usage 0/0/-/-', 'terminal'],
  'usage-on-every-chunk': [
    'chunk: choice 0, partial usage 5/0/-/-',
    'chunk: choice 0, text 1, partial usage 5/1/-/-',
    'chunk: choice 0, text 1, finish stop, usage 5/2/-/-',
    'chunk: usage 5/2/-/-',
    'terminal',
  ],
};

test('every fixture has an expectation', () => {
  expect(Object.keys(EXPECTED).sort()).toEqual([...FIXTURE_NAMES].sort());
});

test.each(Object.entries(EXPECTED))('%s', (name, expected) => {
  expect(signalsOf([fixture(name)]).map(inWords)).toEqual(expected);
});

function read(payload: unknown, reader: PayloadReader = chatCompletions.createReader(), event?: string): string {
  return inWords(reader.read(payload, 0, event));
}

test('a chunk carries id, model, tier and fingerprint, and the time it was given', () => {
  expect(signalsOf([fixture('text-and-usage')])[1]).toEqual({
    type: 'chunk',
    atMs: 0,
    id: 'chatcmpl-9',
    model: 'gpt-5.1-2025-11-13',
    serviceTier: 'default',
    systemFingerprint: 'fp_44709d6fcb',
    parts: [
      { type: 'choice', choice: 0 },
      { type: 'output', choice: 0, channel: 'text', characters: 5 },
    ],
  });
});

test('an identifier is cut at 256 characters, a finish reason at 64, a tool name at 128', () => {
  const long = 'x'.repeat(1_000);
  const call = { index: 0, id: long, function: { name: long } };
  const payload = { id: long, choices: [{ delta: { tool_calls: [call] }, finish_reason: long }] };
  expect(chatCompletions.createReader().read(payload, 0)).toMatchObject({
    id: 'x'.repeat(256),
    parts: [
      { type: 'choice' },
      { type: 'tool_call_started', id: 'x'.repeat(256), name: 'x'.repeat(128) },
      { type: 'finish', reason: 'x'.repeat(64) },
    ],
  });
});

test('a chunk without an id of its own does not repeat the last one', () => {
  const reader = chatCompletions.createReader();
  reader.read({ id: 'a', choices: [] }, 0);
  expect(reader.read({ choices: [] }, 0)).toMatchObject({ id: undefined });
});

test('a whole answer reads as its message, and its usage is final', () => {
  const message = {
    role: 'assistant',
    content: 'Hi',
    reasoning_content: 'Hm',
    refusal: null,
    tool_calls: [{ id: 'call_a', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
  };
  const usage = { prompt_tokens: 3, completion_tokens: 4 };
  expect(read({ choices: [{ index: 0, message, finish_reason: 'tool_calls' }], usage })).toBe(
    'chunk: choice 0, reasoning 2, text 2, call 0 starts f call_a, call 0 +7 closed, finish tool_calls, usage 3/4/-/-',
  );
});

test('arguments that came as an object are closed', () => {
  const call = { function: { name: 'f', arguments: { city: 'Paris' } } };
  expect(read({ choices: [{ delta: { tool_calls: [call] } }] })).toBe(
    'chunk: choice 0, call 0 starts f undefined, call 0 +16 closed',
  );
});

test('the input of a custom tool is text, which always closes', () => {
  const call = { index: 0, id: 'call_a', type: 'custom', custom: { name: 'f', input: 'print(' } };
  expect(read({ choices: [{ delta: { tool_calls: [call] } }] })).toBe(
    'chunk: choice 0, call 0 starts f call_a, call 0 +6 closed',
  );
});

test('an id repeated on every fragment goes on with its call', () => {
  const reader = chatCompletions.createReader();
  const payload = (text: string) => ({
    choices: [{ delta: { tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: text } }] } }],
  });
  expect(read(payload('{'), reader)).toBe('chunk: choice 0, call 0 starts f a, call 0 +1 open');
  expect(read(payload('}'), reader)).toBe('chunk: choice 0, call 0 +1 closed');
});

test('without index and id, a second name begins a second call', () => {
  const reader = chatCompletions.createReader();
  const payload = (name: string | undefined, text: string) => ({
    choices: [{ delta: { tool_calls: [{ function: { name, arguments: text } }] } }],
  });
  expect(read(payload('f', '{'), reader)).toBe('chunk: choice 0, call 0 starts f undefined, call 0 +1 open');
  expect(read(payload(undefined, '}'), reader)).toBe('chunk: choice 0, call 0 +1 closed');
  expect(read(payload('g', '{}'), reader)).toBe('chunk: choice 0, call 1 starts g undefined, call 1 +2 closed');
});

test('the same wire index in two choices is two calls', () => {
  const reader = chatCompletions.createReader();
  const payload = (index: number, text: string) => ({
    choices: [{ index, delta: { tool_calls: [{ index: 0, function: { arguments: text } }] } }],
  });
  expect(read(payload(0, '{'), reader)).toBe('chunk: choice 0, call 0 starts undefined undefined, call 0 +1 open');
  expect(read(payload(1, '{}'), reader)).toBe('chunk: choice 1, call 0 starts undefined undefined, call 0 +2 closed');
});

test('of choices beyond the bound the output is counted, and none of them begins or finishes', () => {
  const reader = chatCompletions.createReader();
  for (let index = 0; index < MAX_CHOICES; index++) read({ choices: [{ index, delta: {} }] }, reader);
  const choice = { index: MAX_CHOICES, delta: { content: 'abc' }, finish_reason: 'stop' };
  expect(read({ choices: [choice] }, reader)).toBe('chunk: text 3');
});

test('of tool calls beyond the bound start and fragments are told, and their arguments never close', () => {
  const reader = chatCompletions.createReader();
  const payload = (index: number) => ({
    choices: [{ delta: { tool_calls: [{ index, id: `${index}`, function: { name: 'f', arguments: '{}' } }] } }],
  });
  for (let index = 0; index < MAX_TOOL_CALLS - 1; index++) read(payload(index), reader);
  expect(read(payload(127), reader)).toBe('chunk: choice 0, call 127 starts f 127, call 127 +2 closed');
  expect(read(payload(128), reader)).toBe('chunk: choice 0, call 128 starts f 128, call 128 +2 open');
});

describe('errors inside an answer', () => {
  test.each([
    [
      { error: { message: 'secret', type: 'server_error', code: null } },
      'server_error type=server_error code=undefined',
    ],
    [{ error: 'secret text' }, 'server_error type=undefined code=undefined'],
    [
      { type: 'error', error: { type: 'overloaded_error', message: 'secret' } },
      'overloaded type=overloaded_error code=undefined',
    ],
    [
      { object: 'error', message: 'secret', type: 'BadRequestError', code: 400 },
      'invalid_request type=BadRequestError code=400',
    ],
  ])('%j', (payload, expected) => {
    expect(read(payload)).toBe(`error: ${expected} param=undefined`);
  });

  test.each([{ error: null }, { error: '' }, { error: false }])('%j is none', (payload) => {
    expect(read(payload)).toBe('chunk');
  });

  test('a chunk with choices under an `error` event is a chunk', () => {
    expect(read({ choices: [{ delta: { content: 'a' } }] }, undefined, 'error')).toBe('chunk: choice 0, text 1');
  });
});

test.each([5, 'x', null, [], {}, true, { choices: {} }, { choices: [[]] }, { usage: 'no' }])(
  'the odd payload %j is a chunk without parts',
  (payload) => {
    expect(read(payload)).toBe('chunk');
  },
);
