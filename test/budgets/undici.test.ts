/** The `fetch` of npm's undici under budgets. A file of its own: loading undici may give its dispatcher to the global `fetch`. */
import { fetch as undiciFetch } from 'undici';
import { loadSdks } from '../openai/sdks.js';
import { rawAsker, sdkAsker } from './askers.js';
import { describeSpent } from './spent.js';

// Its types are those of another version of the same interface.
const ofUndici = () => undiciFetch as unknown as typeof globalThis.fetch;
const sdks = await loadSdks({ only: 'openai 6, ES module' });

describeSpent([
  rawAsker('fetch of undici', ofUndici),
  ...sdks.map((sdk) => sdkAsker(sdk, ofUndici, `${sdk.name}, with the fetch of undici`)),
]);
