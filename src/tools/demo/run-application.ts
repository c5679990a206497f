/**
 * Runs the application as a child process, and collects what it says.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { applicationEnvironment } from './environment.js';
import { type CallReport, isApplicationMessage, type Job } from './messages.js';

export interface ApplicationRun {
  readonly reports: readonly CallReport[];
  readonly backend: { readonly sent: number; readonly problem?: string } | undefined;
  /** Why it did not come to its end. */
  readonly problem: string | undefined;
}

/** Beside this file in `dist/tools/`; both are entries of the build. */
const APPLICATION = fileURLToPath(new URL('./demo-application.js', import.meta.url));

/** Never rejects. A child that is not through after `limitMs` is killed. */
export function runApplication(job: Job, limitMs: number): Promise<ApplicationRun> {
  return new Promise((resolve) => {
    const reports: CallReport[] = [];
    let backend: ApplicationRun['backend'];
    let problem: string | undefined;
    // Its output goes to our stderr: stdout may be JSON for somebody.
    const child = fork(APPLICATION, [JSON.stringify(job)], {
      env: applicationEnvironment(job.backendUrl !== undefined),
      execArgv: [],
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    const watchdog = setTimeout(() => {
      problem = `the application was stopped: not through after ${limitMs} ms`;
      child.kill('SIGKILL');
    }, limitMs);
    const over = (cause: string | undefined): void => {
      clearTimeout(watchdog);
      resolve({ reports, backend, problem: problem ?? cause });
    };
    child.on('message', (message: unknown) => {
      if (!isApplicationMessage(message)) return;
      if (message.type === 'call') reports.push(message.report);
      else if (message.type === 'backend') backend = message;
      else problem = message.problem;
    });
    child.on('error', (error) => over(`the application did not start: ${error.message}`));
    // `close`, not `exit`: all messages have come then.
    child.on('close', (code, signal) => over(code === 0 ? undefined : `the application ended with ${code ?? signal}`));
  });
}
