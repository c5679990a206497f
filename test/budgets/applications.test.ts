/** What shows in a process of its own: its end, its garbage, two copies of the package, and what it has installed. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Rolldown } from 'tsdown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FaultyProvider, startFaultyProvider } from '../../src/testing/index.js';
import { TEXT } from './rows.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DEAD = { reply: TEXT, hold: { afterChunks: 3, until: 'client_gone' } } as const;

let provider: FaultyProvider;
let directory: string;
beforeAll(async () => {
  await mkdir(join(ROOT, 'temp'), { recursive: true });
  // Inside the tree, where what is not bundled is found.
  directory = await mkdtemp(join(ROOT, 'temp', 'budgets-'));
  await Promise.all([
    build('src/budgets.ts', 'esm', join(directory, 'budgets.mjs')),
    build('src/index.ts', 'cjs', join(directory, 'library.cjs')),
  ]);
  provider = await startFaultyProvider({ scenarios: { good: { reply: TEXT }, endless: DEAD, raw: DEAD, sdk: DEAD } });
});
afterAll(async () => {
  await provider.close();
  await rm(directory, { recursive: true });
});

function build(input: string, format: 'esm' | 'cjs', file: string, external: (string | RegExp)[] = EXTERNAL) {
  return Rolldown.build({
    input: join(ROOT, input),
    platform: 'node',
    logLevel: 'silent',
    external,
    output: { file, format, codeSplitting: false },
  });
}

/** One copy of the API in the process, as in an application. */
const EXTERNAL = [/^@opentelemetry\//, 'eventsource-parser'];

interface Running {
  readonly nodeArguments?: readonly string[];
  /** Where the copy of `/budgets` is that it loads. */
  readonly home?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What the application says on its one line. */
async function run(name: string, { nodeArguments = [], home = directory, cwd = ROOT, env = {} }: Running = {}) {
  const file = fileURLToPath(new URL(`./applications/${name}.mjs`, import.meta.url));
  const args = [...nodeArguments, file, join(home, 'budgets.mjs'), provider.url, join(directory, 'library.cjs')];
  const options = { cwd, timeout: 25_000, env: { ...process.env, ...env } };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options);
  expect(stderr).toBe('');
  const said: unknown = JSON.parse(stdout);
  return said;
}

test('a process ends as soon as its answer does: no budget keeps it', async () => {
  // Their timers would for a minute and more.
  expect(await run('exits')).toBe(true);
});

test('an answer that is dropped is collected, and the caller’s signal is left alone', async () => {
  const told = await run('collected', { nodeArguments: ['--expose-gc'] });
  expect(told).toMatchObject({ gone: { 'never read': true, 'read to the end': true } });
  expect(told).toHaveProperty('listeners', 1);
});

test('with another copy of the package, each call has one span, and its budgets', async () => {
  expect(await run('copies')).toEqual({
    errors: ['TimeoutError idle', 'TimeoutError idle'],
    spans: [
      ['raw', 'idle', 200, 3],
      ['sdk', 'idle', 200, 3],
    ],
  });
});

describe('a connect budget', () => {
  let home: string;
  const node = process.versions.node;
  beforeAll(async () => {
    // Outside the tree, with nothing around it.
    home = await realpath(await mkdtemp(join(tmpdir(), 'budgets-')));
    await build('src/budgets.ts', 'esm', join(home, 'budgets.mjs'), []);
  });
  afterAll(() => rm(home, { recursive: true }));

  const treeWith = async (name: string, version?: string): Promise<string> => {
    const tree = join(home, name);
    const undici = join(tree, 'node_modules', 'undici');
    await mkdir(join(tree, 'node_modules'), { recursive: true });
    if (version === undefined) return tree;
    await mkdir(undici);
    await writeFile(join(undici, 'package.json'), JSON.stringify({ name: 'undici', version }));
    await writeFile(join(undici, 'index.js'), 'exports.fetch = () => {}; exports.Agent = class {};');
    return tree;
  };

  test('takes the undici of the application, from its working directory', async () => {
    const tree = await treeWith('real');
    await symlink(join(ROOT, 'node_modules', 'undici'), join(tree, 'node_modules', 'undici'));
    expect(await run('connects', { home, cwd: tree })).toEqual({ passes: true });
  });

  test('is refused where Node takes its proxy from the environment, as 22.21 and later do when asked to', async () => {
    const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: 'http://127.0.0.1:1', NODE_NO_WARNINGS: '1' };
    const refusal = {
      name: 'BudgetSetupError',
      code: 'LLM_STREAM_GLOBAL_DISPATCHER',
      message:
        '`connectMs` expects undici’s global dispatcher to be the one it comes with, got `EnvHttpProxyAgent`; leave ' +
        '`connectMs` out, and give that dispatcher a connect timeout (`connect.timeout` of an `Agent`)',
      hasCause: false,
    };
    const takesProxy = process.allowedNodeEnvironmentFlags.has('--use-env-proxy');
    expect(await run('connects', { env })).toEqual(takesProxy ? refusal : { passes: true });
  });

  test.each([
    ['without undici', undefined],
    ['with one that is too old', '5.29.0'],
  ])('%s is an error that says what to do', async (name, version) => {
    expect(await run('connects', { home, cwd: await treeWith(name, version) })).toEqual({
      name: 'BudgetSetupError',
      code: 'LLM_STREAM_UNDICI_MISSING',
      message:
        `\`connectMs\` expects the package \`undici\`, version 6 or later, and it could not be loaded on Node ${node}; ` +
        'run `npm install undici@7`, or leave `connectMs` out',
      hasCause: true,
    });
  });

  test('with one whose dispatchers the `fetch` of this Node refuses is an error that says which fits', async () => {
    const version = Number.parseInt(node, 10) >= 26 ? '6.29.1' : '8.12.4';
    expect(await run('connects', { home, cwd: await treeWith('unfit', version) })).toEqual({
      name: 'BudgetSetupError',
      code: 'LLM_STREAM_UNDICI_UNFIT',
      message:
        `\`connectMs\` expects a version of undici whose dispatchers the \`fetch\` of Node ${node} takes, got undici ${version}; ` +
        'install undici 7, give `fetchWithBudgets` the `fetch` of undici, or leave `connectMs` out',
      hasCause: false,
    });
  });
});
