import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT, read } from './compose-file.js';

const DOCKERFILE = 'examples/otel/demo.Dockerfile';

/** As Docker reads an ignore file: the last line that matches decides, and a folder stands for all that is in it. */
function sentBy(ignoreFile: string): (path: string) => boolean {
  const lines = ignoreFile.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const rules = lines.map((line) => ({ sends: line.startsWith('!'), pattern: patternOf(line.replace(/^!/, '')) }));
  return (path) => rules.findLast(({ pattern }) => pattern.test(path))?.sends ?? true;
}

/** `*` stays within a folder, `**` does not. */
function patternOf(glob: string): RegExp {
  const TOKENS: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' };
  const source = glob.replace(/\*\*\/|\*\*|[*?]|[.+^${}()|[\]\\]/g, (token) => TOKENS[token] ?? `\\${token}`);
  return new RegExp(`^${source}(?:/.*)?$`);
}

/** Files of the checkout, what was installed and built left out. */
function filesOf(folder = ''): readonly string[] {
  return readdirSync(ROOT + folder, { withFileTypes: true }).flatMap((entry) => {
    const path = folder + entry.name;
    if (entry.isDirectory()) return ['node_modules', 'dist', '.git'].includes(entry.name) ? [] : filesOf(`${path}/`);
    return [path];
  });
}

let image: string;
beforeAll(() => {
  image = mkdtempSync(join(tmpdir(), 'otel-image-'));
  const isSent = sentBy(read(`${DOCKERFILE}.dockerignore`));
  const sent = filesOf().filter(isSent);
  // Each COPY here has its files at the same place in the image.
  const copied = [...read(DOCKERFILE).matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, from = '']) => from.split(' '));
  for (const path of sent.filter((file) => copied.some((from) => file === from || file.startsWith(`${from}/`)))) {
    mkdirSync(dirname(join(image, path)), { recursive: true });
    cpSync(ROOT + path, join(image, path));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(image, 'node_modules'), 'dir');
});
afterAll(() => rmSync(image, { recursive: true, force: true }));

test('an ignore file is read as Docker reads it', () => {
  const isSent = sentBy('# all\n*\n!a.json\n!src\n!deep/**/*.ts\n!flat/*.ts\nsrc/not\n');
  const paths = [
    'a.json',
    'axjson',
    'src/a/b.ts',
    'src/not/c.ts',
    'deep/a.ts',
    'deep/a/b.ts',
    'flat/a.ts',
    'flat/a/b.ts',
  ];
  expect(paths.filter(isSent)).toEqual(['a.json', 'src/a/b.ts', 'deep/a.ts', 'deep/a/b.ts', 'flat/a.ts']);
});

test('what the image is given has all that npm installs by', () => {
  const workspaces = readdirSync(`${ROOT}test/openai`).filter((name) =>
    existsSync(`${ROOT}test/openai/${name}/package.json`),
  );
  expect(workspaces.length).toBeGreaterThan(0);
  const needed = [
    'package.json',
    'package-lock.json',
    '.npmrc',
    ...workspaces.map((name) => `test/openai/${name}/package.json`),
  ];
  expect(needed.filter((path) => !existsSync(join(image, path)))).toEqual([]);
});

test('of what the image is given the demo is built', () => {
  const [, build = 'none'] = /^RUN npx (tsdown .*)$/m.exec(read(DOCKERFILE)) ?? [];
  const [program = 'none', ...args] = build.split(' ');
  execFileSync(process.execPath, [join(ROOT, 'node_modules/.bin', program), ...args], { cwd: image, stdio: 'pipe' });
  const [, entry = 'none'] = /^ENTRYPOINT \["node", "(.+)"\]$/m.exec(read(DOCKERFILE)) ?? [];
  expect(existsSync(join(image, entry))).toBe(true);
  expect(execFileSync(process.execPath, [entry, '--help'], { cwd: image, encoding: 'utf8' })).toContain('--forever');
});
