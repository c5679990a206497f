/** Applications that are started with `/register` and nothing else. `REGISTER_NODE` names the Node to run them with. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Applications, IMPORT, REQUIRE, type Run, type Started, startApplications } from './run.js';

let applications: Applications;

beforeAll(async () => {
  applications = await startApplications();
});

beforeEach(() => applications.collect());

afterAll(() => applications.close());

const ANSWERED: Run = { code: 0, stdout: ['answer Hello world'], stderr: '' };
const names = () => applications.collector.spans.map(({ name }) => name);

describe('without an SDK of its own', () => {
  it.each([
    ['an ES module, imported', [...IMPORT, 'application.mjs']],
    ['a CommonJS application, required', [...REQUIRE, 'application.cjs']],
    ['an ES module, required', [...REQUIRE, 'application.mjs']],
    ['a CommonJS application, imported', [...IMPORT, 'application.cjs']],
    ['an ES module, imported and required', [...IMPORT, ...REQUIRE, 'application.mjs']],
    ['a worker thread, imported', [...IMPORT, 'worker.mjs']],
  ])('%s: its one call is one span over OTLP/HTTP, seen on both roads', async (_, args) => {
    expect(await applications.run(args)).toEqual(ANSWERED);
    expect(applications.collector.exports).toHaveLength(1);
    expect(applications.collector.exports[0]?.path).toBe('/v1/traces');
    expect(applications.collector.exports[0]?.headers['content-type']).toBe('application/json');
    expect(names()).toEqual(['chat greeting']);
    const [span] = applications.collector.spans;
    expect(span?.attributes['llm_stream.outcome']).toBe('completed');
    expect(span?.attributes['llm_stream.observed_by']).toEqual({
      values: [{ stringValue: 'fetch' }, { stringValue: 'openai' }],
    });
    expect(span?.events).toEqual([
      'llm_stream.attempt',
      'llm_stream.response_headers',
      'llm_stream.first_chunk',
      'llm_stream.first_token',
      'llm_stream.finish',
      'llm_stream.done',
    ]);
  });

  it('its first call ends before any SDK is loaded, and is told the ids that are exported', async () => {
    const { stdout, code } = await applications.run([...IMPORT, 'trace-ids.mjs']);
    expect(code).toBe(0);
    const [span] = applications.collector.spans;
    expect(span?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(stdout).toEqual(['answer Hello world', `${span?.traceId} ${span?.spanId} an SDK is loaded false`]);
  });

  it('an application that makes no call: no SDK, no listener, no global provider, its own exit code', async () => {
    const control = await applications.run(['nothing.mjs']);
    expect(await applications.run([...IMPORT, 'nothing.mjs'])).toEqual(control);
    expect(control).toEqual({
      code: 7,
      stdout: [
        // The one for `exit` is Node's own, of version 20.
        expect.stringMatching(/^an SDK is loaded false, listeners [01],0,0,0$/),
        'global provider false',
      ],
      stderr: '',
    });
  });
});

describe('with an SDK of its own', () => {
  it.each([
    ['an ES module', [...IMPORT, 'own-sdk.mjs']],
    ['CommonJS', [...REQUIRE, 'own-sdk.cjs']],
    ['CommonJS, imported', [...IMPORT, 'own-sdk.cjs']],
  ])('%s: spans go there, and nothing of ours is sent', async (_, args) => {
    const { code, stdout, stderr } = await applications.run(args, {
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect([...stdout].sort()).toEqual(['answer Hello world', 'its own chat greeting']);
    expect(applications.collector.exports).toEqual([]);
  });

  it('switched off by the environment: neither calls that fail in a context nor what is instrumented by hand is a span', async () => {
    const quiet = { OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };
    const run = (env: Readonly<Record<string, string>>) =>
      applications.run([...IMPORT, 'switched-off.mjs'], { ...quiet, ...env });
    const off = await run({ OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'llm-stream' });
    expect(off).toEqual({ code: 0, stdout: ['failed terminated', 'outcome undefined'], stderr: '' });
    // The same application where it is not switched off.
    const on = await run({});
    expect([...on.stdout].sort()).toEqual([
      'failed terminated',
      'its own chat cut',
      'its own chat greeting',
      'its own llm_stream.call',
      'outcome completed',
    ]);
  });

  it('the budget of span events is that of its SDK, from the first call on', async () => {
    const { stdout } = await applications.run([...IMPORT, 'own-sdk-with-tools.mjs'], {
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    });
    // 80 fragments, and attempt, headers, first chunk, first token, call started, call completed, finish, done.
    expect(stdout).toEqual(['answer ', 'span events 88, dropped 0']);
  });

  it('started after the first call: that call is sent by us, all that follows goes there', async () => {
    const { code, stdout, stderr } = await applications.run([...IMPORT, 'late-sdk.mjs'], {
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect([...stdout].sort()).toEqual([
      'answer Hello world',
      'answer Hello world',
      'its own chat greeting',
      'its own span of a library',
    ]);
    expect(names()).toEqual(['chat greeting']);
  });
});

describe('at a signal', () => {
  // So long that nothing but the signal is a reason to send.
  const NEVER = { OTEL_BSP_SCHEDULE_DELAY: '600000' };

  async function ready({ stdout }: Started): Promise<void> {
    await vi.waitFor(() => expect(stdout()).toContain('ready'), { timeout: 20_000, interval: 10 });
  }

  it('for which the application has a handler, what has ended is sent while the handler is at work', async () => {
    const started = applications.start([...IMPORT, 'handler.mjs'], NEVER);
    await ready(started);
    expect(names()).toEqual([]);
    started.process.kill('SIGTERM');
    await vi.waitFor(() => expect(names()).toEqual(['chat greeting']), { timeout: 20_000, interval: 10 });
    started.process.stdin?.write('now\n');
    expect((await started.ended).code).toBe(3);
  });

  it('after which it says `endOpenCalls()`, the open calls are sent', async () => {
    const started = applications.start([...IMPORT, 'handler-with-open-calls.mjs'], NEVER);
    await ready(started);
    started.process.kill('SIGTERM');
    await vi.waitFor(() => expect(names()).toEqual(Array.from({ length: 20 }, () => 'chat hanging')), {
      timeout: 20_000,
      interval: 10,
    });
    expect(
      new Set(applications.collector.spans.map(({ attributes }) => attributes['llm_stream.termination_kind'])),
    ).toEqual(new Set(['shutdown']));
    started.process.stdin?.write('now\n');
    expect((await started.ended).code).toBe(3);
  });

  it('for which it has none, the process dies of it', async () => {
    const started = applications.start([...IMPORT, 'no-handler.mjs'], NEVER);
    await ready(started);
    started.process.kill('SIGTERM');
    expect((await started.ended).code).toBe('SIGTERM');
    expect(names()).toEqual([]);
  });
});

it('a runtime that is not Node gets one line and nothing else', async () => {
  const { stderr, ...rest } = await applications.run(['--require', './pretend-deno.cjs', ...IMPORT, 'application.mjs']);
  expect(rest).toEqual({ code: 0, stdout: ['answer Hello world'] });
  expect(stderr).toBe('opentelemetry-instrumentation-llm-stream: Deno is not supported; LLM calls are not traced\n');
  expect(names()).toEqual([]);
});
