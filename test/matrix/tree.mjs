// Where a cell runs. SDK 2.x is what the checkout has; for 3.x the checkout is copied beside other `node_modules`, so that whatever
// the tests start, also in processes of their own, finds that SDK and one copy of the API, as in an application.
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COPIED = ['README.md', 'dist', 'docs', 'package.json', 'src', 'test', 'tsconfig.json', 'vitest.config.ts'];
/** The other versions of openai: nothing of OpenTelemetry is in these folders, and they may be shared. */
const OPENAI = ['test/openai/v4', 'test/openai/v5', 'test/openai/v7'];

/** The folder to run the tests in. Inside the checkout: vitest and the other tools are found there. */
export function layTree(sdk) {
  if (sdk === 'sdk-2') return ROOT;
  const tree = join(ROOT, 'temp', 'matrix', sdk);
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  const filter = (path) => basename(path) !== 'node_modules';
  for (const path of COPIED) cpSync(join(ROOT, path), join(tree, path), { recursive: true, filter });
  for (const folder of ['.', ...OPENAI]) {
    const modules = join(ROOT, folder === '.' ? join('test/matrix', sdk) : folder, 'node_modules');
    if (!existsSync(modules)) throw new Error(`expected ${modules} to be installed`);
    symlinkSync(modules, join(tree, folder, 'node_modules'), 'junction');
  }
  return tree;
}
