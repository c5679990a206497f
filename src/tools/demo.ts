/**
 * `npm run demo`: real streams fail in every way, and the span of each explains it. No key, no Docker, no network.
 */
import { closedPort, startFaultyProvider } from '../testing/index.js';
import { DEMO_CALLS, type DemoCall, STALL_THRESHOLD_MS } from './demo/calls.js';
import { type DemoRow, join } from './demo/join.js';
import { HELP, readOptions, type ShowOptions } from './demo/options.js';
import { type ReportStyle, rowLines, summaryLines } from './demo/report.js';
import { type ApplicationRun, runApplication } from './demo/run-application.js';
import { sendTraffic } from './demo/traffic/send-traffic.js';
import { paintFor } from './paint.js';
import { readSpans } from './received-spans.js';
import { startReceiver } from './receiver.js';

/** The application takes about three seconds; a backend that hangs, some more. */
const LIMIT_MS = 14_000;

const HINT = 'See the same spans in a backend of yours: npm run demo -- --otlp http://localhost:4318';

interface Findings {
  readonly rows: readonly DemoRow[];
  readonly problems: readonly string[];
  readonly backend: ApplicationRun['backend'];
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env);
  switch (options.does) {
    case 'help':
      return console.log(HELP);
    case 'traffic':
      return sendTraffic(options);
    case 'show':
      return show(options);
  }
}

async function show({ backendUrl, json }: ShowOptions): Promise<void> {
  const style = styleFor(process.stdout);
  if (!json) print(introduction(style));
  const findings = await run(backendUrl);
  if (json) console.log(JSON.stringify(asJson(findings), undefined, 2));
  else print(story(findings, backendUrl, style));
  for (const problem of findings.problems) console.error(`demo: ${problem}`);
  if (findings.problems.length > 0) process.exitCode = 1;
}

async function run(backendUrl: string | undefined): Promise<Findings> {
  const provider = await startFaultyProvider();
  const receiver = await startReceiver();
  try {
    const refusedUrl = `http://127.0.0.1:${await closedPort()}`;
    for (const { name, wire } of DEMO_CALLS) if (wire !== 'refused') provider.define(`demo-${name}`, wire);
    const baseUrl = ({ wire }: DemoCall): string => `${wire === 'refused' ? refusedUrl : provider.url}/v1`;
    const application = await runApplication(
      {
        calls: DEMO_CALLS.map((call) => ({ ...call.reading, name: call.name, baseUrl: baseUrl(call) })),
        receiverUrl: receiver.url,
        backendUrl,
        stallThresholdMs: STALL_THRESHOLD_MS,
      },
      LIMIT_MS,
    );
    const { backend, problem } = application;
    const { rows, problems } = join(DEMO_CALLS, application.reports, receiver.traces.flatMap(readSpans));
    const unsent = backend?.problem === undefined ? [] : [`${backendUrl} did not take the spans: ${backend.problem}`];
    // An application that was stopped explains what is missing.
    return { rows, problems: problem === undefined ? [...problems, ...unsent] : [problem], backend };
  } finally {
    await Promise.all([provider.close(), receiver.close()]);
  }
}

function styleFor(output: NodeJS.WriteStream): ReportStyle {
  return { width: Math.min(100, Math.max(80, output.columns ?? 100)), paint: paintFor(output, process.env) };
}

function introduction({ paint }: ReportStyle): string[] {
  return [
    paint('bold', 'LLM streams fail in many ways. Their spans say which.'),
    '',
    'A provider on this machine misbehaves on purpose. An application, a process of its own, reads its',
    'streams through the OpenAI SDK and raw fetch. On the left is what that application saw; on the right',
    'is what its span says: made by opentelemetry-instrumentation-llm-stream, exported over OTLP/HTTP by',
    'the real NodeSDK, read back from the bytes that arrived. Times are ms from the start of the call.',
    '',
  ];
}

function story({ rows, backend }: Findings, backendUrl: string | undefined, style: ReportStyle): string[] {
  if (rows.length === 0) return [];
  return [
    ...rows.flatMap((row, index) => [...rowLines(row, index + 1, style), '']),
    style.paint('bold', 'At a glance'),
    ...summaryLines(rows, style),
    '',
    ...(backend === undefined ? [] : [`Spans that ${backendUrl} took: ${backend.sent}`, '']),
    style.paint('bold', 'In your application'),
    "  import 'opentelemetry-instrumentation-llm-stream/hook'; // for openai in ES modules",
    "  import { NodeSDK } from '@opentelemetry/sdk-node';",
    "  import { LlmStreamInstrumentation } from 'opentelemetry-instrumentation-llm-stream';",
    '',
    '  // Before openai is imported and clients are built: they keep the fetch they find.',
    '  new NodeSDK({ instrumentations: [new LlmStreamInstrumentation()] }).start();',
    ...(backendUrl === undefined ? ['', HINT] : []),
  ];
}

/** Both sides as they came: the application's report, the span's attributes. */
function asJson({ rows, problems, backend }: Findings): unknown {
  return {
    rows: rows.map(({ call, report, span }) => ({
      name: call.name,
      application: report,
      span: {
        name: span.name,
        status: span.status,
        attributes: span.attributes,
        events: span.events.map(({ name }) => name),
      },
    })),
    problems,
    ...(backend !== undefined && { backend }),
  };
}

function print(lines: readonly string[]): void {
  if (lines.length > 0) console.log(lines.join('\n'));
}

try {
  await main();
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
