/**
 * The built traffic, run as anybody runs it, against a backend on loopback: what the application counted beside what
 * arrived as spans and as metrics. `npm test` builds before.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { closedPort } from '../../src/testing/index.js';
import { type OtlpBackend, startOtlpBackend } from './demo/otlp-backend.js';

const DEMO = fileURLToPath(new URL('../../dist/tools/demo.js', import.meta.url));
/** A round takes ten seconds where nobody else wants the machine. */
const LIMIT_MS = 120_000;

interface Run {
  readonly child: ChildProcess;
  /** For a test that did not come to its end. */
  readonly leave: () => void;
  readonly stdout: string;
  readonly stderr: string;
  /** What it exited with. */
  readonly over: Promise<number | null>;
  /** Resolves when this was said on stderr. */
  said(text: string): Promise<void>;
}

function runDemo(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Run {
  const child = spawn(process.execPath, [DEMO, ...args], { env: { ...process.env, ...environment } });
  const out = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text;
  });
  return {
    child,
    leave: () => void child.kill('SIGKILL'),
    get stdout() {
      return out.stdout;
    },
    get stderr() {
      return out.stderr;
    },
    over: once(child, 'close').then(([code]: (number | null)[]) => code ?? null),
    async said(text) {
      while (!out.stderr.includes(text)) await once(child.stderr, 'data');
    },
  };
}

const OUTCOMES = 'llm_stream.stream.outcomes';

/** `cancelled client_aborted: 7`, in order. */
function counted(ended: readonly { readonly outcome: unknown; readonly failureStage?: unknown; calls: number }[]) {
  const counts = new Map<string, number>();
  for (const { outcome, failureStage = '', calls } of ended) {
    const key = `${outcome} ${failureStage}`.trim();
    counts.set(key, (counts.get(key) ?? 0) + calls);
  }
  return Object.fromEntries([...counts].sort());
}

function spansCounted({ spans }: OtlpBackend) {
  return counted(
    spans.map(({ attributes }) => ({
      outcome: attributes['llm_stream.outcome'],
      failureStage: attributes['llm_stream.failure_stage'],
      calls: 1,
    })),
  );
}

function metricsCounted({ collections }: OtlpBackend) {
  return counted(
    (collections.at(-1)?.[OUTCOMES] ?? []).map(({ attributes, value }) => ({
      outcome: attributes['llm_stream.outcome'],
      failureStage: attributes['llm_stream.failure_stage'],
      calls: value,
    })),
  );
}

