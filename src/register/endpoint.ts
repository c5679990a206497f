/** Where an exporter sends spans to, for a person to read. The exporter reads its variables itself. */
import { type Environment, type Protocol, textOf } from './environment.js';

export interface Endpoint {
  /** What says where, or would. */
  readonly variable: string;
  /** With its port where one is given. Nothing else of the address: it may hold credentials. */
  readonly host: string | undefined;
}

// Each with where it sends when nothing is said, and the variables that say where, the more special one first.
const OTLP = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const;
const ENDPOINTS = {
  'http/json': ['localhost:4318', ...OTLP],
  'http/protobuf': ['localhost:4318', ...OTLP],
  grpc: ['localhost:4317', ...OTLP],
  zipkin: ['localhost:9411', 'OTEL_EXPORTER_ZIPKIN_ENDPOINT'],
} as const satisfies Record<Protocol | 'zipkin', readonly string[]>;

export function endpointOf(environment: Environment, kind: keyof typeof ENDPOINTS): Endpoint {
  const [usual, ...variables] = ENDPOINTS[kind];
  for (const variable of variables) {
    const address = textOf(environment, variable);
    if (address !== undefined) return { variable, host: hostOf(address) };
  }
  return { variable: variables.at(-1) ?? '', host: usual };
}

function hostOf(address: string): string | undefined {
  try {
    // gRPC takes one without a scheme.
    return new URL(address.includes('://') ? address : `http://${address}`).host || undefined;
  } catch {
    return undefined;
  }
}
