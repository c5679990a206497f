/** All that an application does in a round. */
import { APPLICATION_SCENARIOS } from './application-scenarios.js';
import { FETCH_SCENARIOS } from './fetch-scenarios.js';
import type { ApplicationScenario } from './place.js';
import { SDK_SCENARIOS } from './sdk-scenarios.js';

export const SCENARIOS: Readonly<Record<string, ApplicationScenario>> = {
  ...FETCH_SCENARIOS,
  ...SDK_SCENARIOS,
  ...APPLICATION_SCENARIOS,
};
