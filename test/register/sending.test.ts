/** When spans are sent, and what is said where they do not arrive. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Applications, IMPORT, startApplications } from './run.js';

let applications: Applications;
let server: Server | undefined;

beforeAll(async () => {
  applications = await startApplications();
});

beforeEach(() => applications.collect());

afterEach(async () => {
  await stop();
});

afterAll(() => applications.close());

/** Host and port of a server that answers exports like this. */
async function answering(listener: RequestListener): Promise<string> {
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  // It listens on a port.
  return `127.0.0.1:${(started.address() as AddressInfo).port}`;
}

async function stop(): Promise<void> {
  const stopping = server;
  server = undefined;
  if (stopping === undefined) return;
  stopping.closeAllConnections();
  await new Promise((resolve) => stopping.close(resolve));
}

/** Host and port of nobody. */
async function refusing(): Promise<string> {
  const host = await answering(() => {});
  await stop();
  return host;
}

const status =
  (code: number): RequestListener =>
  (request, response) => {
    request.resume();
    // What it was sent may come back.
    response.writeHead(code, 'secret').end('{"message":"secret"}');
  };

const OTLP = 'OTEL_EXPORTER_OTLP_ENDPOINT';
/** So short that nothing is tried again. */
const QUICK = { OTEL_EXPORTER_OTLP_TIMEOUT: '500' };

const line = (host: string, got: string, variable = OTLP) =>
  `opentelemetry-instrumentation-llm-stream: expected a collector that takes spans at ${host}, got ${got}; ` +
  `what it does not take is dropped (said once). See \`${variable}\`\n`;

it.each([
  ['the process lives on', 'lives-on.mjs'],
  ['immediates were faked until then', 'fakes-immediates.mjs'],
])('a span is sent a second after it ended, where %s', async (_, application) => {
  const started = applications.start([...IMPORT, application]);
  await vi.waitFor(() => expect(applications.collector.spans).toHaveLength(1), { timeout: 20_000, interval: 10 });
  const endedAt = Number(/ended at (\d+)/.exec(started.stdout())?.[1]);
  // The SDK's own default is 5 s.
  expect(Date.now() - endedAt).toBeLessThan(3_000);
  started.process.stdin?.write('now\n');
  expect((await started.ended).code).toBe(3);
});

describe('an export that fails is told once, in one line that quotes nothing', () => {
  it.each([
    ['that is not found', 404, 'HTTP status 404'],
    ['without the right to', 401, 'HTTP status 401'],
    ['that is to be tried later', 503, 'HTTP status 429, 502, 503 or 504'],
  ])('%s', async (_, code, got) => {
    const host = await answering(status(code));
    expect(
      await applications.run([...IMPORT, 'application.mjs'], {
        ...QUICK,
        [OTLP]: `http://user:secret@${host}/secret?secret`,
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret',
      }),
    ).toEqual({ code: 0, stdout: ['answer Hello world'], stderr: line(host, got) });
  });

  it.each([
    [{}, 'http', OTLP],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }, 'http', OTLP],
    [{}, 'http', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, 'http', 'OTEL_EXPORTER_ZIPKIN_ENDPOINT'],
  ])('to nobody, with %o over %s by %s', async (env, scheme, variable) => {
    const host = await refusing();
    const run = await applications.run([...IMPORT, 'application.mjs'], {
      ...QUICK,
      ...env,
      [variable]: `${scheme}://${host}`,
    });
    expect(run).toEqual({ code: 0, stdout: ['answer Hello world'], stderr: line(host, 'ECONNREFUSED', variable) });
  });

  it('to nobody, over gRPC', async () => {
    const host = await refusing();
    const { stderr } = await applications.run([...IMPORT, 'application.mjs'], {
      ...QUICK,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      [OTLP]: `http://${host}`,
    });
    // UNAVAILABLE, or, where the connection takes that long, DEADLINE_EXCEEDED.
    expect([line(host, 'gRPC status 14'), line(host, 'gRPC status 4')]).toContain(stderr);
  });

  it('to somebody who never answers', async () => {
    const host = await answering(() => {});
    const { stderr } = await applications.run([...IMPORT, 'application.mjs'], { ...QUICK, [OTLP]: `http://${host}` });
    expect(stderr).toBe(line(host, 'no answer in time'));
  });

  it('and another one: nothing more', async () => {
    let exports = 0;
    const host = await answering((request, response) => {
      exports += 1;
      status(400)(request, response);
    });
    const { stderr } = await applications.run([...IMPORT, 'two-calls.mjs'], {
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1',
      [OTLP]: `http://${host}`,
    });
    expect({ exports, stderr }).toEqual({ exports: 2, stderr: line(host, 'HTTP status 400') });
  });

  it('with a logger it goes there, among what the SDK says', async () => {
    const host = await answering(status(404));
    const { stderr } = await applications.run([...IMPORT, 'application.mjs'], {
      OTEL_LOG_LEVEL: 'error',
      [OTLP]: `http://${host}`,
    });
    expect(stderr.split(line(host, 'HTTP status 404'))).toHaveLength(2);
  });
});

it('an SDK that cannot flush costs the application nothing', async () => {
  const run = await applications.run([...IMPORT, '--require', './break-flush.cjs', 'application.mjs']);
  expect(run).toEqual({ code: 0, stdout: ['answer Hello world', 'asked to flush'], stderr: '' });
});
