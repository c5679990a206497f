/**
 * Builds a recipe with Go into the cache, a folder outside the tree. It is done beside its place and moved there when it
 * is whole: an interrupted build leaves nothing that could be taken for one.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from '../run.js';
import type { Recipe } from './recipes.js';

/** Modules that do not come, a full disk: after this a build is given up. */
const LIMIT_MS = 30 * 60_000;
const UNDER_WAY = '.building-';
const LOG_LINES_SHOWN = 30;

/** The folder with what the recipe makes, if it was made. */
export function cachedBuild(recipe: Recipe): string | undefined {
  const folder = folderOf(recipe);
  return existsSync(folder) ? folder : undefined;
}

/** Makes it. @throws with the end of what the build said, and where all of it is */
export async function build(recipe: Recipe): Promise<string> {
  await mkdir(cache(), { recursive: true });
  await sweep();
  const place = folderOf(recipe);
  const log = `${place}.log`;
  const workshop = await mkdtemp(join(cache(), UNDER_WAY));
  try {
    await mkdir(join(workshop, 'out'));
    for (const [name, text] of Object.entries(recipe.files ?? {})) await writeFile(join(workshop, name), text);
    const output = await open(log, 'w');
    const { code } = await runToEnd('sh', ['-euxc', recipe.script], {
      cwd: workshop,
      limitMs: LIMIT_MS,
      output: output.fd,
      env: {
        ...process.env,
        // A module may ask for a newer Go than the one that is installed.
        GOTOOLCHAIN: 'auto',
        // No libc of this machine, and not what somebody's shell says.
        CGO_ENABLED: '0',
        GOFLAGS: '-buildvcs=false',
        GOWORK: 'off',
      },
    }).finally(() => output.close());
    if (code !== 0)
      throw new Error(`${recipe.name} was not built (${code}), all of ${log} says why: ${await end(log)}`);
    await rename(join(workshop, 'out'), place);
  } catch (error) {
    // Another process was faster: what it made is the same.
    if (!existsSync(place)) throw error;
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
  return place;
}

/** What a build that was killed left behind. */
async function sweep(): Promise<void> {
  for (const name of await readdir(cache())) {
    if (!name.startsWith(UNDER_WAY)) continue;
    const { mtimeMs } = await stat(join(cache(), name));
    if (Date.now() - mtimeMs > 2 * LIMIT_MS) await rm(join(cache(), name), { recursive: true, force: true });
  }
}

function folderOf(recipe: Recipe): string {
  const text = JSON.stringify([recipe.files, recipe.script, process.platform, process.arch]);
  const key = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return join(cache(), `${recipe.name}-${recipe.version}-${key}`);
}

async function end(log: string): Promise<string> {
  const lines = (await readFile(log, 'utf8')).trimEnd().split('\n');
  return `\n${lines.slice(-LOG_LINES_SHOWN).join('\n')}`;
}

/** Read when it is needed: a test has its own. */
function cache(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'opentelemetry-instrumentation-llm-stream');
}
