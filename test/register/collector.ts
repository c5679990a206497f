/** What an application exports over HTTP, as it comes: path, headers, and, of JSON, the spans and the sums of metrics. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Export {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Undefined where the body is no JSON. */
  readonly resource: Readonly<Record<string, unknown>> | undefined;
  readonly spans: readonly ExportedSpan[];
  readonly sums: readonly ExportedSum[];
}

export interface ExportedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Names of its span events. */
  readonly events: readonly string[];
  /** The ids of the spans that it links to. */
  readonly links: readonly string[];
}

/** One point of a counter. */
export interface ExportedSum {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly value: number;
}

export interface Collector {
  readonly url: string;
  readonly exports: readonly Export[];
  readonly spans: readonly ExportedSpan[];
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const exports: Export[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    exports.push({ path: request.url, headers: request.headers, ...read(Buffer.concat(parts), request.headers) });
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // It listens on a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    exports,
    get spans() {
      return exports.flatMap(({ spans }) => spans);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: readonly KeyValue[];
  readonly events: readonly { readonly name: string }[];
  readonly links: readonly { readonly spanId: string }[];
}

interface OtlpMetric {
  readonly name: string;
  /** Of counters alone. */
  readonly sum?: { readonly dataPoints: readonly OtlpPoint[] };
}

interface OtlpPoint {
  readonly attributes: readonly KeyValue[];
  readonly asDouble: number;
}

interface Resource {
  readonly resource: { readonly attributes: readonly KeyValue[] };
}

interface Otlp {
  readonly resourceSpans?: readonly (Resource & {
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  })[];
  readonly resourceMetrics?: readonly (Resource & {
    readonly scopeMetrics: readonly { readonly metrics: readonly OtlpMetric[] }[];
  })[];
}

function read(body: Buffer, headers: IncomingHttpHeaders): Pick<Export, 'resource' | 'spans' | 'sums'> {
  if (headers['content-type'] !== 'application/json') return { resource: undefined, spans: [], sums: [] };
  // OTLP, as the exporters of the SDK write it.
  const { resourceSpans = [], resourceMetrics = [] } = JSON.parse(body.toString()) as Otlp;
  return {
    resource: values([...resourceSpans, ...resourceMetrics].flatMap(({ resource }) => resource.attributes)),
    spans: resourceSpans
      .flatMap(({ scopeSpans }) => scopeSpans)
      .flatMap(({ spans }) => spans)
      .map(({ name, traceId, spanId, attributes, events, links }) => ({
        name,
        traceId,
        spanId,
        attributes: values(attributes),
        events: events.map((event) => event.name),
        links: links.map((link) => link.spanId),
      })),
    sums: resourceMetrics
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap(({ metrics }) => metrics)
      .flatMap(({ name, sum }) =>
        (sum?.dataPoints ?? []).map(({ attributes, asDouble }) => ({
          name,
          attributes: values(attributes),
          value: asDouble,
        })),
      ),
  };
}

function values(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
