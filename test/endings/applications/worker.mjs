/** The worker: exits with two open streams. */
import { library, observe, openStreams, say } from './set-up.mjs';

await observe();
const { endOpenCalls } = await import(library);
say({ endedInWorker: endOpenCalls() });
globalThis.held = await openStreams(2);
process.exit(5);
