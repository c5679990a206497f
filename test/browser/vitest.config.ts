// Drives a browser that is no dependency: apart from the other tests (`npm run test:browser`).
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('../../', import.meta.url)),
  test: { include: ['test/browser/*.browser.ts'], testTimeout: 120_000, hookTimeout: 180_000 },
});
