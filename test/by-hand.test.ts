/** `instrumentFetch` and `instrumentOpenAI` without, with and after a registered instrumentation. */
import { DiagLogLevel, diag, trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { instrumentFetch, instrumentOpenAI, LlmStreamInstrumentation, outcomeOf } from '../src/index.js';
import { chatText, type FaultyProvider, startFaultyProvider } from '../src/testing/index.js';

const exporter = new InMemorySpanExporter();
const lines: string[] = [];
let provider: FaultyProvider;

beforeAll(async () => {
  const line = (message: string) => void lines.push(message);
  diag.setLogger({ error: line, warn: line, info: line, debug: line, verbose: line }, DiagLogLevel.WARN);
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  provider = await startFaultyProvider({ scenarios: { text: { reply: chatText(['Hello']) } } });
});
afterAll(() => provider.close());
afterEach(() => {
  exporter.reset();
  lines.length = 0;
});

const platformFetch = globalThis.fetch;

async function ask(send: typeof fetch): Promise<Response> {
  const body = JSON.stringify({ model: 'text', stream: true, messages: [] });
  const response = await send(`${provider.url}/v1/chat/completions`, { method: 'POST', body });
  await response.text();
  return response;
}

const models = () => exporter.getFinishedSpans().map((span) => span.attributes['gen_ai.request.model']);

// In this order: that something was registered once changes what is done without.
describe.sequential('a fetch and an SDK instrumented by hand', () => {
  test('record with the global tracer provider where nothing is registered', async () => {
    const response = await ask(instrumentFetch(platformFetch));
    expect(outcomeOf(response)?.outcome).toBe('completed');
    expect(models()).toEqual(['text']);
  });

  test('are one span with a patched global fetch, and the same function when instrumented twice', async () => {
    const instrumentation = new LlmStreamInstrumentation();
    const once = instrumentFetch(globalThis.fetch);
    expect(instrumentFetch(once)).toBe(once);
    await ask(once);
    expect(models()).toEqual(['text']);
    instrumentation.disable();
  });

  test('record nothing once the instrumentation was disabled', async () => {
    const client = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, maxRetries: 0 });
    expect(instrumentOpenAI(client)).toBe(client);
    const response = await ask(instrumentFetch(platformFetch));
    const stream = await client.chat.completions.create({ model: 'text', stream: true, messages: [] });
    let chunks = 0;
    for await (const _ of stream) chunks += 1;
    expect(chunks).toBe(3);
    expect(outcomeOf(response)).toBeUndefined();
    expect(outcomeOf(stream)).toBeUndefined();
    expect(models()).toEqual([]);
  });

  test('are recorded again once it is enabled', async () => {
    const instrumentation = new LlmStreamInstrumentation();
    const client = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: platformFetch });
    const stream = await client.chat.completions.create({ model: 'text', stream: true, messages: [] });
    for await (const _ of stream);
    expect(outcomeOf(stream)).toMatchObject({ outcome: 'completed', observedBy: ['fetch', 'openai'] });
    expect(models()).toEqual(['text']);
    instrumentation.disable();
  });
});

describe('bad input', () => {
  test.each([['text'], [undefined], [null], [7]])('instrumentFetch(%j) throws', (given) => {
    // What JavaScript may pass.
    expect(() => instrumentFetch(given as unknown as typeof fetch)).toThrow(
      /^`instrumentFetch` expects a fetch function, got \w+; nothing is instrumented$/,
    );
  });

  test.each([['text'], [undefined], [null]])('instrumentOpenAI(%j) throws', (given) => {
    expect(() => instrumentOpenAI(given)).toThrow(
      /^`instrumentOpenAI` expects the OpenAI class or a client, got \w+; nothing is instrumented$/,
    );
  });

  test('a class that is not the SDK’s stays as it is, and one line says so', () => {
    class Other {
      request(): string {
        return 'mine';
      }
    }
    expect(instrumentOpenAI(Other)).toBe(Other);
    expect(new Other().request()).toBe('mine');
    expect(lines).toEqual([
      'opentelemetry-instrumentation-llm-stream: `instrumentOpenAI` expects the class of openai 4 to 7 or its client, got a function named "Other"; ' +
        'it stays as it is, and calls are seen where they go through global `fetch`',
    ]);
  });
});
