/** What an application says of its calls, and around them. What it is given back is part of what it sees. */
import { chatToolCalls } from '../../src/testing/index.js';
import { type ApplicationScenario, CANARY, type Place } from './place.js';
import { digest, iterate } from './seeing.js';
import { hanging, text } from './served.js';

const SCHEMA = {
  '~standard': { version: 1, vendor: 'faults', validate: (value: unknown) => ({ value }) },
} as const;

/** One that no call is known by. */
const fail = async () => {
  throw new RangeError(CANARY);
};

/** Without its frames: a promise of ours that is awaited in between is one more. */
async function thrown(promise: Promise<unknown>): Promise<string> {
  try {
    return `resolved: ${await promise}`;
  } catch (error) {
    return String(error);
  }
}

export const APPLICATION_SCENARIOS: Readonly<Record<string, ApplicationScenario>> = {
  'in contexts within each other': {
    ...text,
    run: async ({ app, ...place }) =>
      app.withCallContext({ requestId: 'r', attributes: { 'app.list': ['a'] }, onOutcome() {} }, async () => {
        const first = await thrown(app.withCallContext({ retryAttempt: 1 }, fail));
        const second = app.withCallContext({ retryAttempt: 2 }, async () => digest(await (await answer(place)).text()));
        return [first, await second];
      }),
  },
  'a context with values that do not fit': {
    ...text,
    run: async ({ app, ...place }) =>
      app.withCallContext({ feature: '', retryAttempt: -1, attributes: { '': 'x' } }, async () =>
        digest(await (await answer(place)).text()),
      ),
  },
  'a context whose loop throws': {
    ...hanging,
    run: async ({ app, ...place }) =>
      thrown(
        app.withCallContext({}, async () => {
          for await (const _ of (await answer(place)).body ?? []) await fail();
        }),
      ),
  },
  'a context that fails before any call': {
    run: async ({ app, answered }) => {
      const seen = [
        await thrown(app.withCallContext({ fallbackAttempt: 1 }, fail)),
        await thrown(app.withCallContext({}, fail)),
      ];
      await answered();
      return seen;
    },
  },
  'a context whose stream is read outside': {
    ...text,
    run: async ({ app, ...place }) => {
      const response = await app.withCallContext({ route: '/r' }, () => answer(place));
      return response.body && iterate(response.body);
    },
  },
  'a failure that is recorded by hand': {
    run: async ({ app, answered }) => {
      const seen = [app.recordFailure(new RangeError(CANARY), { model: 'm', provider: 'p' }), app.recordFailure(7)];
      await answered();
      return seen;
    },
  },
  'held, of which everything is said': {
    serve: () => ({ reply: chatToolCalls([{ name: 'get_weather', fragments: ['{"city": ', `"${CANARY}"}`] }]) }),
    run: async ({ app, ...place }) => {
      const response = await answer(place);
      const held = app.holdCall(response);
      const read = digest(await response.text());
      const validated = await held.toolValidated('call_0', SCHEMA, { city: CANARY });
      const said = [
        held.persistence('ok'),
        held.processing('ok'),
        held.delivery('client_left'),
        held.toolExecuted('call_0', true),
        held.release(),
      ];
      return [read, validated, said];
    },
  },
  'held until the limit': {
    ...text,
    run: async ({ app, ...place }) => {
      const response = await answer(place);
      app.holdCall(response, { limitMs: 30_000 });
      const held = app.holdCall(response, { limitMs: -1 });
      const read = digest(await response.text());
      await place.sweep(31_000);
      return [read, held.persistence('failed')];
    },
  },
};

async function answer({ url, init, answered }: Pick<Place, 'url' | 'init' | 'answered'>): Promise<Response> {
  const response = await fetch(url, init());
  await answered();
  return response;
}
