// Runs the real backends, and builds them where they are not: slow, and apart from the other tests (`npm run test:backends`).
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('../../', import.meta.url)),
  test: {
    include: ['test/backends/*.backends.ts'],
    globalSetup: [fileURLToPath(new URL('programs/setup.ts', import.meta.url))],
    // A stack at a time: each has the machine to itself.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
