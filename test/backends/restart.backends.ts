/**
 * The collector is killed, as a crash would, and started again while an application goes on. Of what the exporter was told
 * was taken, this says what is found and what is not: what waited for its verdict in the memory of `tail_sampling`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { askJaeger } from './jaeger.js';
import { SERVICE, type Sender, startSender } from './sender.js';
import { type Stack, startStack } from './stack.js';
import { until } from './until.js';

const programs = inject('programs');

/** What is not decided yet is in memory for so long, and is what a kill takes with it. */
const DECISION_MS = 3_000;
/** From the verdict to Jaeger, and for a busy machine. */
const SLACK_MS = 3_000;
const PAUSE_MS = 30;
const LIMIT_MS = 60_000;

let stack: Stack;
let sender: Sender;

async function begin(prometheus: boolean): Promise<void> {
  stack = await startStack(programs, { prometheus, decisionWait: `${DECISION_MS}ms` });
  sender = await startSender(stack.otlpUrl);
}

afterEach(async () => {
  await sender?.close();
  await stack?.stop();
});

/** Calls that fail: each of their traces is one that sampling keeps. */
async function callUntil(isEnough: () => boolean): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (!isEnough()) {
    if (Date.now() > end) throw new Error(`expected enough within ${LIMIT_MS} ms`);
    await sender.call('cut');
    await wait(PAUSE_MS);
  }
}

async function foundIds(): Promise<ReadonlySet<string>> {
  const spans = await askJaeger(stack.backends.jaegerUrl, SERVICE).byTags({ 'llm_stream.outcome': 'failed' });
  return new Set(spans.map(({ traceId }) => traceId));
}

describe('a collector killed and started again in mid-run, with the shipped file', () => {
  test('loses what was not decided yet, and nothing else that it said it took', async () => {
    await begin(false);
    const startedAt = Date.now();
    // Long enough that some of it is decided.
    await callUntil(() => sender.accepted.size > 50 && Date.now() - startedAt > 2 * DECISION_MS + SLACK_MS);
    await sender.flush();
    await stack.killCollector();
    const killedAt = Date.now();
    const before = [...sender.accepted];
    const refusedBefore = sender.refused.size;
    const away = callUntil(() => sender.ended.size > before.length + 40);
    await stack.startCollector();
    await away;
    await sender.flush();

    const endsAccounted = [...sender.ended].every((id) => sender.accepted.has(id) || sender.refused.has(id));
    expect(endsAccounted).toBe(true);
    expect(refusedBefore).toBe(0);

    const after = [...sender.accepted].filter(([, at]) => at > killedAt);
    expect(after.length).toBeGreaterThan(0);
    const decided = before.filter(([, at]) => at < killedAt - DECISION_MS - SLACK_MS);
    expect(decided.length).toBeGreaterThan(0);
    const due = [...decided, ...after].map(([id]) => id);
    await until('all that was decided, and all after the restart, in Jaeger', LIMIT_MS, async () => {
      const found = await foundIds();
      const missing = due.filter((id) => !found.has(id));
      if (missing.length > 0) throw new Error(`${missing.length} of ${due.length} missing`);
      return true;
    });
    // Exactly what tail_sampling keeps in memory: no setting of it would keep them, its absence would (below).
    const found = await foundIds();
    const lost = before.filter(([id]) => !found.has(id));
    expect(lost.length).toBeGreaterThan(0);
    expect(Math.min(...lost.map(([, at]) => at))).toBeGreaterThan(killedAt - DECISION_MS - SLACK_MS);
  });

  test("the package's own counters miss nothing: the SDK sends totals, and repeats them", async () => {
    await begin(true);
    await callUntil(() => sender.accepted.size > 20);
    await stack.killCollector();
    const during = callUntil(() => sender.ended.size > 60);
    await stack.startCollector();
    await during;
    const { size } = sender.ended;
    await until('the total of all calls in Prometheus', LIMIT_MS, async () => {
      await sender.flush();
      const [total] = await stack.prometheus.query('sum(llm_stream_stream_outcomes_total{job="backends-sender"})');
      if (total?.value !== size) throw new Error(`${total?.value} of ${size}`);
      return true;
    });
  });
});

describe('a collector with an exporter queue on disk and without tail sampling, killed while Jaeger is away', () => {
  test('loses nothing that it said it took', async () => {
    await begin(false);
    const config = await durableConfig();
    await stack.killCollector();
    await stack.startCollector(config);
    await stack.backends.killJaeger();
    await callUntil(() => sender.accepted.size > 40);
    await sender.flush();
    await stack.killCollector();
    const before = [...sender.accepted.keys()];
    await stack.backends.startJaeger();
    await stack.startCollector(config);
    await until('all that was accepted in Jaeger', LIMIT_MS, async () => {
      const found = await foundIds();
      const missing = before.filter((id) => !found.has(id));
      if (missing.length > 0) throw new Error(`${missing.length} of ${before.length} missing`);
      return true;
    });
  });
});

/** The file that the collector runs with, and the setting that keeps what it took: the queue is on disk, nothing else waits. */
async function durableConfig(): Promise<string> {
  // Of ours.
  const config = parse(await readFile(stack.collectorConfig, 'utf8')) as {
    extensions: Record<string, unknown>;
    exporters: Record<string, Record<string, unknown>>;
    service: { extensions: string[]; pipelines: Record<string, { processors: string[] }> };
  };
  config.extensions['file_storage'] = { directory: join(stack.folder, 'queue'), create_directory: true };
  config.service.extensions.push('file_storage');
  Object.assign(config.exporters['otlp_grpc/jaeger'] ?? {}, {
    sending_queue: { storage: 'file_storage' },
    retry_on_failure: { initial_interval: '500ms', max_interval: '1s', max_elapsed_time: '0s' },
  });
  Object.assign(config.service.pipelines['traces/out'] ?? {}, { processors: [] });
  const path = join(stack.folder, 'durable.yaml');
  await writeFile(path, stringify(config));
  return path;
}
