import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from './until.js';

let folder: string;
let entry: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backends-with-us-'));
  entry = join(folder, 'starts.mjs');
  await build({
    stdin: {
      contents: `
        import { spawn } from 'node:child_process';
        import { runToEnd } from './run.js';
        import { endWithUs } from './with-us.js';
        const child = spawn('sh', ['-c', 'echo program; exec sleep 60'], { stdio: ['ignore', 'inherit', 'ignore'] });
        endWithUs(child.pid);
        // With a child of its own.
        void runToEnd('sh', ['-c', 'echo shell; sleep 60; true'], { limitMs: 60_000, output: 1 });
      `,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: entry,
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('what was started is ended when the process that started it is killed', async () => {
  const child = spawn(process.execPath, [entry], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await until('both to be started', 10_000, async () =>
    output.includes('program') && output.includes('shell') ? true : undefined,
  );
  child.kill('SIGKILL');
  // Both have its output open, for longer than this test may take: it is closed when they are gone.
  await once(child, 'close');
  expect(child.signalCode).toBe('SIGKILL');
});
