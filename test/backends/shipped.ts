/**
 * The configuration files of `examples/otel`, to be run on this machine: other addresses, other paths and shorter waits,
 * and nothing else. A change that finds nothing to change fails: the files and the proof must not part.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What stands in the file, at each place where it does (a pattern is global), and what stands there for the test. */
export type Change = readonly [from: string | RegExp, to: string];

/** Writes the file, changed, into a folder, and hands back where. */
export async function writeShipped(
  path: string,
  folder: string,
  changes: readonly Change[],
  name = path.replaceAll('/', '-'),
): Promise<string> {
  const text = change(await readFile(join(ROOT, path), 'utf8'), changes, path);
  const written = join(folder, name);
  await writeFile(written, text);
  return written;
}

export function change(text: string, changes: readonly Change[], name: string): string {
  const changed = changes.reduce((before, [from, to]) => {
    const isThere = typeof from === 'string' ? before.includes(from) : before.search(from) >= 0;
    const after = before.replaceAll(from, () => to);
    if (!isThere) throw new Error(`expected \`${from}\` in ${name}, to put \`${to}\` there`);
    return after;
  }, text);
  const open = changed.split('\n').find((line) => /^[^#]*\b0\.0\.0\.0\b/.test(line));
  if (open !== undefined)
    throw new Error(`expected nothing of ${name} to listen to the network, got \`${open.trim()}\``);
  return changed;
}
