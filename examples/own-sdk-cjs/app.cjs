// Prints an answer as it comes, and says what was wrong with one that did not come whole.
const { OpenAI } = require('openai');
const { assertCompleted, outcomeOf } = require('opentelemetry-instrumentation-llm-stream');
const { sdk } = require('./instrumentation.cjs');

async function main() {
  const client = new OpenAI(); // OPENAI_API_KEY, OPENAI_BASE_URL
  const messages = [{ role: 'user', content: 'Tell me a story.' }];
  const stream = await client.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true });
  for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
  assertCompleted(stream); // throws where the answer is cut, although its loop ended well
  console.log();
}

main()
  .catch((error) => console.log(' …', outcomeOf(error)?.errorCategory ?? error))
  .finally(() => sdk.shutdown());
