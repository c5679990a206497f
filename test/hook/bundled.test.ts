/** Applications whose bundler inlined the SDK: no hook sees a module there. */
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Applications, SDK_VERSIONS, type SdkVersion, startApplications } from './run.js';

let applications: Applications;

beforeAll(async () => {
  applications = await startApplications();
});

afterAll(() => applications.close());

const FORMATS: Record<'esm' | 'cjs', BuildOptions> = {
  esm: {
    format: 'esm',
    // openai 4 brings node-fetch, which requires what is built in.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  },
  cjs: { format: 'cjs' },
};

const SOURCES = { esm: 'mjs', cjs: 'cjs' } as const;

/** Bundles an application beside its source, with all but this package and the OpenTelemetry API. */
async function bundle(version: SdkVersion, name: string, format: keyof typeof FORMATS): Promise<string> {
  const extension = SOURCES[format];
  const file = `${name}.bundled.${extension}`;
  await build({
    absWorkingDir: applications.folder(version),
    entryPoints: [`${name}.${extension}`],
    outfile: join(applications.folder(version), file),
    bundle: true,
    platform: 'node',
    logLevel: 'silent',
    external: ['opentelemetry-instrumentation-llm-stream'],
    ...FORMATS[format],
  });
  return file;
}

const SETUP = ['--import', './hook-and-register.mjs'];

describe.each(SDK_VERSIONS)('openai %s', (version) => {
  const seenBy = (...roads: readonly string[]) => ({ name: 'chat greeting', roads, outcome: 'completed', chunks: 4 });

  describe.each(['esm', 'cjs'] as const)('inlined into %s', (format) => {
    it('is seen on both roads where `instrumentOpenAI` is told of it', async () => {
      expect(await applications.run(version, ...SETUP, await bundle(version, 'by-hand', format))).toEqual({
        code: 0,
        stderr: '',
        said: ['answer Hello world'],
        spans: [version === 'v4' ? seenBy('openai') : seenBy('fetch', 'openai')],
      });
    });

    it('is seen where it goes through `fetch` otherwise', async () => {
      expect(await applications.run(version, ...SETUP, await bundle(version, 'application', format))).toEqual({
        code: 0,
        stderr: '',
        said: ['answer Hello world'],
        spans: version === 'v4' ? [] : [seenBy('fetch')],
      });
    });
  });
});