describe('one round', () => {
  let backend: OtlpBackend;
  let exitCode: number | null;
  let run: Run;

  beforeAll(async () => {
    backend = await startOtlpBackend();
    run = runDemo(['--rounds', '1', '--json'], {
      OTEL_EXPORTER_OTLP_ENDPOINT: backend.url,
      OTEL_SDK_DISABLED: 'true',
      OTEL_SERVICE_NAME: 'somebody-else',
    });
    exitCode = await run.over;
    return async () => {
      run.leave();
      await backend.close();
    };
  }, LIMIT_MS);

  test('ends well, and says how many calls ended how and that all of it was taken', () => {
    expect(run.stderr).toBe('');
    expect(exitCode).toBe(0);
    const { ended, calls, rounds, spans, metrics, problems } = JSON.parse(run.stdout);
    expect({ calls, rounds, spans, problems }).toEqual({
      calls: 167,
      rounds: 1,
      spans: { accepted: 167, lost: 0 },
      problems: [],
    });
    expect(metrics).toEqual({ accepted: backend.collections.length, lost: 0 });
    expect(counted(ended)).toEqual({
      'cancelled client_aborted': 7,
      completed: 137,
      'failed after_finish_reason': 2,
      'failed after_first_token': 8,
      'failed before_first_token': 2,
      'failed before_request': 3,
      'failed during_tool_call': 1,
      'failed request_rejected': 6,
      'failed unknown': 1,
    });
  });

  test('has as many spans, and as much in the counter of outcomes, as the application counted', () => {
    const { ended } = JSON.parse(run.stdout);
    expect(spansCounted(backend)).toEqual(counted(ended));
    expect(metricsCounted(backend)).toEqual(counted(ended));
  });

  test('has each metric of docs/attributes.md, cumulative, with at least one point', () => {
    const last = backend.collections.at(-1) ?? {};
    expect(Object.keys(last).sort()).toEqual([
      'gen_ai.client.inference.duration',
      'gen_ai.client.inference.operation.input_tokens',
      'gen_ai.client.inference.operation.output_tokens',
      'gen_ai.client.inference.time_per_output_chunk',
      'gen_ai.client.inference.time_to_first_chunk',
      'gen_ai.client.inference.usage.cache_read.input_tokens',
      'gen_ai.client.inference.usage.input_tokens',
      'gen_ai.client.inference.usage.output_tokens',
      'gen_ai.client.inference.usage.reasoning.output_tokens',
      'gen_ai.client.operation.duration',
      'gen_ai.client.operation.time_per_output_chunk',
      'gen_ai.client.operation.time_to_first_chunk',
      'gen_ai.client.token.usage',
      'llm_stream.stream.active',
      'llm_stream.stream.attempts',
      'llm_stream.stream.bytes',
      'llm_stream.stream.chunks',
      'llm_stream.stream.idle',
      'llm_stream.stream.max_chunk_gap',
      'llm_stream.stream.outcomes',
      'llm_stream.stream.stalls',
      'llm_stream.stream.time_to_first_token',
      'llm_stream.stream.time_to_headers',
      'llm_stream.stream.usage_missing',
    ]);
    const points = Object.values(last).flat();
    expect(points.filter(({ isCumulative }) => !isCumulative)).toEqual([]);
    expect(Object.values(last).filter(({ length }) => length === 0)).toEqual([]);
  });

  test('has a collection in which a stream is idle, and none is open in the last one', () => {
    const idle = backend.collections.map((each) => sum(each['llm_stream.stream.idle']));
    expect(Math.max(...idle)).toBeGreaterThanOrEqual(1);
    expect(idle.at(-1)).toBe(0);
    expect(sum(backend.collections.at(-1)?.['llm_stream.stream.active'])).toBe(0);
  });

  test('has stalls, and missing usage of completed and of failed calls', () => {
    const last = backend.collections.at(-1) ?? {};
    expect(sum(last['llm_stream.stream.stalls'])).toBeGreaterThanOrEqual(4);
    const missing = new Set(last['llm_stream.stream.usage_missing']?.map((point) => outcomeOf(point.attributes)));
    expect([...missing].sort()).toEqual(['cancelled', 'completed', 'failed']);
  });

  test('has the models, routes, features and versions of an application, under the name of the demo', () => {
    expect(valuesOf('gen_ai.provider.name')).toEqual(['azure.ai.openai', 'deepseek', 'groq', 'mistral_ai', 'openai']);
    expect(valuesOf('gen_ai.request.model')).toEqual([
      'deepseek-reasoner',
      'gpt-5-mini',
      'gpt-5.1',
      'llama-4-maverick',
      'mistral-large',
    ]);
    expect(valuesOf('llm_stream.route')).toEqual([
      '/agent',
      '/chat/:id',
      '/documents/:id/summary',
      '/research',
      '/tickets/:id/reply',
    ]);
    expect(valuesOf('llm_stream.feature')).toEqual(['agent', 'chat', 'research', 'summary', 'support-reply']);
    expect(valuesOf('llm_stream.config_version')).toEqual(['2026-11-02', '2026-11-16']);
    const { service } = JSON.parse(run.stdout);
    expect(backend.resources.at(-1)).toEqual({
      'service.name': 'llm-stream-demo',
      'service.instance.id': service.instanceId,
    });
  });

  test('has what goes wrong, each by its category and by whose fault it is', () => {
    expect(valuesOf('llm_stream.error_category')).toEqual([
      'auth',
      'connect_failed',
      'context_length',
      'first_token_timeout',
      'idle_timeout',
      'invalid_request',
      'invalid_stream_chunk',
      'missing_done_event',
      'overloaded',
      'persistence_failed',
      'rate_limit',
      'server_error',
      'stream_interrupted',
      'total_timeout',
      'unknown',
    ]);
    expect(valuesOf('llm_stream.fault')).toEqual(['application', 'client', 'network', 'provider', 'upstream']);
  });

  test.each([
    { tried: 'by the SDK', name: 'llm_stream.attempt_count', least: 2, outcomes: ['completed', 'failed'] },
    { tried: 'by the application', name: 'llm_stream.retry_attempt', least: 1, outcomes: ['completed', 'failed'] },
    { tried: 'with another model', name: 'llm_stream.fallback_attempt', least: 1, outcomes: ['completed', 'failed'] },
  ])('has a call that was tried again $tried and was answered, and one that was not', ({ name, least, outcomes }) => {
    const tried = backend.spans.filter(({ attributes }) => Number(attributes[name]) >= least);
    expect(tried.map(({ attributes }) => outcomeOf(attributes)).sort()).toEqual(outcomes);
  });

  test('sends neither prompt, nor answer, nor tool arguments, nor key', () => {
    const sent = JSON.stringify([backend.spans, backend.collections]);
    for (const secret of ['room is free', 'word1', 'Kyo', 'sk-demo']) expect(sent).not.toContain(secret);
  });

  function valuesOf(name: string): unknown[] {
    const values = backend.spans.flatMap(({ attributes }) => attributes[name] ?? []);
    return [...new Set(values)].sort();
  }
});

