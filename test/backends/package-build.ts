/**
 * This package, built apart from the checkout's `dist`, which any other build empties: the check, the tests, or another run
 * of these.
 */
import { copyFile, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from './run.js';
import { ROOT } from './shipped.js';

export interface PackageBuild {
  /** With `dist` in it, and what a program in `dist` needs around it. */
  readonly folder: string;
  remove(): Promise<void>;
}

const LIMIT_MS = 120_000;

export async function buildPackage(): Promise<PackageBuild> {
  const folder = await mkdtemp(join(tmpdir(), 'backends-package-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const args = [join(ROOT, 'node_modules/.bin/tsdown'), '--out-dir', join(folder, 'dist'), '--logLevel', 'error'];
    const { code, stdout, stderr } = await runToEnd(process.execPath, args, { limitMs: LIMIT_MS, cwd: ROOT });
    if (code !== 0) throw new Error(`the package was not built (${code}): ${stderr}${stdout}`);
    // It says that these are ES modules.
    await copyFile(join(ROOT, 'package.json'), join(folder, 'package.json'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, remove };
}
