/** Bundles a child script, library source and all, so that any Node can run it. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Rolldown } from 'tsdown';

/** Where the bundle of `script`, a file beside this one, was written. */
export async function bundle(script: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'llm-stream-transparency-'));
  const file = join(directory, script.replace(/\.ts$/, '.mjs'));
  await Rolldown.build({
    input: fileURLToPath(new URL(script, import.meta.url)),
    platform: 'node',
    logLevel: 'silent',
    output: { file, format: 'esm', codeSplitting: false },
  });
  return file;
}
