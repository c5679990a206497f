/**
 * A small OTLP/HTTP receiver on loopback: keeps the JSON bodies of traces as they came, and reads nothing in them.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

export interface ReceiverOptions {
  /** @defaultValue 0, any free one */
  readonly port?: number;
  /** Largest body, packed or unpacked; a larger one is answered with 413. @defaultValue 4 MiB */
  readonly maxBodyBytes?: number;
  /** Most bytes kept of all bodies together; what comes then is answered with 507. @defaultValue 64 MiB */
  readonly maxStoredBytes?: number;
}

/** A running receiver. */
export interface Receiver {
  /** `http://127.0.0.1:PORT`, as `OTEL_EXPORTER_OTLP_ENDPOINT` wants it: without `/v1/traces`. */
  readonly url: string;
  /** The JSON bodies of `/v1/traces`, oldest first, unpacked. */
  readonly traces: readonly Uint8Array[];
  /** Bodies of `/v1/metrics` and `/v1/logs`, which are counted and not kept, and requests that were refused. */
  readonly counts: Readonly<Counts>;
  /** Ends all connections and stops to listen; may be called twice. After it, nothing of the receiver is left in the process. */
  close(): Promise<void>;
}

interface Counts {
  metrics: number;
  logs: number;
  refused: number;
}

/** What is said to an exporter that sends protobuf, which is what a bare NodeSDK does. */
export const PROTOBUF_REFUSED =
  'this receiver reads OTLP as JSON: set OTEL_EXPORTER_OTLP_PROTOCOL=http/json, ' +
  'or use the exporter of @opentelemetry/exporter-trace-otlp-http';

const DEFAULT_MAX_BODY_BYTES = 4 * 1024 * 1024;
const DEFAULT_MAX_STORED_BYTES = 64 * 1024 * 1024;

/** Starts a receiver on 127.0.0.1. Rejects when the port is taken. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const { port = 0, maxBodyBytes = DEFAULT_MAX_BODY_BYTES, maxStoredBytes = DEFAULT_MAX_STORED_BYTES } = options;
  const traces: Uint8Array[] = [];
  const counts: Counts = { metrics: 0, logs: 0, refused: 0 };
  let storedBytes = 0;

  const receive = async (request: IncomingMessage): Promise<void> => {
    const path = checkTarget(request);
    if (path !== TRACES) {
      await drain(request, maxBodyBytes);
      counts[path === METRICS ? 'metrics' : 'logs'] += 1;
      return;
    }
    checkContentType(request);
    const body = await unpack(request, await drain(request, maxBodyBytes), maxBodyBytes);
    checkJson(body);
    if (storedBytes + body.length > maxStoredBytes) throw new Refusal(507, `${maxStoredBytes} bytes are kept already`);
    storedBytes += body.length;
    traces.push(body);
  };

  const server = createServer((request, response) => {
    receive(request).then(
      () => answer(response, 200, {}),
      (error: unknown) => {
        counts.refused += 1;
        const { status, message } =
          error instanceof Refusal ? error : new Refusal(400, 'the body did not arrive whole');
        // What is left of the body is not worth reading: no second request on this connection.
        if (!request.complete) response.setHeader('connection', 'close');
        answer(response, status, { message });
      },
    );
  });
  return {
    url: `http://127.0.0.1:${await listen(server, port)}`,
    traces,
    counts,
    close: () =>
      new Promise((resolve) => {
        // An error says that it was closed before.
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const TRACES = '/v1/traces';
const METRICS = '/v1/metrics';
const LOGS = '/v1/logs';

class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

function checkTarget({ method = '', url = '' }: IncomingMessage): string {
  const path = url.split('?', 1)[0] ?? url;
  if (path !== TRACES && path !== METRICS && path !== LOGS) {
    throw new Refusal(404, `expected ${TRACES}, ${METRICS} or ${LOGS}`);
  }
  if (method !== 'POST') throw new Refusal(405, 'expected POST');
  return path;
}

function checkContentType({ headers }: IncomingMessage): void {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/json') return;
  throw new Refusal(415, type === 'application/x-protobuf' ? PROTOBUF_REFUSED : 'expected application/json');
}

async function drain(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(part)) continue;
    length += part.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

const gunzipped = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(gunzip);

async function unpack({ headers }: IncomingMessage, body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip') throw new Refusal(415, 'expected no content-encoding, or gzip');
  try {
    return await gunzipped(body, { maxOutputLength: maxBytes });
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    throw code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : new Refusal(400, 'the body is no gzip');
  }
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal(413, `expected a body of at most ${maxBytes} bytes`);
}

function checkJson(body: Uint8Array): void {
  try {
    JSON.parse(Buffer.from(body).toString());
  } catch {
    throw new Refusal(400, 'the body is no JSON');
  }
}

function answer(response: ServerResponse, status: number, body: Readonly<Record<string, unknown>>): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(address.port);
    });
  });
}
