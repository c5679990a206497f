/** Small applications whose process ends by itself: how, is what is compared. */
import type { Scope } from './checks.js';

export const APPLICATIONS: Readonly<Record<string, (scope: Scope) => Promise<unknown>>> = {
  'reads to the end': async ({ client, stream }) => {
    for await (const _ of await client().chat.completions.create(stream('text')));
    process.stdout.write('reached the end\n');
  },
  'never awaits a call that is rejected': async ({ client, stream }) => {
    // Waits with nothing but the request, as an application would that forgot an `await`.
    void client().chat.completions.create(stream('unauthorized'));
  },
  'never awaits a call with a body that cannot be sent': async ({ client, stream }) => {
    void client().chat.completions.create(Object.assign(stream('text'), { seed: 1n }));
  },
  'never awaits a parsed answer that its helper refuses': async ({ client, whole }) => {
    void client()
      .chat.completions.create(whole('no-json'))
      .then(() => {});
  },
  'lets its loop fail': async ({ client, stream }) => {
    for await (const _ of await client().chat.completions.create(stream('in-band')));
  },
  'throws in its loop': async ({ client, stream }) => {
    for await (const _ of await client().chat.completions.create(stream('text'))) throw new RangeError('my own');
  },
  'breaks off and goes on': async ({ client, stream }) => {
    for await (const _ of await client().chat.completions.create(stream('hang'))) break;
    process.stdout.write('went on\n');
  },
  'exits in the middle of a stream': async ({ client, stream }) => {
    for await (const _ of await client().chat.completions.create(stream('hang'))) process.exit(3);
  },
  'reads a whole answer under a signal with time left': async ({ client, whole }) => {
    const signal = AbortSignal.timeout(60_000);
    const { choices } = await client().chat.completions.create(whole('text'), { signal });
    process.stdout.write(`${choices.length} choice\n`);
  },
};
