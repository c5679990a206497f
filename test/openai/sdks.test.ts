/** What stands for every copy of the SDK is every copy: of the right version, the right build, and no class twice. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { helpersOf, loadSdks } from './sdks.js';

const sdks = await loadSdks();
const onNode20 = process.versions.node.startsWith('20.');

test('there are two builds of each version that runs on this Node', () => {
  const names = sdks.map(({ name }) => name);
  expect(names.slice(0, 6)).toEqual([
    'openai 4, CommonJS',
    'openai 4, ES module',
    'openai 5, CommonJS',
    'openai 5, ES module',
    'openai 6, CommonJS',
    'openai 6, ES module',
  ]);
  expect(names.slice(6)).toEqual(onNode20 ? [] : ['openai 7, CommonJS', 'openai 7, ES module']);
});

test('no two copies share a class', () => {
  expect(new Set(sdks.map(({ OpenAI }) => OpenAI)).size).toBe(sdks.length);
  expect(new Set(sdks.map(({ AzureOpenAI }) => AzureOpenAI)).size).toBe(sdks.length);
});

const VERSIONS = { 4: '4.104.0', 5: '5.23.2', 6: '6.49.0', 7: '7.55.0' } as const;
const FOLDERS = { 4: './v4/', 5: './v5/', 6: '../../', 7: './v7/' } as const;

test.each(sdks)('$name is that version and that build', async (sdk) => {
  const client = new sdk.OpenAI({ apiKey: 'any' });
  const userAgent: unknown = Reflect.get(client, 'getUserAgent').call(client);
  expect(userAgent).toBe(`OpenAI/JS ${VERSIONS[sdk.major]}`);
  expect(helpersOf(sdk, client).stream).toBeTypeOf('function');

  const require = createRequire(new URL(FOLDERS[sdk.major], import.meta.url));
  const folder = dirname(require.resolve('openai'));
  const build: unknown =
    sdk.format === 'CommonJS' ? require('openai') : await import(pathToFileURL(join(folder, 'index.mjs')).href);
  expect(build).toHaveProperty('OpenAI', sdk.OpenAI);
});
