/** Failures before fetch × copies of the SDK. */
import { describe, expect, test, vi } from 'vitest';
import { BEFORE_FETCH } from './before-fetch.js';
import { describeWays } from './run-ways.js';
import { loadSdks } from './sdks.js';

const sdks = await loadSdks();
const run = describeWays('failures before fetch', BEFORE_FETCH, sdks);

describe.each(sdks)('$name', ({ OpenAI, AzureOpenAI }) => {
  test('a constructor that throws is no call', () => {
    const before = run.harness.spans.length;
    vi.stubEnv('OPENAI_API_KEY', undefined);
    expect(() => new OpenAI()).toThrow('OPENAI_API_KEY');
    expect(() => new AzureOpenAI({ apiKey: 'sk-any', endpoint: 'http://127.0.0.1' })).toThrow('OPENAI_API_VERSION');
    vi.unstubAllEnvs();
    expect(run.harness.spans).toHaveLength(before);
  });
});
