import { defineConfig } from 'tsdown';

export default defineConfig([
  {
    entry: { index: 'src/index.ts', semconv: 'src/telemetry/semconv.ts', testing: 'src/testing/index.ts' },
    format: ['esm', 'cjs'],
    target: 'node20',
    dts: true,
    fixedExtension: false,
  },
  {
    entry: { 'tools/demo': 'src/tools/demo.ts' },
    format: 'esm',
    target: 'node20',
    dts: false,
    fixedExtension: false,
    clean: false,
  },
]);
