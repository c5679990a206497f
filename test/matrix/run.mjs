// `npm run test:matrix`: the tests in each cell. `npm run test:matrix -- node-24` runs the cells of one Node, `-- sdk-3` those of one SDK.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CELLS } from './cells.mjs';
import { layTree } from './tree.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const VITEST = here('../../node_modules/vitest/vitest.mjs');

const REPORTER = here('failures.mjs');
/** What failed in the cell that ran last. */
const FAILURES = here('../../temp/matrix/failures.json');
mkdirSync(here('../../temp/matrix/'), { recursive: true });

const wanted = process.argv.slice(2);
const cells = CELLS.filter(({ name }) => wanted.every((part) => name.split(' ').includes(part)));
if (cells.length === 0) throw new Error(`expected a cell (${CELLS.map(({ name }) => name).join(', ')}), got ${wanted}`);

const results = cells.map((cell) => {
  console.log(`\n── ${cell.name} ──`);
  const started = Date.now();
  rmSync(FAILURES, { force: true });
  const node = here(`../nodes/node_modules/${cell.node}/bin/node`);
  const { status } = spawnSync(node, [VITEST, 'run', '--reporter=default', `--reporter=${REPORTER}`, ...cell.tests], {
    cwd: layTree(cell.sdk),
    stdio: 'inherit',
    env: { ...process.env, MATRIX_CELL: cell.name, MATRIX_FAILURES: FAILURES },
  });
  const seconds = Math.round((Date.now() - started) / 1000);
  return { name: cell.name, passed: status === 0, seconds, failures: status === 0 ? [] : readFailures() };
});

console.log('\n── the matrix ──');
for (const { name, passed, seconds, failures } of results) {
  console.log(`${passed ? 'passed' : 'FAILED'}  ${name}  ${seconds} s`);
  for (const failure of failures) console.log(failure.replace(/^/gm, '  '));
}
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;

function readFailures() {
  try {
    return JSON.parse(readFileSync(FAILURES, 'utf8'));
  } catch (error) {
    return [`no test could say what failed: ${error.message}`];
  }
}
