/** The matrix, read to its end: by raw fetch in three ways, and by the OpenAI SDK over global fetch. */
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { chatText, closedPort } from '../../src/testing/index.js';
import { type Ask, expectSpan, type Harness, said, startHarness } from './harness.js';
import { ROWS, type Row } from './rows.js';

let harness: Harness;
let closed: string;
let executed = 0;

beforeAll(async () => {
  harness = await startHarness();
  closed = `http://127.0.0.1:${await closedPort()}`;
});
afterAll(() => harness.close());

type Road = (ask: Ask, row: Row) => Promise<string>;

const ROADS: Readonly<Record<string, Road>> = {
  'fetch and getReader': (ask, row) =>
    raw(ask, row, async (response) => {
      const reader = response.body?.getReader();
      for (let reads = 0; reader !== undefined; reads += 1) {
        const { done } = await reader.read();
        if (done) return;
        if (reads === 0) await busy(row);
      }
    }),
  'fetch and for await': (ask, row) =>
    raw(ask, row, async (response) => {
      let reads = 0;
      for await (const _ of response.body ?? []) if (reads++ === 0) await busy(row);
    }),
  'fetch and text()': (ask, row) => raw(ask, row, async (response) => void (await response.text())),
  'OpenAI SDK': async (ask, row) => {
    try {
      const client = new OpenAI({ apiKey: 'sk-CANARY', baseURL: ask.baseURL, maxRetries: 0 });
      const stream = await client.chat.completions.create(
        // The rows decide what is asked for, also what the SDK's types do not know.
        { ...ask.body, stream: true } as unknown as OpenAI.ChatCompletionCreateParamsStreaming,
        { ...(row.timeoutMs !== undefined && { signal: AbortSignal.timeout(row.timeoutMs) }) },
      );
      let chunks = 0;
      for await (const _ of stream) if (chunks++ === 0) await busy(row);
      return 'ended';
    } catch (error) {
      // Its message quotes the payload, differently in each version of Node.
      return error instanceof SyntaxError ? 'SyntaxError' : said(error);
    }
  },
};

async function raw(ask: Ask, row: Row, read: (response: Response) => Promise<void>): Promise<string> {
  try {
    const signal = row.timeoutMs === undefined ? null : AbortSignal.timeout(row.timeoutMs);
    await read(await fetch(ask.url, { ...ask.init, signal }));
    return 'ended';
  } catch (error) {
    return said(error);
  }
}

/** The consumer's own work: it takes its time, whatever the wire does. */
async function busy({ busyMs }: Row): Promise<void> {
  if (busyMs !== undefined) await new Promise((resolve) => setTimeout(resolve, busyMs));
}

describe.each(Object.entries(ROADS))('%s', (roadName, road) => {
  const bySdk = roadName === 'OpenAI SDK';
  test.each(ROWS)('$name', async (row) => {
    const model = `${row.name} | ${roadName}`;
    harness.instrumentation.setConfig({ stallThresholdMs: row.stallThresholdMs ?? 10_000 });
    const ask = harness.ask(model, (bySdk ? row.sdkScenario : undefined) ?? row.scenario, row.request);
    expect(await road(placed(ask, row), row)).toBe(bySdk ? row.sdk : row.raw);
    expectSpan(await harness.span(model), (bySdk ? row.sdkSpan : undefined) ?? row.span);
    executed += 1;
  });
});

function placed(ask: Ask, { at }: Row): Ask {
  if (at === undefined) return ask;
  const host = at === 'closed port' ? closed : 'http://no-such-host.invalid';
  return { ...ask, url: `${host}/v1/chat/completions`, baseURL: `${host}/v1` };
}

test('every row ran on every road, and gave one span', () => {
  const expected = ROWS.length * Object.keys(ROADS).length;
  console.log(`scenario matrix, read to the end: ${ROWS.length} rows × ${Object.keys(ROADS).length} roads`);
  expect(new Set(ROWS.map((row) => row.name)).size).toBe(ROWS.length);
  expect(executed).toBe(expected);
  expect(harness.spans).toHaveLength(expected);
});

test('a Request whose body cannot be read: the answer says that it was a stream, and which model', async () => {
  const ask = harness.ask('by-request', { reply: chatText(['a', 'b']) });
  const response = await fetch(new Request(ask.url, ask.init));
  await response.text();
  const span = await vi.waitFor(() => {
    const found = harness.spans.find(({ name }) => name === 'chat');
    expect(found).toBeDefined();
    return found;
  });
  expect(span?.attributes).toMatchObject({
    'gen_ai.request.stream': true,
    'gen_ai.response.model': 'by-request',
    'llm_stream.outcome': 'completed',
  });
});
