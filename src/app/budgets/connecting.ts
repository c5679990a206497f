/**
 * The connect budget: only a dispatcher of undici's knows when a connection stands, and Node gives its own to nobody. So
 * the package `undici` is asked for one, where the application has it.
 *
 * Which dispatcher a `fetch` takes was tried, package by Node: undici 7 fits the built-in `fetch` of Node 20 to 26,
 * undici 6 that of Node 20 to 24, undici 8 that of Node 26 alone (before that its handlers are refused,
 * `UND_ERR_INVALID_ARG`; on Node 20 the package does not load). undici's own `fetch` takes its own, whatever the Node.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { diag } from '@opentelemetry/api';
import { BudgetSetupError } from './budget-setup-error.js';
import { foreignDispatcher } from './global-dispatcher.js';

/**
 * A dispatcher that gives up connecting after so many milliseconds, for `fetch`; asked for anew for each request, and
 * undefined while it would take the place of one that the application has made the global one since.
 *
 * @throws BudgetSetupError
 */
export function createDispatcher(fetch: unknown, connectMs: number): () => object | undefined {
  // Whoever comes first gives the process its dispatcher: on Node 20 that is the built-in `fetch` only if it is awake.
  void globalThis.Response;
  // Before undici is loaded: version 8 puts one of its own there.
  const foreign = foreignDispatcher();
  if (foreign !== undefined) {
    throw new BudgetSetupError('LLM_STREAM_GLOBAL_DISPATCHER', `${expectsPlain(foreign)}; ${INSTEAD}`);
  }
  const undici = loadUndici();
  // Its own `fetch` and its own dispatcher are of one make. Any other is the built-in one, or goes on to it.
  if (undici.fetch !== fetch && !fitsBuiltIn(undici.major)) {
    throw new BudgetSetupError(
      'LLM_STREAM_UNDICI_UNFIT',
      `\`connectMs\` expects a version of undici whose dispatchers the \`fetch\` of Node ${process.versions.node} takes, ` +
        `got undici ${undici.version}; install undici 7, give \`fetchWithBudgets\` the \`fetch\` of undici, or leave \`connectMs\` out`,
    );
  }
  return whilePlain(new undici.Agent({ connect: { timeout: connectMs } }));
}

function whilePlain(dispatcher: object): () => object | undefined {
  let isSaid = false;
  return () => {
    const foreign = foreignDispatcher();
    if (foreign === undefined) return dispatcher;
    if (!isSaid) {
      isSaid = true;
      diag.warn(
        `opentelemetry-instrumentation-llm-stream: ${expectsPlain(foreign)}, set since; requests go that way, without ` +
          `a connect budget (said once); ${INSTEAD}`,
      );
    }
    return undefined;
  };
}

function expectsPlain(foreign: string): string {
  return `\`connectMs\` expects undici’s global dispatcher to be the one it comes with, got ${foreign}`;
}

const INSTEAD = 'leave `connectMs` out, and give that dispatcher a connect timeout (`connect.timeout` of an `Agent`)';

function fitsBuiltIn(major: number): boolean {
  const builtIn = Number.parseInt(process.versions['undici'] ?? '', 10);
  return major === 7 || (major < 7 ? builtIn < 8 : builtIn >= 8);
}

interface Undici {
  readonly version: string;
  readonly major: number;
  readonly fetch: unknown;
  readonly Agent: new (options: { connect: { timeout: number } }) => object;
}

/** As the package sees it that this file is in; else as the application does, from its working directory. */
function loadUndici(): Undici {
  let cause: unknown;
  for (const from of [import.meta.url, join(process.cwd(), 'noop.js')]) {
    try {
      const load = createRequire(from);
      const { version } = load('undici/package.json') as { version: string };
      const major = Number.parseInt(version, 10);
      if (major < OLDEST_UNDICI) throw new Error(`undici ${version} is too old`);
      // Its own exports, as every version since 6 has them.
      return { ...(load('undici') as Pick<Undici, 'fetch' | 'Agent'>), version, major };
    } catch (error) {
      cause ??= error;
    }
  }
  throw new BudgetSetupError(
    'LLM_STREAM_UNDICI_MISSING',
    `\`connectMs\` expects the package \`undici\`, version 6 or later, and it could not be loaded on Node ${process.versions.node}; ` +
      'run `npm install undici@7`, or leave `connectMs` out',
    { cause },
  );
}

const OLDEST_UNDICI = 6;
