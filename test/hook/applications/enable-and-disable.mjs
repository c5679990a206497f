// What the classes of all loaded copies look like before, while and after they are instrumented.
import { createRequire } from 'node:module';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { LlmStreamInstrumentation } from 'opentelemetry-instrumentation-llm-stream';
import { ask } from './ask.cjs';
import spans from './print-spans.cjs';

const [, , baseURL] = process.argv;
const require = createRequire(import.meta.url);
// Loaded before there is anyone to tell, and by a name that no hook looks for: the same modules, untouched.
const copies = { imported: (await import('openai/index.mjs')).OpenAI, required: require('openai').OpenAI };
const instances = {};
for (const [name, OpenAI] of Object.entries(copies)) instances[name] = await instancesOf(OpenAI);
const before = snapshots();

const instrumentation = new LlmStreamInstrumentation();
registerInstrumentations({ instrumentations: [instrumentation], tracerProvider: spans.tracerProvider });
console.log(
  `same classes ${(await import('openai')).OpenAI === copies.imported} ${require('openai').OpenAI === copies.required}`,
);
for (const OpenAI of Object.values(copies)) await ask(OpenAI, baseURL);
for (const [name, changes] of Object.entries(changesSince(before))) console.log(`enabled ${name} ${changes}`);

instrumentation.disable();
for (const [name, changes] of Object.entries(changesSince(before))) console.log(`disabled ${name} ${changes}`);
for (const OpenAI of Object.values(copies)) await ask(OpenAI, baseURL);

/** What an application holds of a copy, from which every class that it could look at is reached. */
async function instancesOf(OpenAI) {
  const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 });
  const promise = client.chat.completions.create({ model: 'greeting', stream: true, messages: [] });
  const stream = await promise;
  stream.controller.abort();
  return { client, completions: client.chat.completions, promise, stream };
}

function snapshots() {
  return Object.fromEntries(Object.keys(copies).map((name) => [name, snapshotOf(instances[name])]));
}

/** Of each prototype up to those of the language, and its constructor: the own properties in their order. */
function snapshotOf(objects) {
  const owners = new Map();
  for (const object of Object.values(objects)) {
    for (let owner = Object.getPrototypeOf(object); ![Object, Promise].includes(owner.constructor); ) {
      owners.set(owner, propertiesOf(owner));
      owners.set(owner.constructor, propertiesOf(owner.constructor));
      owner = Object.getPrototypeOf(owner);
    }
  }
  return owners;
}

function propertiesOf(owner) {
  return Reflect.ownKeys(owner).map((key) => ({ key, ...Object.getOwnPropertyDescriptor(owner, key) }));
}

/** The names of the properties that are others, or elsewhere. */
function changesSince(earlier) {
  return Object.fromEntries(
    Object.entries(earlier).map(([name, owners]) => {
      const changed = [...owners].flatMap(([owner, was]) => differences(was, propertiesOf(owner)));
      return [name, changed.sort().join(' ') || 'nothing'];
    }),
  );
}

function differences(was, is) {
  const length = Math.max(was.length, is.length);
  return Array.from({ length }, (_, index) => [was[index], is[index]])
    .filter(([one, other]) => ![...Object.keys({ ...one, ...other })].every((part) => one?.[part] === other?.[part]))
    .map(([one, other]) => String((other ?? one).key));
}