describe('when it is told to end', () => {
  test.concurrent(
    'in the middle of a round, each call that began is counted and arrives',
    async ({ onTestFinished }) => {
      const backend = await startOtlpBackend();
      onTestFinished(() => backend.close());
      const run = runDemo(['--rounds', '50', '--json', '--otlp', backend.url]);
      await backend.arrived(20);
      run.child.kill('SIGTERM');
      expect(await run.over).toBe(0);
      const { ended, calls, rounds, spans, problems } = JSON.parse(run.stdout);
      expect({ rounds, problems }).toEqual({ rounds: 0, problems: [] });
      expect(spans).toEqual({ accepted: calls, lost: 0 });
      expect(spansCounted(backend)).toEqual(counted(ended));
      expect(metricsCounted(backend)).toEqual(counted(ended));
    },
    LIMIT_MS,
  );

  test.concurrent(
    'it has waited for a backend that was away, said so once, and ends well',
    async ({ onTestFinished }) => {
      const port = await closedPort();
      const url = `http://127.0.0.1:${port}`;
      const run = runDemo(['--forever'], { OTEL_EXPORTER_OTLP_ENDPOINT: url });
      onTestFinished(run.leave);
      await run.said(`demo: ${url}/v1/traces does not take what is sent`);
      await run.said(`demo: ${url}/v1/metrics does not take what is sent`);
      const backend = await startOtlpBackend(port);
      onTestFinished(() => backend.close());
      await run.said(`demo: ${url}/v1/traces takes what is sent again`);
      await run.said(`demo: ${url}/v1/metrics takes what is sent again`);
      run.child.kill('SIGINT');
      expect(await run.over).toBe(0);
      expect(run.stderr.match(/does not take/g)).toHaveLength(2);
      // Metrics are cumulative: what was lost of them came with the next ones.
      expect(run.stdout).toContain(`in all: ${sum(backend.collections.at(-1)?.[OUTCOMES])} calls, `);
    },
    LIMIT_MS,
  );
});

function sum(points: readonly { readonly value: number }[] = []): number {
  return points.reduce((total, { value }) => total + value, 0);
}

function outcomeOf(attributes: Readonly<Record<string, unknown>>): string {
  return String(attributes['llm_stream.outcome']);
}
