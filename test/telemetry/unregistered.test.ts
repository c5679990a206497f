/** Two copies of this package in one process, such as the ES module and CommonJS, none of them registered: what each sees counts once. */
import { metrics } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { chatText, type FaultyProvider, startFaultyProvider } from '../../src/testing/index.js';
import { startMetering } from './metering.js';

let provider: FaultyProvider;
beforeAll(async () => {
  provider = await startFaultyProvider();
});
afterAll(async () => {
  await provider.close();
  metrics.disable();
});

async function copy(): Promise<typeof import('../../src/index.js')> {
  vi.resetModules();
  return import('../../src/index.js');
}

test('streams of both are open streams, each in the same gauge', async () => {
  const metering = startMetering();
  metrics.setGlobalMeterProvider(metering.provider);
  const copies = [await copy(), await copy()];
  expect(copies[0]?.outcomeOf).not.toBe(copies[1]?.outcomeOf);
  const body = JSON.stringify({ model: 'open', stream: true, messages: [] });
  const hold = { afterChunks: 2, until: 'released', gate: 'open' } as const;
  provider.define('open', { reply: chatText(['one', 'two']), hold });
  const responses = await Promise.all(
    copies.map(({ instrumentFetch }) =>
      instrumentFetch(fetch)(`${provider.url}/v1/chat/completions`, { method: 'POST', body }),
    ),
  );
  const values = async (name: string) => (await metering.points(name)).map(({ value }) => value);
  expect(await values('llm_stream.stream.active')).toEqual([2]);
  provider.gate('open').open();
  await Promise.all(responses.map((response) => response.text()));
  expect(await values('llm_stream.stream.active')).toEqual([0]);
  expect(await values('llm_stream.stream.outcomes')).toEqual([2]);
});
