/** What a scenario is, and what it has of its round. */
import type { OpenAI } from 'openai';
import type * as Library from '../../src/index.js';
import type { ReceivedRequest, ScenarioOrList } from '../../src/testing/index.js';

/** Stands in every prompt, answer, key and thrown message; may stand in no line of ours. */
export const CANARY = 'CANARY';

/** What a scenario has of its round. */
export interface Place {
  /** The model that its requests name: the provider knows it by that. */
  readonly model: string;
  /** Where its requests go, with the body they have by default. */
  readonly url: string;
  /** Where a client of the SDK sends them. */
  readonly baseURL: string;
  readonly closedPort: number;
  init(more?: Record<string, unknown>): RequestInit & { readonly method: 'POST'; readonly body: string };
  /** Resolves when all scenarios of the round have their answer, or need none. */
  answered(): Promise<void>;
  /** Lets the server go on, where the scenario holds at its gate. */
  release(): void;
  /** Resolves when the server waits at the gate. */
  held(): Promise<void>;
  /** The scenario's only request, once it has come. */
  request(): Promise<ReceivedRequest>;
  /** Lets time pass on open calls. */
  sweep(passMs: number): Promise<void>;
  /** Runs in the context of a span of the application's own. */
  inSpan<T>(run: () => T): T;
  /** Walks like `Headers`, and is none of the platform's. */
  readonly headersOfAnotherMake: Headers;
  /** `fetch` as it was before anybody patched it. */
  readonly unpatchedFetch: typeof fetch;
  /** Collects garbage again and again, `until` that resolves; false: it has not, in all the time there is. */
  collectGarbage(until: Promise<unknown>): Promise<boolean>;
  /** Of copies of the SDK that are observed, if anybody observes: the class, by the copy's version. */
  readonly sdks: Readonly<Record<4 | 6, typeof OpenAI>>;
  /** Of another copy, which is loaded at this moment, if anybody observes. */
  loadSdk(): typeof OpenAI;
  /** Of another one; if anybody observes, it is patched by hand at this moment. */
  instrumentSdk(): typeof OpenAI;
  /** What an application says of its calls, or functions that do nothing with it. */
  readonly app: Pick<typeof Library, 'withCallContext' | 'recordFailure' | 'holdCall'>;
  /** Gives back what it is given, or what the library makes of it. */
  instrumentFetch<F extends (...args: never[]) => unknown>(fetch: F): F;
}

export interface ApplicationScenario {
  /** Undefined: nothing is defined under its name. `gate` is the name of its gate in this round. */
  serve?(gate: string): ScenarioOrList;
  run(place: Place): Promise<unknown>;
}
