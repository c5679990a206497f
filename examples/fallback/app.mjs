// Asks one model after the other until one has answered; what went wrong says which of them is worth asking next.
import { randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { assertCompleted, outcomeOf, withCallContext } from 'opentelemetry-instrumentation-llm-stream';

// The next in the chain is the retry: the SDK's own would only make it come later.
const client = new OpenAI({ maxRetries: 0 }); // OPENAI_API_KEY, OPENAI_BASE_URL
const chain = [
  { client, model: 'gpt-4o-mini' },
  { client, model: 'gpt-4o' },
];
const { FALLBACK_BASE_URL: baseURL, FALLBACK_API_KEY: apiKey, FALLBACK_MODEL: model = 'gpt-4o-mini' } = process.env;
if (baseURL) chain.push({ client: new OpenAI({ baseURL, apiKey, maxRetries: 0 }), model });

/** Those of the rest of the chain that may do better. */
function worthAsking(rest, failed, { retryable, partialOutput, errorCategory } = {}) {
  // Half an answer is shown: another model's would begin in the middle of it.
  if (partialOutput !== false) return [];
  if (retryable) return rest;
  switch (errorCategory) {
    case 'not_found': // about the model
      return rest;
    case 'auth': // about the account: its other models refuse, too. Users are served; the span tells us that we have to act
    case 'quota':
      return rest.filter((candidate) => candidate.client !== failed.client);
    default: // about the request (`invalid_request`, `context_length`, `content_filter`), or the user left: it is the same everywhere
      return [];
  }
}

async function answer({ client, model }) {
  const messages = [{ role: 'user', content: 'Say hello.' }];
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
  assertCompleted(stream); // throws where the answer was cut, although its loop ended well
}

async function firstAnswer() {
  for (let left = chain; ; ) {
    const [candidate, ...rest] = left;
    try {
      return await withCallContext({ fallbackAttempt: chain.indexOf(candidate) }, () => answer(candidate));
    } catch (error) {
      const outcome = outcomeOf(error);
      console.error(`${candidate.model}: ${outcome?.errorCategory ?? error}`);
      left = worthAsking(rest, candidate, outcome);
      if (left.length === 0) throw error;
    }
  }
}

try {
  // One context around the chain: each span links to the failed one before it in the same context.
  await withCallContext({ requestId: randomUUID() }, firstAnswer);
  console.log();
} catch {
  console.log(' … no answer');
  process.exitCode = 1;
}
