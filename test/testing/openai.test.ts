import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  chatText,
  chatToolCalls,
  type FaultyProvider,
  httpError,
  startFaultyProvider,
} from '../../src/testing/index.js';

const messages = [{ role: 'user', content: 'Hi' }] as const;
let provider: FaultyProvider;
let client: OpenAI;
beforeEach(async () => {
  provider = await startFaultyProvider();
  client = new OpenAI({ baseURL: `${provider.url}/v1`, apiKey: 'sk-test', logLevel: 'off' });
});
afterEach(() => provider.close());

/** What the loop of an application gets: texts, then how it ended. */
async function loop(model: string): Promise<string[]> {
  const got: string[] = [];
  try {
    const stream = await client.chat.completions.create({ model, messages: [...messages], stream: true });
    for await (const { choices } of stream) got.push(choices[0]?.delta.content || choices[0]?.finish_reason || '-');
    return [...got, 'end'];
  } catch (error) {
    return [...got, error instanceof Error ? `${error.constructor.name}: ${error.message}` : String(error)];
  }
}

test('a stream is read to its end', async () => {
  provider.define('text', { reply: chatText(['Hel', 'lo']) });
  expect(await loop('text')).toEqual(['-', 'Hel', 'lo', 'stop', 'end']);
  expect(provider.requests[0]).toMatchObject({ scenario: 'text', stream: true, path: '/v1/chat/completions' });
});

test('usage comes when it is asked for', async () => {
  provider.define('usage', { reply: chatText(['Hel', 'lo']) });
  const stream = await client.chat.completions.create({
    model: 'usage',
    messages: [...messages],
    stream: true,
    stream_options: { include_usage: true },
  });
  const usages: unknown[] = [];
  for await (const { usage } of stream) usages.push(usage);
  expect(usages).toEqual([null, null, null, null, { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 }]);
});

test('the helper puts parallel tool calls together', async () => {
  const calls = [
    { name: 'weather', fragments: ['{"city"', ':"Paris"}'] },
    { name: 'time', fragments: ['{}'] },
  ];
  provider.define('tools', { reply: chatToolCalls(calls, { interleaved: true }) });
  const completion = await client.chat.completions
    .stream({ model: 'tools', messages: [...messages] })
    .finalChatCompletion();
  expect(completion.choices[0]?.message.tool_calls).toMatchObject([
    { id: 'call_0', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } },
    { id: 'call_1', type: 'function', function: { name: 'time', arguments: '{}' } },
  ]);
});

test('without streaming, the same script is one document', async () => {
  provider.define('text', { reply: chatText(['Hel', 'lo']) });
  const completion = await client.chat.completions.create({ model: 'text', messages: [...messages] });
  expect(completion.choices[0]).toMatchObject({
    finish_reason: 'stop',
    message: { role: 'assistant', content: 'Hello' },
  });
  expect(completion.usage).toEqual({ prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 });
});

test('429, 429, ok: the SDK retries twice', async () => {
  const limited = { reply: httpError(429, { code: 'rate_limit_exceeded' }, { 'retry-after-ms': '1' }) };
  provider.define('retry', [limited, limited, { reply: chatText(['ok']) }]);
  expect(await loop('retry')).toEqual(['-', 'ok', 'stop', 'end']);
  const retries = provider.requests.map(({ attempt, headers }) => [attempt, headers['x-stainless-retry-count']]);
  expect(retries).toEqual([
    [1, '0'],
    [2, '1'],
    [3, '2'],
  ]);
});

describe('an application sees', () => {
  test.each([
    { fault: { type: 'reset', afterChunks: 2 }, sees: ['-', 'Hel', 'TypeError: terminated'] },
    { fault: { type: 'close', afterChunks: 2 }, sees: ['-', 'Hel', 'TypeError: terminated'] },
    { fault: { type: 'silent_end', afterChunks: 2 }, sees: ['-', 'Hel', 'end'] },
    { fault: { type: 'no_done' }, sees: ['-', 'Hel', 'lo', 'stop', 'end'] },
    { fault: { type: 'reset', after: 'done' }, sees: ['-', 'Hel', 'lo', 'stop', 'TypeError: terminated'] },
    { fault: { type: 'reset', after: 'finish' }, sees: ['-', 'Hel', 'lo', 'stop', 'TypeError: terminated'] },
    { fault: { type: 'in_band_error', afterChunks: 2, error: { message: 'm' } }, sees: ['-', 'Hel', 'APIError: m'] },
    { fault: { type: 'content_type', value: 'text/html' }, sees: ['-', 'Hel', 'lo', 'stop', 'end'] },
  ] as const)('$fault.type: $sees', async ({ fault, sees }) => {
    provider.define('faulty', { reply: chatText(['Hel', 'lo']), faults: [fault] });
    expect(await loop('faulty')).toEqual(sees);
  });

  test('a malformed chunk: SyntaxError', async () => {
    provider.define('faulty', {
      reply: chatText(['Hel', 'lo']),
      faults: [{ type: 'malformed_chunk', afterChunks: 2 }],
    });
    expect((await loop('faulty'))[2]).toMatch(/^SyntaxError: /);
  });

  test('a model that does not exist: NotFoundError', async () => {
    provider.remove('default');
    expect(await loop('gpt-none')).toEqual([
      'NotFoundError: 404 The model `gpt-none` does not exist or you do not have access to it.',
    ]);
  });
});

test('a break is the client leaving', async () => {
  provider.define('held', { reply: chatText(['Hel', 'lo']), hold: { afterChunks: 2, until: 'client_gone' } });
  const stream = await client.chat.completions.create({ model: 'held', messages: [...messages], stream: true });
  for await (const { choices } of stream) if (choices[0]?.delta.content === 'Hel') break;
  const request = await provider.request(0);
  await request.closed;
  expect(request).toMatchObject({ closedBy: 'client', chunksWritten: 2 });
});
