/** Two copies of this package in one process: one observes, the application asks the other. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Rolldown } from 'tsdown';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chatToolCalls, type FaultyProvider, startFaultyProvider } from '../../src/testing/index.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** `COPIES_NODE` names another Node to run the application with. */
const NODE = process.env['COPIES_NODE'] ?? process.execPath;

/** Asks with the one copy about calls that the other observes. */
const APPLICATION = `
const { assertToolCallsComplete, outcomeOf, recordFailure, ...asking } = await copyThat.asks();
const { instrumentOpenAI, LlmStreamInstrumentation, ...observing } = await copyThat.observes();
const { OpenAI } = await openai();
const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const exporter = new InMemorySpanExporter();
const spanProcessors = [new SimpleSpanProcessor(exporter)];
new LlmStreamInstrumentation().setTracerProvider(new BasicTracerProvider({ spanProcessors }));
instrumentOpenAI(OpenAI);

const request = { model: 'half', stream: true, messages: [] };
const raw = await fetch(baseURL + '/chat/completions', { method: 'POST', body: JSON.stringify(request) });
await raw.text();
const stream = await new OpenAI({ baseURL, apiKey: 'none' }).chat.completions.create(request);
for await (const _ of stream);

const seen = [raw, stream].map((subject) => {
  try {
    assertToolCallsComplete(subject);
    return ['passes'];
  } catch (error) {
    return [error.code, error instanceof observing.LlmStreamError, observing.outcomeOf(error).failureStage];
  }
});
const outcomes = [raw, stream].map((subject) => outcomeOf(subject)?.toJSON()['llm_stream.observed_by']);
const failure = new Error('no prompt');
recordFailure(failure);
observing.recordFailure(failure);
const spans = exporter.getFinishedSpans().map(({ attributes }) => attributes['llm_stream.failure_stage']);
console.log(JSON.stringify({ areCopies: asking.LlmStreamError !== observing.LlmStreamError, seen, outcomes, spans }));
`;

let directory: string;
let provider: FaultyProvider;

beforeAll(async () => {
  // Inside the tree, where the packages that are not bundled are found.
  await mkdir(join(ROOT, 'temp'), { recursive: true });
  directory = await mkdtemp(join(ROOT, 'temp', 'copies-'));
  await Promise.all([build('esm', 'copy.mjs'), build('cjs', 'copy.cjs')]);
  provider = await startFaultyProvider();
  provider.define('half', {
    reply: chatToolCalls([{ name: 'book', fragments: ['{"room": ', '1}'] }]),
    faults: [{ type: 'silent_end', afterChunks: 3 }],
  });
});
afterAll(async () => {
  await provider.close();
  await rm(directory, { recursive: true });
});

async function build(format: 'esm' | 'cjs', file: string): Promise<void> {
  await Rolldown.build({
    input: join(ROOT, 'src/index.ts'),
    platform: 'node',
    logLevel: 'silent',
    external: [/^@opentelemetry\//, 'eventsource-parser'],
    output: { file: join(directory, file), format, codeSplitting: false },
  });
}

const importing = "(await import('./copy.mjs'))";
const requiring = "require('./copy.cjs')";

test.each([
  ['a CommonJS application, the SDK too; the ES module copy observes', requiring, importing, "require('openai')"],
  [
    'an application of ES modules, the SDK too; the CommonJS copy observes',
    importing,
    requiring,
    "await import('openai')",
  ],
])('%s', async (_, asks, observes, openai) => {
  const script = `
const copyThat = { asks: async () => ${asks}, observes: async () => ${observes} };
const openai = async () => ${openai};
const baseURL = ${JSON.stringify(`${provider.url}/v1`)};
(async () => {${APPLICATION}})();`;
  const { stdout } = await promisify(execFile)(NODE, ['--input-type=commonjs', '-e', script], { cwd: directory });
  expect(JSON.parse(stdout)).toEqual({
    areCopies: true,
    seen: [
      ['LLM_STREAM_TOOL_CALLS_INCOMPLETE', false, 'during_tool_call'],
      ['LLM_STREAM_TOOL_CALLS_INCOMPLETE', false, 'during_tool_call'],
    ],
    outcomes: [['fetch'], ['fetch', 'openai']],
    spans: ['during_tool_call', 'during_tool_call', 'before_request'],
  });
});
