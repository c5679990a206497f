/** Exits with open streams. */
import { observe, openStreams } from './set-up.mjs';

await observe();
globalThis.held = await openStreams(1_000);
process.exit(3);
