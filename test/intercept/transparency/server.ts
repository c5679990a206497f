/** The server of the transparency checks: a path per behaviour, and what became of each request by its `id`. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

export interface Server {
  readonly origin: string;
  /** A port where nobody listens. */
  readonly refused: string;
  /** Resolves once the connection that served `id` is closed. */
  closed(id: string): Promise<'closed'>;
  /** Bytes of the body of `id` that the server got rid of, once the number has stopped growing. */
  sent(id: string): Promise<number>;
  /** What of the request of `id` arrived. */
  received(id: string): string;
}

export async function startServer(): Promise<Server> {
  const connections = new Map<string, ServerResponse>();
  const received = new Map<string, string>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const id = url.searchParams.get('id');
    if (id !== null) connections.set(id, response);
    request.on('data', (data) => received.set(id ?? '', (received.get(id ?? '') ?? '') + data));
    request.on('error', () => {});
    const behave = BEHAVIOURS[url.pathname] ?? BEHAVIOURS['/text'];
    behave?.(request, response, url);
  });
  server.on('connection', (socket) => socket.unref());
  const port = await listen(server);
  const refusing = createServer();
  const refusedPort = await listen(refusing);
  await new Promise((resolve) => refusing.close(resolve));
  server.unref();
  return {
    origin: `http://127.0.0.1:${port}`,
    refused: `http://127.0.0.1:${refusedPort}`,
    async closed(id) {
      await until(() => connections.get(id)?.socket?.destroyed !== false && connections.has(id));
      return 'closed';
    },
    async sent(id) {
      await until(() => connections.has(id));
      let last = -1;
      let same = 0;
      while (same < 8) {
        await pause(25);
        const now = connections.get(id)?.socket?.bytesWritten ?? 0;
        same = now === last ? same + 1 : 0;
        last = now;
      }
      return last;
    },
    received: (id) => received.get(id) ?? '',
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(5);
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address of this kind.
  return (server.address() as AddressInfo).port;
}

type Behaviour = (request: IncomingMessage, response: ServerResponse, url: URL) => void;

async function trickle(response: ServerResponse, count: number, finish: () => void): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    response.write(`chunk-${index};`);
    await pause(8);
  }
  finish();
}

const BEHAVIOURS: Record<string, Behaviour> = {
  '/text': (_, response, url) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'x-extra': 'yes' });
    void trickle(response, Number(url.searchParams.get('chunks') ?? 3), () => response.end());
  },
  '/short': (_, response) => response.end('short'),
  '/json': (_, response) => response.setHeader('content-type', 'application/json').end('{"a":[1,2,3]}'),
  '/form': (_, response) => response.setHeader('content-type', 'application/x-www-form-urlencoded').end('a=1&b=two'),
  '/empty': (_, response) => response.writeHead(204).end(),
  '/nothing': (_, response) => response.end(),
  '/status': (_, response) => response.writeHead(503, { 'retry-after': '1' }).end('busy'),
  '/redirect': (_, response) => response.writeHead(302, { location: '/text?from=redirect' }).end('moved'),
  '/redirect307': (_, response) => response.writeHead(307, { location: '/echo' }).end(),
  '/redirect-loop': (_, response) => response.writeHead(302, { location: '/redirect-loop' }).end(),
  '/reset': (_, response) => {
    response.writeHead(200);
    void trickle(response, 2, () => response.socket?.resetAndDestroy());
  },
  '/cut': (_, response) => {
    response.writeHead(200);
    void trickle(response, 2, () => response.socket?.destroy());
  },
  '/cut-length': (_, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    void trickle(response, 2, () => response.socket?.end());
  },
  '/reset-before-headers': (_, response) => void response.socket?.resetAndDestroy(),
  '/not-http': (_, response) => void response.socket?.end('nonsense\r\n\r\n'),
  '/gzip': (_, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync('zipped text '.repeat(50))),
  '/bad-gzip': (_, response) => response.setHeader('content-encoding', 'gzip').end('this was never zipped'),
  '/hang': (_, response) => {
    response.writeHead(200);
    response.write('first;');
  },
  '/silent': () => {},
  '/big': (_, response) => {
    const block = Buffer.alloc(65_536, 'x');
    let left = 1_000;
    response.writeHead(200);
    const more = () => {
      while (left > 0 && !response.destroyed) {
        left -= 1;
        if (!response.write(block)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  },
  '/range': (request, response) => response.writeHead(206).end(String(request.headers.range)),
  '/echo': (request, response) => {
    const bodies: Buffer[] = [];
    request.on('data', (data: Buffer) => bodies.push(data));
    request.on('end', () => {
      const { host: _host, ...headers } = request.headers;
      // A multipart boundary is random.
      const boundary = /boundary=(.*)$/.exec(headers['content-type'] ?? '')?.[1] ?? '\0';
      const answer = { method: request.method, url: request.url, headers, body: Buffer.concat(bodies).toString() };
      response.end(JSON.stringify(answer).replaceAll(boundary, 'BOUNDARY'));
    });
  },
};
