import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { type Receiver, type ReceiverOptions, startReceiver } from '../../src/tools/receiver.js';

let receiver: Receiver;

afterEach(() => receiver.close());

async function post(
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string>,
  options?: ReceiverOptions,
) {
  receiver = await startReceiver(options);
  return send(path, body, headers);
}

async function send(path: string, body: string | Uint8Array, headers: Record<string, string>) {
  const response = await fetch(receiver.url + path, { method: 'POST', body, headers });
  return { status: response.status, text: await response.text() };
}

function stored(): string[] {
  return receiver.traces.map((body) => Buffer.from(body).toString());
}

const JSON_TYPE = { 'content-type': 'application/json' };

describe('the receiver', () => {
  test('listens on 127.0.0.1 and says where, without the path', async () => {
    receiver = await startReceiver();
    expect(receiver.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  test('keeps the bytes of JSON traces, in order, and answers 200 with an empty object', async () => {
    expect(await post('/v1/traces', '{"resourceSpans": []}', JSON_TYPE)).toEqual({ status: 200, text: '{}' });
    await send('/v1/traces', '{ "resourceSpans":[ ] }', { 'content-type': 'application/json; charset=utf-8' });
    expect(stored()).toEqual(['{"resourceSpans": []}', '{ "resourceSpans":[ ] }']);
  });

  test('unpacks gzip', async () => {
    const headers = { ...JSON_TYPE, 'content-encoding': 'gzip' };
    expect(await post('/v1/traces', gzipSync('{"resourceSpans": []}'), headers)).toMatchObject({ status: 200 });
    expect(stored()).toEqual(['{"resourceSpans": []}']);
  });

  test('answers protobuf with 415 and names the variable and the package', async () => {
    const { status, text } = await post('/v1/traces', new Uint8Array([10, 0]), {
      'content-type': 'application/x-protobuf',
    });
    expect(status).toBe(415);
    expect(text).toContain('OTEL_EXPORTER_OTLP_PROTOCOL=http/json');
    expect(text).toContain('@opentelemetry/exporter-trace-otlp-http');
    expect(stored()).toEqual([]);
    expect(receiver.counts).toEqual({ metrics: 0, logs: 0, refused: 1 });
  });

  test('counts metrics and logs, of any content type, and keeps none', async () => {
    expect(await post('/v1/metrics', '{}', JSON_TYPE)).toEqual({ status: 200, text: '{}' });
    await send('/v1/logs', new Uint8Array([1]), { 'content-type': 'application/x-protobuf' });
    await send('/v1/logs', '{}', JSON_TYPE);
    expect(receiver.counts).toEqual({ metrics: 1, logs: 2, refused: 0 });
    expect(stored()).toEqual([]);
  });

  test.each([
    { what: 'another path', path: '/traces', body: '{}', headers: JSON_TYPE, status: 404, says: '/v1/traces' },
    {
      what: 'another content type',
      path: '/v1/traces',
      body: '{}',
      headers: { 'content-type': 'text/plain' },
      status: 415,
      says: 'application/json',
    },
    {
      what: 'another content encoding',
      path: '/v1/traces',
      body: '{}',
      headers: { ...JSON_TYPE, 'content-encoding': 'br' },
      status: 415,
      says: 'gzip',
    },
    { what: 'what is no JSON', path: '/v1/traces', body: '{"resour', headers: JSON_TYPE, status: 400, says: 'no JSON' },
    {
      what: 'what is no gzip',
      path: '/v1/traces',
      body: '{}',
      headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
      status: 400,
      says: 'no gzip',
    },
    {
      what: 'a body that is too large',
      path: '/v1/traces',
      body: `{"a":"${'x'.repeat(100)}"}`,
      headers: JSON_TYPE,
      status: 413,
      says: '64 bytes',
    },
    {
      what: 'a body that unpacks to too much',
      path: '/v1/traces',
      body: gzipSync(`{"a":"${'x'.repeat(100)}"}`),
      headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
      status: 413,
      says: '64 bytes',
    },
    {
      what: 'metrics that are too large',
      path: '/v1/metrics',
      body: 'x'.repeat(100),
      headers: JSON_TYPE,
      status: 413,
      says: '64 bytes',
    },
  ])('refuses $what with $status', async ({ path, body, headers, status, says }) => {
    const answer = await post(path, body, headers, { maxBodyBytes: 64 });
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(says);
    expect(stored()).toEqual([]);
    expect(receiver.counts).toEqual({ metrics: 0, logs: 0, refused: 1 });
  });

  test('refuses a GET with 405', async () => {
    receiver = await startReceiver();
    expect((await fetch(`${receiver.url}/v1/traces`)).status).toBe(405);
  });

  test('keeps no more than it may of all bodies together, and says so with 507', async () => {
    await post('/v1/traces', '{"a":1}', JSON_TYPE, { maxStoredBytes: 10 });
    expect(await send('/v1/traces', '{"b":2}', JSON_TYPE)).toMatchObject({ status: 507 });
    expect(stored()).toEqual(['{"a":1}']);
  });

  test('ends a body that does not stop coming', async () => {
    receiver = await startReceiver({ maxBodyBytes: 64 });
    const status = await new Promise((resolve, reject) => {
      const sending = request(`${receiver.url}/v1/traces`, { method: 'POST', headers: JSON_TYPE }, (response) => {
        response.resume().on('error', () => undefined);
        resolve(response.statusCode);
      });
      sending.on('error', reject);
      sending.write('x'.repeat(65));
    });
    expect(status).toBe(413);
  });

  test('has nothing open after close, which may be called twice', async () => {
    receiver = await startReceiver();
    const { url } = receiver;
    const waiting = request(`${url}/v1/traces`, { method: 'POST', headers: JSON_TYPE });
    const ended = new Promise((resolve) => waiting.on('error', resolve));
    await new Promise<void>((resolve) => waiting.write('{', () => resolve()));
    await receiver.close();
    await receiver.close();
    await ended;
    await expect(fetch(`${url}/v1/traces`, { method: 'POST' })).rejects.toThrow('fetch failed');
  });
});
