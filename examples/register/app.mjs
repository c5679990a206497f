// Nothing here knows of OpenTelemetry: `node --import opentelemetry-instrumentation-llm-stream/register app.mjs`.
import OpenAI from 'openai';

const client = new OpenAI(); // OPENAI_API_KEY, OPENAI_BASE_URL
const stream = await client.chat.completions.create({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: 'Say hello.' }],
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
console.log();
