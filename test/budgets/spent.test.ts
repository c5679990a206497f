/** Budgets that are spent × the global `fetch` and every copy of the OpenAI SDK that is given it. */
import { loadSdks } from '../openai/sdks.js';
import { rawAsker, sdkAsker } from './askers.js';
import { describeSpent } from './spent.js';

const global = () => globalThis.fetch;
const sdks = await loadSdks();

describeSpent([rawAsker('global fetch', global), ...sdks.map((sdk) => sdkAsker(sdk, global))]);
