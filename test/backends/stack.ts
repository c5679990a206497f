/** The stack of `docker-compose.otel.yml` on loopback: collector, trace backends and Prometheus with the shipped files. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sumOfSeries } from './own-numbers.js';
import { freePorts, local } from './ports.js';
import { type Running, start } from './program.js';
import type { Programs } from './programs/find.js';
import { askPrometheus, type Prometheus } from './prometheus.js';
import { startPrometheus } from './prometheus-program.js';
import { writeShipped } from './shipped.js';
import { startTraceBackends, type TraceBackends } from './trace-backends.js';

export interface Stack {
  /** As `OTEL_EXPORTER_OTLP_ENDPOINT` wants it. */
  readonly otlpUrl: string;
  readonly backends: TraceBackends;
  readonly prometheus: Prometheus;
  /** What the collector says of itself now: of all series that begin so. */
  own(beginning: string): Promise<number>;
  /** As a crash would. */
  killCollector(): Promise<void>;
  /** In the place of the one that was killed, with the same file or another one. */
  startCollector(config?: string): Promise<void>;
  /** The file that the collector was started with. */
  readonly collectorConfig: string;
  /** For files of a test; removed with all else. */
  readonly folder: string;
  stop(): Promise<void>;
}

export interface StackOptions {
  /** Whether Prometheus and its rules are part of it. @defaultValue true */
  readonly prometheus?: boolean;
  /** Whether there is anything for Prometheus to scrape. @defaultValue true */
  readonly collector?: boolean;
  readonly alertmanagerUrl?: string;
  /** How long the collector waits for the rest of a trace, in place of the shipped time. @defaultValue '2s' */
  readonly decisionWait?: string;
  /** Per cent of good traces that are kept, in place of the shipped 50. @defaultValue 50 */
  readonly goodShare?: number;
}

export async function startStack(programs: Programs, options: StackOptions = {}): Promise<Stack> {
  const { prometheus = true, collector = true, decisionWait = '2s', goodShare = 50, alertmanagerUrl } = options;
  const folder = await mkdtemp(join(tmpdir(), 'backends-'));
  const ports = await freePorts(['grpc', 'http', 'health', 'own', 'collected']);
  const running = new Map<string, Pick<Running, 'stop'>>();
  const stop = async (): Promise<void> => {
    await Promise.all([...running.values()].map((program) => program.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const backends = await startTraceBackends(programs, folder);
    running.set('backends', backends);
    const collectorConfig = await writeShipped('examples/otel/collector.yaml', folder, [
      ['0.0.0.0:13133', local(ports.health)],
      ['0.0.0.0:4317', local(ports.grpc)],
      ['0.0.0.0:4318', local(ports.http)],
      ['0.0.0.0:8889', local(ports.collected)],
      ['host: 0.0.0.0', 'host: 127.0.0.1'],
      ['port: 8888', `port: ${ports.own}`],
      ['endpoint: jaeger:4317', `endpoint: ${backends.jaegerOtlp}`],
      ['endpoint: tempo:4317', `endpoint: ${backends.tempoOtlp}`],
      ['decision_wait: 30s', `decision_wait: ${decisionWait}`],
      ['decision_wait_after_root_received: 5s', `decision_wait_after_root_received: ${decisionWait}`],
      ['metrics_flush_interval: 5s', 'metrics_flush_interval: 500ms'],
      [/sampling_percentage: 50\b/g, `sampling_percentage: ${goodShare}`],
    ]);
    let current: Running | undefined;
    const startCollector = async (config = collectorConfig): Promise<void> => {
      const readyUrl = `http://${local(ports.health)}/`;
      current = await start({ path: programs.otelcol, args: ['--config', config], readyUrl });
      running.set('collector', current);
    };
    if (collector) await startCollector();
    const started = prometheus
      ? await startPrometheus(programs, folder, {
          config: 'examples/otel/prometheus.yaml',
          targets: [
            ['otel-collector:8889', local(ports.collected)],
            ['otel-collector:8888', local(ports.own)],
          ],
          alertmanagerUrl,
        })
      : undefined;
    if (started !== undefined) running.set('prometheus', started);
    return {
      otlpUrl: `http://${local(ports.http)}`,
      backends,
      prometheus: askPrometheus(started?.url ?? 'http://prometheus-was-not-asked-for.invalid'),
      own: (beginning) => sumOfSeries(`http://${local(ports.own)}/metrics`, beginning),
      killCollector: async () => current?.kill(),
      startCollector,
      collectorConfig,
      folder,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
