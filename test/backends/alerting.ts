/** Where alerts go: the real Alertmanager, and behind it the receiver that the stack ships for Grafana's. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askJson } from './http.js';
import { freePorts } from './ports.js';
import { start } from './program.js';
import type { Programs } from './programs/find.js';
import { ROOT } from './shipped.js';

export interface ArrivedAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Alerting {
  readonly alertmanagerUrl: string;
  /** What reached the webhook. */
  arrived(): Promise<readonly ArrivedAlert[]>;
  /** What the webhook printed. */
  printed(): string;
  stop(): Promise<void>;
}

export async function startAlerting(programs: Programs): Promise<Alerting> {
  const folder = await mkdtemp(join(tmpdir(), 'backends-alerts-'));
  const ports = await freePorts(['alertmanager', 'echo']);
  const echoUrl = `http://127.0.0.1:${ports.echo}`;
  const alertmanagerUrl = `http://127.0.0.1:${ports.alertmanager}`;
  const config = join(folder, 'alertmanager.yaml');
  await writeFile(
    config,
    `route: {receiver: echo, group_by: ['...'], group_wait: 0s, group_interval: 1s}
receivers: [{name: echo, webhook_configs: [{url: '${echoUrl}/'}]}]
`,
  );
  const echo = await start({
    path: process.execPath,
    args: [join(ROOT, 'examples/otel/alert-echo/server.mjs')],
    env: { HOST: '127.0.0.1', PORT: String(ports.echo) },
    readyUrl: `${echoUrl}/health`,
  });
  const alertmanager = await start({
    path: programs.alertmanager,
    args: [
      `--config.file=${config}`,
      `--storage.path=${folder}`,
      `--web.listen-address=127.0.0.1:${ports.alertmanager}`,
      // No cluster: it would listen to the network.
      '--cluster.listen-address=',
    ],
    readyUrl: `${alertmanagerUrl}/-/ready`,
  }).catch(async (error: unknown) => {
    await echo.stop();
    throw error;
  });
  return {
    alertmanagerUrl,
    // As it keeps them.
    arrived: async () => (await askJson(`${echoUrl}/alerts`)) as readonly ArrivedAlert[],
    printed: () => echo.output(),
    async stop() {
      await Promise.all([alertmanager.stop(), echo.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
