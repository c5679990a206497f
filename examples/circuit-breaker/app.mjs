// A question a line. While the provider is down nobody waits for it: after three failures in a row it is not asked for a while.
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
// Why cockatiel: no dependencies, and no time-out of its own. opossum's, 10 s by default, rejects while the stream goes on.
import { ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';
import OpenAI from 'openai';
import { assertCompleted, outcomeOf, recordFailure, withCallContext } from 'opentelemetry-instrumentation-llm-stream';

const model = 'gpt-4o-mini';
// Without the SDK's own retries: three requests a question do not help a provider that is down.
const client = new OpenAI({ maxRetries: 0 }); // OPENAI_API_KEY, OPENAI_BASE_URL

// A wrong key, a prompt that is too long, a user who leaves: none of them says that the provider is ill. A rate limit counts:
// not to ask is what ends it.
const COUNTED = new Set(['provider', 'network', 'upstream']);

const breaker = circuitBreaker(
  handleWhen((error) => COUNTED.has(outcomeOf(error)?.fault)),
  { breaker: new ConsecutiveBreaker(3), halfOpenAfter: Number(process.env.HALF_OPEN_AFTER_MS ?? 10_000) },
);

async function answer(question) {
  const messages = [{ role: 'user', content: question }];
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  // Read inside the breaker: a stream that was opened is no success yet, and one whose loop ended well may be cut.
  for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
  assertCompleted(stream);
}

async function ask(question) {
  try {
    await breaker.execute(() => answer(question));
  } catch (error) {
    // A question that was not asked has its span, too: it failed `before_request`.
    if (isBrokenCircuitError(error)) recordFailure(error, { operation: 'chat', model, stream: true });
    throw error;
  }
}

for await (const question of createInterface({ input: process.stdin })) {
  try {
    await withCallContext({ requestId: randomUUID() }, () => ask(question));
    console.log();
  } catch (error) {
    if (isBrokenCircuitError(error)) console.log('not asked: the provider is down, try again later');
    else console.log(' …', outcomeOf(error)?.errorCategory ?? error);
  }
}
