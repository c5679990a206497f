/** A process in which no instrumentation was ever registered: what goes out there, nobody sees. */
import { once } from 'node:events';
import http from 'node:http';
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { instrumentOpenAI, recordFailure, withCallContext } from '../../src/index.js';
import { chatText, type FaultyProvider, startFaultyProvider } from '../../src/testing/index.js';

const exporter = new InMemorySpanExporter();
let provider: FaultyProvider;

beforeAll(async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  const cut = { reply: chatText(['Hello', ' there']), faults: [{ type: 'reset' as const, afterChunks: 2 }] };
  provider = await startFaultyProvider({ scenarios: { cut } });
  instrumentOpenAI(OpenAI);
});
afterAll(() => provider.close());
beforeEach(() => exporter.reset());

const told = () =>
  exporter.getFinishedSpans().map(({ name, attributes }) => [name, attributes['llm_stream.failure_stage']]);
const body = JSON.stringify({ model: 'cut', stream: true, messages: [] });
const urlOf = () => `${provider.url}/v1/chat/completions`;

async function askByHttp(): Promise<void> {
  const request = http.request(urlOf(), { method: 'POST' }).end(body);
  const [response] = await once(request, 'response');
  // The request fails with its answer.
  request.on('error', () => {});
  for await (const _ of response);
}

test.each<readonly [string, () => Promise<unknown>]>([
  ['`fetch`', async () => (await fetch(urlOf(), { method: 'POST', body })).text()],
  ['`node:http`', askByHttp],
  ['nothing at all', () => Promise.reject(new Error('no prompt'))],
])('a callback that fails by %s is no span', async (_, ask) => {
  await expect(withCallContext({ feature: 'chat' }, ask)).rejects.toBeInstanceOf(Error);
  expect(told()).toEqual([]);
});

test('an SDK that is instrumented by hand has its calls, with the context, and no other span', async () => {
  const client = new OpenAI({ apiKey: 'sk-any', baseURL: `${provider.url}/v1`, maxRetries: 0 });
  const failing = withCallContext({ feature: 'chat' }, async () => {
    for await (const _ of await client.chat.completions.create({ model: 'cut', stream: true, messages: [] }));
  });
  await expect(failing).rejects.toBeInstanceOf(Error);
  expect(told()).toEqual([['chat cut', 'after_first_token']]);
});

test('what is recorded by hand is a span', () => {
  recordFailure(new Error('no prompt'), { operation: 'chat', model: 'cut' });
  expect(told()).toEqual([['chat cut', 'before_request']]);
});
