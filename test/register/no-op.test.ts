/** What browsers and edge runtimes are given: the names of every entry, no Node, and nothing that is observed. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ENTRIES = ['index', 'budgets', 'semconv', 'testing'];

const load = (file: string) => import(new URL(`../../dist/${file}.js`, import.meta.url).href);

describe.each(ENTRIES)('the entry %s', (entry) => {
  it('has the same names, imported and required', async () => {
    const names = Object.keys(await load(entry));
    const require = createRequire(import.meta.url);
    expect(names.length).toBeGreaterThan(0);
    expect(Object.keys(await load(`no-op/${entry}`))).toEqual(names);
    expect(Object.keys(require(`../../dist/no-op/${entry}.cjs`)).sort()).toEqual([...names].sort());
  });
});

describe.each(['browser', 'edge-light', 'workerd'])('under the condition %s', (condition) => {
  it('all entries build without Node and without the instrumentation', async () => {
    const name = 'opentelemetry-instrumentation-llm-stream';
    const { metafile } = await build({
      stdin: {
        contents: ['', '/budgets', '/hook', '/register', '/semconv', '/testing']
          .map((path, index) => `export * as entry${index} from '${name}${path}';`)
          .join('\n'),
        resolveDir: ROOT,
      },
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      conditions: [condition],
      logLevel: 'silent',
    });
    const inputs = Object.keys(metafile.inputs);
    expect(inputs.filter((file) => file.startsWith('dist/')).sort()).toEqual([
      'dist/no-op/budgets.js',
      'dist/no-op/hook.js',
      'dist/no-op/index.js',
      'dist/no-op/register.js',
      'dist/no-op/semconv.js',
      'dist/no-op/testing.js',
    ]);
    expect(inputs.filter((file) => file.includes('@opentelemetry/instrumentation/'))).toEqual([]);
  });

  it('comes before what Node is given, with the types of the real entry', () => {
    const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
    expect(Object.keys(exports['.'])).toEqual(['browser', 'edge-light', 'workerd', 'import', 'require']);
    expect(exports['.'][condition]).toEqual({
      import: { types: './dist/index.d.ts', default: './dist/no-op/index.js' },
      require: { types: './dist/index.d.cts', default: './dist/no-op/index.cjs' },
    });
  });
});

describe('nothing is observed', () => {
  it('a fetch and a class are given back as they are, and fetch stays', async () => {
    const { endOpenCalls, instrumentFetch, instrumentOpenAI, LlmStreamInstrumentation } = await load('no-op/index');
    const { fetch } = globalThis;
    class OpenAI {}
    new LlmStreamInstrumentation({ stallThresholdMs: 1 }).enable();
    expect(instrumentFetch(fetch)).toBe(fetch);
    expect(instrumentOpenAI(OpenAI)).toBe(OpenAI);
    expect(endOpenCalls()).toBe(0);
    expect(globalThis.fetch).toBe(fetch);
  });

  it('an assertion does not pass: it says that nobody observed the call', async () => {
    const { assertToolCallsComplete, LlmStreamError, outcomeOf } = await load('no-op/index');
    const response = new Response('{}');
    expect(outcomeOf(response)).toBeUndefined();
    expect(() => assertToolCallsComplete(response)).toThrow(LlmStreamError);
    expect(() => assertToolCallsComplete(response)).toThrow(
      expect.objectContaining({ code: 'LLM_STREAM_NOT_OBSERVED' }),
    );
  });

  it('a faulty provider cannot be started; replies are data', async () => {
    const { chatText, startFaultyProvider } = await load('no-op/testing');
    expect(chatText(['Hello']).type).toBe('chat');
    await expect(startFaultyProvider()).rejects.toThrow(
      '`startFaultyProvider` needs Node; this is the build for browsers and edge runtimes',
    );
  });
});
