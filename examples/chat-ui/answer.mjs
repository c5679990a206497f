// One answer: from the provider to the page. What became of it on the way is told to its span, and how it ended to the page.
import { randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { holdCall, outcomeOf, withCallContext } from 'opentelemetry-instrumentation-llm-stream';
import { fetchWithBudgets } from 'opentelemetry-instrumentation-llm-stream/budgets';
import { messagesOf, save } from './conversations.mjs';

// Readers do not look at a silent page for the minutes that a program would wait.
const budgets = { firstTokenMs: 30_000, idleMs: Number(process.env.CHAT_IDLE_MS ?? 15_000) };
const client = new OpenAI({
  // OPENAI_API_KEY, OPENAI_BASE_URL
  maxRetries: 0, // somebody sits and waits, and does better with a message and a button
  fetch: fetchWithBudgets(fetch, budgets),
});

export async function answer({ question, retryAttempt = 0, conversation = randomUUID() }, page) {
  const requestId = randomUUID(); // on the span and on the page: who complains can quote it
  const context = { requestId, feature: 'chat', route: '/chat', retryAttempt };
  const end = (facts) => page.end({ end: { ...facts, requestId, conversation } });
  await withCallContext(context, async () => {
    let stream;
    try {
      const messages = [...messagesOf(conversation), { role: 'user', content: question }];
      // Who leaves ends the request: else the provider goes on generating, and billing, for nobody.
      const options = { signal: page.left };
      stream = await client.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true }, options);
    } catch (error) {
      if (outcomeOf(error) === undefined) throw error; // a mistake of ours
      await end(factsOf(error));
      return;
    }
    const hold = holdCall(stream); // before it is read: its span waits for what we have to say of the answer
    try {
      const text = await show(stream, page);
      const { outcome, completion } = outcomeOf(stream);
      if (outcome === 'completed') await keep({ question, text, completion, conversation }, hold);
      const arrived = await end(factsOf(stream));
      hold.delivery(arrived ? 'ok' : 'client_left');
    } finally {
      hold.release();
    }
  });
}

/** Gives what came of the text. That a stream was cut is not told here: most of them end their loop like whole ones. */
async function show(stream, page) {
  let text = '';
  try {
    for await (const { choices } of stream) {
      const piece = choices[0]?.delta.content ?? choices[0]?.delta.refusal ?? '';
      if (piece === '') continue;
      text += piece;
      await page.write({ text: piece });
    }
  } catch (error) {
    // What broke the stream is its outcome, and who left waits for nothing. What is neither is a mistake of ours.
    if (outcomeOf(error) === undefined && !page.left.aborted) throw error;
  }
  return text;
}

async function keep({ question, text, completion, conversation }, hold) {
  // "I am done", and nothing was said: for a chat that is no answer. (With `content_filter` or `length` it is one.)
  const isEmpty = text.trim() === '' && completion === 'stop';
  hold.processing(isEmpty ? 'failed' : 'ok');
  if (isEmpty) return;
  try {
    await save(conversation, question, text);
    hold.persistence('ok');
  } catch {
    hold.persistence('failed');
  }
}

/** What a page needs to say the right thing. No message of the provider's: it may quote the prompt, a key, an address. */
function factsOf(subject) {
  const { outcome, completion, failureStage, errorCategory, retryable, partialOutput, retryAfterMs } =
    outcomeOf(subject);
  return { outcome, completion, failureStage, errorCategory, retryable, partialOutput, retryAfterMs };
}
