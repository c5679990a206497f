/** Each folder of `examples/`, from the packed package: what it prints, and the spans that it sends. */
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { chatToolCalls } from '../../src/testing/index.js';
import { HELLO, MODEL, openScene } from './scene.js';

const scene = openScene();

const CUT_TEXT = { ...HELLO, faults: [{ type: 'silent_end' as const, afterChunks: 2 }] };
const BOOKING = { reply: chatToolCalls([{ name: 'book', fragments: ['{"seats"', ':2}'] }]) };
const CUT_BOOKING = { ...BOOKING, faults: [{ type: 'silent_end' as const, afterChunks: 3 }] };

/** What each span says, with the service that it is from. */
const spans = () =>
  scene.collector.exports.flatMap((sent) =>
    sent.spans.map(({ name, attributes }) => ({
      name,
      service: sent.resource?.['service.name'],
      outcome: attributes['llm_stream.outcome'],
      stage: attributes['llm_stream.stage'],
      failureStage: attributes['llm_stream.failure_stage'],
      termination: attributes['llm_stream.termination_kind'],
      // As OTLP writes a list.
      observedBy: JSON.stringify(attributes['llm_stream.observed_by']),
    })),
  );

const BOTH_ROADS = '{"values":[{"stringValue":"fetch"},{"stringValue":"openai"}]}';

const completed = (service: string) => ({
  name: 'chat gpt-4o-mini',
  service,
  outcome: 'completed',
  stage: 'done',
  failureStage: undefined,
  termination: 'done_event',
  observedBy: BOTH_ROADS,
});

const cut = (service: string, stage: string) => ({
  ...completed(service),
  outcome: 'failed',
  stage,
  failureStage: stage,
  termination: 'eof',
});

/** Of `chat-ui` in `test/browser`, of `otel`, which is no application, in `test/otel` and `test/backends`. */
it('there is a test for each example', async () => {
  const entries = await readdir(fileURLToPath(new URL('../../examples/', import.meta.url)), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(folders.sort()).toEqual([
    'bundled',
    'chat-ui',
    'circuit-breaker',
    'continue',
    'express',
    'fallback',
    'otel',
    'own-sdk-cjs',
    'own-sdk-esm',
    'register',
    'retry',
    'tool-loop',
  ]);
});

it('`register`: an application without a word of telemetry has its trace', async () => {
  scene.provider.define(MODEL, HELLO);
  const example = await scene.install('register');
  const ran = await example.script('start', { ...scene.environment, OTEL_SERVICE_NAME: 'my-service' });
  expect(ran).toEqual({ code: 0, stdout: 'Hello world\n', stderr: '' });
  expect(spans()).toEqual([completed('my-service')]);
});

it('`own-sdk-esm`: a whole tool call is executed, half a one is not', async () => {
  scene.provider.define(MODEL, [BOOKING, CUT_BOOKING]);
  const example = await scene.install('own-sdk-esm');
  expect(await example.script('start', scene.environment)).toEqual({
    code: 0,
    stdout: 'booked { seats: 2 }\n',
    stderr: '',
  });
  expect(await example.script('start', scene.environment)).toEqual({
    code: 0,
    stdout: 'not booked: during_tool_call (trying again is safe)\n',
    stderr: '',
  });
  expect(spans()).toEqual([completed('example-own-sdk-esm'), cut('example-own-sdk-esm', 'during_tool_call')]);
});

it('`own-sdk-cjs`: a cut answer is told from a whole one', async () => {
  scene.provider.define(MODEL, [HELLO, CUT_TEXT]);
  const example = await scene.install('own-sdk-cjs');
  expect(await example.script('start', scene.environment)).toEqual({ code: 0, stdout: 'Hello world\n', stderr: '' });
  expect(await example.script('start', scene.environment)).toEqual({
    code: 0,
    stdout: 'Hello … stream_interrupted\n',
    stderr: '',
  });
  expect(spans()).toEqual([completed('example-own-sdk-cjs'), cut('example-own-sdk-cjs', 'after_first_token')]);
});

it('`bundled`: a file with openai inlined is seen on both roads', async () => {
  scene.provider.define(MODEL, HELLO);
  const example = await scene.install('bundled');
  expect(await example.script('build', {})).toMatchObject({ code: 0 });
  expect(await example.script('start', scene.environment)).toEqual({ code: 0, stdout: 'Hello world\n', stderr: '' });
  expect(spans()).toEqual([completed('example-bundled')]);
});

it('`express`: answers, breaks off what was cut, leaves the provider with its client, and loses no span at SIGTERM', async () => {
  const held = { ...HELLO, hold: { afterChunks: 2, until: 'client_gone' as const } };
  scene.provider.define(MODEL, [HELLO, CUT_TEXT, held, held]);
  const example = await scene.install('express');
  const server = example.start('start', { ...scene.environment, PORT: '0' });
  if (server.stdout === null) throw new Error('it has a stdout');
  const [line] = await once(createInterface({ input: server.stdout }), 'line');
  const [, url] = /^listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(String(line)) ?? [];
  const ask = (signal?: AbortSignal) =>
    fetch(`${url}/ask`, {
      method: 'POST',
      body: 'Hello?',
      headers: { 'content-type': 'text/plain' },
      ...(signal && { signal }),
    });

  const whole = await ask();
  expect([whole.status, await whole.text()]).toEqual([200, 'Hello world']);
  await expect((await ask()).text()).rejects.toThrow('terminated');

  const leaving = new AbortController();
  const left = (await ask(leaving.signal)).body?.getReader();
  expect(new TextDecoder().decode((await left?.read())?.value)).toBe('Hello');
  leaving.abort();
  await vi.waitFor(() => expect(scene.provider.requests[2]?.closedBy).toBe('client'), { timeout: 10_000, interval: 5 });

  const open = (await ask()).body?.getReader();
  expect(new TextDecoder().decode((await open?.read())?.value)).toBe('Hello');
  server.kill('SIGTERM');
  const broken = expect(open?.read()).rejects.toThrow('terminated');
  expect(await once(server, 'exit')).toEqual([0, null]);
  await broken;

  const service = 'example-express';
  const cancelled = { ...completed(service), outcome: 'cancelled', stage: 'after_first_token' };

  expect(spans()).toEqual([
    completed(service),
    cut(service, 'after_first_token'),
    { ...cancelled, failureStage: 'client_aborted', termination: 'consumer_abort' },
    { ...cancelled, failureStage: 'unknown', termination: 'shutdown' },
  ]);
});
