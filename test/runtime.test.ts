/** Every entry on runtimes that only look like Node, and on Node. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const APPLICATION = fileURLToPath(new URL('./runtime/application.mjs', import.meta.url));

async function run(runtime: string, entry: string): Promise<readonly unknown[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [APPLICATION, runtime, entry]);
  return stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

const SAID = (runtime: string) =>
  `opentelemetry-instrumentation-llm-stream: ${runtime} is not supported; LLM calls are not traced`;

describe.each(['Bun', 'Deno'])('on %s', (runtime) => {
  it.each(['hook', 'register', 'enabled', 'instrumentFetch', 'fetchWithBudgets', 'instrumentOpenAI'])(
    '%s changes nothing, and one line says so, once in the process',
    async (entry) => {
      expect(await run(runtime, entry)).toEqual([
        { untouched: true, lines: [SAID(runtime)], url: false },
        { lines: 1 },
      ]);
    },
  );
});

describe('on Node', () => {
  it.each([
    ['enabled', { untouched: false, lines: [], url: false }],
    ['instrumentFetch', { untouched: false, lines: [], url: false }],
    ['fetchWithBudgets', { untouched: false, lines: [], url: false }],
    ['instrumentOpenAI', { untouched: false, lines: [], url: false }],
    ['register', { untouched: false, lines: [], url: true }],
    ['hook', { untouched: true, lines: [], url: true }],
  ])('%s does what it is for', async (entry, expected) => {
    expect((await run('Node', entry))[0]).toEqual(expected);
  });
});
