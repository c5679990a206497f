/** Bundles the library with probes, and the child process that runs it without. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Rolldown } from 'tsdown';
import { type ProbedFunction, withProbes } from './probes.js';
import { CLOCK, LIBRARY } from './round.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCE = join(ROOT, 'src', sep);
/** What the library says of its own failures is not made to fail: it is what this is about. */
const NOT_PROBED = /^(?:guard\.ts$|testing\/|tools\/)/;

export interface Bundle {
  readonly library: string;
  readonly child: string;
  /** Every function that has a probe. */
  readonly functions: readonly ProbedFunction[];
  /** Those that have none, because nothing of their own can throw. */
  readonly edgeCount: number;
  remove(): Promise<void>;
}

/** Writes both inside the checkout: what stays external is found in its `node_modules`. */
export async function bundle(): Promise<Bundle> {
  await mkdir(join(ROOT, 'temp'), { recursive: true });
  const directory = await mkdtemp(join(ROOT, 'temp', 'faults-'));
  const functions: ProbedFunction[] = [];
  let edgeCount = 0;
  const library = join(directory, LIBRARY);
  const child = join(directory, 'child.mjs');
  await Promise.all([
    build('src/index.ts', library, 'cjs', {
      // Its timers the child replaces where they are imported.
      transform: { define: { 'performance.now': `${CLOCK}.now` } },
      plugins: [
        {
          name: 'probes',
          transform(code, id) {
            const file = relative(SOURCE, id).replaceAll(sep, '/');
            if (!id.startsWith(SOURCE) || NOT_PROBED.test(file)) return null;
            const probed = withProbes(file, code);
            functions.push(...probed.functions);
            edgeCount += probed.edgeCount;
            return probed.code;
          },
        },
      ],
    }),
    build('test/faults/child.ts', child, 'esm', {}),
  ]);
  return { library, child, functions, edgeCount, remove: () => rm(directory, { recursive: true }) };
}

async function build(
  input: string,
  file: string,
  format: 'cjs' | 'esm',
  options: Rolldown.InputOptions,
): Promise<void> {
  await Rolldown.build({
    ...options,
    input: join(ROOT, input),
    platform: 'node',
    logLevel: 'silent',
    // One copy of the API in the process, as in an application.
    external: [/^@opentelemetry\//, 'eventsource-parser', 'openai', 'undici'],
    output: { file, format, codeSplitting: false },
  });
}
