/** Abandons streams, in every way that tells nobody; each is a model, whose span is said once it has ended. */

import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { ask, baseURL, library, observe, readHalf, SPEAKING } from './set-up.mjs';

const ended = new Set();
const listening = {
  ...SPEAKING,
  onEnd(span) {
    SPEAKING.onEnd(span);
    ended.add(span.attributes['gen_ai.request.model']);
  },
};
await observe({ idleTimeoutMs: 500 }, listening);
const { instrumentOpenAI } = await import(library);
instrumentOpenAI(OpenAI);
const client = new OpenAI({ baseURL, apiKey: 'none' });
const create = (model) => client.chat.completions.create({ model, stream: true, messages: [] });
const held = [];

/** Each lets go of all that it does not push into `held`. */
const WAYS = {
  'fetch, never read, dropped': async (model) => void (await ask(model)),
  'fetch, never read, held': async (model) => held.push(await ask(model)),
  'fetch, half read, dropped': async (model) => void (await readHalf(await ask(model))),
  'fetch, half read, held': async (model) => held.push(await readHalf(await ask(model))),
  'fetch, waiting': async (model) => {
    const reader = await readHalf(await ask(model));
    held.push(reader, reader.read());
  },
  'fetch, no answer': async (model) => held.push(ask(model)),
  'openai, never iterated, dropped': async (model) => void (await create(model)),
  'openai, never iterated, held': async (model) => held.push(await create(model)),
  'openai, half iterated, dropped': async (model) => void (await (await create(model))[Symbol.asyncIterator]().next()),
  'openai, half iterated, held': async (model) => {
    const loop = (await create(model))[Symbol.asyncIterator]();
    await loop.next();
    held.push(loop);
  },
  'openai, waiting': async (model) => {
    const loop = (await create(model))[Symbol.asyncIterator]();
    for (let chunk = 0; chunk < 2; chunk += 1) await loop.next();
    held.push(loop, loop.next());
  },
};

await Promise.all(Object.entries(WAYS).map(([model, abandon]) => abandon(model)));
while (ended.size < Object.keys(WAYS).length) {
  globalThis.gc();
  await sleep(20);
}
globalThis.held = held;
process.exit(0);
