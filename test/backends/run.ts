/** Runs a program to its end, or to a limit. */
import { spawn } from 'node:child_process';
import { endWithUs } from './with-us.js';

export interface RunOptions {
  readonly limitMs: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A file that all output goes to; without it, the output is handed back. */
  readonly output?: number;
}

export interface Ran {
  /** What it exited with, or the signal that ended it. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Rejects only where it cannot be started. */
export function runToEnd(command: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const output = options.output ?? 'pipe';
    // A group of its own: what a shell started ends with it.
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ['ignore', output, output],
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    const { pid } = child;
    if (pid === undefined) return;
    const release = endWithUs(-pid);
    const limit = setTimeout(() => process.kill(-pid, 'SIGKILL'), options.limitMs);
    child.once('close', (code, signal) => {
      clearTimeout(limit);
      release();
      resolve({ code: code ?? signal ?? 'unknown', stdout, stderr });
    });
  });
}
