/** Runs the applications of this folder in processes of their own, with the library bundled from its sources. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Rolldown } from 'tsdown';
import { chatText, startFaultyProvider } from '../../src/testing/index.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** `ENDINGS_NODE` names another Node to run them with. */
const NODE = process.env['ENDINGS_NODE'] ?? process.execPath;

const APPLICATIONS = {
  abandons: new URL('./applications/abandons.mjs', import.meta.url),
  beforeExit: new URL('./applications/before-exit.mjs', import.meta.url),
  exit: new URL('./applications/exit.mjs', import.meta.url),
  holds: new URL('./applications/holds.mjs', import.meta.url),
  idleProcess: new URL('./applications/idle-process.mjs', import.meta.url),
  manyListeners: new URL('./applications/many-listeners.mjs', import.meta.url),
  sdkShutdown: new URL('./applications/sdk-shutdown.mjs', import.meta.url),
  sigterm: new URL('./applications/sigterm.mjs', import.meta.url),
  throws: new URL('./applications/throws.mjs', import.meta.url),
  versions: new URL('./applications/versions.mjs', import.meta.url),
  workers: new URL('./applications/workers.mjs', import.meta.url),
};

export interface RunOptions {
  /** Neither is given to an application without the library. */
  readonly withoutLibrary?: boolean;
  readonly nodeArguments?: readonly string[];
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Told each line as it comes, with the means to send the process a signal. */
  onSaid?(line: unknown, kill: (signal: NodeJS.Signals) => void): void;
}

/** What a process did. */
export interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  /** What it said beside spans, in order. */
  readonly said: readonly unknown[];
  /** The attributes of the spans that ended, in order. */
  readonly spans: readonly Readonly<Record<string, unknown>>[];
}

export interface Applications {
  run(name: keyof typeof APPLICATIONS, options?: RunOptions): Promise<Run>;
  close(): Promise<void>;
}

/** Starts the provider and bundles both copies of the library, inside the tree, where what is not bundled is found. */
export async function startApplications(): Promise<Applications> {
  await mkdir(join(ROOT, 'temp'), { recursive: true });
  const directory = await mkdtemp(join(ROOT, 'temp', 'endings-'));
  const library = join(directory, 'library.mjs');
  const otherCopy = join(directory, 'library.cjs');
  await Promise.all([build('esm', library), build('cjs', otherCopy)]);
  const endless = { reply: chatText(['Hello', ' world']), hold: { afterChunks: 2, until: 'client_gone' } } as const;
  const silent = { reply: chatText(['Hello']), hold: { after: 'request', until: 'client_gone' } } as const;
  const good = { reply: chatText(['Hello']) };
  const provider = await startFaultyProvider({ scenarios: { endless, good } });
  for (const name of ABANDONED) provider.define(name, name.endsWith('no answer') ? silent : endless);
  const baseURL = `${provider.url}/v1`;
  return {
    run: (name, options = {}) => {
      const libraries = options.withoutLibrary === true ? {} : { library, otherCopy };
      const given = JSON.stringify({ ...libraries, baseURL });
      return start([...(options.nodeArguments ?? []), fileURLToPath(APPLICATIONS[name]), given], options);
    },
    async close() {
      await provider.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** The models of `abandons.mjs`. */
const ABANDONED = ['fetch', 'openai'].flatMap((road) =>
  [
    'never read, dropped',
    'never read, held',
    'half read, dropped',
    'half read, held',
    'waiting',
    'no answer',
    'never iterated, dropped',
    'never iterated, held',
    'half iterated, dropped',
    'half iterated, held',
  ].map((way) => `${road}, ${way}`),
);

function start(args: readonly string[], options: RunOptions): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(NODE, [...args, ...(options.arguments ?? [])], {
      env: { ...process.env, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
    let stderr = '';
    const lines: unknown[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line: unknown = JSON.parse(text);
      lines.push(line);
      options.onSaid?.(line, (signal) => void child.kill(signal));
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({
        code,
        signal,
        stderr,
        said: lines.filter((line) => spanOf(line) === undefined),
        spans: lines.map(spanOf).filter((span) => span !== undefined),
      });
    });
  });
}

function spanOf(line: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof line !== 'object' || line === null || !('span' in line)) return undefined;
  // Written by `set-up.mjs`.
  return line.span as Record<string, unknown>;
}

async function build(format: 'esm' | 'cjs', file: string): Promise<void> {
  await Rolldown.build({
    input: join(ROOT, 'src/index.ts'),
    platform: 'node',
    logLevel: 'silent',
    // One copy of the API in the process, as in an application.
    external: [/^@opentelemetry\//, 'eventsource-parser'],
    output: { file, format, codeSplitting: false },
  });
}
