/** Starts small applications under `/register`, in processes of their own, on the built package. */
import { type ChildProcess, execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chatText, chatToolCalls, startFaultyProvider } from '../../src/testing/index.js';
import { type Collector, startCollector } from './collector.js';

/** `REGISTER_NODE` names another Node to run them with. */
export const NODE = process.env['REGISTER_NODE'] ?? process.execPath;

export const IMPORT = ['--import', 'opentelemetry-instrumentation-llm-stream/register'];
export const REQUIRE = ['--require', 'opentelemetry-instrumentation-llm-stream/register'];

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Run {
  /** A signal's name where one ended it. */
  readonly code: number | string | null | undefined;
  readonly stdout: readonly string[];
  readonly stderr: string;
}

export interface Applications {
  readonly folder: string;
  /** The provider's address, which applications are given as their argument. */
  readonly baseURL: string;
  /** Where they export to, unless `env` says otherwise. Everything that came since {@link Applications.collect}. */
  readonly collector: Collector;
  /** Forgets what came, with a collector of its own for each test. */
  collect(): Promise<void>;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Run>;
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Started;
  close(): Promise<void>;
}

export interface Started {
  readonly process: ChildProcess;
  /** What it wrote to stdout so far. */
  readonly stdout: () => string;
  readonly ended: Promise<Run>;
}

export async function startApplications(): Promise<Applications> {
  const provider = await startFaultyProvider({
    scenarios: {
      greeting: { reply: chatText(['Hello', ' world']) },
      cut: { reply: chatText(['Hello', ' world']), faults: [{ type: 'reset', afterChunks: 2 }] },
      hanging: { reply: chatText(['Hello', ' world']), faults: [{ type: 'hang', afterChunks: 2 }] },
      // 300 fragments of its arguments.
      tools: { reply: chatToolCalls([{ name: 'book', fragments: FRAGMENTS }]) },
    },
  });
  // Inside the checkout, where this package is found by its own name.
  await mkdir(join(ROOT, 'temp'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'temp', 'register-'));
  await cp(fileURLToPath(new URL('applications', import.meta.url)), folder, { recursive: true });
  let collector = await startCollector();
  const baseURL = `${provider.url}/v1`;

  const start: Applications['start'] = (args, env = {}) => {
    const environment = { ...clean(process.env), OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env };
    return startNode([...args, baseURL], { cwd: folder, env: environment });
  };
  return {
    folder,
    baseURL,
    get collector() {
      return collector;
    },
    async collect() {
      await collector.close();
      collector = await startCollector();
    },
    start,
    run: (args, env) => start(args, env).ended,
    async close() {
      await Promise.all([provider.close(), collector.close()]);
      await rm(folder, { recursive: true });
    },
  };
}

const FRAGMENTS = ['{"n":[', ...Array.from({ length: 298 }, () => '1,'), '1]}'];

export function startNode(args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }): Started {
  let stdout = '';
  let child: ChildProcess | undefined;
  const ended = new Promise<Run>((resolve) => {
    child = execFile(NODE, args, { ...options, timeout: 60_000 }, (error, out, stderr) => {
      resolve({
        code: error === null ? 0 : (error.signal ?? error.code),
        stdout: out.split('\n').filter((line) => line !== ''),
        stderr,
      });
    });
    child.stdout?.on('data', (part: unknown) => {
      stdout += String(part);
    });
  });
  if (child === undefined) throw new Error('the child is made before the promise is');
  return { process: child, stdout: () => stdout, ended };
}

/** Without what is set for whoever runs the tests. */
function clean(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(OTEL_|LLM_STREAM_|NODE_)/.test(name)));
}
