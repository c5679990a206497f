import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real sockets on two busy cores: a condition may take a while, and no test depends on how long.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
