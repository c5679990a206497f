// `npm run test:matrix`: the tests in each cell. `npm run test:matrix -- node-24` runs the cells of one Node, `-- sdk-3` those of one SDK.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CELLS } from './cells.mjs';
import { layTree } from './tree.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const VITEST = here('../../node_modules/vitest/vitest.mjs');

const wanted = process.argv.slice(2);
const cells = CELLS.filter(({ name }) => wanted.every((part) => name.split(' ').includes(part)));
if (cells.length === 0) throw new Error(`expected a cell (${CELLS.map(({ name }) => name).join(', ')}), got ${wanted}`);

const results = cells.map((cell) => {
  console.log(`\n── ${cell.name} ──`);
  const started = Date.now();
  const { status } = spawnSync(here(`../nodes/node_modules/${cell.node}/bin/node`), [VITEST, 'run', ...cell.tests], {
    cwd: layTree(cell.sdk),
    stdio: 'inherit',
    env: { ...process.env, MATRIX_CELL: cell.name },
  });
  return { name: cell.name, passed: status === 0, seconds: Math.round((Date.now() - started) / 1000) };
});

console.log('\n── the matrix ──');
for (const { name, passed, seconds } of results) console.log(`${passed ? 'passed' : 'FAILED'}  ${name}  ${seconds} s`);
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
