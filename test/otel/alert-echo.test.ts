import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ROOT } from './compose-file.js';

let echo: ChildProcessWithoutNullStreams;
let lines: AsyncIterator<string>;
let url: string;

beforeEach(async () => {
  echo = spawn(process.execPath, [`${ROOT}examples/otel/alert-echo/server.mjs`], { env: { PORT: '0' } });
  lines = createInterface({ input: echo.stdout })[Symbol.asyncIterator]();
  const first = await line();
  url = first.replace('alert-echo: listening on ', '');
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});

afterEach(async () => {
  if (echo.exitCode !== null) return;
  echo.kill('SIGKILL');
  await once(echo, 'exit');
});

test('prints a line for each alert, and keeps them', async () => {
  const taken = await send({ receiver: 'alert-echo', status: 'firing', alerts: [FIRING, RESOLVED] });
  expect(taken).toEqual({ status: 200, body: { taken: 2 } });
  expect(await line()).toBe(
    'FIRING LlmStreamFailures | 12 % of the calls to gpt-5.1 fail | https://example.com/runbook#failures | severity=page gen_ai_request_model=gpt-5.1',
  );
  expect(await line()).toBe('resolved LlmStreamFailures | severity=page');
  const kept: unknown = await (await fetch(`${url}/alerts`)).json();
  expect(kept).toMatchObject([FIRING, RESOLVED]);
});

test('prints a label that has line ends in it as one line', async () => {
  await send({ alerts: [{ labels: { alertname: 'A', route: '/chat\nFIRING  B' } }] });
  await send({ alerts: [{ labels: { alertname: 'C' } }] });
  expect(await line()).toBe('FIRING A | route=/chat FIRING B');
  expect(await line()).toBe('FIRING C');
});

test('says what it expects of what is no alert', async () => {
  expect(await send({ text: 'hello' })).toEqual({
    status: 400,
    body: { error: 'expected `alerts`, as Grafana and Alertmanager send them' },
  });
  expect((await send('x'.repeat(1024 * 1024 + 1))).status).toBe(400);
  expect((await fetch(`${url}/`)).status).toBe(404);
  // No URL at all to whoever parses it as one.
  expect((await fetch(`${url}//`)).status).toBe(404);
  expect((await fetch(`${url}/health?of=it`)).status).toBe(200);
});

test('ends at SIGTERM', async () => {
  echo.kill('SIGTERM');
  expect(await once(echo, 'exit')).toEqual([0, null]);
});

const FIRING = {
  status: 'firing',
  labels: { alertname: 'LlmStreamFailures', severity: 'page', gen_ai_request_model: 'gpt-5.1' },
  annotations: {
    summary: '12 % of the calls to gpt-5.1 fail',
    runbook_url: 'https://example.com/runbook#failures',
  },
};
const RESOLVED = { status: 'resolved', labels: { alertname: 'LlmStreamFailures', severity: 'page' } };

async function send(message: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${url}/`, { method: 'POST', body: JSON.stringify(message) });
  return { status: response.status, body: await response.json() };
}

async function line(): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error('expected another line');
  return value;
}
