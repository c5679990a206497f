/** Answers that scenarios of both roads are served. */
import { chatText, chatToolCalls, type ScenarioOrList } from '../../src/testing/index.js';
import { CANARY } from './place.js';

/** Five chunks. */
export const TEXT = chatText([CANARY, ' says', ' hällo']);
/** Five chunks. */
export const TOOL = chatToolCalls([{ name: 'get_weather', fragments: ['{"city": ', `"${CANARY}"}`] }]);
/** Whole. */
export const text = { serve: () => ({ reply: TEXT }) };
/** The rest when the scenario says so. */
export const holding = (afterChunks: number) => ({
  serve: (gate: string): ScenarioOrList => ({ reply: TEXT, hold: { afterChunks, until: 'released', gate } }),
});
/** The rest never. */
export const hanging = {
  serve: (): ScenarioOrList => ({ reply: TEXT, hold: { afterChunks: 2, until: 'client_gone' } }),
};
