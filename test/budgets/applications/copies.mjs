// The instrumentation is one copy of the package, the budgets are another: raw fetch, and a client that was given one.
import { createRequire } from 'node:module';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';

const [library, url, otherCopy] = process.argv.slice(2);
const { LlmStreamInstrumentation, instrumentOpenAI } = createRequire(import.meta.url)(otherCopy);
const exporter = new InMemorySpanExporter();
const instrumentation = new LlmStreamInstrumentation();
instrumentation.setTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
const { fetchWithBudgets } = await import(library);
const { OpenAI } = await import('openai');
instrumentOpenAI(OpenAI);

const limited = fetchWithBudgets(fetch, { idleMs: 200, headersMs: false, firstTokenMs: false, totalMs: false });
const errors = [];
const note = (error) => errors.push(`${error.name} ${error.budget}`);

const body = JSON.stringify({ model: 'raw', stream: true, messages: [] });
await limited(`${url}/v1/chat/completions`, { method: 'POST', body })
  .then((response) => response.text())
  .catch(note);
const client = new OpenAI({ apiKey: 'sk-test', baseURL: `${url}/v1`, maxRetries: 0, fetch: limited });
try {
  for await (const _ of await client.chat.completions.create({ model: 'sdk', stream: true, messages: [] }));
} catch (error) {
  note(error);
}
const spans = exporter
  .getFinishedSpans()
  .map(({ attributes }) => [
    attributes['gen_ai.request.model'],
    attributes['llm_stream.timeout_kind'],
    attributes['llm_stream.budget.idle_ms'],
    attributes['llm_stream.chunk_count'],
  ]);
console.log(JSON.stringify({ errors, spans }));
process.exit();
