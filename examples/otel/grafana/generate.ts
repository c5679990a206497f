/**
 * `npm run otel:generate` writes the generated files, `npm run check:otel` (`--check`) fails where one is not what it would
 * write. Run from the checkout's top.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { type GeneratedFile, generatedFiles } from './generated.js';

const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
const files = generatedFiles();
if (values.check === true) check(files);
else for (const file of files) write(file);

function check(all: readonly GeneratedFile[]): void {
  const stale = all.filter(({ path, content }) => read(path) !== content);
  if (stale.length === 0) return;
  for (const { path } of stale) console.error(`stale: ${path}`);
  console.error('`npm run otel:generate` writes what examples/otel/grafana says now');
  process.exitCode = 1;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function write({ path, content }: GeneratedFile): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  console.log(`wrote ${path}`);
}
