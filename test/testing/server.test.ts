import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  chatCompletion,
  closedPort,
  type FaultyProvider,
  httpError,
  httpReply,
  httpText,
  ssePayloads,
  startFaultyProvider,
} from '../../src/testing/index.js';
import { MOST_REQUESTS } from '../../src/testing/received-request.js';
import { ask } from './ask.js';

let provider: FaultyProvider;
beforeEach(async () => {
  provider = await startFaultyProvider({ scenarios: { one: { reply: ssePayloads(['1'], { done: false }) } } });
});
afterEach(() => provider.close());

const two = { reply: ssePayloads(['2'], { done: false }) };
const ONE = 'data: 1\n\n';
const TWO = 'data: 2\n\n';

describe('the scenario that answers is', () => {
  test('the one named like the model', async () => {
    expect((await ask(provider.url, 'one')).body).toBe(ONE);
  });

  test('else the one its header names, on any path', async () => {
    const headers = { 'x-faulty-scenario': 'one' };
    expect((await ask(provider.url, 'unknown', { headers, path: '/v1/responses' })).body).toBe(ONE);
  });

  test('the model rather than the header', async () => {
    provider.define('two', two);
    expect((await ask(provider.url, 'two', { headers: { 'x-faulty-scenario': 'one' } })).body).toBe(TWO);
  });

  test('else `default`, a good answer', async () => {
    const { status, body } = await ask(provider.url, 'unknown');
    expect([status, body.match(/"content":"[^"]+"|\[DONE\]/g)]).toEqual([
      200,
      ['"content":"Hello"', '"content":" there"', '"content":"."', '[DONE]'],
    ]);
  });

  test('`default` as it was defined', async () => {
    provider.define('default', two);
    expect((await ask(provider.url, 'unknown')).body).toBe(TWO);
  });

  test('none without `default`: 404 model_not_found', async () => {
    provider.remove('default');
    const { status, body, headers } = await ask(provider.url, 'gpt-none');
    expect([status, headers.get('content-type'), body]).toEqual([
      404,
      'application/json',
      '{"error":{"message":"The model `gpt-none` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}',
    ]);
    expect(provider.requests[0]?.scenario).toBeUndefined();
  });

  test('none on another path: 404 unknown_url', async () => {
    const { status, body } = await ask(provider.url, 'unknown', { path: '/v1/nothing?key=1' });
    expect([status, body]).toEqual([
      404,
      '{"error":{"message":"Unknown request URL: POST /v1/nothing.","type":"invalid_request_error","param":null,"code":"unknown_url"}}',
    ]);
  });
});

describe('attempts', () => {
  test('each get their entry of a list, the last one repeats', async () => {
    provider.define('retry', [{ reply: httpError(429) }, { reply: httpError(503) }, two]);
    const statuses: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) statuses.push((await ask(provider.url, 'retry')).status);
    expect(statuses).toEqual([429, 503, 200, 200]);
    expect(provider.requests.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
  });

  test('start anew with `define`', async () => {
    const list = [{ reply: httpError(429) }, two];
    provider.define('retry', list);
    await ask(provider.url, 'retry');
    provider.define('retry', list);
    expect((await ask(provider.url, 'retry')).status).toBe(429);
  });
});

