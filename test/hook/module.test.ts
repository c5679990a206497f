/** What an application sees of the SDK's module under the hook, and in a process that never imports us. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Applications, SDK_VERSIONS, startApplications } from './run.js';

let applications: Applications;

beforeAll(async () => {
  applications = await startApplications();
});

afterAll(() => applications.close());

describe.each(SDK_VERSIONS)('the module of openai %s', (version) => {
  it('has the same exports, and shows the hook in its address and in its namespace', async () => {
    const [control, hooked] = await Promise.all([
      applications.run(version, 'module-facts.mjs'),
      applications.run(version, '--import', './hook-and-register.mjs', 'module-facts.mjs'),
    ]);
    expect(control.said[0]).toMatch(/^exports APIConnectionError .* OpenAI .* default /);
    expect(control.said.slice(1)).toEqual([
      'is [object Module], extensible false',
      'the same values true',
      'the same namespace true',
      'resolves to index.mjs',
    ]);
    expect(hooked).toEqual({
      ...control,
      said: [...control.said.slice(0, 3), 'the same namespace false', 'resolves to index.mjs?iitm=true'],
    });
  });
});
