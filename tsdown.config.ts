import { defineConfig } from 'tsdown';

export default defineConfig([
  {
    entry: {
      index: 'src/index.ts',
      budgets: 'src/budgets.ts',
      hook: 'src/hook.ts',
      register: 'src/register.ts',
      semconv: 'src/telemetry/semconv.ts',
      testing: 'src/testing/index.ts',
    },
    format: ['esm', 'cjs'],
    target: 'node20',
    dts: true,
    fixedExtension: false,
  },
  {
    // What browsers and edge runtimes are given: the same names, without Node. Its types are those of the real entries.
    entry: {
      'no-op/index': 'src/no-op/index.ts',
      'no-op/budgets': 'src/no-op/budgets.ts',
      'no-op/hook': 'src/no-op/hook.ts',
      'no-op/register': 'src/no-op/register.ts',
      'no-op/semconv': 'src/telemetry/semconv.ts',
      'no-op/testing': 'src/no-op/testing.ts',
    },
    format: ['esm', 'cjs'],
    target: 'es2022',
    platform: 'neutral',
    dts: false,
    fixedExtension: false,
    clean: false,
  },
  {
    entry: {
      'tools/demo': 'src/tools/demo.ts',
      'tools/demo-application': 'src/tools/demo-application.ts',
      'tools/demo-traffic': 'src/tools/demo-traffic.ts',
    },
    format: 'esm',
    target: 'node20',
    dts: false,
    fixedExtension: false,
    clean: false,
    // What both entries share stays with them, outside the published files.
    outputOptions: { chunkFileNames: 'tools/[name].js' },
    // A development dependency would be bundled; the demo loads what is installed.
    deps: { neverBundle: ['openai', '@opentelemetry/exporter-metrics-otlp-http'] },
  },
  {
    entry: { 'tools/otel-generate': 'examples/otel/grafana/generate.ts' },
    format: 'esm',
    target: 'node20',
    dts: false,
    fixedExtension: false,
    clean: false,
    deps: { neverBundle: [/^@grafana\/grafana-foundation-sdk/, 'yaml'] },
  },
]);
