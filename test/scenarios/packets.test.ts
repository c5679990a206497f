/** How the bytes fell into packets changes nothing: one write, single bytes and odd cuts give the same span. */
import type { Attributes } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Delivery, Scenario } from '../../src/testing/index.js';
import { expectSpan, type Harness, startHarness } from './harness.js';
import { ROWS, type Row } from './rows.js';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());

const WRITES: readonly NonNullable<Delivery['writes']>[] = [
  'whole',
  { sliced: { bytes: 7 } },
  { sliced: { bytes: 1 } },
];

/** Times differ from run to run, and so does what is made of them. */
const OF_TIME = /_ms$|time_to_first_chunk$|\.stall_count$/;
/** The row's own name, and the server's number of the request. */
const OF_RUN = /^gen_ai\.(request|response)\.model$|^llm_stream\.(provider_request_id|request\.body_size)$/;

// 2,000 fragments in single bytes are a matter of seconds and say nothing new.
const rows = ROWS.filter((row) => row.packets !== false && row.name !== '2,000 tool fragments');

test.each(rows)('$name', async (row) => {
  const seen: Attributes[] = [];
  for (const writes of WRITES) {
    // Names of one length: they come back in the answer, and its bytes are counted.
    const model = `${row.name}, packets ${WRITES.indexOf(writes)}`;
    const ask = harness.ask(model, inWrites(row, writes), row.request);
    const response = await fetch(ask.url, ask.init);
    for await (const _ of response.body ?? []);
    const span = await harness.span(model);
    expectSpan(span, row.stallThresholdMs === undefined ? row.span : { ...row.span, also: {} });
    const kept = Object.entries(span.attributes).filter(([name]) => !OF_TIME.test(name) && !OF_RUN.test(name));
    seen.push(Object.fromEntries(kept));
  }
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[2]).toEqual(seen[0]);
});

function inWrites({ scenario }: Row, writes: NonNullable<Delivery['writes']>): Scenario {
  if (scenario === undefined || !('reply' in scenario)) throw new Error('a row in packets has one scenario');
  return { ...scenario, delivery: { ...scenario.delivery, writes } };
}
