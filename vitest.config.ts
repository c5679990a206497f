import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // In a cell of the matrix, also what says which one it is.
    include: ['test/**/*.test.ts', ...(process.env['MATRIX_CELL'] ? ['test/matrix/cell.matrix.ts'] : [])],
    // Real sockets on two busy cores: a condition may take a while, and no test depends on how long.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
