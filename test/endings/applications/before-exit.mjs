/** Has nothing left to do but a stream whose connection keeps no process alive. */
import { observe, openStreams, say } from './set-up.mjs';

await observe();
globalThis.held = await openStreams(1);
process.on('beforeExit', (code) => say({ beforeExit: code }));
process.on('exit', (code) => say({ exit: code }));
for (const handle of process._getActiveHandles()) handle.unref?.();
