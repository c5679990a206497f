/** Ways of consuming a stream × copies of the SDK. */
import type { Attributes } from '@opentelemetry/api';
import { describe, expect, test } from 'vitest';
import { CONSUMING } from './consuming.js';
import { describeWays } from './run-ways.js';
import { loadSdks } from './sdks.js';
import { TEXT } from './way.js';

const sdks = await loadSdks();

/** Times differ from run to run, and so does what is made of them. */
const OF_TIME = /_ms$|time_to_first_chunk$|stall_count$/;
/** What came until the consumer left is what packets are; names and numbers of requests are the run's. */
const OF_PACKETS = /^llm_stream\.bytes_received$|^gen_ai\.(request|response)\.model$|provider_request_id$/;

const run = describeWays('ways of consuming', CONSUMING, sdks);

describe.concurrent.each(sdks)('$name, observed: an answer that came in one packet and in single bytes', (sdk) => {
  test.each([1, 3, 5])('are the same after a break at chunk %i', async (after) => {
    const seen: Attributes[] = [];
    for (const writes of ['whole', { sliced: { bytes: 1 } }] as const) {
      const model = `packets ${seen.length}, left after ${after} | ${sdk.name}`;
      run.harness.provider.define(model, {
        reply: TEXT,
        delivery: { writes },
        hold: { after: 'done', until: 'client_gone' },
      });
      let count = 0;
      for await (const _ of await run.place(sdk, model).create()) {
        count += 1;
        if (count === after) break;
      }
      const { attributes } = await run.harness.span(model);
      const kept = Object.entries(attributes).filter(([name]) => !OF_TIME.test(name) && !OF_PACKETS.test(name));
      seen.push(Object.fromEntries(kept));
    }
    expect(seen[0]).toMatchObject({
      'llm_stream.outcome': after === 5 ? 'completed' : 'cancelled',
      'llm_stream.chunk_count': after,
    });
    expect(seen[1]).toEqual(seen[0]);
  });
});
