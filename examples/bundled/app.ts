// Bundled into one file, with openai in it: no module hook sees it there, so it is said by hand.
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import OpenAI from 'openai';
import { instrumentOpenAI, LlmStreamInstrumentation } from 'opentelemetry-instrumentation-llm-stream';

const sdk = new NodeSDK({
  serviceName: 'example-bundled',
  traceExporter: new OTLPTraceExporter(), // http://localhost:4318, or OTEL_EXPORTER_OTLP_ENDPOINT
  instrumentations: [new LlmStreamInstrumentation()],
});
sdk.start();
instrumentOpenAI(OpenAI);

async function main(): Promise<void> {
  const client = new OpenAI(); // OPENAI_API_KEY, OPENAI_BASE_URL
  const stream = await client.chat.completions.create({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: 'Say hello.' }],
    stream: true,
  });
  for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
  process.stdout.write('\n');
}

void main().finally(() => sdk.shutdown());
