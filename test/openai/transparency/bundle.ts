/** Bundles a child script, library source and all, so that any Node can run it; the SDKs stay outside. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Rolldown } from 'tsdown';

/** Where the bundle of `script`, a file beside this one, was written. */
export async function bundle(script: string): Promise<string> {
  // Inside the tree, where the packages that are not bundled are found.
  const parent = fileURLToPath(new URL('../../../temp/', import.meta.url));
  await mkdir(parent, { recursive: true });
  const file = join(await mkdtemp(join(parent, 'openai-')), script.replace(/\.ts$/, '.mjs'));
  await Rolldown.build({
    input: fileURLToPath(new URL(script, import.meta.url)),
    platform: 'node',
    external: [/^@opentelemetry\//, 'openai'],
    logLevel: 'silent',
    output: { file, format: 'esm', codeSplitting: false },
  });
  return file;
}
