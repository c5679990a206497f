/**
 * The application cannot tell: a list of checks runs in a process that observes every copy of the SDK and in one that
 * never imports this package, and their reports are equal. `TRANSPARENCY_NODE` names the Node to run both with.
 */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  chatText,
  chatToolCalls,
  type FaultyProvider,
  httpError,
  httpReply,
  startFaultyProvider,
} from '../../src/testing/index.js';
import { loadSdks } from './sdks.js';
import { APPLICATIONS } from './transparency/applications.js';
import { bundle } from './transparency/bundle.js';
import { CHECKS } from './transparency/checks.js';

vi.setConfig({ maxConcurrency: 4 });

const NODE = process.env['TRANSPARENCY_NODE'] ?? process.execPath;
const SDKS = new URL('./sdks.ts', import.meta.url).href;
const names = (await loadSdks()).map(({ name }) => name);

interface Run {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly errors: readonly string[];
}

let provider: FaultyProvider;
let scripts: Record<'control' | 'observed', string>;

beforeAll(async () => {
  const text = chatText(['Hello', ' there', '.']);
  provider = await startFaultyProvider({
    scenarios: {
      text: { reply: text },
      tool: { reply: chatToolCalls([{ name: 'get_weather', fragments: ['{"city":', '"Rome"}'] }]) },
      hang: { reply: text, hold: { afterChunks: 2, until: 'client_gone' } },
      'hang-before': { reply: text, hold: { after: 'request', until: 'client_gone' } },
      reset: { reply: text, faults: [{ type: 'reset', afterChunks: 2 }] },
      'in-band': {
        reply: text,
        faults: [{ type: 'in_band_error', afterChunks: 2, error: { message: 'no', code: 'c' } }],
      },
      ...Object.fromEntries(
        Array.from({ length: 10 }, (_, at) => [
          `status-${410 + at}`,
          { reply: httpError(410 + at, { message: 'no' }) },
        ]),
      ),
      unauthorized: { reply: httpError(401, { message: 'no', code: 'invalid_api_key' }) },
      limited: { reply: httpError(429, { message: 'slow' }, { 'retry-after-ms': '1' }) },
      'no-json': { reply: httpReply({ status: 200, headers: { 'content-type': 'application/json' }, body: '{"a"' }) },
      embedding: { reply: httpReply({ status: 200, body: { object: 'list', data: [] } }) },
    },
  });
  provider.remove('default');
  const [control = '', observed = ''] = await Promise.all(['control.ts', 'observed.ts'].map(bundle));
  scripts = { control, observed };
});
afterAll(async () => {
  await provider.close();
  await Promise.all(Object.values(scripts).map((file) => rm(dirname(file), { recursive: true })));
});

function run(script: string, ...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(NODE, [script, SDKS, provider.url, ...args], { timeout: 60_000 }, (error, stdout, stderr) => {
      const errors = stderr.split('\n').filter((line) => /^(\w*Error|Uncaught|\[UnhandledPromise)/.test(line.trim()));
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), stdout, errors });
    });
  });
}

describe('the reports', () => {
  let control: Record<string, unknown>;
  let observed: Record<string, unknown>;

  beforeAll(async () => {
    [control, observed] = await Promise.all([reportOf(scripts.control), reportOf(scripts.observed)]);
  }, 90_000);

  async function reportOf(script: string): Promise<Record<string, unknown>> {
    const { stdout, errors, code } = await run(script);
    expect({ code, errors }).toEqual({ code: 0, errors: [] });
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  test('are of a process that really observes', () => {
    expect(control['observed calls']).toBeUndefined();
    expect(observed['observed calls']).toBeGreaterThan(30 * names.length);
  });

  // The loop over a stream of openai 7 is over a generator of its own, round the one that is observed.
  const wrapped = names.filter((name) => name.startsWith('openai 7'));
  const bare = names.filter((name) => !wrapped.includes(name));

  test.each(names)('of %s have a failing `next()` that nobody awaits as an unhandled rejection', (name) => {
    for (const report of [control, observed]) {
      expect(report[`${name}: a next() that fails unawaited`]).toEqual(['APIError: no']);
    }
  });

  test.each(bare)('of %s differ in own hidden names of a generator', (name) => {
    const check = `${name}: own hidden names of a generator`;
    expect(control[check]).toEqual([]);
    expect(observed[check]).toEqual(['next', 'return', 'throw']);
  });

  test.each(wrapped)('of %s differ not even there', (name) => {
    for (const report of [control, observed]) {
      expect(report[`${name}: own hidden names of a generator`]).toEqual([]);
    }
  });

  describe.each(names)('of %s are equal', (name) => {
    test.each(Object.keys(CHECKS))('%s', (check) => {
      expect(control[`${name}: ${check}`], 'the control').not.toBe('timed out');
      expect(control[`${name}: ${check}`], 'the control').toBeDefined();
      expect(observed[`${name}: ${check}`]).toEqual(control[`${name}: ${check}`]);
    });
  });
});

// A process each: one build of each version is enough.
describe.concurrent.each(names.filter((name) => name.endsWith('CommonJS')))(
  'with %s, an application ends as it would without us when it',
  (name) => {
    test.each(Object.keys(APPLICATIONS))('%s', async (application) => {
      const [control, observed] = await Promise.all([
        run(scripts.control, application, name),
        run(scripts.observed, application, name),
      ]);
      expect(observed).toEqual(control);
    });
  },
);
