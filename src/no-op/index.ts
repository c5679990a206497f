/**
 * The package where there is no Node: browsers and edge runtimes. Every name of `index.ts`, so that shared code builds;
 * nothing is observed. What an application asks of a call it is told honestly: nobody observed it.
 */
import type { InstrumentationModuleDefinition } from '@opentelemetry/instrumentation';
import type { LlmStreamInstrumentationConfig } from '../config.js';
import type * as real from '../index.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';

export { assertCompleted, assertToolCallsComplete } from '../app/assert.js';
export { LlmStreamError } from '../app/errors.js';
export { holdCall } from '../app/hold-call.js';
export { outcomeOf } from '../app/outcome-of.js';

/** Does nothing: the instrumentation is for Node. */
export class LlmStreamInstrumentation {
  readonly instrumentationName = PACKAGE_NAME;
  readonly instrumentationVersion = PACKAGE_VERSION;
  #config: LlmStreamInstrumentationConfig;

  constructor(config: LlmStreamInstrumentationConfig = {}) {
    this.#config = config;
  }

  init(): InstrumentationModuleDefinition[] {
    return [];
  }

  enable(): void {}

  disable(): void {}

  setTracerProvider(): void {}

  setMeterProvider(): void {}

  setLoggerProvider(): void {}

  getModuleDefinitions(): InstrumentationModuleDefinition[] {
    return [];
  }

  setConfig(config: LlmStreamInstrumentationConfig): void {
    this.#config = config;
  }

  getConfig(): LlmStreamInstrumentationConfig {
    return this.#config;
  }
}

/** Gives back `fetch` as it is. */
export const instrumentFetch: typeof real.instrumentFetch = (fetch) => fetch;

/** Gives back `target` as it is. */
export const instrumentOpenAI: typeof real.instrumentOpenAI = (target) => target;

/** There are none. */
export const endOpenCalls: typeof real.endOpenCalls = () => 0;

/** Runs `fn`. */
export const withCallContext: typeof real.withCallContext = (_context, fn) => fn();

/** Records nothing. */
export const recordFailure: typeof real.recordFailure = () => {};
