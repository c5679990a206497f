/**
 * What a stream costs on the wire and in Prometheus: bytes of OTLP per span, by what the stream was, and series per
 * combination of attributes. Counted, not timed, so it is the same on a busy machine: `node bench/otlp-size.mjs`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import {
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { instrumentOpenAI, LlmStreamInstrumentation, withCallContext } from '../dist/index.js';
import { answer } from './answers.mjs';

/** As many spans as the SDK's batch processor sends at once (OTEL_BSP_MAX_EXPORT_BATCH_SIZE). */
const BATCH = 512;
const AT_ONCE = 8;
const MODEL = 'gpt-5.1';

/** What the provider does, and what the application does with it. */
const STREAMS = [
  { name: 'short', title: 'answer, 20 chunks', body: { chunks: 20 } },
  { name: 'long', title: 'answer, 500 chunks', body: { chunks: 500 } },
  { name: 'tools', title: 'tool call, 80 fragments', body: { chunks: 800, tools: true } },
  { name: 'many-tools', title: 'tool call, 200 fragments', body: { chunks: 2000, tools: true } },
  { name: 'rejected', title: 'refused, 429', status: 429 },
  { name: 'cut', title: 'reset after 10 chunks', body: { chunks: 20, resetAfter: 10 } },
  { name: 'left', title: 'left by the reader', body: { chunks: 20 }, readChunks: 5 },
];

const USAGE = Buffer.from(
  `data: ${JSON.stringify({
    id: 'chatcmpl-CZ7uPlmvZ0hqUn2R6sJ1wXq9kbTdE',
    object: 'chat.completion.chunk',
    created: 1_790_000_000,
    model: 'gpt-5.1-2025-11-13',
    choices: [],
    usage: { prompt_tokens: 128, completion_tokens: 512, total_tokens: 640 },
  })}\n\n`,
);
const DONE = Buffer.from('data: [DONE]\n\n');

const RESOURCE = resourceFromAttributes({
  'service.name': 'chat',
  'service.version': '1.4.2',
  'service.instance.id': '4f2a9c1e-8a55-4f0e-9d0b-6c1a52d1b0aa',
  'deployment.environment.name': 'production',
  'host.name': 'chat-7d9f6c5b8-x2x7q',
  'process.pid': 1,
  'process.runtime.name': 'nodejs',
  'process.runtime.version': process.versions.node,
});

/** Exports when it is asked. */
class OnDemandReader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

const provider = createServer(respond).listen(0, '127.0.0.1');
await once(provider, 'listening');
const client = new OpenAI({ baseURL: `http://127.0.0.1:${provider.address().port}/v1`, apiKey: 'none', maxRetries: 0 });

const spanRows = [];
for (const stream of STREAMS) spanRows.push(await measureSpans(stream));
const demo = await measureDemo();
const seriesRows = await measureSeries();
provider.closeAllConnections();
provider.close();

console.log('### Bytes of OTLP per stream\n');
table(
  ['stream', 'span events', 'protobuf', 'protobuf, gzip', 'JSON', 'JSON, gzip'],
  spanRows.map(({ title, events, sizes }) => [title, events, ...sizes]),
);
console.log(`
The demo's traffic, ${demo.spans} spans in ${demo.requests} exports as they were sent: ${demo.json} bytes of JSON a span, ${demo.gzip} with gzip.`);
console.log('\n### Metrics of one process, by what its calls had\n');
table(
  ['calls', 'series in Prometheus', 'protobuf', 'protobuf, gzip', 'JSON', 'JSON, gzip'],
  seriesRows.map(({ title, series, sizes }) => [title, series, ...sizes]),
);

async function measureSpans(stream) {
  const exporter = new InMemorySpanExporter();
  const telemetry = observe(exporter);
  await calls(stream, BATCH, context(0));
  const spans = exporter.getFinishedSpans();
  if (spans.length !== BATCH) throw new Error(`expected ${BATCH} spans of "${stream.title}", got ${spans.length}`);
  await telemetry.end();
  return {
    title: stream.title,
    events: spans[0].events.length,
    sizes: sizes(JsonTraceSerializer.serializeRequest(spans), ProtobufTraceSerializer.serializeRequest(spans), BATCH),
  };
}

