import { defineConfig } from 'tsdown';

export default defineConfig([
  {
    entry: {
      index: 'src/index.ts',
      hook: 'src/hook.ts',
      semconv: 'src/telemetry/semconv.ts',
      testing: 'src/testing/index.ts',
    },
    format: ['esm', 'cjs'],
    target: 'node20',
    dts: true,
    fixedExtension: false,
  },
  {
    entry: { 'tools/demo': 'src/tools/demo.ts', 'tools/demo-application': 'src/tools/demo-application.ts' },
    format: 'esm',
    target: 'node20',
    dts: false,
    fixedExtension: false,
    clean: false,
    // What both entries share stays with them, outside the published files.
    outputOptions: { chunkFileNames: 'tools/[name].js' },
    // A development dependency would be bundled; the demo loads what is installed.
    deps: { neverBundle: ['openai'] },
  },
]);
