/** One of the real programs, running: started until it is ready, stopped, killed, started again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { ask } from './http.js';
import { until } from './until.js';
import { endWithUs } from './with-us.js';

export interface Start {
  readonly path: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Answers with 2xx when it is ready. */
  readonly readyUrl: string;
}

export interface Running {
  /** All that it wrote. */
  output(): string;
  /** Asks it to end, and insists after a while. */
  stop(): Promise<void>;
  /** As a crash would: it gets to do nothing more. */
  kill(): Promise<void>;
}

const READY_MS = 60_000;
const STOP_MS = 20_000;
const SHOWN = 3_000;

export async function start({ path, args, cwd, env, readyUrl }: Start): Promise<Running> {
  const child = spawn(path, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (text: string): void => {
    output += text;
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  let ended = false;
  const end = once(child, 'close').then(() => {
    ended = true;
  });
  const { pid } = child;
  if (pid === undefined) await end;
  const release = pid === undefined ? () => {} : endWithUs(pid);
  const endBy = async (signal: NodeJS.Signals): Promise<void> => {
    if (!ended) child.kill(signal);
    await Promise.race([end, wait(STOP_MS, undefined, { ref: false })]);
    if (!ended) child.kill('SIGKILL');
    await end;
    release();
  };
  try {
    const exits = end.then(() => Promise.reject(new Error('it ended')));
    const ready = until(`${path} to be ready at ${readyUrl}`, READY_MS, async () =>
      ended || (await ask(readyUrl)).ok ? true : undefined,
    );
    await Promise.race([ready, exits]);
  } catch (error) {
    await endBy('SIGKILL');
    throw new Error(`${path} ${args.join(' ')} did not get ready:\n${output.slice(-SHOWN)}`, { cause: error });
  }
  return { output: () => output, stop: () => endBy('SIGTERM'), kill: () => endBy('SIGKILL') };
}
