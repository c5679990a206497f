// Lets the model call tools until it answers. No tool runs before the answer that calls it is whole, and its schema agrees.
import { randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import {
  assertToolCallsComplete,
  holdCall,
  outcomeOf,
  withCallContext,
} from 'opentelemetry-instrumentation-llm-stream';
import { z } from 'zod';

const client = new OpenAI(); // OPENAI_API_KEY, OPENAI_BASE_URL
const MOST_ROUNDS = 4;

const TOOLS = {
  book: {
    description: 'Books a table.',
    schema: z.object({ seats: z.int().min(1).max(12) }),
    run: async ({ seats }) => {
      console.log(`booked ${seats}`);
      return { booked: seats };
    },
  },
};

// What the model is told, and what is checked, is the same schema.
const tools = Object.entries(TOOLS).map(([name, { description, schema }]) => ({
  type: 'function',
  function: { name, description, parameters: z.toJSONSchema(schema) },
}));

/** The id and the name of a call come once, its arguments in fragments; those of several calls may take turns. */
async function assemble(stream) {
  const message = { role: 'assistant', content: '', tool_calls: [] };
  for await (const { choices } of stream) {
    message.content += choices[0]?.delta.content ?? '';
    for (const { index, id, function: part } of choices[0]?.delta.tool_calls ?? []) {
      message.tool_calls[index] ??= { id, type: 'function', function: { name: part?.name, arguments: '' } };
      message.tool_calls[index].function.arguments += part?.arguments ?? '';
    }
  }
  return message;
}

function parse(json) {
  try {
    return JSON.parse(json.trim() || '{}'); // tools without parameters may come without arguments
  } catch {
    return undefined; // which the schema does not take
  }
}

/** What the model is told became of its call. A mistake of its own it may correct, as often as there are rounds. */
async function execute({ id, function: { name, arguments: json } }, hold) {
  if (!Object.hasOwn(TOOLS, name)) {
    hold.toolValidated(id, false);
    return { error: 'there is no such tool' };
  }
  const tool = TOOLS[name];
  const checked = await hold.toolValidated(id, tool.schema, parse(json));
  if (checked.issues) return { error: checked.issues.map(({ message }) => message) };
  hold.toolExecuted(id); // begun: from here on a retry of the call could book twice, and its span says so
  try {
    const result = await tool.run(checked.value);
    hold.toolExecuted(id, true);
    return result;
  } catch {
    hold.toolExecuted(id, false);
    return { error: 'the tool failed' };
  }
}

async function round(messages) {
  const stream = await client.chat.completions.create({ model: 'gpt-4o-mini', messages, tools, stream: true });
  const hold = holdCall(stream); // before it is read: its span waits for what we have to say of the tools
  try {
    const message = await assemble(stream);
    assertToolCallsComplete(stream); // throws where the stream was cut, although its loop ended well
    if (message.tool_calls.length === 0) return message.content;
    messages.push(message);
    for (const call of message.tool_calls) {
      messages.push({ role: 'tool', tool_call_id: call.id, content: JSON.stringify(await execute(call, hold)) });
    }
    return undefined;
  } finally {
    hold.release();
  }
}

async function answer(question) {
  const messages = [{ role: 'user', content: question }];
  for (let n = 0; n < MOST_ROUNDS; n++) {
    const text = await withCallContext({ attributes: { 'app.round': n } }, () => round(messages));
    if (text !== undefined) return text;
  }
  throw new Error(`no answer after ${MOST_ROUNDS} rounds`); // or it would go on, and bill, for ever
}

try {
  console.log(await withCallContext({ requestId: randomUUID() }, () => answer('A table for two, please.')));
} catch (error) {
  console.log('no answer:', outcomeOf(error)?.errorCategory ?? error.message);
  process.exitCode = 1;
}
