/** Finding and building, with recipes that take no time: what the proof rests on before any program runs. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runToEnd } from '../run.js';
import { build, cachedBuild } from './build.js';
import { findPrograms } from './find.js';
import { PROGRAMS, type Recipe } from './recipes.js';

const PATH = process.env['PATH'] ?? '';
const recipe = (script: string): Recipe => ({ name: 'tool', version: '1.2.3', script, minutes: 1 });

let folder: string;
let cache: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backends-programs-'));
  cache = join(folder, 'opentelemetry-instrumentation-llm-stream');
  vi.stubEnv('XDG_CACHE_HOME', folder);
  for (const { variable } of Object.values(PROGRAMS)) vi.stubEnv(variable, undefined);
  // Nobody installs it, so no test can put it on the PATH.
  vi.stubEnv('COMPOSE_LOAD_BIN', process.execPath);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

describe('a build', () => {
  test('is kept in the cache, under its name, version and a key', async () => {
    const made = recipe('echo "$PART" > out/tool; echo "$CGO_ENABLED" >> out/tool');
    vi.stubEnv('PART', 'part');
    expect(cachedBuild(made)).toBe(undefined);
    const place = await build(made);
    expect(await readFile(join(place, 'tool'), 'utf8')).toBe('part\n0\n');
    expect(cachedBuild(made)).toBe(place);
    expect((await readdir(cache)).sort()).toEqual([
      expect.stringMatching(/^tool-1\.2\.3-[0-9a-f]{12}$/),
      expect.stringMatching(/^tool-1\.2\.3-[0-9a-f]{12}\.log$/),
    ]);
  });

  test('begins with the files of its recipe', async () => {
    const made = { ...recipe('mv given.yaml out/'), files: { 'given.yaml': 'given: true\n' } };
    expect(await readFile(join(await build(made), 'given.yaml'), 'utf8')).toBe('given: true\n');
  });

  test('of another recipe is another one', async () => {
    await build(recipe('touch out/tool'));
    expect(cachedBuild(recipe('touch out/tool; true'))).toBe(undefined);
  });

  test.each([
    ['fails', 'touch out/tool; echo reason; exit 3', 3],
    ['is killed', 'touch out/tool; echo reason; kill -KILL $$', 'SIGKILL'],
  ] as const)('that %s leaves its log alone, and says where it is and how it ends', async (_how, script, code) => {
    const failing = recipe(script);
    const message = await build(failing).catch((error: Error) => error.message);
    expect(message).toContain(`tool was not built (${code})`);
    expect(message).toContain('reason\n');
    expect(message).toContain(cache);
    expect(await readdir(cache)).toEqual([expect.stringMatching(/\.log$/)]);
    expect(cachedBuild(failing)).toBe(undefined);
  });
});

describe('a program', () => {
  /** A command that says a version. */
  async function command(name: string, version: string): Promise<string> {
    const path = join(folder, 'bin', name);
    await mkdir(join(folder, 'bin'), { recursive: true });
    await writeFile(path, `#!/bin/sh\necho '${name}, version ${version} (branch: HEAD)'\n`);
    await chmod(path, 0o755);
    return path;
  }

  async function allCommands(version: string): Promise<Record<string, string>> {
    const paths: Record<string, string> = {};
    for (const [name, { installed }] of Object.entries(PROGRAMS))
      paths[name] = installed ? await command(installed.command, version) : process.execPath;
    return paths;
  }

  test('is the one on the PATH', async () => {
    const paths = await allCommands('99.0.0');
    vi.stubEnv('PATH', [join(folder, 'bin'), PATH].join(delimiter));
    expect(await findPrograms(() => {})).toEqual(paths);
  });

  test('is the one that a variable names, whatever its version', async () => {
    await allCommands('99.0.0');
    const jaeger = await command('my-jaeger', '0.0.1');
    vi.stubEnv('PATH', [join(folder, 'bin'), PATH].join(delimiter));
    vi.stubEnv('JAEGER_BIN', jaeger);
    expect((await findPrograms(() => {})).jaeger).toBe(jaeger);
  });

  test('that a variable names and is none is refused', async () => {
    vi.stubEnv('OTELCOL_BIN', '/nowhere/otelcol');
    await expect(findPrograms(() => {})).rejects.toThrow('`OTELCOL_BIN` must be a program, got "/nowhere/otelcol"');
  });

  test('on the PATH that is too old is passed over, and where Go is missing it is said how to get both', async () => {
    await allCommands('2.9.0');
    await command('otelcol-contrib', '0.99.0');
    vi.stubEnv('PATH', join(folder, 'bin'));
    const lines: string[] = [];
    const message = await findPrograms((line) => lines.push(line)).catch((error: Error) => error.message);
    expect(lines[0]).toContain('otelcol-contrib is 0.99.0, 0.159.0 is needed');
    expect(message).toContain('no `go` on the PATH');
    expect(message).toContain('https://go.dev/doc/install');
    expect(message).toContain('`OTELCOL_BIN`');
  });
});

test('without Go and without programs, what `npm run test:backends` begins with says so, and fails', async () => {
  const start = fileURLToPath(new URL('find-first.mjs', import.meta.url));
  const env = { ...process.env, PATH: folder };
  const { code, stdout, stderr } = await runToEnd(process.execPath, [start], { limitMs: 20_000, env });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^`otelcol-contrib` is built with Go, and there is no `go` on the PATH: [^\n]+\n$/);
  expect(stdout).toBe('');
});
