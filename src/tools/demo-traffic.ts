/**
 * The application of the traffic, a process of its own: makes the calls of each round, and counts how they ended.
 * Built to a file of its own.
 */
import { endOpenCalls, instrumentOpenAI } from '../index.js';
import { load } from './demo/load.js';
import { runChain } from './demo/traffic/chain.js';
import type { Consumer } from './demo/traffic/consumer.js';
import { inTurn, within } from './demo/traffic/in-turn.js';
import type { ChainOrder, Instruction, TrafficJob, TrafficMessage } from './demo/traffic/messages.js';
import type { Circumstances } from './demo/traffic/reading.js';
import { Tally } from './demo/traffic/tally.js';
import { startTrafficTelemetry, type TrafficTelemetry } from './demo/traffic/telemetry.js';

/** For calls that are open when the application is told to end. */
const GRACE_MS = 2_000;

class Application {
  readonly #job: TrafficJob;
  readonly #tally: Tally;
  readonly #telemetry: TrafficTelemetry;
  readonly #circumstances: Circumstances;
  readonly #stopping: AbortController;
  readonly #consumers: Set<Consumer>;
  #round: Promise<void> = Promise.resolve();

  static async start(job: TrafficJob): Promise<Application> {
    const tally = new Tally();
    const telemetry = await startTrafficTelemetry(job, tally, (url, problem) => {
      void send({ type: 'backend', url, ...(problem !== undefined && { problem }) });
    });
    const { default: Client } = await load('openai', () => import('openai'));
    // Said by hand: an application says it with `--import …/hook`, and not at all where it requires openai.
    instrumentOpenAI(Client);
    return new Application(job, tally, telemetry, Client);
  }

  private constructor(job: TrafficJob, tally: Tally, telemetry: TrafficTelemetry, Client: Circumstances['Client']) {
    this.#job = job;
    this.#tally = tally;
    this.#telemetry = telemetry;
    this.#stopping = new AbortController();
    this.#consumers = new Set();
    this.#circumstances = {
      Client,
      collect: telemetry.collect,
      patienceMs: job.rhythm.patienceMs,
      stopping: this.#stopping.signal,
      consumers: this.#consumers,
    };
  }

  begin(chains: readonly ChainOrder[]): void {
    const turns = { ...this.#job.rhythm, signal: this.#stopping.signal };
    this.#round = inTurn(chains, turns, (chain) => runChain(chain, this.#circumstances));
    void this.#round.then(() => send({ type: 'round_over', ended: this.#tally.news() }));
  }

  async end(): Promise<void> {
    this.#stopping.abort();
    const settled = this.#round.then(() => this.#tally.settled());
    await within(GRACE_MS, settled);
    const endedByShutdown = endOpenCalls();
    const exported = await this.#telemetry.shutdown();
    for (const consumer of this.#consumers) consumer.abandon();
    await send({ type: 'ended', result: { ended: this.#tally.total(), endedByShutdown, ...exported } });
  }
}

async function main(): Promise<void> {
  const application = await Application.start(JSON.parse(process.argv[2] ?? ''));
  await send({ type: 'ready' });
  await new Promise<void>((resolve) => {
    // The parent goes away, or passes on that it is to end: both are told by it.
    process.once('disconnect', resolve);
    // `as`: both sides are built together.
    process.on('message', (message) => {
      const instruction = message as Instruction;
      if (instruction.type === 'round') application.begin(instruction.chains);
      else resolve();
    });
  });
  await application.end();
}

function send(message: TrafficMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, undefined, undefined, () => resolve());
  });
}

// A terminal's Ctrl-C reaches both processes: the parent says what happens then.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

try {
  await main();
} catch (error) {
  await send({ type: 'stopped', problem: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
if (process.connected) process.disconnect();
