/**
 * Refused connections are nothing a server can do: a port where nobody listens.
 */
import { createServer } from 'node:net';

/** A loopback port that was free a moment ago: connecting to it is refused (`ECONNREFUSED`) until somebody takes it. */
export function closedPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('the listening socket has no port'));
      });
    });
  });
}
