import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import * as semconv from '../../src/telemetry/semconv.js';
import { compose, read, readYaml } from './compose-file.js';

const dimension = z.object({ name: z.string(), default: z.string().optional() });
const collector = z.object({
  processors: z.object({
    tail_sampling: z.object({
      decision_wait: z.string(),
      num_traces: z.number(),
      policies: z.array(z.looseObject({ name: z.string(), type: z.string() })),
    }),
  }),
  connectors: z.object({
    'span_metrics/llm': z.object({
      namespace: z.string(),
      dimensions: z.array(dimension),
      calls_dimensions: z.array(dimension),
      resource_metrics_key_attributes: z.array(z.string()),
    }),
  }),
  service: z.object({
    pipelines: z.record(
      z.string(),
      z.object({
        receivers: z.array(z.string()),
        processors: z.array(z.string()).default([]),
        exporters: z.array(z.string()),
      }),
    ),
  }),
});

const DESK = 'examples/otel/collector.yaml';
const GATEWAY = 'examples/otel/gateway/gateway.yaml';
const AGENT = 'examples/otel/gateway/agent.yaml';
const desk = collector.parse(readYaml(DESK));
const gateway = collector.parse(readYaml(GATEWAY));

describe.each([
  [DESK, desk],
  [GATEWAY, gateway],
])('%s', (_, { processors, connectors, service }) => {
  test('keeps what failed, was left, had a finding, stalled, was slow, tried again or has no usage, and a share of the rest', () => {
    expect(processors.tail_sampling.policies.map(({ name }) => name)).toEqual([
      'not-completed',
      'findings',
      'usage-missing',
      'stalled',
      'slow-first-token',
      'slow-stream',
      'sdk-retried',
      'application-retried',
      'fell-back',
      'errors',
      'good-sample',
    ]);
  });

  test('counts by what alerts and dashboards ask for', () => {
    const { namespace, dimensions, calls_dimensions } = connectors['span_metrics/llm'];
    expect(namespace).toBe('llm_stream');
    expect(dimensions).toEqual([
      { name: 'gen_ai.provider.name' },
      { name: 'gen_ai.request.model' },
      { name: 'llm_stream.outcome' },
      { name: 'llm_stream.route', default: 'unknown' },
      { name: 'llm_stream.feature', default: 'unknown' },
    ]);
    expect(calls_dimensions).toEqual([
      { name: 'llm_stream.failure_stage' },
      { name: 'llm_stream.error_category' },
      { name: 'llm_stream.fault' },
      { name: 'llm_stream.stage' },
      { name: 'llm_stream.usage_available' },
    ]);
  });

  test('counts by service and namespace, whatever process a call was made in', () => {
    expect(connectors['span_metrics/llm'].resource_metrics_key_attributes).toEqual([
      'service.namespace',
      'service.name',
    ]);
  });

  test('counts before it samples', () => {
    const { pipelines } = service;
    expect(pipelines['traces/in']).toEqual({
      receivers: ['otlp'],
      processors: ['memory_limiter'],
      exporters: ['forward/metrics', 'forward/sample'],
    });
    expect(pipelines['traces/metrics']).toEqual({
      receivers: ['forward/metrics'],
      processors: ['filter/llm_only'],
      exporters: ['span_metrics/llm'],
    });
    expect(pipelines['traces/out']).toEqual({
      receivers: ['forward/sample'],
      processors: ['tail_sampling'],
      exporters: ['otlp_grpc/jaeger', 'otlp_grpc/tempo'],
    });
  });
});

describe('the gateway', () => {
  test('has the policies of the desk, and keeps a smaller share of the rest', () => {
    const { policies } = gateway.processors.tail_sampling;
    expect(policies.slice(0, -1)).toEqual(desk.processors.tail_sampling.policies.slice(0, -1));
    expect(policies.at(-1)).toEqual({
      name: 'good-sample',
      type: 'probabilistic',
      probabilistic: { sampling_percentage: 5 },
    });
  });

  test('has room for all that waits: 1,000 new traces a second for as long as it waits', () => {
    const { decision_wait, num_traces } = gateway.processors.tail_sampling;
    expect(decision_wait).toBe('130s');
    expect(num_traces).toBeGreaterThan(130 * 1000);
  });

  test('is sent whole traces by the agent', () => {
    expect(readYaml(AGENT)).toMatchObject({
      exporters: { load_balancing: { routing_key: 'traceID', timeout: '150s' } },
      service: { pipelines: { traces: { processors: ['memory_limiter'], exporters: ['load_balancing'] } } },
    });
  });
});

