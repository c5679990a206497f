// Uses every entry in a process that looks like another runtime's, and says what is different from before.
import { diag } from '@opentelemetry/api';

const [, , runtime, entry] = process.argv;
if (runtime === 'Deno') globalThis.Deno = {};
if (runtime === 'Bun') Object.defineProperty(process, 'versions', { value: { ...process.versions, bun: '1.3.0' } });

const lines = [];
const log = (line) => lines.push(line);
diag.setLogger({ error: log, warn: log, info() {}, debug() {}, verbose() {} });

const { fetch } = globalThis;
const { OpenAI } = await import('openai');
const { request } = OpenAI.prototype;

const name = 'opentelemetry-instrumentation-llm-stream';
const library = await import(name);
const { fetchWithBudgets } = await import(`${name}/budgets`);
const USES = {
  hook: () => import(`${name}/hook`),
  register: () => import(`${name}/register`),
  LlmStreamInstrumentation: () => void new library.LlmStreamInstrumentation().disable(),
  instrumentFetch: () => ({ same: library.instrumentFetch(fetch) === fetch }),
  fetchWithBudgets: () => ({ same: fetchWithBudgets(fetch, { idleMs: 1 }) === fetch }),
  instrumentOpenAI: () => ({ same: library.instrumentOpenAI(OpenAI) === OpenAI }),
  enabled: () => void new library.LlmStreamInstrumentation(),
};
const { same = true } = (await USES[entry]()) ?? {};
const untouched = globalThis.fetch === fetch && OpenAI.prototype.request === request && same;
console.log(JSON.stringify({ untouched, lines, url: import.meta.resolve('openai').endsWith('?iitm=true') }));
// Everything else keeps quiet: it has been said.
for (const use of Object.values(USES)) await use();
console.log(JSON.stringify({ lines: lines.length }));
