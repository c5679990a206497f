/** Prometheus with a shipped file, the shipped rules, and the flags of the compose file. */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { freePorts, local } from './ports.js';
import { type Running, start } from './program.js';
import type { Programs } from './programs/find.js';
import { type Change, change, ROOT, writeShipped } from './shipped.js';

const COMPOSE = 'docker-compose.otel.yml';

export interface RunningPrometheus {
  readonly url: string;
  stop(): Promise<void>;
}

export interface Scraped {
  /** Of the desk, or of a fleet. */
  readonly config: 'examples/otel/prometheus.yaml' | 'examples/otel/gateway/prometheus.yaml';
  /** Each host and port of the file, and what is there for the test. */
  readonly targets: readonly Change[];
  /** Where alerts go, which the shipped file leaves to Grafana. */
  readonly alertmanagerUrl?: string | undefined;
}

/** @param folder - for the files */
export async function startPrometheus(
  programs: Programs,
  folder: string,
  { config: shipped, targets, alertmanagerUrl }: Scraped,
): Promise<RunningPrometheus> {
  const { http } = await freePorts(['http']);
  // Each alert waits as long as was found best before it fires; a test does not.
  const rules = await writeShipped('examples/otel/prometheus/rules.yaml', folder, [[/\bfor: \w+/g, 'for: 0s']]);
  const config = await writeShipped(shipped, folder, [
    ['scrape_interval: 10s', 'scrape_interval: 1s'],
    ['scrape_timeout: 5s', 'scrape_timeout: 1s'],
    ['evaluation_interval: 10s', 'evaluation_interval: 1s'],
    ['/etc/prometheus/rules.yaml', rules],
    ...targets,
  ]);
  if (alertmanagerUrl !== undefined) {
    const { host } = new URL(alertmanagerUrl);
    await appendFile(config, `\nalerting: {alertmanagers: [{static_configs: [{targets: ['${host}']}]}]}\n`);
  }
  const flags = change(
    (await composeCommand('prometheus')).join('\n'),
    [
      ['--config.file=/etc/prometheus/prometheus.yml', `--config.file=${config}`],
      ['--storage.tsdb.path=/prometheus', `--storage.tsdb.path=${join(folder, 'prometheus')}`],
    ],
    COMPOSE,
  ).split('\n');
  const url = `http://${local(http)}`;
  const running: Running = await start({
    path: programs.prometheus,
    args: [...flags, `--web.listen-address=${local(http)}`],
    readyUrl: `${url}/-/ready`,
  });
  return { url, stop: () => running.stop() };
}

/** What the service is started with. */
async function composeCommand(service: string): Promise<readonly string[]> {
  // A file of ours, whose services and commands a test of its own looks at.
  const { services } = parse(await readFile(join(ROOT, COMPOSE), 'utf8'), { merge: true }) as {
    services: Readonly<Record<string, { readonly command?: readonly string[] }>>;
  };
  const command = services[service]?.command;
  if (command === undefined) throw new Error(`expected a command of ${service} in ${COMPOSE}`);
  return command;
}
