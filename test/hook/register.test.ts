/**
 * Applications that are started as the README says: both module systems, all versions of the SDK. `HOOK_NODE` names the
 * Node to run them with.
 */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Applications, NODE_MAJOR, type Run, runNode, SDK_VERSIONS, type Span, startApplications } from './run.js';

const HOOK = ['--import', 'opentelemetry-instrumentation-llm-stream/hook'];
const REGISTER = ['--import', './register.mjs'];
// Node 26 says of itself that it is deprecated.
const OTEL_HOOK = ['--disable-warning=DEP0205', '--import', './otel-loader-hook.mjs'];
const SYNC_HOOK = ['--import', './otel-sync-hook.mjs'];
const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

let applications: Applications;

beforeAll(async () => {
  applications = await startApplications();
});

afterAll(() => applications.close());

function span(...roads: readonly string[]): Span {
  return { name: 'chat greeting', roads, outcome: 'completed', chunks: 4 };
}

/** It said nothing of its own, and the application got its answer. */
function answered(spans: readonly Span[]): Run {
  return { code: 0, stderr: '', said: ['answer Hello world'], spans };
}

describe.each(SDK_VERSIONS)('with openai %s', (version) => {
  // openai 4 brings node-fetch.
  const bothRoads = version === 'v4' ? span('openai') : span('fetch', 'openai');
  const fetchRoad = version === 'v4' ? [] : [span('fetch')];

  it.each([
    ['a CommonJS application', ['--require', './register.cjs', 'application.cjs']],
    ['an ES module, with the hook', [...HOOK, ...REGISTER, 'application.mjs']],
    ['a CommonJS application that says it by hand to the other copy of us', [...REGISTER, 'by-hand.cjs']],
    ['an ES module that says it by hand to the other copy of us', ['--require', './register.cjs', 'by-hand.mjs']],
  ])('%s: a call is one span, seen on both roads', async (_, args) => {
    expect(await applications.run(version, ...args)).toEqual(answered([bothRoads]));
  });

  it('an ES module without the hook: a call is seen where it goes through `fetch`', async () => {
    expect(await applications.run(version, ...REGISTER, 'application.mjs')).toEqual(answered(fetchRoad));
  });

  it('the CommonJS and the ES module copy of openai in one process: each call is one span', async () => {
    expect(await applications.run(version, ...HOOK, ...REGISTER, 'both-copies-of-openai.mjs')).toEqual({
      code: 0,
      stderr: '',
      said: ['different classes true', 'answer Hello world', 'answer Hello world'],
      spans: [bothRoads, bothRoads],
    });
  });

  it('`disable()` puts the classes of both copies back as they were', async () => {
    expect(await applications.run(version, ...HOOK, 'enable-and-disable.mjs')).toEqual({
      code: 0,
      stderr: '',
      said: [
        'same classes true true',
        'answer Hello world',
        'answer Hello world',
        'enabled imported asResponse buildRequest fetchWithTimeout makeRequest parse request',
        'enabled required asResponse buildRequest fetchWithTimeout makeRequest parse request',
        'disabled imported nothing',
        'disabled required nothing',
        'answer Hello world',
        'answer Hello world',
      ],
      spans: [bothRoads, bothRoads],
    });
  });
});

describe('a call is one span, seen on both roads', () => {
  it.each([
    ['in CommonJS, the ES module copy of us imported', [...REGISTER, 'application.cjs']],
    ['in CommonJS, with the hook that it does not need', [...HOOK, ...REGISTER, 'application.cjs']],
    [
      'in ES modules, the hook imported in the bootstrap file',
      ['--import', './hook-and-register.mjs', 'application.mjs'],
    ],
    ['in ES modules, all of it required', ['--require', './hook-and-register.cjs', 'application.mjs']],
    ['in ES modules, the hook imported after the instrumentation', [...REGISTER, ...HOOK, 'application.mjs']],
    [
      'in ES modules, both copies of the hook imported',
      ['--import', './hook-twice.mjs', ...REGISTER, 'application.mjs'],
    ],
    ['in a worker thread', [...HOOK, ...REGISTER, 'worker.mjs']],
    ['said by hand to the copy of us that is registered', [...REGISTER, 'by-hand.mjs']],
    ['said by hand though the hook has seen it', [...HOOK, ...REGISTER, 'by-hand.mjs']],
    ['in ES modules, under the whole SDK', [...HOOK, '--import', './node-sdk.mjs', 'application.mjs']],
    ['in CommonJS, under the whole SDK', ['--import', './node-sdk.mjs', 'application.cjs']],
    ['beside the loader hook of OpenTelemetry, before ours', [...OTEL_HOOK, ...HOOK, ...REGISTER, 'application.mjs']],
    ['beside the loader hook of OpenTelemetry, after ours', [...HOOK, ...OTEL_HOOK, ...REGISTER, 'application.mjs']],
    ['with the loader hook of OpenTelemetry alone', [...OTEL_HOOK, ...REGISTER, 'application.mjs']],
    ['beside the synchronous hook, before ours', [...SYNC_HOOK, ...HOOK, ...REGISTER, 'application.mjs']],
    ['beside the synchronous hook, after ours', [...HOOK, ...SYNC_HOOK, ...REGISTER, 'application.mjs']],
  ])('%s', async (_, args) => {
    expect(await applications.run('v6', ...args)).toEqual(answered([span('fetch', 'openai')]));
  });
});

it('an instrumentation that is switched off sees nothing', async () => {
  expect(await applications.run('v6', ...HOOK, '--import', './disabled.mjs', 'application.mjs')).toEqual(answered([]));
});

it('a hook that finds nothing to hook with says so over `diag`, once, and the application runs on', async () => {
  // Outside the checkout, where nothing of OpenTelemetry but its API is found.
  const folder = await mkdtemp(join(tmpdir(), 'hook-'));
  const modules = join(folder, 'node_modules', '@opentelemetry');
  await mkdir(modules, { recursive: true });
  const api = fileURLToPath(new URL('../../node_modules/@opentelemetry/api', import.meta.url));
  await symlink(api, join(modules, 'api'), 'junction');
  await cp(DIST, folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(
    join(folder, 'application.mjs'),
    `import { diag, DiagConsoleLogger } from '@opentelemetry/api';
     diag.setLogger(new DiagConsoleLogger());
     await import('./hook.js');
     await import('./hook.cjs');
     console.log('runs on');`,
  );
  expect(await runNode(folder, ['application.mjs'])).toEqual({
    code: 0,
    stderr:
      'opentelemetry-instrumentation-llm-stream: MODULE_NOT_FOUND while hooking ES modules; an `import` of `openai` is ' +
      'not seen, its calls are where they go through `fetch`, or by `instrumentOpenAI`\n',
    said: ['runs on'],
    spans: [],
  });
  await rm(folder, { recursive: true });
});

it('openai 7 is tested where it runs', () => {
  expect(SDK_VERSIONS.includes('v7')).toBe(NODE_MAJOR >= 22);
});
