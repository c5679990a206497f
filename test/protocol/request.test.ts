import { describe, expect, test } from 'vitest';
import { describeRequest, type Endpoint, type RequestToDescribe } from '../../src/protocol/request.js';

function describing(...args: Parameters<typeof describeRequest> extends [infer R, infer E, unknown] ? [R, E] : never) {
  return describeRequest(...args, { startEpochMs: 1 });
}

function request(
  given: Partial<Omit<RequestToDescribe, 'header'>> & { headers?: Record<string, string> },
): RequestToDescribe {
  const { headers = {}, url = 'https://api.openai.com/v1/chat/completions', method = 'POST', body } = given;
  return { url, method, body, header: (name) => headers[name] };
}

const BODY = {
  model: 'gpt-5.1',
  messages: [
    { role: 'system', content: 'Be short.' },
    { role: 'user', content: [{ type: 'text', text: 'Hi "you"' }] },
  ],
  stream: true,
  stream_options: { include_usage: true },
  max_completion_tokens: 64,
  temperature: 0.2,
  top_p: 0.9,
  seed: -7,
  n: 2,
  frequency_penalty: 0.5,
  presence_penalty: -0.5,
  stop: ['END', 'x'.repeat(100)],
  reasoning_effort: 'low',
  response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } },
  service_tier: 'flex',
  tools: [
    { type: 'function', function: { name: 'f' } },
    { type: 'function', function: { name: 'g' } },
  ],
  user: 'somebody',
};

test('a chat completion is described from its URL, headers and body', () => {
  const body = JSON.stringify(BODY);
  expect(describing(request({ body, headers: { authorization: 'Bearer sk-secret' } }), [])).toEqual({
    dialect: 'openai-chat-completions',
    estimatedInputTokens: 5,
    description: {
      operation: 'chat',
      apiType: 'chat_completions',
      startEpochMs: 1,
      provider: 'openai',
      model: 'gpt-5.1',
      serverAddress: 'api.openai.com',
      serverPort: 443,
      stream: true,
      parameters: {
        maxTokens: 64,
        temperature: 0.2,
        topP: 0.9,
        topK: undefined,
        seed: -7,
        choiceCount: 2,
        frequencyPenalty: 0.5,
        presencePenalty: -0.5,
        stopSequences: ['END', 'x'.repeat(64)],
        reasoningLevel: 'low',
        outputType: 'json',
        serviceTier: 'flex',
      },
      bodySize: Buffer.byteLength(body),
      messageCount: 2,
      toolCount: 2,
      apiKeyPresent: true,
      azure: false,
    },
  });
});

test('bytes say the same as text', () => {
  const body = JSON.stringify({ ...BODY, model: 'größe' });
  expect(describing(request({ body: new TextEncoder().encode(body) }), [])).toEqual(describing(request({ body }), []));
});

describe('recognition', () => {
  test.each([
    ['a query', { url: 'https://h/v1/chat/completions?api-version=1' }],
    ['a slash at the end', { url: 'https://h/v1/chat/completions/' }],
    ['a relative URL', { url: '/v1/chat/completions' }],
  ])('%s is observed', (_name, given) => {
    expect(describing(request(given), [])).toBeDefined();
  });

  test.each([
    ['another method', { method: 'GET' }],
    ['another path', { url: 'https://api.openai.com/v1/embeddings' }],
    ['a path that goes on', { url: 'https://api.openai.com/v1/chat/completions/abc/messages' }],
    ['a longer name', { url: 'https://api.openai.com/v1/xchat/completions2' }],
    ['the path in a query', { url: 'https://h/log?path=/chat/completions' }],
    ['no URL', { url: '' }],
  ])('%s is not', (_name, given) => {
    expect(describing(request(given), [])).toBeUndefined();
  });

  test.each<[string, Endpoint, string, boolean]>([
    ['a URL', { url: 'https://llm.example/v1' }, 'https://llm.example/v1/generate?key=1', true],
    ['a URL and nothing behind it', { url: 'https://llm.example' }, 'https://llm.example', true],
    ['a URL with a port', { url: 'http://llm.example' }, 'http://llm.example:8080/x', true],
    ['a URL of another host', { url: 'https://llm.example' }, 'https://llm.example.com/x', false],
    ['a URL of another segment', { url: 'https://llm.example/v1' }, 'https://llm.example/v10', false],
    ['a path', { url: '/generate' }, 'https://h/v1/generate?x=1', true],
    ['a path elsewhere', { url: '/generate' }, 'https://h/generate/x', false],
    ['a pattern', { url: /llm\.example/ }, 'https://llm.example/x', true],
    ['everything', { url: /.*/ }, 'data:text/plain,hi', true],
    ['a blob', { url: 'blob:' }, 'blob:nodedata:1', true],
  ])('%s that is configured', (_name, endpoint, url, expected) => {
    for (let time = 0; time < 3; time++) {
      expect(describing(request({ url, method: 'GET' }), [endpoint]) !== undefined).toBe(expected);
    }
  });

  test('what is configured names the provider', () => {
    const endpoints = [{ url: 'https://api.openai.com', provider: 'acme' }];
    expect(describing(request({}), endpoints)?.description.provider).toBe('acme');
  });
});