describe('replies', () => {
  test.each([
    {
      reply: httpError(
        429,
        { type: 'tokens', code: 'rate_limit_exceeded', message: 'm', param: 'p' },
        { 'Retry-After': '1' },
      ),
      status: 429,
      headers: { 'content-type': 'application/json', 'retry-after': '1' },
      body: '{"error":{"message":"m","type":"tokens","param":"p","code":"rate_limit_exceeded"}}',
    },
    {
      reply: httpText(502, '<html>Bad Gateway</html>'),
      status: 502,
      headers: { 'content-type': 'text/html' },
      body: '<html>Bad Gateway</html>',
    },
    {
      reply: chatCompletion({ choices: [] }),
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: '{"choices":[]}',
    },
    {
      reply: httpReply({ status: 302, headers: { 'x-a': 'b' } }),
      status: 302,
      headers: { 'x-a': 'b', 'content-length': '0' },
      body: '',
    },
    {
      reply: ssePayloads([{ a: 1 }, 'two\nlines']),
      status: 200,
      headers: { 'content-type': 'text/event-stream; charset=utf-8' },
      body: 'data: {"a":1}\n\ndata: two\ndata: lines\n\ndata: [DONE]\n\n',
    },
  ])('$status $body', async ({ reply, status, headers, body }) => {
    provider.define('reply', { reply });
    const seen = await ask(provider.url, 'reply');
    expect([seen.status, seen.body, seen.end]).toEqual([status, body, 'clean']);
    expect(Object.fromEntries(seen.headers)).toMatchObject(headers);
  });
});

describe('a received request', () => {
  test('says what arrived and how it went', async () => {
    const seen = await ask(provider.url, 'one', { includeUsage: true, headers: { 'X-Canary': 'yes' } });
    const request = await provider.request(0);
    await request.closed;
    expect(seen.headers.get('x-request-id')).toBe('req_faulty_0');
    expect(request).toMatchObject({
      index: 0,
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json', 'x-canary': 'yes' },
      bodySize: 69,
      model: 'one',
      stream: true,
      includeUsage: true,
      scenario: 'one',
      attempt: 1,
      status: 200,
      chunksWritten: 1,
      bytesWritten: 9,
      bytesAccepted: 9,
      ending: 'clean',
      closedBy: 'server',
    });
  });

  test('keeps nothing of a prompt', async () => {
    await fetch(`${provider.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'one', stream: true, messages: [{ role: 'user', content: 'canary-5f1' }] }),
    });
    expect(JSON.stringify(provider.requests)).not.toContain('canary-5f1');
  });

  test('may be waited for', async () => {
    const second = provider.request(1);
    await ask(provider.url, 'one');
    await ask(provider.url, 'default');
    expect((await second).scenario).toBe('default');
  });

  test.each([
    { body: 'no json', model: undefined },
    { body: '{"model":5}', model: undefined },
    { body: '', model: undefined },
  ])('with the body "$body" goes to `default`', async ({ body }) => {
    const { status } = await fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body });
    expect([status, provider.requests[0]?.scenario]).toEqual([200, 'default']);
  });

  test(`is kept among the last ${MOST_REQUESTS}`, async () => {
    for (let left = MOST_REQUESTS + 1; left > 0; left -= 1) {
      const response = await fetch(`${provider.url}/x`);
      await response.body?.cancel();
    }
    expect(provider.requests).toHaveLength(MOST_REQUESTS);
    expect(provider.requests[0]?.index).toBe(1);
    await expect(provider.request(0)).rejects.toThrow('request 0 is no longer kept, only the last 1000');
  });
});

test('a client that leaves in the middle of its own request is recorded as such', async () => {
  const socket = connect(Number(new URL(provider.url).port), '127.0.0.1');
  socket.end('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"model":"one"', () =>
    socket.destroy(),
  );
  const request = await provider.request(0);
  await request.closed;
  expect(request).toMatchObject({ closedBy: 'client', scenario: undefined, status: undefined, bytesWritten: 0 });
});

test("Azure's path is a chat path", async () => {
  const { body } = await ask(provider.url, 'one', { path: '/openai/deployments/d/chat/completions?api-version=1' });
  expect(body).toBe(ONE);
});

test('a closed port refuses', async () => {
  const { end } = await ask(`http://127.0.0.1:${await closedPort()}`, 'one');
  expect(end).toBe('TypeError: fetch failed (ECONNREFUSED)');
});

test('a taken port rejects', async () => {
  const port = Number(new URL(provider.url).port);
  await expect(startFaultyProvider({ port })).rejects.toThrow('EADDRINUSE');
});
