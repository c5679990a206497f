/** What an application could notice of `/register`: each row is run without us, too, and must print the same. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Applications, IMPORT, startApplications } from './run.js';

let applications: Applications;

beforeAll(async () => {
  applications = await startApplications();
});

beforeEach(() => applications.collect());

afterAll(() => applications.close());

const ASK = "import OpenAI from 'openai';\nimport { ask } from './ask.cjs';\n";
const QUIET = { OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };

interface Row {
  readonly does: string;
  readonly code: string;
  readonly prints: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    does: 'hears of `beforeExit` once, and once more where it went on with something',
    code: `${ASK}
      let times = 0;
      process.on('beforeExit', (code) => {
        times += 1;
        console.log('beforeExit', times, code);
        if (times === 1) setTimeout(() => console.log('went on'), 10);
      });
      await ask(OpenAI);`,
    prints: ['answer Hello world', 'beforeExit 1 0', 'went on', 'beforeExit 2 0'],
  },
  {
    does: 'makes a call when it hears of `beforeExit`',
    code: `${ASK}
      process.once('beforeExit', () => ask(OpenAI));
      await ask(OpenAI);`,
    prints: ['answer Hello world', 'answer Hello world'],
  },
  {
    does: 'has as many listeners as Node allows, before its call',
    code: `${ASK}
      for (let i = 0; i < 10; i++) process.on('beforeExit', () => {});
      await ask(OpenAI);`,
    prints: ['answer Hello world'],
  },
  {
    does: 'has as many listeners as Node allows, after its call',
    code: `${ASK}
      await ask(OpenAI);
      for (let i = 0; i < 10; i++) process.on('beforeExit', () => {});`,
    prints: ['answer Hello world'],
  },
  {
    does: 'allows more listeners everywhere, after its call',
    code: `${ASK}
      import { EventEmitter } from 'node:events';
      await ask(OpenAI);
      EventEmitter.defaultMaxListeners = 50;
      for (let i = 0; i < 11; i++) process.on('SIGUSR2', () => {});
      console.log(process.getMaxListeners());
      process.removeAllListeners('SIGUSR2');`,
    prints: ['answer Hello world', '50'],
  },
  {
    does: 'patches `emit` of all emitters after the registration, and looks at that of `process`',
    code: `
      import { EventEmitter } from 'node:events';
      const { emit } = EventEmitter.prototype;
      console.log(process.emit.name, process.emit.length, Object.keys(process).includes('emit'));
      let seen = 0;
      EventEmitter.prototype.emit = function (...args) {
        if (args[0] === 'mine') seen += 1;
        return Reflect.apply(emit, this, args);
      };
      process.on('mine', (...args) => console.log('mine', ...args));
      console.log(process.emit('mine', 1, 2), process.emit('nobody'), seen);`,
    prints: ['emit 1 false', 'mine 1 2', 'true false 1'],
  },
];

describe.each(ROWS)('an application that $does', ({ code, prints }) => {
  it('prints the same as without us', async () => {
    await writeFile(join(applications.folder, 'guest.mjs'), code);
    const control = await applications.run(['guest.mjs']);
    expect(control).toEqual({ code: 0, stdout: prints, stderr: '' });
    expect(await applications.run([...IMPORT, 'guest.mjs'])).toEqual(control);
    const calls = prints.filter((line) => line.startsWith('answer'));
    expect(applications.collector.spans).toHaveLength(calls.length);
  });
});

it.each(['error', 'warn'])('OTEL_LOG_LEVEL=%s: a NodeSDK finds no logger to complain about', async (level) => {
  const run = await applications.run([...IMPORT, 'own-sdk.mjs'], { ...QUIET, OTEL_LOG_LEVEL: level });
  expect({ ...run, stdout: [...run.stdout].sort() }).toEqual({
    code: 0,
    stdout: ['answer Hello world', 'its own chat greeting'],
    stderr: '',
  });
});

it('OTEL_LOG_LEVEL=warn: a bad option is told while we register', async () => {
  const { stderr } = await applications.run([...IMPORT, 'nothing.mjs'], {
    OTEL_LOG_LEVEL: 'warn',
    LLM_STREAM_STALL_THRESHOLD_MS: 'soon',
  });
  expect(stderr).toBe(
    'opentelemetry-instrumentation-llm-stream: `LLM_STREAM_STALL_THRESHOLD_MS` must be a positive number of milliseconds, ' +
      'got "soon"; using 10000\n',
  );
});

describe('an application that makes an instrumentation itself', () => {
  const MINE = `${ASK}
    import { registerInstrumentations } from '@opentelemetry/instrumentation';
    import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
    import { LlmStreamInstrumentation } from 'opentelemetry-instrumentation-llm-stream';
    const print = { onStart() {}, onEnd(span) { console.log('mine', span.attributes['llm_stream.tool_call.names']); },
      async forceFlush() {}, async shutdown() {} };
    const instrumentation = new LlmStreamInstrumentation({ toolNames: false, enabled: false });
    instrumentation.setTracerProvider(new BasicTracerProvider({ spanProcessors: [print] }));
  `;

  it('has its calls with its own provider and options, and not twice', async () => {
    await writeFile(
      join(applications.folder, 'mine.mjs'),
      `${MINE} instrumentation.enable(); await ask(OpenAI, 'tools');`,
    );
    expect(await applications.run([...IMPORT, 'mine.mjs'])).toEqual({
      code: 0,
      stdout: ['mine undefined', 'answer '],
      stderr: '',
    });
    expect(applications.collector.spans).toEqual([]);
  });

  it('has those of /register again when it disables its own', async () => {
    const code = `${MINE} instrumentation.enable(); await ask(OpenAI, 'tools'); instrumentation.disable(); await ask(OpenAI, 'tools');`;
    await writeFile(join(applications.folder, 'mine.mjs'), code);
    expect(await applications.run([...IMPORT, 'mine.mjs'])).toEqual({
      code: 0,
      stdout: ['mine undefined', 'answer ', 'answer '],
      stderr: '',
    });
    expect(applications.collector.spans.map(({ name }) => name)).toEqual(['chat tools']);
  });
});

it('bundled into CommonJS it sees the calls, and says what it cannot', async () => {
  const { folder } = applications;
  await writeFile(
    join(folder, 'bundled.mjs'),
    "import 'opentelemetry-instrumentation-llm-stream/register';\nimport OpenAI from 'openai';\nimport { ask } from './ask.cjs';\nask(OpenAI);\n",
  );
  await build({
    entryPoints: [join(folder, 'bundled.mjs')],
    outfile: join(folder, 'bundled.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'silent',
  });
  expect(await applications.run(['bundled.cjs'])).toEqual({ code: 0, stdout: ['answer Hello world'], stderr: '' });
  expect(applications.collector.spans.map(({ name }) => name)).toEqual(['chat greeting']);
});
