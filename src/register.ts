/**
 * `node --import <package>/register`, `node --require <package>/register`: zero code. Hooks modules, patches at once, and
 * leaves to the first call where its span is from. The only file of the library that leads to an SDK.
 */
import { createRequire } from 'node:module';
import type { LlmStreamInstrumentationConfig } from './config.js';
import { LlmStreamInstrumentation } from './instrumentation.js';
import { processState } from './process-state.js';
import { watchExit } from './register/at-exit.js';
import { spanEventLimit, textOf } from './register/environment.js';
import { createLateProvider, globalProvider } from './register/late-provider.js';
import { createOwnSdk } from './register/own-sdk.js';
import { logAsAsked, say } from './register/say.js';
import { decide } from './register/switches.js';
import { foreignRuntime, isSaid, markSaid, unsupported } from './runtime.js';
import { PACKAGE_NAME } from './version.js';

const REGISTERED = Symbol.for('opentelemetry-instrumentation-llm-stream.register');

register();

/** Once per thread, over ESM and CJS copies and versions of this package. Never throws. */
function register(): void {
  // Symbol.for is how copies meet: the global object has no type for it.
  const thread = globalThis as { [REGISTERED]?: true };
  if (thread[REGISTERED]) return;
  thread[REGISTERED] = true;
  try {
    logAsAsked(textOf(process.env, 'OTEL_LOG_LEVEL'));
    const decision = decide(process.env, foreignRuntime());
    if (decision.type === 'unsupported' && !isSaid()) {
      say(unsupported(decision.runtime));
      markSaid();
    }
    if (decision.type === 'register') start(decision.ownSdk);
  } catch (error) {
    say(
      `${error instanceof Error ? error.constructor.name : typeof error} while registering; LLM calls are not traced`,
    );
  }
}

function start(wantsOwnSdk: boolean): void {
  // A name, and not a path: ESM and CJS copies of this file lie side by side, and the hook is the same for both.
  createRequire(import.meta.url)(`${PACKAGE_NAME}/hook`);
  const limit = spanEventLimit(process.env);
  const exit = wantsOwnSdk ? watchExit() : undefined;
  const own = exit && createOwnSdk({ environment: process.env, spanEventLimit: limit, onFirstSpan: exit.begin });
  // What is given in code would win over the variable.
  const mayFollow = own !== undefined && textOf(process.env, 'LLM_STREAM_SPAN_EVENT_LIMIT') === undefined;
  const ownConfig = mayFollow ? { spanEventLimit: limit } : {};
  const instrumentation = new LlmStreamInstrumentation({ ...ownConfig, enabled: false });
  instrumentation.setTracerProvider(createLateProvider(own));
  instrumentation.enable();
  if (mayFollow) followLimit(instrumentation, ownConfig);
}

/**
 * Keeps the budget of span events at the limit of the SDK that the next call will have its span from: ours has another
 * one than the application's. When that call begins its span, its options are read already: so it is done before.
 */
function followLimit(instrumentation: LlmStreamInstrumentation, ownConfig: LlmStreamInstrumentationConfig): void {
  const { hooks } = processState();
  if (hooks === undefined) return;
  let isOwn = true;
  const follow = () => {
    if (isOwn === (globalProvider() === undefined)) return;
    isOwn = !isOwn;
    instrumentation.setConfig(isOwn ? ownConfig : {});
  };
  const { begin, enter } = hooks;
  hooks.begin = (request) => {
    follow();
    return begin(request);
  };
  hooks.enter = () => {
    follow();
    return enter();
  };
}
