/**
 * Where a collector sends traces: Jaeger with the shipped file, and in the place of Tempo, which cannot be had as a program
 * here, a collector that takes what is sent to it and drops it.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, local } from './ports.js';
import { type Running, start } from './program.js';
import type { Programs } from './programs/find.js';
import { ROOT, writeShipped } from './shipped.js';

export interface TraceBackends {
  readonly jaegerUrl: string;
  /** Hosts and ports of OTLP over gRPC. */
  readonly jaegerOtlp: string;
  readonly tempoOtlp: string;
  killJaeger(): Promise<void>;
  /** Empty, as all it had was in memory. */
  startJaeger(): Promise<void>;
  stop(): Promise<void>;
}

/** @param folder - for the files */
export async function startTraceBackends(programs: Programs, folder: string): Promise<TraceBackends> {
  const ports = await freePorts(['otlp', 'http', 'grpc', 'health', 'tempoOtlp', 'tempoHealth']);
  const jaegerConfig = await writeShipped('examples/otel/jaeger.yaml', folder, [
    ['0.0.0.0:13133', local(ports.health)],
    ['0.0.0.0:16686', local(ports.http)],
    ['0.0.0.0:16685', local(ports.grpc)],
    ['0.0.0.0:4317', local(ports.otlp)],
    ['/etc/jaeger/ui.json', join(ROOT, 'examples/otel/jaeger-ui.json')],
  ]);
  const startJaeger = (): Promise<Running> =>
    start({
      path: programs.jaeger,
      args: ['--config', jaegerConfig],
      readyUrl: `http://${local(ports.health)}/status`,
    });
  const tempo = await startInTempoPlace(programs, folder, ports);
  let jaeger = await startJaeger().catch(async (error: unknown) => {
    await tempo.stop();
    throw error;
  });
  return {
    jaegerUrl: `http://${local(ports.http)}`,
    jaegerOtlp: local(ports.otlp),
    tempoOtlp: local(ports.tempoOtlp),
    killJaeger: () => jaeger.kill(),
    async startJaeger() {
      jaeger = await startJaeger();
    },
    stop: async () => void (await Promise.all([jaeger.stop(), tempo.stop()])),
  };
}

async function startInTempoPlace(
  programs: Programs,
  folder: string,
  ports: { readonly tempoOtlp: number; readonly tempoHealth: number },
): Promise<Running> {
  const config = join(folder, 'in-tempo-place.yaml');
  await writeFile(
    config,
    `extensions: {health_check: {endpoint: '${local(ports.tempoHealth)}'}}
receivers: {otlp: {protocols: {grpc: {endpoint: '${local(ports.tempoOtlp)}'}}}}
exporters: {debug: {}}
service:
  telemetry: {logs: {level: warn}, metrics: {level: none}}
  extensions: [health_check]
  pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
`,
  );
  const readyUrl = `http://${local(ports.tempoHealth)}/`;
  return await start({ path: programs.otelcol, args: ['--config', config], readyUrl });
}
