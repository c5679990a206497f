/** Goes a list of ways with every copy of the SDK, first without us and then observed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenAI } from 'openai';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { instrumentOpenAI } from '../../src/index.js';
import { CANARY, expectSpan, type Harness, type SpanFacts, startHarness } from '../scenarios/harness.js';
import { wasAnswered, withoutBytes } from './expected.js';
import { helpersOf, type Sdk } from './sdks.js';
import { ask, type ClientOptions, type Place, type Way } from './way.js';

// Most ways wait for somebody: more of them at a time than vitest's five.
vi.setConfig({ maxConcurrency: 16 });

export interface Run {
  /** What the tests of a file share; there when they run. */
  readonly harness: Harness;
  place(sdk: Sdk, model: string): Place;
}

/** Defines the tests: what each way sees without us, then the same observed, and that no call has a span too many. */
export function describeWays(title: string, ways: readonly Way[], sdks: readonly Sdk[]): Run {
  let harness: Harness;
  let ended = 0;

  beforeAll(async () => {
    // Shorter than the callers' limits: a silence that outlasts it is idle.
    harness = await startHarness({ stallThresholdMs: 300 });
    harness.instrumentation.disable();
  });
  afterAll(() => harness.close());

  const place = (sdk: Sdk, model: string): Place => placeIn(harness, sdk, model);
  const placeOf = (sdk: Sdk, way: Way, how: string): Place => {
    const model = `${way.name} | ${sdk.name}, ${how}`;
    harness.provider.define(model, way.scenario);
    return place(sdk, model);
  };

  describe('not observed', () => {
    describe.concurrent.each(sdks)('$name', (sdk) => {
      test.each(waysOf(ways, sdk))('$name', async (way) => {
        expect(await way.run(placeOf(sdk, way, 'without us'))).toEqual(way.sees);
      });
    });
  });

  describe('observed', () => {
    beforeAll(() => {
      harness.instrumentation.enable();
      for (const { OpenAI } of sdks) instrumentOpenAI(OpenAI);
    });

    describe.concurrent.each(sdks)('$name', (sdk) => {
      test.each(waysOf(ways, sdk))('$name', async (way) => {
        const here = placeOf(sdk, way, 'observed');
        expect(await way.run(here)).toEqual(way.sees);
        const spans = await harness.spansOf(here.request.model, way.spans.length);
        ended += spans.length;
        for (const [at, span] of spans.entries()) {
          const facts = way.spans[at] ?? expect.fail('no facts');
          expectSpan(span, facts);
          expect(span.attributes['llm_stream.observed_by']).toEqual(way.observedBy ?? roadsOf(sdk, facts));
        }
        way.check?.(spans);
      });
    });
  });

  test('no call gets another span later', async () => {
    // What is presumed becomes certain a second after.
    await sleep(1_200);
    expect(harness.spans).toHaveLength(ended);
    console.log(`${title}: ${ways.length} ways × ${sdks.length} copies of the SDK`);
  });

  return {
    get harness() {
      return harness;
    },
    place,
  };
}

/** Node-fetch, which version 4 uses unasked, is seen by nobody; nor is a request that was not answered. */
function roadsOf({ major }: Sdk, facts: SpanFacts): readonly string[] {
  return major === 4 || !wasAnswered(facts) ? ['openai'] : ['fetch', 'openai'];
}

type WayOf = Omit<Way, 'by' | 'majors'>;

/** The ways that a version has, with what is its own. */
function waysOf(ways: readonly Way[], { major }: Sdk): readonly WayOf[] {
  return ways.filter(({ majors }) => majors?.includes(major) ?? true).map((way) => wayOf(way, major));
}

function wayOf({ by, majors: _, ...way }: Way, major: Sdk['major']): WayOf {
  const own = { ...way, ...by?.[major] };
  const isHidden = major === 4 && !own.observedBy?.includes('fetch');
  return isHidden ? { ...own, spans: own.spans.map(withoutBytes) } : own;
}

function placeIn({ provider }: Harness, sdk: Sdk, model: string): Place {
  const clientWith = (options: ClientOptions): OpenAI =>
    new sdk.OpenAI({ apiKey: `sk-${CANARY}`, baseURL: `${provider.url}/v1`, maxRetries: 0, ...options });
  const client = clientWith({});
  const request: Place['request'] = { model, stream: true, messages: [{ role: 'user', content: `${CANARY} prompt` }] };
  return {
    sdk,
    provider,
    client,
    clientWith,
    helpers: helpersOf(sdk, client),
    request,
    create: (options) => ask(client, request, options),
    arrived: (count = 1) =>
      vi.waitFor(
        () => {
          const received = provider.requests.filter((one) => one.model === model);
          expect(received.length).toBeGreaterThanOrEqual(count);
        },
        { interval: 5 },
      ),
  };
}
