/**
 * The built demo, run as anybody runs it: what the application reported beside what its spans said by OTLP.
 * All expectations are literals; neither side is computed from the other. `npm test` builds before.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Receiver, startReceiver } from '../../src/tools/receiver.js';
import { EXPECTED } from './demo/expected-rows.js';

const DEMO = fileURLToPath(new URL('../../dist/tools/demo.js', import.meta.url));

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function runDemo(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Run> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...environment }, maxBuffer: 16 * 1024 * 1024 };
    const child = execFile(process.execPath, [DEMO, ...args], options, (_, stdout, stderr) =>
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

interface Row {
  readonly name: string;
  readonly application: Readonly<Record<string, unknown>>;
  readonly span: {
    readonly name: string;
    readonly status: string;
    readonly attributes: Readonly<Record<string, unknown>>;
    readonly events: readonly string[];
  };
}

const STALL = 'llm_stream.stall';

describe('the demo', () => {
  let run: Run;
  let rows: readonly Row[];

  beforeAll(async () => {
    run = await runDemo(['--json']);
    rows = JSON.parse(run.stdout).rows;
  });

  test('ends well: every call has its report, and its span arrived exactly once', () => {
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout).problems).toEqual([]);
    expect(run.exitCode).toBe(0);
    expect(rows.map(({ name }) => name)).toEqual(EXPECTED.map(({ name }) => name));
  });

  test.each(EXPECTED)('$name: the application and the span each tell their side', (expected) => {
    const row = rows.find(({ name }) => name === expected.name);
    expect(row?.application).toMatchObject(expected.application);
    expect(row?.span.name).toBe(`chat demo-${expected.name}`);
    expect(row?.span.status).toBe(expected.status);
    const said = Object.keys(expected.span).map((name) => [name, row?.span.attributes[`llm_stream.${name}`] ?? null]);
    expect(Object.fromEntries(said)).toEqual(expected.span);
    expect(row?.span.events.filter((name) => name !== STALL)).toEqual(expected.events);
    // A machine that is too busy may stall any of them.
    if (expected.stalls === true) expect(row?.span.events).toContain(STALL);
  });

  test('both sides saw the first token, or neither did', () => {
    const seen = rows.map(({ name, application, span }) => [
      name,
      typeof application['firstTokenMs'],
      typeof span.attributes['llm_stream.time_to_first_token_ms'],
    ]);
    const without = ['refused', 'rate-limited', 'reset-before-token'];
    expect(seen).toEqual(
      EXPECTED.map(({ name }) =>
        without.includes(name) ? [name, 'undefined', 'undefined'] : [name, 'number', 'number'],
      ),
    );
  });

  test('has a row for each of the seven stages that a wire can show', () => {
    const stages = new Set(rows.map(({ span }) => span.attributes['llm_stream.failure_stage']));
    stages.delete(undefined);
    expect([...stages].sort()).toEqual([
      'after_finish_reason',
      'after_first_token',
      'before_first_token',
      'before_request',
      'client_aborted',
      'during_tool_call',
      'request_rejected',
    ]);
  });

  test('shows neither prompt, nor answer, nor tool arguments, nor key', () => {
    for (const secret of ['haiku', 'frog', 'Kyo', 'sk-demo']) expect(run.stdout).not.toContain(secret);
  });
});

describe('for people, the demo', () => {
  let receiver: Receiver;
  let run: Run;

  beforeAll(async () => {
    receiver = await startReceiver();
    run = await runDemo(['--otlp', receiver.url], { OTEL_SDK_DISABLED: 'true', LLM_STREAM_STALL_THRESHOLD_MS: '1' });
    return () => receiver.close();
  });

  test('says on one line where the application noticed nothing', () => {
    expect(run.exitCode).toBe(0);
    const marked = run.stdout.split('\n').filter((line) => line.includes('≠ failed'));
    expect(marked.map((line) => line.split(/ {2,}/))).toEqual([
      ['cut-tool-call', 'loop ended normally', '≠ failed · during_tool_call · stream_interrupted'],
      ['silent-truncation', 'loop ended normally', '≠ failed · after_first_token · stream_interrupted'],
      ['error-in-stream', 'loop ended normally', '≠ failed · after_first_token · overloaded'],
    ]);
  });

  test('draws a timeline per stream, in no more than 100 columns, without colours in a pipe', () => {
    const lines = run.stdout.split('\n');
    expect(lines.filter((line) => /^ {4}0 ├.*┤ \d+ ms$/.test(line))).toHaveLength(16);
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
    expect(run.stdout).not.toContain('\u001B');
  });

  test('sends the same spans to the URL of --otlp, whatever OTEL_ variables say', () => {
    const bodies = receiver.traces.map((body) => Buffer.from(body).toString()).join('');
    expect(new Set(bodies.match(/chat demo-[\w-]+/g))).toEqual(
      new Set(EXPECTED.map(({ name }) => `chat demo-${name}`)),
    );
    expect(run.stdout).toContain(`Spans that ${receiver.url}/v1/traces took: 16`);
  });

  test('shows neither prompt, nor answer, nor tool arguments, nor key', () => {
    for (const secret of ['haiku', 'frog', 'Kyo', 'sk-demo']) expect(run.stdout).not.toContain(secret);
  });
});

describe('the command line', () => {
  test('--help says how to use it', async () => {
    const { exitCode, stdout } = await runDemo(['--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('--otlp URL');
  });

  test.each([
    { args: ['--what'], says: "demo: Unknown option '--what'" },
    { args: ['--otlp', 'localhost:4318'], says: 'demo: --otlp must be an http or https URL, got "localhost:4318"' },
  ])('$args is refused in one line', async ({ args, says }) => {
    const { exitCode, stdout, stderr } = await runDemo(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr.split('\n')[0]).toContain(says);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});
