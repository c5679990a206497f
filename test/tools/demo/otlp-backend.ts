/** A backend on loopback for traces and metrics as OTLP/JSON: what came, in the order in which it came. */
import { createServer } from 'node:http';
import { type ReceivedSpan, readSpans } from '../../../src/tools/received-spans.js';

export interface OtlpBackend {
  /** As `OTEL_EXPORTER_OTLP_ENDPOINT` wants it. */
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** One per body: metrics are cumulative, so that the last one has everything. */
  readonly collections: readonly Collection[];
  readonly resources: readonly Readonly<Record<string, unknown>>[];
  /** Resolves as soon as so many spans are there. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
}

export type Collection = Readonly<Record<string, readonly Point[]>>;

export interface Point {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Of sums; of histograms the number of records. */
  readonly value: number;
  readonly isCumulative: boolean;
}

/** @param port - 0: any free one */
export async function startOtlpBackend(port = 0): Promise<OtlpBackend> {
  const spans: ReceivedSpan[] = [];
  const collections: Collection[] = [];
  const resources: Readonly<Record<string, unknown>>[] = [];
  let onSpans = (): void => {};
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    if (request.url === '/v1/traces') spans.push(...readSpans(body));
    if (request.url === '/v1/metrics') {
      // `as`: what the SDK's exporter writes.
      const { resourceMetrics } = JSON.parse(body.toString()) as OtlpMetrics;
      resources.push(...resourceMetrics.map(({ resource }) => attributesFrom(resource.attributes)));
      collections.push(collectionFrom(resourceMetrics));
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    onSpans();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    spans,
    collections,
    resources,
    arrived: (count) =>
      new Promise((resolve) => {
        onSpans = () => {
          if (spans.length >= count) resolve();
        };
        onSpans();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface OtlpMetrics {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeMetrics: readonly { readonly metrics: readonly OtlpMetric[] }[];
  }[];
}

interface OtlpMetric {
  readonly name: string;
  readonly sum?: OtlpPoints;
  readonly histogram?: OtlpPoints;
}

interface OtlpPoints {
  readonly aggregationTemporality: number;
  readonly dataPoints: readonly {
    readonly attributes: readonly KeyValue[];
    readonly asInt?: number;
    readonly count?: number;
  }[];
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** `AGGREGATION_TEMPORALITY_CUMULATIVE` of OTLP. */
const CUMULATIVE = 2;

function collectionFrom(resourceMetrics: OtlpMetrics['resourceMetrics']): Collection {
  const metrics = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  return Object.fromEntries(
    metrics.map(({ name, sum, histogram }) => {
      const { aggregationTemporality, dataPoints } = sum ?? histogram ?? { aggregationTemporality: 0, dataPoints: [] };
      const points = dataPoints.map(({ attributes, asInt, count }): Point => {
        const value = asInt ?? count ?? Number.NaN;
        return { attributes: attributesFrom(attributes), value, isCumulative: aggregationTemporality === CUMULATIVE };
      });
      return [name, points];
    }),
  );
}

function attributesFrom(pairs: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));
}
