/** Applications that lack what an SDK of our own is made of. */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installLine } from '../../src/register/install-line.js';
import { chatText, type FaultyProvider, startFaultyProvider } from '../../src/testing/index.js';
import { IMPORT, REQUIRE, startNode } from './run.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NAME = 'opentelemetry-instrumentation-llm-stream';

/** What this package depends on itself, and the API. */
const DEPENDENCIES = [
  '@opentelemetry/api',
  '@opentelemetry/api-logs',
  '@opentelemetry/instrumentation',
  '@opentelemetry/semantic-conventions',
  'eventsource-parser',
  'openai',
];

let folder: string;
let provider: FaultyProvider;

beforeAll(async () => {
  provider = await startFaultyProvider({ scenarios: { greeting: { reply: chatText(['Hello', ' world']) } } });
  // Outside the checkout, where nothing of OpenTelemetry is found but what is put there.
  folder = await mkdtemp(join(tmpdir(), 'register-'));
  await cp(join(ROOT, 'test', 'register', 'applications'), folder, { recursive: true });
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, '@opentelemetry'), { recursive: true });
  await cp(join(ROOT, 'dist'), join(modules, NAME, 'dist'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(modules, NAME, 'package.json'));
  for (const name of DEPENDENCIES) await symlink(join(ROOT, 'node_modules', name), join(modules, name), 'junction');
});

afterAll(async () => {
  await provider.close();
  await rm(folder, { recursive: true });
});

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  startNode([...args, `${provider.url}/v1`], { cwd: folder, env: { PATH: process.env['PATH'], ...env } }).ended;

const LINE =
  'opentelemetry-instrumentation-llm-stream: no traces are sent: `@opentelemetry/sdk-node` is not installed, and the ' +
  'application has no tracer provider. Run: npm install @opentelemetry/api@~1.9.0 @opentelemetry/sdk-node@^0.223.0\n';

describe('without @opentelemetry/sdk-node', () => {
  it.each([
    ['imported', IMPORT],
    ['required', REQUIRE],
    ['imported and required', [...IMPORT, ...REQUIRE]],
  ])('%s: two calls are answered, and the line that installs it is printed once', async (_, args) => {
    await writeFile(
      join(folder, 'twice.mjs'),
      "import OpenAI from 'openai';\nimport { ask } from './ask.cjs';\nawait ask(OpenAI);\nawait ask(OpenAI);\n",
    );
    expect(await run([...args, 'twice.mjs'])).toEqual({
      code: 0,
      stdout: ['answer Hello world', 'answer Hello world'],
      stderr: LINE,
    });
  });

  it('it is printed once where three threads make calls', async () => {
    await writeFile(
      join(folder, 'threads.mjs'),
      `import { Worker } from 'node:worker_threads';
       for (let i = 0; i < 3; i++) new Worker(new URL('application.mjs', import.meta.url), { argv: process.argv.slice(2) });`,
    );
    expect(await run([...IMPORT, 'threads.mjs'])).toEqual({
      code: 0,
      stdout: ['answer Hello world', 'answer Hello world', 'answer Hello world'],
      stderr: LINE,
    });
  });

  it('an application that dies of any warning runs on', async () => {
    await writeFile(
      join(folder, 'strict.mjs'),
      "process.on('warning', (warning) => { throw warning; });\nawait import('./application.mjs');\n",
    );
    expect(await run([...IMPORT, 'strict.mjs'])).toEqual({ code: 0, stdout: ['answer Hello world'], stderr: LINE });
  });

  it('with a logger, it goes there', async () => {
    expect(await run([...IMPORT, 'application.mjs'], { OTEL_LOG_LEVEL: 'error' })).toEqual({
      code: 0,
      stdout: ['answer Hello world'],
      stderr: LINE,
    });
  });

  it('an application that makes no call is told nothing', async () => {
    expect((await run([...IMPORT, 'nothing.mjs'])).stderr).toBe('');
  });

  it('an application that is switched off is told nothing', async () => {
    expect((await run([...IMPORT, 'application.mjs'], { OTEL_SDK_DISABLED: 'true' })).stderr).toBe('');
  });
});

describe('with a broken @opentelemetry/sdk-node', () => {
  it('the call is answered, and one line says so', async () => {
    const broken = join(folder, 'node_modules', '@opentelemetry', 'sdk-node');
    await mkdir(broken);
    await writeFile(join(broken, 'index.js'), '');
    expect(await run([...IMPORT, 'application.mjs'], { OTEL_LOG_LEVEL: 'error' })).toEqual({
      code: 0,
      stdout: ['answer Hello world'],
      stderr:
        'opentelemetry-instrumentation-llm-stream: no traces are sent: MODULE_NOT_FOUND while loading what ' +
        '`@opentelemetry/sdk-node` is made of; reinstall it\n',
    });
    await rm(broken, { recursive: true });
  });
});

it.each([
  ['20.19.0', '1.9', 'npm install @opentelemetry/api@~1.9.0 @opentelemetry/sdk-node@^0.223.0'],
  ['20.19.0', '1.10', 'npm install @opentelemetry/api@~1.9.0 @opentelemetry/sdk-node@^0.223.0'],
  ['22.14.0', '1.10', 'npm install @opentelemetry/api@~1.9.0 @opentelemetry/sdk-node@^0.223.0'],
  ['22.15.0', '1.10', 'npm install @opentelemetry/api@~1.10.0 @opentelemetry/sdk-node@^0.301.0'],
  ['24.0.0', '1.9', 'npm install @opentelemetry/api@~1.9.0 @opentelemetry/sdk-node@^0.223.0'],
  ['26.1.0', '1.10', 'npm install @opentelemetry/api@~1.10.0 @opentelemetry/sdk-node@^0.301.0'],
] as const)('on Node %s beside API %s the line is `%s`', (node, api, line) => {
  expect(installLine(node, api)).toBe(line);
});
