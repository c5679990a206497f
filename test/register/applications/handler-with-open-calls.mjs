// An application that ends what is open when it is told to stop.
import OpenAI from 'openai';
import { endOpenCalls } from 'opentelemetry-instrumentation-llm-stream';

process.on('SIGTERM', () => {
  endOpenCalls();
  process.stdin.once('data', () => process.exit(3));
});
process.stdin.resume();
const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'none', maxRetries: 0 });
const calls = Array.from({ length: 20 }, () =>
  client.chat.completions.create({ model: 'hanging', stream: true, messages: [] }),
);
// A loop that nobody holds is collected, and its call over, before the signal comes.
globalThis.loops = (await Promise.all(calls)).map((stream) => stream[Symbol.asyncIterator]());
for (const loop of globalThis.loops) await loop.next();
console.log('ready');
