/** What is in `examples/otel/gateway`, on loopback: an agent, two gateways, the trace backends behind them, and Prometheus. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sumOfSeries } from './own-numbers.js';
import { freePorts, local } from './ports.js';
import { type Running, start } from './program.js';
import type { Programs } from './programs/find.js';
import { askPrometheus, type Prometheus } from './prometheus.js';
import { startPrometheus } from './prometheus-program.js';
import { type Change, writeShipped } from './shipped.js';
import { startTraceBackends } from './trace-backends.js';

export interface Fleet {
  /** Of the agent, as `OTEL_EXPORTER_OTLP_ENDPOINT` wants it. */
  readonly otlpUrl: string;
  readonly jaegerUrl: string;
  readonly prometheus: Prometheus;
  readonly agent: Tier;
  readonly gateways: readonly Tier[];
  stop(): Promise<void>;
}

export interface Tier {
  kill(): Promise<void>;
  start(): Promise<void>;
  /** What it says of itself. */
  own(metric: string): Promise<number>;
  /** What it made of calls, or passed on. */
  collected(metric: string): Promise<number>;
}

export async function startFleet(programs: Programs): Promise<Fleet> {
  const folder = await mkdtemp(join(tmpdir(), 'backends-fleet-'));
  const running: Pick<Running, 'stop'>[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((program) => program.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const backends = await startTraceBackends(programs, folder);
    running.push(backends);
    const gateways = await Promise.all(
      ['gateway-1', 'gateway-2'].map(async (name) => {
        const ports = await freePorts(TIER_PORTS);
        const config = await writeShipped(
          'examples/otel/gateway/gateway.yaml',
          folder,
          [
            ...tierChanges(ports),
            ['/var/lib/otelcol/gateway', join(folder, name)],
            ['endpoint: jaeger:4317', `endpoint: ${backends.jaegerOtlp}`],
            ['endpoint: tempo:4317', `endpoint: ${backends.tempoOtlp}`],
            ['decision_wait: 130s', 'decision_wait: 2s'],
            ['metrics_flush_interval: 15s', 'metrics_flush_interval: 500ms'],
          ],
          `${name}.yaml`,
        );
        return { ...tier(programs, config, ports, running), otlp: local(ports.grpc), ports };
      }),
    );
    for (const gateway of gateways) await gateway.start();
    const ports = await freePorts([...TIER_PORTS, 'http']);
    const config = await writeShipped('examples/otel/gateway/agent.yaml', folder, [
      ...tierChanges(ports),
      ['0.0.0.0:4318', local(ports.http)],
      ['/var/lib/otelcol/agent', join(folder, 'agent')],
      ...gateways.map(({ otlp }, index) => [`- otel-gateway-${index + 1}:4317`, `- ${otlp}`] as const),
    ]);
    const agent = tier(programs, config, ports, running);
    await agent.start();
    const prometheus = await startPrometheus(programs, folder, {
      config: 'examples/otel/gateway/prometheus.yaml',
      targets: [
        ...targetsOf('otel-agent-1', ports),
        ...gateways.flatMap((gateway, index) => targetsOf(`otel-gateway-${index + 1}`, gateway.ports)),
      ],
    });
    running.push(prometheus);
    return {
      otlpUrl: `http://${local(ports.http)}`,
      jaegerUrl: backends.jaegerUrl,
      prometheus: askPrometheus(prometheus.url),
      agent,
      gateways,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const TIER_PORTS = ['grpc', 'health', 'own', 'collected'] as const;
type TierPorts = Readonly<Record<(typeof TIER_PORTS)[number], number>>;

function tierChanges(ports: TierPorts) {
  return [
    ['0.0.0.0:13133', local(ports.health)],
    ['0.0.0.0:4317', local(ports.grpc)],
    ['0.0.0.0:8889', local(ports.collected)],
    ['host: 0.0.0.0', 'host: 127.0.0.1'],
    ['port: 8888', `port: ${ports.own}`],
  ] as const;
}

function targetsOf(host: string, ports: TierPorts): readonly Change[] {
  return [
    [`${host}:8889`, local(ports.collected)],
    [`${host}:8888`, local(ports.own)],
  ];
}

function tier(programs: Programs, config: string, ports: TierPorts, running: Pick<Running, 'stop'>[]): Tier {
  let current: Running | undefined;
  return {
    kill: async () => current?.kill(),
    async start() {
      const readyUrl = `http://${local(ports.health)}/`;
      current = await start({ path: programs.otelcol, args: ['--config', config], readyUrl });
      running.push(current);
    },
    own: (metric) => sumOfSeries(`http://${local(ports.own)}/metrics`, metric),
    collected: (metric) => sumOfSeries(`http://${local(ports.collected)}/metrics`, metric),
  };
}
