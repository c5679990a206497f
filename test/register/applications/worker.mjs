// An application that calls from a worker thread.
import { Worker } from 'node:worker_threads';

new Worker(new URL('application.mjs', import.meta.url), { argv: process.argv.slice(2) });
