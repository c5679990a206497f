/**
 * The application of the demo, a process of its own: calls a model, and reports what it saw. Built to a file of its own.
 */
import type { ApplicationMessage, CallReport, Job } from './demo/messages.js';
import { createReader, warmUp } from './demo/reading.js';
import { startTelemetry } from './demo/telemetry.js';

const AT_ONCE = 4;

async function main(): Promise<void> {
  // The parent went away: nobody waits for a report.
  const alone = (): never => process.exit(1);
  process.once('disconnect', alone);
  try {
    await work(JSON.parse(process.argv[2] ?? ''));
  } catch (error) {
    await send({ type: 'stopped', problem: error instanceof Error ? error.message : String(error) });
    process.exitCode = 1;
  }
  process.off('disconnect', alone);
  process.disconnect?.();
}

async function work(job: Job): Promise<void> {
  const telemetry = await startTelemetry(job);
  const read = await createReader();
  const [first] = job.calls;
  if (first !== undefined) await warmUp(first.baseUrl);
  await inLanes(job.calls, AT_ONCE, async (call) => report(await read(call)));
  const backend = await telemetry.shutdown();
  if (backend !== undefined) await send({ type: 'backend', ...backend });
}

async function inLanes<T>(items: readonly T[], lanes: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const lane = async (): Promise<void> => {
    // One iterator for all lanes: each takes what is next.
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function report(seen: CallReport): Promise<void> {
  return send({ type: 'call', report: seen });
}

function send(message: ApplicationMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) return resolve();
    process.send(message, undefined, undefined, () => resolve());
  });
}

await main();
