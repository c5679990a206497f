/**
 * Runs the traffic: the provider in this process, the application in a child, one round after another until it is enough.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { closedPort, type FaultyProvider, startFaultyProvider } from '../../../testing/index.js';
import { applicationEnvironment } from '../environment.js';
import { ENDPOINTS } from './deployments.js';
import type { EndedAlike, Instruction, Rhythm, TrafficJob, TrafficMessage, TrafficResult } from './messages.js';
import { createRound } from './round.js';
import { TRAFFIC_STALL_THRESHOLD_MS } from './rows.js';

export interface TrafficOptions {
  readonly tracesUrl: string;
  readonly metricsUrl: string;
  /** `Infinity`: until `stop` fires. */
  readonly rounds: number;
  readonly rhythm: Rhythm;
  /** Whatever is heard of it: an application that has not ended a round after so long is killed. */
  readonly roundLimitMs: number;
  /** No more calls; those that are open may end, and what is recorded is sent. */
  readonly stop: AbortSignal;
  readonly onRound: (round: number, ended: readonly EndedAlike[]) => void;
  readonly onBackend: (url: string, problem: string | undefined) => void;
}

export interface TrafficRun {
  readonly instanceId: string;
  /** Rounds that were finished. */
  readonly rounds: number;
  /** Undefined where the application did not come to its end. */
  readonly result: TrafficResult | undefined;
  readonly problem: string | undefined;
}

/** Beside this file in `dist/tools/`; both are entries of the build. */
const APPLICATION = fileURLToPath(new URL('./demo-traffic.js', import.meta.url));

/** How long the application may take from the word to its end: less than what containers are given. */
const END_LIMIT_MS = 9_000;

export async function runTraffic(options: TrafficOptions): Promise<TrafficRun> {
  const provider = await startFaultyProvider();
  try {
    return await new Traffic(options, provider).run();
  } finally {
    await provider.close();
  }
}

class Traffic {
  readonly #options: TrafficOptions;
  readonly #provider: FaultyProvider;
  readonly #instanceId = randomUUID();
  readonly #application: ChildProcess;
  #watchdog: NodeJS.Timeout | undefined;
  #rounds = 0;
  #result: TrafficResult | undefined;
  #problem: string | undefined;
  #isEnding = false;

  constructor(options: TrafficOptions, provider: FaultyProvider) {
    this.#options = options;
    this.#provider = provider;
    const job: TrafficJob = {
      tracesUrl: options.tracesUrl,
      metricsUrl: options.metricsUrl,
      instanceId: this.#instanceId,
      endpoints: ENDPOINTS,
      stallThresholdMs: TRAFFIC_STALL_THRESHOLD_MS,
      rhythm: options.rhythm,
    };
    // Its output goes to our stderr: stdout may be JSON for somebody.
    this.#application = fork(APPLICATION, [JSON.stringify(job)], {
      env: applicationEnvironment(true),
      execArgv: [],
      stdio: ['ignore', 2, 2, 'ipc'],
    });
  }

  /** Never rejects. */
  run(): Promise<TrafficRun> {
    this.#limit(this.#options.roundLimitMs);
    return new Promise((resolve) => {
      const over = (cause: string | undefined): void => {
        clearTimeout(this.#watchdog);
        this.#options.stop.removeEventListener('abort', this.#end);
        const problem = this.#problem ?? cause;
        resolve({ instanceId: this.#instanceId, rounds: this.#rounds, result: this.#result, problem });
      };
      this.#application.on('message', (message) => {
        // `as`: both sides are built together.
        this.#heard(message as TrafficMessage).catch((error: unknown) => this.#kill(String(error)));
      });
      this.#application.on('error', (error) => over(`the application did not start: ${error.message}`));
      // `close`, not `exit`: all messages have come then.
      this.#application.on('close', (code, signal) =>
        over(code === 0 && this.#result !== undefined ? undefined : `the application ended with ${code ?? signal}`),
      );
    });
  }

  async #heard(message: TrafficMessage): Promise<void> {
    switch (message.type) {
      case 'ready':
        // Not before: it would not be heard.
        this.#options.stop.addEventListener('abort', this.#end);
        return this.#next();
      case 'round_over':
        // One that was told to end in the middle of it has not finished it.
        if (this.#isEnding) return;
        this.#rounds += 1;
        this.#options.onRound(this.#rounds, message.ended);
        return this.#next();
      case 'backend':
        return this.#options.onBackend(message.url, message.problem);
      case 'ended':
        this.#result = message.result;
        return;
      case 'stopped':
        this.#problem = message.problem;
        return;
    }
  }

  async #next(): Promise<void> {
    if (this.#options.stop.aborted || this.#rounds >= this.#options.rounds) return this.#end();
    // Anew for each round: a port is closed for as long as nobody takes it.
    const refusedUrl = `http://127.0.0.1:${await closedPort()}`;
    const { scenarios, chains } = createRound(this.#rounds + 1, { providerUrl: this.#provider.url, refusedUrl });
    // Anew: a scenario begins with its first answer again.
    for (const [name, answers] of scenarios) this.#provider.define(name, answers);
    if (this.#isEnding) return;
    this.#limit(this.#options.roundLimitMs);
    this.#send({ type: 'round', chains });
  }

  readonly #end = (): void => {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#limit(END_LIMIT_MS);
    this.#send({ type: 'end' });
  };

  #send(instruction: Instruction): void {
    // One that has gone says so by `close`.
    if (this.#application.connected) this.#application.send(instruction, () => undefined);
  }

  #limit(ms: number): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#kill(`the application was stopped: not through after ${ms} ms`), ms);
  }

  #kill(problem: string): void {
    this.#problem ??= problem;
    this.#application.kill('SIGKILL');
  }
}
