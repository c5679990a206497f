/** The lines under "Register" in the README work as they stand there, with the SDK and the exporter that they name. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type ReceivedSpan, readSpans } from '../../src/tools/received-spans.js';
import { startReceiver } from '../../src/tools/receiver.js';
import { type Applications, NODE, startApplications } from './run.js';

let applications: Applications;
let blocks: Readonly<Record<string, string>>;

beforeAll(async () => {
  applications = await startApplications();
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const found = readme.matchAll(/^```ts\n(\/\/ (\S+\.mjs) – .*?)^```/gms);
  blocks = Object.fromEntries([...found].map(([, code = '', file = '']) => [file, code]));
});

afterAll(() => applications.close());

/** Writes a file, and gives the spans that come of running Node in that folder. */
async function spansOf(file: string, code: string, args: readonly string[]): Promise<readonly ReceivedSpan[]> {
  const cwd = applications.folder('v6');
  await writeFile(join(cwd, file), code);
  const receiver = await startReceiver();
  const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '10' };
  const application = execFile(NODE, [...args, applications.baseURL], { cwd, env });
  const spans = () => receiver.traces.flatMap((body) => readSpans(body));
  await vi.waitFor(() => expect(spans().length).toBeGreaterThan(0), { timeout: 20_000, interval: 10 });
  const ended = new Promise((resolve) => application.once('exit', resolve));
  application.stdin?.end();
  expect(await ended).toBe(0);
  await receiver.close();
  return spans();
}

const seen = expect.objectContaining({ 'llm_stream.observed_by': ['fetch', 'openai'] });

it('instrumentation.mjs, as an ES module', async () => {
  const { 'instrumentation.mjs': code = '' } = blocks;
  expect(code).toMatch(/^.* run with: node --import \.\/instrumentation\.mjs app\.mjs\n/);
  expect(await spansOf('instrumentation.mjs', code, ['--import', './instrumentation.mjs', 'stays.mjs'])).toEqual([
    expect.objectContaining({ name: 'chat greeting', attributes: seen }),
  ]);
});

it('instrumentation.mjs, after the hook in a file of its own', async () => {
  const hook = "import 'opentelemetry-instrumentation-llm-stream/hook';";
  const { 'instrumentation.mjs': code = '' } = blocks;
  expect(code).toContain(hook);
  const args = ['--import', 'opentelemetry-instrumentation-llm-stream/hook', '--import', './instrumentation.mjs'];
  expect(await spansOf('instrumentation.mjs', code.replace(hook, ''), [...args, 'stays.mjs'])).toEqual([
    expect.objectContaining({ name: 'chat greeting', attributes: seen }),
  ]);
});

it('instrumentation.cjs, the same file with `require` and without the hook', async () => {
  const code = (blocks['instrumentation.mjs'] ?? '')
    .replace(/^import '.*\/hook';.*\n/m, '')
    .replaceAll(/^import (.*) from ('.*');/gm, 'const $1 = require($2);');
  expect(code).toContain("const { NodeSDK } = require('@opentelemetry/sdk-node');");
  expect(code).not.toContain('hook');
  expect(await spansOf('instrumentation.cjs', code, ['--require', './instrumentation.cjs', 'stays.cjs'])).toEqual([
    expect.objectContaining({ name: 'chat greeting', attributes: seen }),
  ]);
});

it('instrumentOpenAI, where no hook sees the module', async () => {
  const { 'instrumentation.mjs': register = '', 'app.mjs': code = '' } = blocks;
  await writeFile(
    join(applications.folder('v6'), 'instrumentation.mjs'),
    register.replace(/^import '.*\/hook';.*\n/m, ''),
  );
  expect(code).toContain('instrumentOpenAI(OpenAI);');
  const ask = "import { ask } from './ask.cjs';\nprocess.stdin.resume();\nawait ask(OpenAI, process.argv[2]);\n";
  expect(await spansOf('app.mjs', code + ask, ['--import', './instrumentation.mjs', 'app.mjs'])).toEqual([
    expect.objectContaining({ name: 'chat greeting', attributes: seen }),
  ]);
});
