/**
 * The application cannot tell: a list of checks runs in a process that observes every request and in one that never
 * imports this package, and their reports are equal. `TRANSPARENCY_NODE` names the Node to run both with.
 */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from './transparency/bundle.js';
import { checkNames } from './transparency/checks.js';
import { APPLICATIONS } from './transparency/exits.js';
import { type Server, startServer } from './transparency/server.js';

const NODE = process.env['TRANSPARENCY_NODE'] ?? process.execPath;
const { equal, documented, sizes } = checkNames();

interface Run {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly errors: readonly string[];
}

/** The room alone, under hooks that take everything; and the whole library, which reads every answer as a model's. */
const OBSERVERS = ['patched', 'library'] as const;

let scripts: Record<'control' | (typeof OBSERVERS)[number], string>;
let server: Server;

beforeAll(async () => {
  const [control, patched, library] = await Promise.all(['control.ts', 'patched.ts', 'library.ts'].map(bundle));
  if (control === undefined || patched === undefined || library === undefined) throw new Error('a bundle is missing');
  scripts = { control, patched, library };
  server = await startServer();
});

afterAll(async () => {
  await Promise.all(Object.values(scripts).map((file) => rm(dirname(file), { recursive: true })));
});

function run(script: string, ...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(NODE, ['--expose-gc', script, ...args], { timeout: 90_000 }, (error, stdout, stderr) => {
      const errors = stderr.split('\n').filter((line) => /^(\w*Error|Uncaught)/.test(line.trim()));
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), stdout, errors });
    });
  });
}

async function reportOf(script: string): Promise<Record<string, unknown>> {
  const { stdout, errors } = await run(script);
  expect(errors).toEqual([]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe.each(OBSERVERS)('unobserved and observed by: %s', (observer) => {
  let control: Record<string, unknown>;
  let patched: Record<string, unknown>;

  beforeAll(async () => {
    // One after the other: sizes and garbage depend on who else is busy.
    control = await reportOf(scripts.control);
    patched = await reportOf(scripts[observer]);
  }, 120_000);

  it('really observes', () => {
    if (observer === 'library') expect(patched['observed calls']).toBeGreaterThan(150);
  });

  it.each(equal)('are equal: %s', (name) => {
    expect(control[name], 'the control').not.toBe('timed out');
    expect(control[name], 'the control').toBeDefined();
    expect(patched[name]).toEqual(control[name]);
  });

  // The kernel's socket buffers take 4–6 MB of the 65 MB; a body that is buffered would take all of it.
  it.each(sizes)('pull as much as the consumer asks for: %s', (name) => {
    for (const report of [control, patched]) {
      expect(report[name]).toBeGreaterThan(65_000);
      expect(report[name]).toBeLessThan(16_000_000);
    }
  });

  it('differ in own hidden properties', () => {
    expect(documented).toHaveLength(3);
    expect(control['documented: own hidden properties']).toEqual([[], [], []]);
    expect(patched['documented: own hidden properties']).toEqual([
      ['clone'],
      ['getReader', 'values', 'cancel', 'tee', 'pipeTo', 'pipeThrough', 'Symbol(Symbol.asyncIterator)'],
      ['read', 'cancel', 'releaseLock'],
    ]);
  });

  it('differ in one microtask of `fetch()`', () => {
    expect(control['documented: microtasks until fetch() resolves']).toBe(1);
    expect(patched['documented: microtasks until fetch() resolves']).toBe(2);
  });

  it('differ in a failing `read()` that nobody awaits', () => {
    expect(control['documented: a read() that fails unawaited']).toBeGreaterThan(0);
    expect(patched['documented: a read() that fails unawaited']).toBe(0);
  });
});

describe.each(OBSERVERS)('an application observed by: %s, ends as it would without us when it', (observer) => {
  it.each(Object.keys(APPLICATIONS))('%s', async (name) => {
    const [control, patched] = await Promise.all([
      run(scripts.control, name, server.origin),
      run(scripts[observer], name, server.origin),
    ]);
    expect(patched).toEqual(control);
  });
});