describe('where it goes', () => {
  test.each([
    ['http://127.0.0.1:8000/v1/chat/completions', 'openai', '127.0.0.1', 8000],
    ['http://localhost/v1/chat/completions', 'openai', 'localhost', 80],
    ['http://[::1]:9/chat/completions', 'openai', '::1', 9],
    ['https://api.groq.com/openai/v1/chat/completions', 'groq', 'api.groq.com', 443],
    ['https://openrouter.ai/api/v1/chat/completions', 'openrouter', 'openrouter.ai', 443],
    [
      'https://generativelanguage.googleapis.com/v1beta/openai/chat/completions',
      'gcp.gemini',
      'generativelanguage.googleapis.com',
      443,
    ],
    ['/v1/chat/completions', 'openai', undefined, undefined],
  ])('%s', (url, provider, serverAddress, serverPort) => {
    expect(describing(request({ url }), [])?.description).toMatchObject({
      provider,
      serverAddress,
      serverPort,
      azure: false,
    });
  });

  test.each([
    [
      'https://acme.openai.azure.com/openai/deployments/my%20gpt/chat/completions?api-version=1',
      'azure.ai.openai',
      'my gpt',
    ],
    ['https://gateway.example/openai/deployments/gpt/chat/completions', 'azure.ai.openai', 'gpt'],
    ['https://acme.services.ai.azure.com/models/chat/completions', 'azure.ai.inference', undefined],
    ['https://acme.openai.azure.com/openai/v1/chat/completions', 'azure.ai.openai', undefined],
  ])('%s is Azure', (url, provider, model) => {
    expect(describing(request({ url }), [])?.description).toMatchObject({ provider, model, azure: true });
  });

  test('a model in the body is the one, whatever the deployment', () => {
    const url = 'https://acme.openai.azure.com/openai/deployments/d/chat/completions';
    expect(describing(request({ url, body: '{"model":"gpt"}' }), [])?.description.model).toBe('gpt');
  });
});

test.each([
  [{ authorization: 'Bearer sk-1' }, true],
  [{ 'api-key': 'k' }, true],
  [{ 'x-api-key': 'k' }, true],
  [{ 'x-goog-api-key': 'k' }, true],
  [{ authorization: 'Bearer ' }, false],
  [{ authorization: '' }, false],
  [{}, false],
])('with the headers %j a key is present: %s', (headers: Record<string, string>, expected) => {
  const described = describing(request({ headers }), []);
  expect(described?.description.apiKeyPresent).toBe(expected);
  expect(JSON.stringify(described)).not.toContain('sk-1');
});

describe('streaming', () => {
  test.each([
    [undefined, undefined],
    ['{"stream":true}', true],
    ['{"stream":false}', false],
    ['{"model":"m"}', false],
    ['{"model":"m"', undefined],
    ['{"stream":"yes","model":"m"', undefined],
    ['grant_type=x', undefined],
  ])('the body %j asks for a stream: %s', (body, stream) => {
    expect(describing(request({ body }), [])?.description.stream).toBe(stream);
  });
});

test('parameters in other spellings, and those that are none', () => {
  const body = {
    max_tokens: 5,
    top_k: 40,
    n: 1,
    stop: 'END',
    reasoning: { effort: 'high' },
    response_format: { type: 'text' },
    service_tier: 'auto',
    temperature: 'hot',
  };
  expect(describing(request({ body: JSON.stringify(body) }), [])?.description.parameters).toEqual({
    maxTokens: 5,
    topK: 40,
    stopSequences: ['END'],
    reasoningLevel: 'high',
    outputType: 'text',
  });
});

test('nothing of a prompt, a key or a query is in a description', () => {
  const body = JSON.stringify({
    model: 'm',
    messages: [{ role: 'user', content: 'sesame' }],
    metadata: { a: 'sesame' },
  });
  const described = describing(
    request({ url: 'https://u:sesame@h/chat/completions?key=sesame', body, headers: { 'x-api-key': 'sesame' } }),
    [],
  );
  expect(JSON.stringify(described)).not.toContain('sesame');
});
