/** Has as many listeners as Node allows before it warns of a leak, some from before the first call, some from after it. */
import { createRequire } from 'node:module';
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { library, openStreams, otherCopy, SPEAKING, say } from './set-up.mjs';

trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [SPEAKING] }));
process.on('warning', ({ name }) => say({ warning: name }));

function own(count) {
  for (let index = 0; index < count; index += 1) {
    process.on('exit', () => {});
    process.on('beforeExit', () => {});
  }
}

const ours = () => ['exit', 'beforeExit'].map((name) => process.listenerCount(name) - 10);

// Not at the top level: while that awaits, Node has a listener of its own.
setImmediate(async () => {
  own(5);
  // Nobody registered: each copy records by itself.
  const copies = [await import(library), createRequire(import.meta.url)(otherCopy)];
  globalThis.held = await Promise.all(copies.map(({ instrumentFetch }) => openStreams(2, instrumentFetch(fetch))));
  own(5);
  say({ copies: new Set(copies).size, ours: ours() });
  say({ ended: copies[0].endOpenCalls(), again: copies[1].endOpenCalls() });
  say({ ours: ours(), limit: process.getMaxListeners() });
  // A warning is said in a turn of its own.
  setImmediate(() => process.exit(0));
});
