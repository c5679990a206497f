/** Installs an example from the packed package, as whoever copies it would, and starts it as its `package.json` says. */
import { type ChildProcess, type ExecFileOptionsWithStringEncoding, execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Workshop {
  /** A copy of the example, with its dependencies. */
  install(example: string): Promise<Example>;
  remove(): Promise<void>;
}

export interface Example {
  /** Runs one of its scripts to the end, whatever the end is. */
  script(name: string, env: Environment): Promise<Ran>;
  /** Runs one of its scripts, which is that process itself, and hands it out. */
  start(name: string, env: Environment): ChildProcess;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Environment = Readonly<Record<string, string>>;

/** Packs what is built. */
export async function openWorkshop(): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), 'examples-'));
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: ROOT,
  });
  // As npm prints it.
  const [packed] = JSON.parse(stdout) as [{ filename: string }];
  return {
    install: (example) => install(example, join(folder, example), join(folder, packed.filename)),
    remove: () => rm(folder, { recursive: true }),
  };
}

async function install(example: string, cwd: string, tarball: string): Promise<Example> {
  await cp(join(ROOT, 'examples', example), cwd, {
    recursive: true,
    filter: (path) => !path.endsWith('node_modules') && !path.endsWith('dist'),
  });
  // The Node of the tests is that of npm and of the example.
  const PATH = [join(cwd, 'node_modules', '.bin'), dirname(process.execPath), process.env['PATH']].join(delimiter);
  const quietly = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  await run('npm', ['install', ...quietly, tarball], { cwd, env: { ...process.env, PATH } });
  // Of this repository.
  const { scripts } = JSON.parse(await readFile(join(cwd, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const command = (name: string): string[] => ['-c', `exec ${scripts[name] ?? `no script ${name}`}`];
  return {
    script: (name, env) => runToEnd(command(name), { cwd, env: { PATH, ...env }, timeout: 60_000 }),
    start: (name, env) => execFile('sh', command(name), { cwd, env: { PATH, ...env }, timeout: 60_000 }),
  };
}

function runToEnd(command: string[], options: ExecFileOptionsWithStringEncoding): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = execFile('sh', command, options, (_error, stdout, stderr) => {
      const code = child.exitCode;
      if (code === null) reject(new Error(`killed after ${options.timeout} ms: ${stdout}${stderr}`));
      else resolve({ code, stdout, stderr });
    });
  });
}
