import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, expect, test } from 'vitest';
import { ssePayloads, startFaultyProvider } from '../../src/testing/index.js';
import { ask } from './ask.js';

const reply = ssePayloads(['1', '2']);

test('closing ends streams that hang, stall or wait at a gate', async () => {
  const provider = await startFaultyProvider({
    scenarios: {
      hang: { reply, faults: [{ type: 'hang', afterChunks: 1 }] },
      stall: { reply, faults: [{ type: 'stall', afterChunks: 1, ms: 600_000 }] },
      gate: { reply, hold: { afterChunks: 1, until: 'released', gate: 'g' } },
    },
  });
  const asked = ['hang', 'stall', 'gate'].map((model) => ask(provider.url, model));
  const requests = await Promise.all([0, 1, 2].map((index) => provider.request(index)));
  await provider.gate('g').arrival();
  await provider.close();
  await Promise.all(requests.map(({ closed }) => closed));
  expect(requests.map(({ closedBy }) => closedBy)).toEqual(['shutdown', 'shutdown', 'shutdown']);
  for (const { end } of await Promise.all(asked))
    expect(end).toMatch(/^TypeError: (terminated|fetch failed) \((UND_ERR_SOCKET|ECONNRESET)\)$/);
});

test('closing twice is closing once', async () => {
  const provider = await startFaultyProvider();
  await Promise.all([provider.close(), provider.close()]);
  await provider.close();
  expect((await ask(provider.url, 'default')).end).toBe('TypeError: fetch failed (ECONNREFUSED)');
});

// In a process of its own: here, vitest has handles too. Node 20 runs no TypeScript, so the room is transpiled first.
const room = mkdtempSync(join(tmpdir(), 'faulty-provider-'));
afterAll(() => rmSync(room, { recursive: true }));

test('nothing of a closed provider keeps a process alive', async () => {
  const source = fileURLToPath(new URL('../../src/testing/', import.meta.url));
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const target = join(room, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    writeFileSync(target, ts.transpileModule(readFileSync(join(source, file), 'utf8'), { compilerOptions }).outputText);
  }
  writeFileSync(join(room, 'package.json'), '{"type":"module"}');
  writeFileSync(join(room, 'main.js'), MAIN);
  const { stdout } = await promisify(execFile)(process.execPath, [join(room, 'main.js')]);
  expect(stdout).toBe('["data: 1\\n\\n"]\n[]\nexit 0\n');
});

const MAIN = `
import { request } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { ssePayloads, startFaultyProvider } from './index.js';
const provider = await startFaultyProvider();
provider.define('stall', {
  reply: ssePayloads(['1', '2']),
  delivery: { gzip: false },
  faults: [{ type: 'stall', afterChunks: 1, ms: 600_000 }, { type: 'heartbeats', everyMs: 600_000 }],
});
const reads = [];
await new Promise((read) => {
  const sent = request(provider.url + '/v1/chat/completions', { method: 'POST', agent: false }, (response) => {
    response.on('error', () => {});
    response.on('data', (bytes) => { reads.push(String(bytes)); read(); });
  });
  sent.on('error', () => {});
  sent.end('{"model":"stall","stream":true}');
});
console.log(JSON.stringify(reads));
const received = await provider.request(0);
await provider.close();
await received.closed;
for (let turns = 0; turns < 10; turns += 1) await turn();
console.log(JSON.stringify(process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name))));
process.on('exit', (code) => console.log('exit ' + code));
`;