describe('the Prometheus of a fleet', () => {
  const PROMETHEUS = 'examples/otel/gateway/prometheus.yaml';
  const { scrape_configs: scraped } = z
    .object({
      scrape_configs: z.array(
        z.strictObject({
          job_name: z.string(),
          honor_labels: z.boolean().default(false),
          static_configs: z.array(z.strictObject({ targets: z.array(z.string()) })).length(1),
        }),
      ),
    })
    .parse(readYaml(PROMETHEUS));

  test('scrapes agents and gateways, and leaves applications their names', () => {
    expect(
      scraped.map(({ job_name, honor_labels, static_configs }) => [job_name, honor_labels, static_configs[0]?.targets]),
    ).toEqual([
      ['otel-agent', true, ['otel-agent-1:8889']],
      ['otel-gateway', true, ['otel-gateway-1:8889', 'otel-gateway-2:8889']],
      ['otel-agent-self', false, ['otel-agent-1:8888']],
      ['otel-gateway-self', false, ['otel-gateway-1:8888', 'otel-gateway-2:8888']],
    ]);
    expect(readYaml(AGENT)).toMatchObject({
      exporters: {
        load_balancing: { resolver: { static: { hostnames: ['otel-gateway-1:4317', 'otel-gateway-2:4317'] } } },
      },
    });
  });
});

describe('series that begin with 0', () => {
  test('are asked for by the flags of Prometheus', () => {
    expect(compose.services['prometheus']?.command).toContain(
      '--enable-feature=exemplar-storage,created-timestamp-zero-ingestion',
    );
  });

  test.each(['examples/otel/README.md', 'examples/otel/gateway/prometheus.yaml', 'docs/scaling.md'])(
    '%s names the flag to whoever has a Prometheus already',
    (path) => {
      expect(read(path)).toMatch(/--enable-feature=(exemplar-storage,)?created-timestamp-zero-ingestion\b/);
    },
  );
});

describe('names', () => {
  const known = new Set<unknown>(Object.values(semconv));

  test.each([DESK, GATEWAY, 'examples/otel/grafana/provisioning/datasources/datasources.yaml'])(
    '%s names no attribute that this package does not write',
    (path) => {
      const named = [...read(path).matchAll(/\b(?:llm_stream|gen_ai)\.[a-z_.]*[a-z]/g)].map(([name]) => name);
      expect(named.length).toBeGreaterThan(1);
      expect(named.filter((name) => !known.has(name))).toEqual([]);
    },
  );
});

describe('Prometheus and Grafana', () => {
  const sources = z
    .object({ datasources: z.array(z.looseObject({ uid: z.string(), jsonData: z.looseObject({}) })) })
    .parse(readYaml('examples/otel/grafana/provisioning/datasources/datasources.yaml')).datasources;

  test('are of one mind about the scrape interval', () => {
    expect(readYaml('examples/otel/prometheus.yaml')).toMatchObject({ global: { scrape_interval: '10s' } });
    expect(sources[0]).toMatchObject({ uid: 'prometheus', jsonData: { timeInterval: '10s' } });
    expect(readYaml('examples/otel/gateway/prometheus.yaml')).toMatchObject({ global: { scrape_interval: '10s' } });
    // And so is the application, as the README has it.
    expect(read('examples/otel/README.md')).toContain('new OTLPMetricExporter(), exportIntervalMillis: 10_000 }');
  });

  test('a dot on a graph opens a trace in Tempo', () => {
    expect(sources[0]?.jsonData['exemplarTraceIdDestinations']).toMatchObject([
      { name: 'trace_id', datasourceUid: 'tempo' },
    ]);
    expect(sources.map(({ uid }) => uid)).toEqual(['prometheus', 'tempo', 'jaeger']);
  });

  test('Jaeger links a trace to the same one in Tempo', () => {
    const { linkPatterns } = z
      .object({ linkPatterns: z.array(z.object({ type: z.string(), url: z.string() })) })
      .parse(JSON.parse(read('examples/otel/jaeger-ui.json')));
    expect(linkPatterns.map(({ type }) => type)).toEqual(['traces']);
    const panes = new URL(linkPatterns[0]?.url ?? '').searchParams.get('panes');
    // What is between the fragment's `#` and the end is Jaeger's to fill in, and no part of the query for URL.
    expect(panes).toContain('"datasource":{"type":"tempo","uid":"tempo"},"queryType":"traceql","query":"');
    expect(linkPatterns[0]?.url).toContain('#{traceID}');
  });

  test('alerts go to the receiver that prints them', () => {
    expect(readYaml('examples/otel/grafana/provisioning/alerting/contact-points.yaml')).toMatchObject({
      contactPoints: [
        { name: 'alert-echo', receivers: [{ type: 'webhook', settings: { url: 'http://alert-echo:8080/' } }] },
      ],
      policies: [{ receiver: 'alert-echo' }],
    });
  });
});
