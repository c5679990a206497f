/**
 * `/testing` where there is no Node: what replies are made of is data and the same; a server cannot be started.
 */
import type * as real from '../testing/index.js';

export { chatChoices, chatPieces, chatText, chatToolCalls } from '../testing/scripts/chat-completions.js';
export { chatCompletion, httpError, httpReply, httpText, ssePayloads } from '../testing/scripts/replies.js';

/** Rejects: a server needs Node. */
export const startFaultyProvider: typeof real.startFaultyProvider = () => needsNode('startFaultyProvider');

/** Rejects: a port needs Node. */
export const closedPort: typeof real.closedPort = () => needsNode('closedPort');

function needsNode(name: string): Promise<never> {
  return Promise.reject(new Error(`\`${name}\` needs Node; this is the build for browsers and edge runtimes`));
}
