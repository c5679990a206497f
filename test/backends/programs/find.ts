/** Where each real program is: a variable says so, it is on the PATH, it was built before, or it is built now. */
import { join } from 'node:path';
import { findOnPath, isExecutable } from '../../on-path.js';
import { runToEnd } from '../run.js';
import { build, cachedBuild } from './build.js';
import { type Installed, PROGRAMS, type Program, type ProgramName } from './recipes.js';

export type Programs = Readonly<Record<ProgramName, string>>;

/** @throws where one has to be built and there is no Go */
export async function findPrograms(say: (line: string) => void): Promise<Programs> {
  const found: Partial<Record<ProgramName, string>> = {};
  // One after the other: each build takes all there is.
  for (const [name, program] of Object.entries(PROGRAMS)) {
    // The keys of the table.
    found[name as ProgramName] = await find(name, program, say);
  }
  // Each was found, or it threw.
  return found as Programs;
}

async function find(name: string, program: Program, say: (line: string) => void): Promise<string> {
  const { variable, installed, recipe } = program;
  const given = process.env[variable];
  if (given) {
    if (!isExecutable(given)) throw new Error(`\`${variable}\` must be a program, got "${given}"`);
    say(`${name}: ${given} (${variable})`);
    return given;
  }
  const path = installed && (await onPath(installed, variable, say));
  if (path !== undefined) return path;
  const cached = cachedBuild(recipe);
  if (cached !== undefined) return join(cached, name);
  await demandGo(name, program);
  say(`${name}: building ${recipe.name} ${recipe.version} with Go, about ${recipe.minutes} min, once`);
  return join(await build(recipe), name);
}

async function onPath(
  { command, versionArgs, atLeast }: Installed,
  variable: string,
  say: (line: string) => void,
): Promise<string | undefined> {
  const path = findOnPath(command);
  if (path === undefined) return undefined;
  const { stdout, stderr } = await runToEnd(path, versionArgs, { limitMs: 10_000 });
  const version = /\d+\.\d+\.\d+/.exec(stdout + stderr)?.[0];
  if (version === undefined || isOlder(version, atLeast)) {
    say(`${command}: ${path} is ${version ?? 'of no known version'}, ${atLeast} is needed (${variable} would take it)`);
    return undefined;
  }
  say(`${command}: ${path} ${version}`);
  return path;
}

async function demandGo(name: string, { installed, variable, recipe }: Program): Promise<void> {
  const { code } = await runToEnd('go', ['version'], { limitMs: 10_000 }).catch(() => ({ code: 'missing' }));
  if (code === 0) return;
  throw new Error(
    `\`${installed?.command ?? name}\` is built with Go, and there is no \`go\` on the PATH: install Go 1.21 or later, which ` +
      `fetches newer ones as they are asked for, from https://go.dev/doc/install; or say in \`${variable}\` where a program ` +
      `is (${recipe.name} ${recipe.version} or later)`,
  );
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0;
}
