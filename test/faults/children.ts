/** The child processes, each playing one round at a time. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Bundle } from './bundle.js';
import type { Report, Round } from './round.js';

export interface Children {
  /** Plays a round as soon as a child is free; rejects where its process dies. */
  play(round: Round): Promise<Report>;
  close(): void;
}

export function startChildren({ child, library }: Bundle, count: number): Children {
  const start = () =>
    fork(child, [library], { execPath: NODE, execArgv: ['--expose-gc'], serialization: 'advanced', stdio: 'inherit' });
  const all = Array.from({ length: count }, start);
  const free = [...all];
  const waiting: ((child: ChildProcess) => void)[] = [];
  const giveBack = (child: ChildProcess): void => {
    const next = waiting.shift();
    if (next === undefined) free.push(child);
    else next(child);
  };
  return {
    async play(round) {
      const child = free.pop() ?? (await new Promise<ChildProcess>((resolve) => waiting.push(resolve)));
      try {
        return await ask(child, round);
      } finally {
        giveBack(child);
      }
    },
    close() {
      for (const child of all) child.disconnect();
    },
  };
}

/** `FAULTS_NODE` names another Node to run them with. */
const NODE = process.env['FAULTS_NODE'] ?? process.execPath;

function ask(child: ChildProcess, round: Round): Promise<Report> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null, signal: string | null): void => {
      reject(new Error(`the process died: ${signal ?? `exit code ${code}`}`));
    };
    child.once('exit', onExit);
    child.once('message', (report: Report) => {
      child.off('exit', onExit);
      resolve(report);
    });
    child.send(round);
  });
}
