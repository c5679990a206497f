/** Another version of this package was there first, and left the record that it knows. */
import { ask, library, observe, openStreams, say } from './set-up.mjs';

const KEY = Symbol.for('opentelemetry-instrumentation-llm-stream.v1');
const RECORDS = {
  older: () => ({ hooks: undefined, fetchOwner: undefined, shadowed: new WeakSet() }),
  newer: () => ({
    hooks: undefined,
    wasEnabled: false,
    fetchOwner: undefined,
    shadowed: new WeakSet(),
    sending: 0,
    calls: new WeakMap(),
    enders: new Set([() => 4]),
    stopAwaitingExit: undefined,
    unheardOf: 'kept',
  }),
  // Its hooks are what every copy talks to.
  enabled: () => ({
    hooks: { begin: () => undefined },
    wasEnabled: true,
    fetchOwner: undefined,
    shadowed: new WeakSet(),
  }),
};
const which = process.argv[3];
const record = RECORDS[which]();
globalThis[KEY] = record;
const { endOpenCalls, instrumentFetch, instrumentOpenAI, outcomeOf } = await import(library);
if (which === 'enabled') {
  const { default: OpenAI } = await import('openai');
  const client = new OpenAI({ baseURL: new URL((await import('./set-up.mjs')).baseURL).href, apiKey: 'none' });
  instrumentOpenAI(client);
  const { choices } = await client.chat.completions.create({ model: 'default', messages: [] });
  say({ answer: choices[0].message.content, raw: (await ask('default', instrumentFetch(fetch))).status });
} else {
  await observe();
  globalThis.held = await openStreams(2);
  const response = await ask('endless');
  say({ open: outcomeOf(response).outcome, ended: endOpenCalls(), sameRecord: globalThis[KEY] === record });
  say({ unheardOf: record.unheardOf ?? null });
}
process.exit(0);
