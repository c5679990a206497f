/** Copies of the OpenAI SDK in the application's process, and what their classes were like before anybody patched them. */
import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';
import type { APIPromise, OpenAI } from 'openai';
import { processState } from '../../src/process-state.js';

/** Every copy, by what a round does with it. */
export interface SdkCopies {
  /** Observed from the beginning of a round: 6 as a module hook does it, 4, which has its own `fetch`, by hand. */
  readonly early: Readonly<Record<4 | 6, SdkCopy>>;
  /** Loaded in the middle of a round. */
  readonly late: SdkCopy;
  /** Patched by hand in the middle of a round. */
  readonly byHand: SdkCopy;
}

/** Loads them all, each from its own `node_modules`. This file is bundled to `temp/<folder>/`, as deep as it lies here. */
export async function loadSdks(): Promise<SdkCopies> {
  const v4 = createRequire(new URL('../../test/openai/v4/', import.meta.url));
  const v5 = createRequire(new URL('../../test/openai/v5/', import.meta.url));
  const v6 = createRequire(import.meta.url);
  return {
    early: { 4: new SdkCopy(v4('openai'), v4('openai/core').APIPromise), 6: new SdkCopy(v6('openai')) },
    late: new SdkCopy(v5('openai')),
    byHand: new SdkCopy(await import('openai')),
  };
}

/** What is used of a module. The types are those of version 6: what scenarios use of them, all versions have. */
interface SdkExports {
  readonly OpenAI: typeof OpenAI;
  /** Not exported by version 4. */
  readonly APIPromise?: typeof APIPromise;
}

/** One copy. */
export class SdkCopy {
  readonly exports: SdkExports;
  readonly #before: ReadonlyMap<object, PropertyDescriptorMap>;

  constructor(exports: SdkExports, promise = exports.APIPromise) {
    this.exports = exports;
    const prototypes = [exports.OpenAI.prototype, promise?.prototype].flatMap(ancestry);
    this.#before = new Map(prototypes.map((one) => [one, Object.getOwnPropertyDescriptors(one)]));
  }

  get OpenAI(): typeof OpenAI {
    return this.exports.OpenAI;
  }

  /** Whether the classes that a call goes through are as they were, and may be patched again. */
  get isUntouched(): boolean {
    return [...this.#before].every(([prototype, before]) => {
      const isOurs = processState().shadowed.has(prototype);
      return !isOurs && isDeepStrictEqual(Object.getOwnPropertyDescriptors(prototype), before);
    });
  }

  /** Makes them so, also where they were patched by hand, for good: the next round has a library of its own. */
  putBack(): void {
    for (const [prototype, before] of this.#before) {
      Object.defineProperties(prototype, before);
      processState().shadowed.delete(prototype);
    }
  }
}

/** `prototype` and what it inherits from, down to what is the language's own. */
function ancestry(prototype: object | undefined): readonly object[] {
  if (!prototype || prototype === Object.prototype || prototype === Promise.prototype) return [];
  return [prototype, ...ancestry(Reflect.getPrototypeOf(prototype) ?? undefined)];
}
