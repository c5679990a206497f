/** Before the first test: all programs are there, this package is built, and the tests are told where. */
import type { TestProject } from 'vitest/node';
import { buildPackage } from '../package-build.js';
import { findPrograms, type Programs } from './find.js';

declare module 'vitest' {
  export interface ProvidedContext {
    programs: Programs;
    /** The folder that `dist` is in. */
    built: string;
  }
}

/** Hands back what is done after the last test. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  project.provide('programs', await findPrograms((line) => console.log(`backends: ${line}`)));
  const built = await buildPackage();
  project.provide('built', built.folder);
  return built.remove;
}
