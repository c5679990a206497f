// Asks for a tool call, and executes it only where it arrived whole.
import OpenAI from 'openai';
import { assertToolCallsComplete, outcomeOf } from 'opentelemetry-instrumentation-llm-stream';
import { sdk } from './instrumentation.mjs';

const client = new OpenAI(); // OPENAI_API_KEY, OPENAI_BASE_URL
const tools = [{ type: 'function', function: { name: 'book', parameters: { type: 'object' } } }];

async function bookTable() {
  const stream = await client.chat.completions.create({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: 'A table for two, please.' }],
    tools,
    stream: true,
  });
  let json = '';
  for await (const { choices } of stream) json += choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? '';
  assertToolCallsComplete(stream); // throws where the stream was cut, although its loop ended well
  return JSON.parse(json);
}

try {
  console.log('booked', await bookTable());
} catch (error) {
  // What to tell the user, and whether to try again, is the outcome's to say.
  const { failureStage, retryable } = outcomeOf(error) ?? {};
  console.log('not booked:', failureStage, retryable ? '(trying again is safe)' : '(do not try again)');
} finally {
  await sdk.shutdown(); // sends what has not been sent
}
