/** The matrix, read to its end through every copy of the SDK, first without us and then observed: both see the same. */
import type { OpenAI } from 'openai';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { instrumentOpenAI } from '../../src/index.js';
import { closedPort } from '../../src/testing/index.js';
import { type Ask, expectSpan, type Harness, type SpanFacts, said, startHarness } from '../scenarios/harness.js';
import { ROWS, type Row } from '../scenarios/rows.js';
import { OF_BYTES, wasAnswered, withoutBytes } from './expected.js';
import { loadSdks, type Sdk } from './sdks.js';

/** A copy of the SDK, and what its clients fetch with. */
interface Road {
  readonly name: string;
  readonly sdk: Sdk;
  readonly globalFetch: boolean;
}

const sdks = await loadSdks();
const ROADS: readonly Road[] = [
  ...sdks.map((sdk) => ({ name: sdk.name, sdk, globalFetch: sdk.major > 4 })),
  ...sdks
    .filter(({ major }) => major === 4)
    .map((sdk) => ({ name: `${sdk.name}, given the global fetch`, sdk, globalFetch: true })),
];

// Most rows wait for somebody: more of them at a time than vitest's five.
vi.setConfig({ maxConcurrency: 16 });

let harness: Harness;
let closed: string;
let executed = 0;

beforeAll(async () => {
  closed = `http://127.0.0.1:${await closedPort()}`;
  harness = await startHarness();
  harness.instrumentation.disable();
});
afterAll(() => harness.close());

describe('not observed', () => {
  describe.concurrent.each(ROADS)('$name', (road) => {
    test.each(ROWS)('$name', async (row) => {
      expect(await loop(road, row, asked(road, row, 'without us'))).toBe(expected(road, row).sdk);
    });
  });
});

describe('observed', () => {
  beforeAll(() => {
    harness.instrumentation.enable();
    for (const { OpenAI } of sdks) instrumentOpenAI(OpenAI);
  });

  describe.concurrent.each(ROADS)('$name', (road) => {
    test.each(ROWS)('$name', async (row) => {
      const ask = asked(road, row, 'observed');
      // Read when the call begins, and `loop` begins it before anybody else has a turn.
      harness.instrumentation.setConfig({ stallThresholdMs: row.stallThresholdMs ?? 10_000 });
      expect(await loop(road, row, ask)).toBe(expected(road, row).sdk);
      const span = await harness.span(modelOf(ask));
      executed += 1;
      const facts = expected(road, row).span;
      expectSpan(span, facts);
      const isFetchSeen = road.globalFetch && wasAnswered(facts);
      expect(span.attributes['llm_stream.observed_by']).toEqual(isFetchSeen ? ['fetch', 'openai'] : ['openai']);
      const unseen = road.globalFetch || !wasAnswered(facts) ? [] : OF_BYTES;
      for (const name of unseen) expect(span.attributes).not.toHaveProperty([name]);
    });
  });
});

test('every row ran on every road, and gave one span', () => {
  console.log(`OpenAI matrix, read to the end: ${ROWS.length} rows × ${ROADS.length} roads`);
  expect(executed).toBe(ROWS.length * ROADS.length);
  expect(harness.spans).toHaveLength(executed);
});

function asked({ name }: Road, row: Row, how: string): Ask {
  const ask = harness.ask(`${row.name} | ${name}, ${how}`, row.sdkScenario ?? row.scenario, row.request);
  if (row.at === undefined) return ask;
  const host = row.at === 'closed port' ? closed : 'http://no-such-host.invalid';
  return { ...ask, baseURL: `${host}/v1` };
}

function modelOf({ body }: Ask): string {
  return String(body['model']);
}

async function loop({ sdk, globalFetch }: Road, row: Row, ask: Ask): Promise<string> {
  try {
    const client = new sdk.OpenAI({
      apiKey: 'sk-CANARY',
      baseURL: ask.baseURL,
      maxRetries: 0,
      ...(globalFetch && sdk.major === 4 && { fetch: globalThis.fetch }),
    });
    const stream = await client.chat.completions.create(
      // The rows decide what is asked for, also what the SDK's types do not know.
      { ...ask.body, stream: true } as unknown as OpenAI.ChatCompletionCreateParamsStreaming,
      { ...(row.timeoutMs !== undefined && { signal: AbortSignal.timeout(row.timeoutMs) }) },
    );
    let chunks = 0;
    for await (const _ of stream) {
      chunks += 1;
      if (chunks === 1 && row.busyMs !== undefined) await new Promise((resolve) => setTimeout(resolve, row.busyMs));
    }
    return 'ended';
  } catch (error) {
    // Its message quotes the payload, differently in each version of Node.
    return error instanceof SyntaxError ? 'SyntaxError' : said(error);
  }
}

function expected({ sdk, globalFetch }: Road, row: Row): { sdk: string; span: SpanFacts } {
  const own = row.openai?.[sdk.major];
  // What is said of 4 is said of node-fetch; over the global fetch it is as 5 and 6, which read in the same way.
  const version = sdk.major === 4 && globalFetch ? row.openai?.[5] : own;
  const facts = { sdk: row.sdk, span: row.sdkSpan ?? row.span, ...row.openai?.all, ...version };
  return globalFetch ? facts : { ...facts, span: withoutBytes(facts.span) };
}
