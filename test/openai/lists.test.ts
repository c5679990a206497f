/** Lists of the SDK, which come by another method of it than calls: in a context, requests that may have been a call. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { instrumentOpenAI, withCallContext } from '../../src/index.js';
import { type Harness, startHarness } from '../scenarios/harness.js';
import { loadSdks } from './sdks.js';

const sdks = await loadSdks();
let harness: Harness;
beforeAll(async () => {
  for (const sdk of sdks) instrumentOpenAI(sdk.OpenAI);
  harness = await startHarness();
});
afterAll(() => harness.close());

describe.each(sdks)('$name', ({ OpenAI }) => {
  /** What a context throws in which the models are listed, and how many spans that makes. */
  async function listed(fail: (list: PromiseLike<unknown>) => PromiseLike<unknown>) {
    const before = harness.spans.length;
    const client = new OpenAI({ apiKey: 'sk-any', baseURL: `${harness.provider.url}/v1`, maxRetries: 0 });
    const error: unknown = await withCallContext({ feature: 'models' }, async () => {
      await fail(client.models.list());
    }).catch((thrown: unknown) => thrown);
    return { error, spanCount: harness.spans.length - before };
  }

  test('one that the provider refuses is no failure of the application before any call', async () => {
    const { error, spanCount } = await listed((list) => list);
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(spanCount).toBe(0);
  });

  test('what fails after one is not known to have failed before any call', async () => {
    const reason = new Error('no model fits');
    const fail = async (list: PromiseLike<unknown>) => {
      await Promise.resolve(list).catch(() => {});
      throw reason;
    };
    expect(await listed(fail)).toEqual({ error: reason, spanCount: 0 });
  });

  test('what fails without one is known to have', async () => {
    const before = harness.spans.length;
    await expect(
      withCallContext({ feature: 'models' }, () => Promise.reject(new Error('no template'))),
    ).rejects.toThrow();
    expect(harness.spans.length - before).toBe(1);
  });
});
