/**
 * `node --import <package>/register`, `node --require <package>/register`: zero code. Hooks modules, patches at once, and
 * leaves to the first call where its span is from. The only file of the library that leads to an SDK.
 */
import type { LlmStreamInstrumentationConfig } from './config.js';
import { LlmStreamInstrumentation } from './instrumentation.js';
import { processState } from './process-state.js';
import { watchExit } from './register/at-exit.js';
import { spanEventLimit, textOf } from './register/environment.js';
import { shareHooks } from './register/give-way.js';
import { createLateProvider, globalProvider } from './register/late-provider.js';
import { createOwnSdk, type Flushing } from './register/own-sdk.js';
import { ownRequire } from './register/require.js';
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
  const level = textOf(process.env, 'OTEL_LOG_LEVEL');
  let quieten = () => {};
  try {
    const decision = decide(process.env, foreignRuntime());
    if (decision.type === 'off') {
      // On purpose: nor is anything recorded by hand, unless the application makes an instrumentation itself.
      processState().wasEnabled = true;
      return;
    }
    quieten = logAsAsked(level);
    if (decision.type === 'unsupported' && !isSaid()) {
      say(unsupported(decision.runtime));
      markSaid();
    }
    if (decision.type === 'register') start(decision.ownSdk, level);
  } catch (error) {
    say(
      `${error instanceof Error ? error.constructor.name : typeof error} while registering; LLM calls are not traced`,
    );
  } finally {
    quieten();
  }
}

function start(wantsOwnSdk: boolean, logLevel: string | undefined): void {
  hookModules();
  const limit = spanEventLimit(process.env);
  const exit = wantsOwnSdk ? watchExit() : undefined;
  const onFirstSpan = (sending: Flushing) => {
    logAsAsked(logLevel);
    exit?.begin(sending);
  };
  const own = exit && createOwnSdk({ environment: process.env, spanEventLimit: limit, onFirstSpan });
  // What is given in code would win over the variable.
  const mayFollow = own !== undefined && textOf(process.env, 'LLM_STREAM_SPAN_EVENT_LIMIT') === undefined;
  const ownConfig = mayFollow ? { spanEventLimit: limit } : {};
  const instrumentation = new LlmStreamInstrumentation({ ...ownConfig, enabled: false });
  instrumentation.setTracerProvider(createLateProvider(own));
  instrumentation.enable();
  const { hooks } = processState();
  if (hooks) shareHooks(hooks, mayFollow ? limitFollower(instrumentation, ownConfig) : () => {});
}

/** A failure costs the SDK's road for ES modules; `fetch` is patched all the same. */
function hookModules(): void {
  try {
    // A name, and not a path: ESM and CJS copies of this file lie side by side, and the hook is the same for both.
    ownRequire()(`${PACKAGE_NAME}/hook`);
  } catch (error) {
    const name = error instanceof Error ? error.constructor.name : typeof error;
    say(
      `${name} while loading \`${PACKAGE_NAME}/hook\`; an \`import\` of \`openai\` is not seen, its calls are where they go through \`fetch\`. Was this module bundled? Load it with --import`,
    );
  }
}

/**
 * Keeps the budget of span events at the limit of the SDK that the next call will have its span from: ours has another
 * one than the application's. When that call begins its span, its options are read already: so it is done before.
 */
function limitFollower(
  instrumentation: LlmStreamInstrumentation,
  ownConfig: LlmStreamInstrumentationConfig,
): () => void {
  let isOwn = true;
  return () => {
    if (isOwn === (globalProvider() === undefined)) return;
    isOwn = !isOwn;
    instrumentation.setConfig(isOwn ? ownConfig : {});
  };
}
