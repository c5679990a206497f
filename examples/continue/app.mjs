// Where a stream breaks off in the middle of a text, asks for the rest of it, and counts how often that was needed.
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { metrics } from '@opentelemetry/api';
import OpenAI from 'openai';
import { assertCompleted, outcomeOf, withCallContext } from 'opentelemetry-instrumentation-llm-stream';
import { sdk } from './instrumentation.mjs';

const client = new OpenAI({ maxRetries: 0 }); // OPENAI_API_KEY, OPENAI_BASE_URL
const continued = metrics.getMeter('example-continue').createCounter('app.answers.continued');
/** Each one costs the whole prompt again: where two were not enough, something else is wrong. */
const MOST = 2;

function messagesFor(question, text) {
  const asked = { role: 'user', content: question };
  if (text === '') return [asked];
  // Most providers take a last assistant message for a turn that is over: they have to be told. (Some can go on within
  // it, which leaves no seam: `prefix` of DeepSeek and Mistral, `continue_final_message` of vLLM.)
  const rest = 'You were interrupted. Continue exactly where you stopped, and repeat nothing.';
  return [asked, { role: 'assistant', content: text }, { role: 'user', content: rest }];
}

function canContinue(error, text) {
  const { retryable, toolCallCount } = outcomeOf(error) ?? {};
  // Nothing to go on from is a plain retry (`../retry`). And a tool call is never put together out of two answers: the
  // second half may belong to other arguments.
  return retryable === true && text !== '' && toolCallCount === 0;
}

async function answer(question) {
  let text = '';
  async function ask() {
    const messages = messagesFor(question, text);
    const stream = await client.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true });
    for await (const chunk of stream) {
      const piece = chunk.choices[0]?.delta.content ?? '';
      text += piece;
      process.stdout.write(piece);
    }
    assertCompleted(stream); // throws where the answer was cut, although its loop ended well
  }
  for (let continuation = 0; ; continuation++) {
    // As a `retryAttempt` the span links to the call that was cut; the attribute says how often this answer was, so far.
    const context = { retryAttempt: continuation, attributes: { 'app.continuation': continuation } };
    try {
      await withCallContext(context, ask);
      return text;
    } catch (error) {
      if (continuation === MOST || !canContinue(error, text)) throw error;
      continued.add(1, { 'app.cause': outcomeOf(error)?.errorCategory });
      await setTimeout(500 * Math.random()); // what cut this stream cut others: not all at once
    }
  }
}

try {
  await withCallContext({ requestId: randomUUID() }, () => answer('Tell me a story.'));
  console.log();
} catch (error) {
  console.log(' …', outcomeOf(error)?.errorCategory ?? error);
  process.exitCode = 1;
} finally {
  await sdk.shutdown(); // sends what has not been sent
}
