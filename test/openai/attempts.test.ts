/** One call, several requests × copies of the SDK. */
import { describe, expect, test } from 'vitest';
import { expectSpan } from '../scenarios/harness.js';
import { ATTEMPTS } from './attempts.js';
import { describeWays } from './run-ways.js';
import { loadSdks } from './sdks.js';
import { ask, completed, read, TEXT } from './way.js';

const sdks = await loadSdks();
const run = describeWays('one call, several requests', ATTEMPTS, sdks);

describe.each(sdks)('$name, observed', (sdk) => {
  test('a fetch that first asks another model: each has its own span', async () => {
    const [model, guard] = [`asked | ${sdk.name}`, `asked before | ${sdk.name}`];
    for (const name of [model, guard]) run.harness.provider.define(name, { reply: TEXT });
    const place = run.place(sdk, model);
    const { url, init } = run.harness.ask(guard, undefined);
    const client = place.clientWith({
      fetch: async (...args) => {
        await (await fetch(url, init)).text();
        return fetch(...args);
      },
    });
    expect(await read(await ask(client, place.request))).toBe('ended after 5');
    for (const [name, roads] of [
      [model, ['fetch', 'openai']],
      [guard, ['fetch']],
    ] as const) {
      const span = await run.harness.span(name);
      expectSpan(span, completed({ also: { 'llm_stream.attempt_count': 1 } }));
      expect(span.attributes['llm_stream.observed_by']).toEqual(roads);
    }
  });
});
