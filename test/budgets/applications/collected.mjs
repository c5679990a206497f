// Drops answers in several states, and says which of them are collected as garbage. With --expose-gc.
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const [library, url] = process.argv.slice(2);
const { fetchWithBudgets } = await import(library);
const limited = fetchWithBudgets(fetch, {});
const { signal } = new AbortController();

async function drop(model, read) {
  const body = JSON.stringify({ model, stream: true, messages: [] });
  const response = await limited(`${url}/v1/chat/completions`, { method: 'POST', body, signal });
  await read?.(response);
  return new WeakRef(response);
}

const dropped = {
  'never read': await drop('endless'),
  'half read': await drop('endless', async (response) => {
    const reader = response.body.getReader();
    await reader.read();
    reader.releaseLock();
  }),
  'read to the end': await drop('good', (response) => response.text()),
};
const isGone = () => Object.fromEntries(Object.entries(dropped).map(([name, reference]) => [name, !reference.deref()]));
for (let round = 0; round < 200 && Object.values(isGone()).includes(false); round += 1) {
  // Who was asked for is kept until the event loop turns.
  await sleep(10);
  globalThis.gc();
}
// Of the half read one undici's socket holds the body, with or without us.
for (let round = 0; round < 200 && getEventListeners(signal, 'abort').length > 1; round += 1) await sleep(10);
console.log(JSON.stringify({ gone: isGone(), listeners: getEventListeners(signal, 'abort').length }));
process.exit();
