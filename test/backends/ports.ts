/** Free ports of loopback, for programs that must be told one. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Below those that systems give to outgoing connections (Linux from 32768, others from 49152): between the search and the
 * start of a program, or while a killed one is away, nobody's connection takes them.
 */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** Of this process. Their programs may be about to start, or be away for a while: none of them is given again. */
const given = new Set<number>();

export async function freePorts<Name extends string>(names: readonly Name[]): Promise<Record<Name, number>> {
  const held = await Promise.all(names.map(async (name) => ({ name, ...(await hold()) })));
  await Promise.all(held.map(({ server }) => once(server.close(), 'close')));
  // Of the names that were given, each one.
  return Object.fromEntries(held.map(({ name, port }) => [name, port])) as Record<Name, number>;
}

async function hold(): Promise<{ readonly server: Server; readonly port: number }> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if (given.has(port)) continue;
    given.add(port);
    const server = createServer();
    try {
      // Rejects at its error.
      await once(server.listen(port, '127.0.0.1'), 'listening');
      return { server, port };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    }
  }
}

export function local(port: number): string {
  return `127.0.0.1:${port}`;
}