/** Streams that differ, in the batches that a real SDK makes of them: what gzip finds in common is less. */
async function measureDemo() {
  let spans = 0;
  const bodies = [];
  const receiver = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    if (request.url !== '/v1/traces') return;
    const body = Buffer.concat(parts);
    bodies.push(body);
    for (const { scopeSpans } of JSON.parse(body).resourceSpans)
      for (const scope of scopeSpans) spans += scope.spans.length;
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const otlp = `http://127.0.0.1:${receiver.address().port}`;
  const program = fileURLToPath(new URL('../dist/tools/demo.js', import.meta.url));
  const child = spawn(process.execPath, [program, '--rounds', '3', '--otlp', otlp], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  receiver.close();
  if (code !== 0 || spans === 0) throw new Error(`the demo ended with ${code}, and sent ${spans} spans`);
  const each = (sized) =>
    Math.round(bodies.reduce((sum, body) => sum + sized(body).length, 0) / spans).toLocaleString('en');
  return { spans, requests: bodies.length, json: each((body) => body), gzip: each((body) => gzipSync(body)) };
}

/** One more combination, one more failure: what each adds, since a process says all of its series at each export. */
async function measureSeries() {
  const rows = [];
  const [good] = STREAMS;
  const failing = STREAMS.filter(({ name }) => ['rejected', 'cut', 'left'].includes(name));
  const cases = [
    { title: 'completed; one model, route and feature', contexts: 1, streams: [good] },
    { title: 'the same, and one refused, one cut, one left', contexts: 1, streams: [good, ...failing] },
    { title: 'the same on 10 routes', contexts: 10, streams: [good, ...failing] },
  ];
  for (const { title, contexts, streams } of cases) {
    const telemetry = observe(new InMemorySpanExporter());
    for (let i = 0; i < contexts; i++) for (const stream of streams) await calls(stream, 2, context(i));
    const { resourceMetrics } = await telemetry.collect();
    rows.push({
      title,
      series: seriesOf(resourceMetrics),
      sizes: sizes(
        JsonMetricsSerializer.serializeRequest(resourceMetrics),
        ProtobufMetricsSerializer.serializeRequest(resourceMetrics),
        1,
      ),
    });
    await telemetry.end();
  }
  return rows;
}

/** A histogram is a series per bucket, one for +Inf, one for the sum, one for the count. */
function seriesOf({ scopeMetrics }) {
  const points = scopeMetrics.flatMap(({ metrics }) => metrics.flatMap(({ dataPoints }) => dataPoints));
  return points.reduce((sum, { value }) => sum + (value.buckets ? value.buckets.boundaries.length + 3 : 1), 0);
}

function sizes(json, protobuf, count) {
  return [protobuf, gzipSync(protobuf), json, gzipSync(json)].map((bytes) => Math.round(bytes.length / count));
}

function observe(exporter) {
  const reader = new OnDemandReader();
  const tracerProvider = new BasicTracerProvider({
    resource: RESOURCE,
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const meterProvider = new MeterProvider({ resource: RESOURCE, readers: [reader] });
  const instrumentation = new LlmStreamInstrumentation({ metricDimensions: ['feature', 'route'] });
  instrumentation.setTracerProvider(tracerProvider);
  instrumentation.setMeterProvider(meterProvider);
  // Once; the class is the same for all.
  instrumentOpenAI(OpenAI);
  return {
    collect: () => reader.collect(),
    end: async () => {
      instrumentation.disable();
      await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]);
    },
  };
}

function context(number) {
  return { requestId: 'req-7f3a91c2', feature: 'assistant', route: `/chat/${number}/:id`, configVersion: '2026-11-02' };
}

async function calls(stream, count, callContext) {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await withCallContext(callContext, () => call(stream));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

async function call({ name, readChunks = Number.POSITIVE_INFINITY }) {
  try {
    const stream = await client.chat.completions.create(
      {
        model: MODEL,
        stream: true,
        max_tokens: 1024,
        temperature: 0.2,
        messages: [{ role: 'user', content: 'Hello' }],
        tools: [{ type: 'function', function: { name: 'search', parameters: {} } }],
      },
      { query: { stream: name } },
    );
    let chunks = 0;
    for await (const _ of stream) if (++chunks >= readChunks) break;
  } catch {
    // Some fail on purpose, and the span says how.
  }
}

async function respond(request, response) {
  for await (const _ of request);
  const name = new URL(request.url, 'http://bench').searchParams.get('stream');
  const { body, status = 200 } = STREAMS.find((stream) => stream.name === name);
  const headers = { 'x-request-id': 'req_01ab6c9e52f84e0d', 'x-ratelimit-remaining-requests': '59' };
  if (body === undefined) {
    response.writeHead(status, { ...headers, 'content-type': 'application/json' });
    return response.end('{"error":{"message":"…","type":"requests","param":null,"code":"rate_limit_exceeded"}}');
  }
  response.writeHead(status, { ...headers, 'content-type': 'text/event-stream' });
  const messages = answer({ chunks: body.chunks, tools: body.tools ?? false });
  if (body.resetAfter === undefined) return response.end(Buffer.concat([...messages.slice(0, -1), USAGE, DONE]));
  response.write(Buffer.concat(messages.slice(0, body.resetAfter)));
  // What was written is read first: a reset throws away what a client has not read yet.
  setTimeout(() => response.socket?.resetAndDestroy(), 30);
}

function table(head, rows) {
  for (const cells of [head, head.map((_, at) => (at === 0 ? '---' : '--:')), ...rows]) {
    console.log(
      `| ${cells.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en') : cell)).join(' | ')} |`,
    );
  }
}
