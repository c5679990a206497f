/** The variables of OpenTelemetry, each set for an application under `/register`, and what is seen of it at a collector. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from './collector.js';
import { type Applications, IMPORT, startApplications } from './run.js';

let applications: Applications;

beforeAll(async () => {
  applications = await startApplications();
});

beforeEach(() => applications.collect());

afterAll(() => applications.close());

const ran = (application: string, env: Readonly<Record<string, string>>) =>
  applications.run([...IMPORT, application], env);

describe('a resource', () => {
  it.each([
    [{}, 'service.name', expect.stringMatching(/^unknown_service:/)],
    [{ OTEL_SERVICE_NAME: 'shop' }, 'service.name', 'shop'],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'service.name=shop,team=a%20b' }, 'team', 'a b'],
    [{}, 'host.name', expect.any(String)],
    [{ OTEL_NODE_RESOURCE_DETECTORS: 'env,os' }, 'host.name', undefined],
    [{ OTEL_NODE_RESOURCE_DETECTORS: 'env,os' }, 'os.type', 'linux'],
    [{ OTEL_NODE_RESOURCE_DETECTORS: 'none', OTEL_SERVICE_NAME: 'shop' }, 'process.pid', undefined],
    [{ OTEL_NODE_RESOURCE_DETECTORS: 'OS' }, 'os.type', 'linux'],
    [{ OTEL_NODE_RESOURCE_DETECTORS: 'None' }, 'process.pid', undefined],
    [{ OTEL_NODE_RESOURCE_DETECTORS: 'ALL' }, 'os.type', 'linux'],
  ])('with %o has %s', async (env, name, value) => {
    await ran('application.mjs', env);
    expect(applications.collector.exports[0]?.resource?.[name]).toEqual(value);
  });
});

describe('an export', () => {
  it.each([
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=acme' }, { 'x-tenant': 'acme', 'content-type': 'application/json' }],
    [{ OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-tenant=acme' }, { 'x-tenant': 'acme' }],
    [{ OTEL_EXPORTER_OTLP_COMPRESSION: 'none' }, { 'content-type': 'application/json' }],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, { 'content-type': 'application/json' }],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }, { 'content-type': 'application/x-protobuf' }],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'HTTP/Protobuf' }, { 'content-type': 'application/x-protobuf' }],
    [{ OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' }, { 'content-type': 'application/x-protobuf' }],
  ])('with %o has the headers %o', async (env, headers) => {
    await ran('application.mjs', env);
    expect(applications.collector.exports).toEqual([
      expect.objectContaining({ path: '/v1/traces', headers: expect.objectContaining(headers) }),
    ]);
  });

  it('goes where OTEL_EXPORTER_OTLP_TRACES_ENDPOINT says, as it is written there', async () => {
    const other: Collector = await startCollector();
    await ran('application.mjs', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${other.url}/elsewhere` });
    expect(applications.collector.exports).toEqual([]);
    expect(other.exports.map(({ path }) => path)).toEqual(['/elsewhere']);
    await other.close();
  });
});

describe('a call', () => {
  it.each([
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, 1],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, 0],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_on' }, 1],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, 0],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, 0],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '1' }, 1],
    [{ OTEL_TRACES_SAMPLER: 'ALWAYS_OFF' }, 0],
    [{ OTEL_TRACES_SAMPLER: 'ParentBased_Always_Off' }, 0],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, 1],
    [{ OTEL_TRACES_EXPORTER: 'OTLP,otlp' }, 1],
    [{ OTEL_TRACES_EXPORTER: 'none' }, 0],
    [{ OTEL_TRACES_EXPORTER: 'NONE' }, 0],
    [{ OTEL_TRACES_EXPORTER: 'none,otlp' }, 0],
    [{ OTEL_TRACES_EXPORTER: 'otlp, none' }, 0],
    // Neither loses the span, nor spins.
    [{ OTEL_BSP_MAX_QUEUE_SIZE: '0' }, 1],
    [{ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '0' }, 1],
    [{ OTEL_BSP_MAX_QUEUE_SIZE: '1' }, 1],
    [{ OTEL_BSP_MAX_QUEUE_SIZE: '1', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' }, 1],
    [{ OTEL_BSP_SCHEDULE_DELAY: '0', OTEL_BSP_EXPORT_TIMEOUT: '0' }, 1],
    [{ OTEL_SDK_DISABLED: 'true' }, 0],
    [{ OTEL_SDK_DISABLED: 'false' }, 1],
    [{ OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'http, llm-stream' }, 0],
    [{ OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'http' }, 1],
    [{ OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http' }, 0],
    [{ OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http,llm-stream' }, 1],
    [{ OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'llm-stream', OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'llm-stream' }, 0],
  ])('with %o is sent as %i spans', async (env, count) => {
    expect(await ran('application.mjs', env)).toEqual({ code: 0, stdout: ['answer Hello world'], stderr: '' });
    expect(applications.collector.spans).toHaveLength(count);
  });

  it.each([
    ['console', 0],
    ['console,otlp', 1],
  ])('with OTEL_TRACES_EXPORTER=%s is written to stdout, and sent as %i spans', async (exporter, count) => {
    const { stdout } = await ran('application.mjs', { OTEL_TRACES_EXPORTER: exporter });
    expect(stdout.join('\n')).toContain("name: 'chat greeting'");
    expect(applications.collector.spans).toHaveLength(count);
  });
});

describe('a span', () => {
  const fragments = () =>
    applications.collector.spans[0]?.events.filter((name) => name === 'llm_stream.tool_call.fragment').length;

  it.each([
    // Of 300: all of them fit into 512 less 48.
    [{}, 300],
    // 100 less 48, 60 less 48.
    [{ OTEL_SPAN_EVENT_COUNT_LIMIT: '100' }, 52],
    [{ LLM_STREAM_SPAN_EVENT_LIMIT: '60' }, 12],
  ])('with %o has %i span events of tool-call fragments, and all of its milestones', async (env, count) => {
    await ran('tools.mjs', env);
    expect(fragments()).toBe(count);
    expect(applications.collector.spans[0]?.events).toHaveLength(count + 8);
    expect(applications.collector.spans[0]?.attributes['llm_stream.tool_call.fragment_count']).toBe(300);
  });

  it('has no more attributes than OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', async () => {
    await ran('application.mjs', { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '5' });
    expect(Object.keys(applications.collector.spans[0]?.attributes ?? {})).toHaveLength(5);
  });

  it('has no longer values than OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', async () => {
    await ran('application.mjs', { OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '4' });
    expect(applications.collector.spans[0]?.attributes['gen_ai.request.model']).toBe('gree');
  });
});

describe('a value that does not fit costs one line, and the default is used', () => {
  it.each([
    [
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'carrier-pigeon' },
      '`OTEL_EXPORTER_OTLP_PROTOCOL` must be http/json or http/protobuf or grpc, got "carrier-pigeon"; using http/json',
    ],
    [
      { OTEL_TRACES_EXPORTER: 'otlp,jaeger' },
      '`OTEL_TRACES_EXPORTER` must be otlp, console, zipkin or none, got "jaeger"; it is ignored',
    ],
    [
      { OTEL_TRACES_SAMPLER: 'sometimes' },
      '`OTEL_TRACES_SAMPLER` must be one of always_on, always_off, traceidratio, parentbased_always_on, ' +
        'parentbased_always_off, parentbased_traceidratio, got "sometimes"; using parentbased_always_on',
    ],
    [
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' },
      '`OTEL_TRACES_SAMPLER_ARG` must be a number from 0 to 1, got "2"; using 1',
    ],
    [
      { OTEL_SPAN_EVENT_COUNT_LIMIT: 'many' },
      '`OTEL_SPAN_EVENT_COUNT_LIMIT` must be a whole number, 0 or more, got "many"; using the default',
    ],
    ...[
      'OTEL_BSP_MAX_QUEUE_SIZE',
      'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
      'OTEL_BSP_SCHEDULE_DELAY',
      'OTEL_BSP_EXPORT_TIMEOUT',
    ].map((variable): [Record<string, string>, string] => [
      { [variable]: '0' },
      `\`${variable}\` must be a whole number, 1 or more, got "0"; using the default`,
    ]),
    [
      { OTEL_NODE_RESOURCE_DETECTORS: 'env,moon' },
      '`OTEL_NODE_RESOURCE_DETECTORS` must be all, none or of host, os, serviceinstance, process, env, got "moon"; ' +
        'it is ignored',
    ],
    [
      { LLM_STREAM_STALL_THRESHOLD_MS: 'long' },
      '`LLM_STREAM_STALL_THRESHOLD_MS` must be a positive number of milliseconds, got "long"; using 10000',
    ],
  ])('%o', async (env, line) => {
    const { stderr } = await ran('application.mjs', { ...env, OTEL_LOG_LEVEL: 'warn' });
    expect(stderr).toBe(`opentelemetry-instrumentation-llm-stream: ${line}\n`);
    expect(applications.collector.spans).toHaveLength(1);
  });
});
