/**
 * `node --import <package>/hook`: lets `import OpenAI from 'openai'` of ES modules be hooked; `require('openai')` is hooked
 * without it. Puts the loader hook of the OpenTelemetry instrumentations there, for this one package; knows nothing of
 * the rest of the library.
 */
import nodeModule, { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { diag } from '@opentelemetry/api';
import { isNode } from './runtime.js';

/** What the applications import; everything else is loaded as if there were no hook. */
const MODULES = ['openai'];

const FACTORY = 'import-in-the-middle/create-hook.mjs';
/** The module a hook stands for: beside it lies the list of modules that `InstrumentationBase` is told of. */
const META = 'import-in-the-middle/hook.mjs';

const HOOKED = Symbol.for('opentelemetry-instrumentation-llm-stream.hook');

hookModules();

/** Once per thread, over ESM and CJS copies and versions of this package. Never throws. */
function hookModules(): void {
  // Symbol.for is how copies meet: the global object has no type for it.
  const thread = globalThis as { [HOOKED]?: true };
  if (thread[HOOKED]) return;
  thread[HOOKED] = true;
  if (!isNode()) return;
  try {
    const load = requireAsInstrumentation();
    if (!hookThisThread(load)) hookByLoaderThread(load);
  } catch (error) {
    diag.error(
      `opentelemetry-instrumentation-llm-stream: ${nameOf(error)} while hooking ES modules; ` +
        'an `import` of `openai` is not seen, its calls are where they go through `fetch`, or by `instrumentOpenAI`',
    );
  }
}

/**
 * Finds import-in-the-middle as `@opentelemetry/instrumentation` does: of several copies in a tree, it is that one which
 * tells `InstrumentationBase` of a module. A dependency of our own could be another.
 */
function requireAsInstrumentation(): NodeJS.Require {
  return createRequire(createRequire(import.meta.url).resolve('@opentelemetry/instrumentation'));
}

/** import-in-the-middle 3's factory of hooks, which has no types. */
interface HookFactory {
  createHook(meta: { url: string }): SyncHook;
  supportsSyncHooks(): boolean;
}

interface SyncHook {
  applyOptions(options: { include: string[] }): void;
  readonly resolveSync: unknown;
  readonly loadSync: unknown;
}

/**
 * Hooks without a thread of their own: 8 ms of start-up on Node 24 instead of 40, and no deprecation warning on 26.
 * The factory rather than `import-in-the-middle/register-hooks.mjs`: that one warns where the application calls it too,
 * and one of both loses its options. False where this Node, or an older import-in-the-middle, has no such hooks.
 */
function hookThisThread(load: NodeJS.Require): boolean {
  if (!('registerHooks' in nodeModule) || typeof nodeModule.registerHooks !== 'function') return false;
  const factory = hookFactory(load);
  if (!factory?.supportsSyncHooks()) return false;
  const hook = factory.createHook({ url: urlOf(load, META) });
  hook.applyOptions({ include: MODULES });
  nodeModule.registerHooks({ resolve: hook.resolveSync, load: hook.loadSync });
  return true;
}

function hookFactory(load: NodeJS.Require): HookFactory | undefined {
  try {
    const factory: Partial<HookFactory> = load(FACTORY);
    return isComplete(factory) ? factory : undefined;
  } catch {
    // Before 3.3.0 it awaits at its top level, which `require` cannot.
    return undefined;
  }
}

function isComplete(factory: Partial<HookFactory>): factory is HookFactory {
  return typeof factory.createHook === 'function' && typeof factory.supportsSyncHooks === 'function';
}

/** Hooks on the loader's thread, for which a module must be named; `hook.mjs` itself warns where an application named it too. */
function hookByLoaderThread(load: NodeJS.Require): void {
  const source = `
import { createHook } from ${JSON.stringify(urlOf(load, FACTORY))};
const { applyOptions, initialize, load, resolve } = createHook({ url: ${JSON.stringify(urlOf(load, META))} });
await (applyOptions ?? initialize)({ include: ${JSON.stringify(MODULES)} });
export { load, resolve };`;
  nodeModule.register(`data:text/javascript,${encodeURIComponent(source)}`);
}

function urlOf(load: NodeJS.Require, specifier: string): string {
  return pathToFileURL(load.resolve(specifier)).href;
}

/** Of an error, what says where to look and quotes nothing. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.constructor.name;
}
