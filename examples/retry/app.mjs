// Answers a question, and asks again where that is safe: how the failed call ended decides, not its message.
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import OpenAI from 'openai';
import { assertCompleted, outcomeOf, withCallContext } from 'opentelemetry-instrumentation-llm-stream';
import pRetry from 'p-retry';

// The SDK's own retries would multiply with ours (3 × 4 requests), and see no failure that comes after the headers.
const client = new OpenAI({ maxRetries: 0 }); // OPENAI_API_KEY, OPENAI_BASE_URL

async function answer() {
  const messages = [{ role: 'user', content: 'Say hello.' }];
  const stream = await client.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true });
  for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
  assertCompleted(stream); // throws where the answer was cut, although its loop ended well
}

/** Who is told to come back later than this does better to say so to the user. */
const LONGEST_WAIT_MS = 30_000;

async function shouldRetry({ error }) {
  const { retryable, partialOutput, retryAfterMs = 0 } = outcomeOf(error) ?? {};
  // What is shown cannot be taken back: another answer would begin in the middle of this one (`../continue` goes on instead).
  // Whoever collects an answer before anybody sees it may leave out `partialOutput`, and pays for both.
  if (!retryable || partialOutput !== false || retryAfterMs > LONGEST_WAIT_MS) return false;
  // The jittered back-off comes on top: all who were told to wait a second would be back in the same second.
  await setTimeout(retryAfterMs);
  return true;
}

const backOff = { retries: 3, minTimeout: 500, maxTimeout: 8_000, randomize: true };

try {
  // One context around all attempts: a retry's span links to the failed one before it in the same context.
  await withCallContext({ requestId: randomUUID() }, () =>
    pRetry((attempt) => withCallContext({ retryAttempt: attempt - 1 }, answer), { ...backOff, shouldRetry }),
  );
  console.log();
} catch (error) {
  console.log(' …', outcomeOf(error)?.errorCategory ?? error);
  process.exitCode = 1;
}
