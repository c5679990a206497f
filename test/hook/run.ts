/** Starts small applications in processes of their own, on the built package, as their authors would start them. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chatText, startFaultyProvider } from '../../src/testing/index.js';

/** `HOOK_NODE` names another Node to run them with. */
export const NODE = process.env['HOOK_NODE'] ?? process.execPath;
export const NODE_MAJOR = Number.parseInt(await print('process.versions.node'), 10);

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Where each supported version of the SDK is installed; openai 7 needs Node 22. */
const INSTALLED = { v4: 'test/openai/v4/', v5: 'test/openai/v5/', v6: '', v7: 'test/openai/v7/' } as const;

export type SdkVersion = keyof typeof INSTALLED;

export const SDK_VERSIONS: readonly SdkVersion[] = ['v4', 'v5', 'v6', ...(NODE_MAJOR >= 22 ? (['v7'] as const) : [])];

/** What a process did. */
export interface Run {
  readonly code: number | string | null | undefined;
  /** What it wrote to stderr, its process id left out. */
  readonly stderr: string;
  /** What the application said: all lines that are no spans. */
  readonly said: readonly string[];
  /** In the order in which they ended. */
  readonly spans: readonly Span[];
}

export interface Span {
  readonly name: string;
  readonly roads: unknown;
  readonly outcome: unknown;
  readonly chunks: unknown;
}

export interface Applications {
  /** The provider's, which greets who asks. */
  readonly baseURL: string;
  /** The folder of the applications that find this version of the SDK. */
  folder(version: SdkVersion): string;
  /** Runs Node with these arguments in the folder, and the provider's address as the application's. */
  run(version: SdkVersion, ...args: readonly string[]): Promise<Run>;
  close(): Promise<void>;
}

/** The applications, each in a folder of its own for each version of the SDK. */
export async function startApplications(): Promise<Applications> {
  const provider = await startFaultyProvider({ scenarios: { greeting: { reply: chatText(['Hello', ' world']) } } });
  // Inside the checkout, where this package is found by its own name.
  await mkdir(join(ROOT, 'temp'), { recursive: true });
  const directory = await mkdtemp(join(ROOT, 'temp', 'hook-'));
  const folder = (version: SdkVersion): string => join(directory, version);
  for (const version of SDK_VERSIONS) {
    await cp(fileURLToPath(new URL('applications', import.meta.url)), folder(version), { recursive: true });
    await mkdir(join(folder(version), 'node_modules'));
    const installed = join(ROOT, INSTALLED[version], 'node_modules', 'openai');
    await symlink(installed, join(folder(version), 'node_modules', 'openai'), 'junction');
  }
  const baseURL = `${provider.url}/v1`;
  return {
    baseURL,
    folder,
    run: (version, ...args) => runNode(folder(version), [...args, baseURL]),
    async close() {
      await provider.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** Runs Node in a folder, and reads what it wrote. */
export function runNode(cwd: string, args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve) => {
    // openai 4's node-fetch uses punycode, and url.parse(), which counts where it is bundled.
    const flags = ['--disable-warning=DEP0040', '--disable-warning=DEP0169'];
    const options = { cwd, env: { ...process.env, ...env }, timeout: 60_000 };
    execFile(NODE, [...flags, ...args], options, (error, stdout, stderr) => {
      const lines = stdout.split('\n').filter((line) => line !== '');
      resolve({
        code: error === null ? 0 : (error.code ?? error.signal),
        stderr: stderr.replaceAll(/\(node:\d+\)/g, '(node)'),
        said: lines.filter((line) => !line.startsWith('span ')),
        spans: lines.filter((line) => line.startsWith('span ')).map((line) => readSpan(line.slice('span '.length))),
      });
    });
  });
}

function readSpan(json: string): Span {
  // Written by `print-spans.cjs`.
  const { name, attributes } = JSON.parse(json) as { name: string; attributes: Record<string, unknown> };
  return {
    name,
    roads: attributes['llm_stream.observed_by'],
    outcome: attributes['llm_stream.outcome'],
    chunks: attributes['llm_stream.chunk_count'],
  };
}

function print(expression: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(NODE, ['-p', expression], (error, stdout) => (error === null ? resolve(stdout.trim()) : reject(error)));
  });
}
