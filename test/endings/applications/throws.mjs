/** Throws where nobody catches, with open streams. */
import { observe, openStreams } from './set-up.mjs';

await observe();
globalThis.held = await openStreams(3);
setImmediate(() => {
  throw new RangeError('the application itself');
});
