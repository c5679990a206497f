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
for (const stream of await Promise.all(calls)) await stream[Symbol.asyncIterator]().next();
console.log('ready');
