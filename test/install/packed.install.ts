/**
 * The packed package, installed from the registry into empty folders beside each line of the SDK, and run as the README
 * says. `INSTALL_NODE_24` names a Node 24 where `test/nodes` has none.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chatText, type FaultyProvider, startFaultyProvider } from '../../src/testing/index.js';
import { type Collector, startCollector } from '../register/collector.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NODE_24 = process.env['INSTALL_NODE_24'] ?? join(ROOT, 'test/nodes/node_modules/node-24/bin/node');

/** The versions of Node, by the binary of each. */
const NODES = { 'this Node': process.execPath, 'Node 24': NODE_24 } as const;
type NodeName = keyof typeof NODES;

const APPLICATION = `
import OpenAI from 'openai';
const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'none', maxRetries: 0 });
const stream = await client.chat.completions.create({ model: 'greeting', stream: true, messages: [] });
let text = '';
for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
console.log('answer ' + text);
`;
const APPLICATION_CJS = `import('./app.mjs');`;

let workshop: string;
let tarball: string;
let provider: FaultyProvider;
let collector: Collector;

beforeAll(async () => {
  provider = await startFaultyProvider({ scenarios: { greeting: { reply: chatText(['Hello', ' world']) } } });
  workshop = await mkdtemp(join(tmpdir(), 'install-'));
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', workshop], {
    cwd: ROOT,
  });
  // As npm prints it.
  const [packed] = JSON.parse(stdout) as [{ filename: string }];
  tarball = join(workshop, packed.filename);
});

beforeEach(async () => {
  collector = await startCollector();
  return () => collector.close();
});

afterAll(async () => {
  await provider.close();
  await rm(workshop, { recursive: true });
});

interface Project {
  install(...packages: readonly string[]): Promise<void>;
  /** Runs a command as npm printed it. */
  shell(command: string): Promise<void>;
  start(...args: readonly string[]): Promise<{ stdout: string; stderr: string }>;
  /** Version and place of each copy of a package. */
  copies(name: string): Promise<readonly string[]>;
  version(name: string): Promise<unknown>;
}

/** An empty folder with an application, under one version of Node. */
async function createProject(node: NodeName): Promise<Project> {
  const cwd = await mkdtemp(join(workshop, 'project-'));
  await writeFile(join(cwd, 'package.json'), '{ "private": true }');
  await writeFile(join(cwd, 'app.mjs'), APPLICATION);
  await writeFile(join(cwd, 'app.cjs'), APPLICATION_CJS);
  // npm runs under the Node that the application does.
  const PATH = [dirname(NODES[node]), process.env['PATH']].join(delimiter);
  const env = { ...process.env, PATH, npm_config_audit: 'false', npm_config_fund: 'false' };
  const shell = async (command: string) => void (await run('sh', ['-c', command], { cwd, env }));
  return {
    shell,
    install: (...packages) => shell(`npm install ${packages.map((name) => `'${name}'`).join(' ')}`),
    start: (...args) => {
      const application = { PATH, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
      return run(NODES[node], [...args, `${provider.url}/v1`], { cwd, env: application });
    },
    copies: async (name) => {
      const files = await readdir(join(cwd, 'node_modules'), { recursive: true });
      return files.filter((file) => file.endsWith(join(name, 'package.json')) && !file.includes(join(name, 'build')));
    },
    version: async (name) => {
      const json: unknown = JSON.parse(await readFile(join(cwd, 'node_modules', name, 'package.json'), 'utf8'));
      return typeof json === 'object' && json !== null && 'version' in json ? json.version : undefined;
    },
  };
}

const REGISTER = 'opentelemetry-instrumentation-llm-stream/register';

it('Node 24 is there', () => {
  expect(existsSync(NODE_24)).toBe(true);
});

describe.each([
  ['this Node', '1.9.1', '0.223.0'],
  ['this Node', '1.9.0', '0.200.0'],
  ['Node 24', '1.9.1', '0.223.0'],
  ['Node 24', '1.10.0', '0.301.0'],
] as const)('on %s, beside API %s and sdk-node %s', (node, api, sdk) => {
  it('installs with one copy of the API, and a call is one span, imported and required', async () => {
    const project = await createProject(node);
    await project.install(`@opentelemetry/api@${api}`, `@opentelemetry/sdk-node@${sdk}`, 'openai@6.49.0');
    await project.install(tarball);
    expect(await project.copies('@opentelemetry/api')).toEqual(['@opentelemetry/api/package.json']);
    expect(await project.version('@opentelemetry/api')).toBe(api);
    expect(await project.start('--import', REGISTER, 'app.mjs')).toEqual({
      stdout: 'answer Hello world\n',
      stderr: '',
    });
    expect(await project.start('--require', REGISTER, 'app.cjs')).toEqual({
      stdout: 'answer Hello world\n',
      stderr: '',
    });
    expect(collector.spans.map(({ name }) => name)).toEqual(['chat greeting', 'chat greeting']);
  });
});

describe.each(['this Node', 'Node 24'] as const)('on %s, without an SDK', (node) => {
  it('the line that `/register` prints installs what it needs', async () => {
    const project = await createProject(node);
    await project.install(tarball, 'openai@6.49.0');
    const { stdout, stderr } = await project.start('--import', REGISTER, 'app.mjs');
    expect(stdout).toBe('answer Hello world\n');
    expect(collector.spans).toEqual([]);
    const [, line = 'nothing'] = /Run: (npm install .*)/.exec(stderr) ?? [];
    await project.shell(line);
    expect(await project.copies('@opentelemetry/api')).toEqual(['@opentelemetry/api/package.json']);
    expect(await project.start('--import', REGISTER, 'app.mjs')).toEqual({
      stdout: 'answer Hello world\n',
      stderr: '',
    });
    expect(collector.spans.map(({ name }) => name)).toEqual(['chat greeting']);
  });
});

describe.each([
  ['this Node', runsNewerLine() ? 'Node 22.15 and later' : 'Node 20 and all later ones'],
  ['Node 24', 'Node 22.15 and later'],
  ['Node 24', 'Node 20 and all later ones'],
] as const)('in an empty folder on %s, the lines of the README for %s', (node, which) => {
  it('install what is needed, and give a trace', async () => {
    const lines = (await readFile(join(ROOT, 'README.md'), 'utf8')).split('\n');
    const install = lines.find((line) => line.startsWith('npm install') && line.endsWith(`# ${which}`)) ?? 'no line';
    const project = await createProject(node);
    await project.shell(install.replace('opentelemetry-instrumentation-llm-stream', `'${tarball}'`));
    await project.install('openai@6.49.0');
    const starts = lines.filter((line) => /^node --(import|require) \S+\/register /.test(line));
    expect(starts).toHaveLength(2);
    for (const start of starts) {
      const ran = await project.start(...start.split(' ').slice(1));
      expect(ran).toEqual({ stdout: 'answer Hello world\n', stderr: '' });
    }
    expect(collector.spans.map(({ name }) => name)).toEqual(['chat greeting', 'chat greeting']);
  });
});

function runsNewerLine(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 15);
}
