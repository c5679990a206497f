// The real programs are found or built before vitest begins (`npm run test:backends`): of what is missing it would say that
// it found no tests.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

try {
  const { findPrograms } = await load('find.ts');
  await findPrograms((line) => console.log(`backends: ${line}`));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

/** Node 20 runs no TypeScript. */
async function load(path) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(path, import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  return await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}
