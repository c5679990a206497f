/** What the suites of this room share: ways to ask an LLM for an answer through a `fetch` with budgets, and what they tell. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Budgets, fetchWithBudgets, TimeoutError } from '../../src/budgets.js';
import { instrumentOpenAI, outcomeOf } from '../../src/index.js';
import type { Sdk } from '../openai/sdks.js';
import type { Ask } from '../scenarios/harness.js';

/** Budgets that are off but for the given ones. */
export function only(budgets: Budgets): Budgets {
  return { headersMs: false, firstTokenMs: false, idleMs: false, totalMs: false, ...budgets };
}

/** What an application is told. */
export interface Told {
  /** What came of it before it ended; of bytes the blank lines are counted, comments too. */
  readonly messages: number;
  readonly error?: unknown;
}

export interface Asking {
  readonly ask: Ask;
  readonly budgets: Budgets;
  readonly signal?: AbortSignal;
  readonly maxRetries?: number;
  /** Does something else between two reads. */
  readonly pause?: (messages: number) => Promise<unknown> | undefined;
}

/** One kind of client. */
export interface Asker {
  readonly name: string;
  readonly kind: 'raw' | 'sdk';
  readonly major?: Sdk['major'];
  tell(asking: Asking): Promise<Told>;
}

type Fetch = typeof globalThis.fetch;

/** The caller decides which fetch it is when it asks: a patch may lie over the global one by then. */
export function rawAsker(name: string, fetchOf: () => Fetch): Asker {
  return {
    name,
    kind: 'raw',
    async tell({ ask, budgets, signal, pause }) {
      let messages = 0;
      try {
        const response = await fetchWithBudgets(fetchOf(), budgets)(ask.url, {
          ...ask.init,
          ...(signal && { signal }),
        });
        await pause?.(0);
        const reader = (response.body ?? raise('no body')).getReader();
        const decoder = new TextDecoder();
        let text = '';
        for (let step = await reader.read(); !step.done; step = await reader.read()) {
          text += decoder.decode(step.value, { stream: true });
          messages = text.split('\n\n').length - 1;
          await pause?.(messages);
        }
      } catch (error) {
        return { messages, error };
      }
      return { messages };
    },
  };
}

export function sdkAsker(sdk: Sdk, fetchOf: () => Fetch, name = sdk.name): Asker {
  return {
    name,
    kind: 'sdk',
    major: sdk.major,
    async tell({ ask, budgets, signal, maxRetries = 0, pause }) {
      instrumentOpenAI(sdk.OpenAI);
      const client = new sdk.OpenAI({
        apiKey: 'sk-test',
        baseURL: ask.baseURL,
        maxRetries,
        fetch: fetchWithBudgets(fetchOf(), budgets),
      });
      let messages = 0;
      try {
        const stream = await client.chat.completions.create(
          // The harness wrote it.
          ask.body as unknown as Parameters<typeof client.chat.completions.create>[0] & { stream: true },
          signal && { signal },
        );
        await pause?.(0);
        for await (const _ of stream) {
          messages += 1;
          await pause?.(messages);
        }
      } catch (error) {
        return { messages, error };
      }
      return { messages };
    },
  };
}

/** The budget that `error`, or what caused it, says was spent; where an SDK says no more than that time was up, its name. */
export function budgetIn(error: unknown): string {
  for (let link = error; link instanceof Error; link = link.cause) {
    if (link instanceof TimeoutError) return `${link.budget} ${link.limitMs}`;
  }
  return error instanceof Error ? error.constructor.name : String(error);
}

/** The budget that the call of `error` ended by. */
export function timeoutKindOf(error: unknown): string | undefined {
  return outcomeOf(error)?.timeoutKind;
}

/** Longer than the budgets of the tests: a pause that would spend them. */
export const pauseFor = (ms: number) => sleep(ms);

function raise(message: string): never {
  throw new Error(message);
}
