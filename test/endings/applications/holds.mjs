/** Holds calls whose streams have ended: until the process ends, until the SDK shuts down, or only for a while. */
import { ask, library, observe, say } from './set-up.mjs';

const { holdCall } = await import(library);
const [, , , way] = process.argv;
const tracerProvider = await observe();

async function hold(count) {
  const holds = [];
  for (let index = 0; index < count; index += 50) {
    const some = Array.from({ length: Math.min(50, count - index) }, async () => {
      const response = await ask('good');
      const held = holdCall(response, { limitMs: 600_000 });
      await response.text();
      held.persistence('ok');
      return held;
    });
    holds.push(...(await Promise.all(some)));
  }
  return holds;
}

switch (way) {
  case 'exit':
    globalThis.holds = await hold(1_000);
    process.exit(3);
    break;
  case 'end':
    globalThis.holds = await hold(1_000);
    break;
  case 'shutdown':
    globalThis.holds = await hold(5);
    await tracerProvider.shutdown();
    for (const held of globalThis.holds) held.release();
    break;
  case 'release': {
    const release = async (count) => {
      for (const held of await hold(count)) held.release();
    };
    const used = async () => {
      // What a finalizer lets go is collected in the next round.
      for (let round = 0; round < 3; round += 1) {
        globalThis.gc();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return process.memoryUsage().heapUsed;
    };
    const listeners = () => [process.listenerCount('exit'), process.listenerCount('beforeExit')];
    // Node 20 has one of its own while this module awaits.
    const standing = listeners();
    await release(1_000);
    const before = await used();
    await release(2_000);
    say({ bytesPerCall: Math.round(((await used()) - before) / 2_000) });
    const timers = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout');
    say({ listeners: listeners().map((count, at) => count - standing[at]), timers });
    break;
  }
}
