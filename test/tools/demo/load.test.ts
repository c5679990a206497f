import { expect, test } from 'vitest';
import { load } from '../../../src/tools/demo/load.js';

test('gives what was imported', async () => {
  expect(await load('node:path', async () => 'module')).toBe('module');
});

test('names the package that is missing, and what installs it', async () => {
  const missing = Object.assign(new Error("Cannot find package 'openai'"), { code: 'ERR_MODULE_NOT_FOUND' });
  await expect(load('openai', () => Promise.reject(missing))).rejects.toThrow(
    'the demo needs `openai`, which is not installed here; `npm ci` in the checkout installs it',
  );
});

test('leaves other errors as they are', async () => {
  const broken = new SyntaxError('not ours');
  await expect(load('openai', () => Promise.reject(broken))).rejects.toBe(broken);
});
