/** Bodies as OpenAI sends them: about 340 bytes a chunk, padded with `obfuscation`; text alone, or with tool calls in between. */

const CHUNK_BYTES = 340;
/** Of so many chunks the last tenth are the fragments of one tool call. */
const TOOL_ROUND = 2_000;
const WORDS = [' the', ' stream', ' of', ' tokens', ' goes', ' on', ',', ' naïve', ' and', ' on', '.', '\n'];

/** All messages of an answer, each with the blank line that ends it; `[DONE]` is the last. */
export function answer({ chunks, tools }) {
  const messages = [message({ delta: { role: 'assistant', content: '', refusal: null } })];
  const round = Math.min(TOOL_ROUND, chunks);
  for (let i = 1; i < chunks - 1; i++) {
    const place = i % round;
    const fragment = tools ? place - Math.floor(round * 0.9) : -1;
    messages.push(message({ delta: fragment < 0 ? text(i) : toolCall(Math.floor(i / round), fragment, round / 10) }));
  }
  messages.push(message({ delta: {}, finish_reason: tools ? 'tool_calls' : 'stop' }));
  messages.push('data: [DONE]\n\n');
  return messages.map((one) => Buffer.from(one));
}

function text(i) {
  return { content: WORDS[i % WORDS.length] };
}

function toolCall(index, fragment, fragments) {
  if (fragment === 0) {
    return {
      tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name: 'search', arguments: '' } }],
    };
  }
  const text = fragment === 1 ? '{"query":"' : fragment >= fragments - 1 ? '"}' : ' where';
  return { tool_calls: [{ index, function: { arguments: text } }] };
}

function message(choice) {
  const payload = {
    id: 'chatcmpl-CZ7uPlmvZ0hqUn2R6sJ1wXq9kbTdE',
    object: 'chat.completion.chunk',
    created: 1_790_000_000,
    model: 'gpt-5.1-2025-11-13',
    service_tier: 'default',
    system_fingerprint: 'fp_50cad350e4',
    choices: [{ index: 0, logprobs: null, finish_reason: null, ...choice }],
    usage: null,
    obfuscation: '',
  };
  const missing = CHUNK_BYTES - Buffer.byteLength(JSON.stringify(payload)) - 'data: \n\n'.length;
  payload.obfuscation = 'mQx7RbL2cTzK9vWd'.repeat(16).slice(0, Math.max(0, missing));
  return `data: ${JSON.stringify(payload)}\n\n`;
}
