// Runs the whole test suite on each Node of this folder's package.json. `npm run test:nodes [-- 24]` runs one of them.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { dependencies } = JSON.parse(readFileSync(here('package.json'), 'utf8'));
const only = process.argv[2];

let failed = false;
for (const name of Object.keys(dependencies)) {
  if (only !== undefined && name !== `node-${only}`) continue;
  const node = here(`node_modules/${name}/bin/node`);
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  console.log(`\n── the test suite on Node ${version} ──`);
  const vitest = here('../../node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(node, [vitest, 'run'], { cwd: here('../..'), stdio: 'inherit' });
  if (status !== 0) failed = true;
}
process.exit(failed ? 1 : 0);
