/** A main thread and a worker, each with calls of its own. */
import { Worker } from 'node:worker_threads';
import { ask, library, observe, openStreams, say } from './set-up.mjs';

await observe();
globalThis.held = await openStreams(1);
const worker = new Worker(new URL('./worker.mjs', import.meta.url), { argv: process.argv.slice(2) });
const code = await new Promise((resolve) => worker.once('exit', resolve));
say({ workerExit: code });
const { endOpenCalls, outcomeOf } = await import(library);
const another = await ask('endless');
say({ open: outcomeOf(another).outcome, endedInMain: endOpenCalls() });
process.exit(0);
