import { describe, expect, test } from 'vitest';
import {
  type ChatScript,
  chatChoices,
  chatPieces,
  chatText,
  chatToolCalls,
  renderChunks,
  renderDocument,
} from '../../../src/testing/scripts/chat-completions.js';

const ASKED = { model: 'm', includeUsage: true };
const UNASKED = { model: 'm', includeUsage: false };

/** What differs from chunk to chunk: choices, and usage where there is any. */
function told(script: ChatScript, request = UNASKED): string[] {
  return renderChunks(script, request).map(({ choices, usage }) => {
    const short = JSON.stringify(choices).replaceAll('"logprobs":null,', '').replaceAll(',"finish_reason":null', '');
    return usage === undefined ? short : `${short} ${JSON.stringify(usage)}`;
  });
}

test('a chunk is as OpenAI writes it', () => {
  expect(JSON.stringify(renderChunks(chatText(['Hi']), ASKED)[1])).toBe(
    '{"id":"chatcmpl-faulty","object":"chat.completion.chunk","created":1767225600,"model":"m","system_fingerprint":"fp_faulty","choices":[{"index":0,"delta":{"content":"Hi"},"logprobs":null,"finish_reason":null}],"usage":null}',
  );
});

test('a document is as OpenAI writes it', () => {
  const script = chatText(['H', 'i'], {
    id: 'x',
    model: 'answering',
    created: 1,
    systemFingerprint: null,
    serviceTier: 'flex',
  });
  expect(JSON.stringify(renderDocument(script, UNASKED))).toBe(
    '{"id":"x","object":"chat.completion","created":1,"model":"answering","service_tier":"flex","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}',
  );
});

describe('the chunks of', () => {
  test.each<{ title: string; script: ChatScript; chunks: readonly string[] }>([
    {
      title: 'text',
      script: chatText(['Hel', 'lo']),
      chunks: [
        '[{"index":0,"delta":{"role":"assistant","content":""}}]',
        '[{"index":0,"delta":{"content":"Hel"}}]',
        '[{"index":0,"delta":{"content":"lo"}}]',
        '[{"index":0,"delta":{},"finish_reason":"stop"}]',
      ],
    },
    {
      title: 'an answer that never finishes, without an opening',
      script: chatText(['a'], { opening: null, finishReason: null }),
      chunks: ['[{"index":0,"delta":{"content":"a"}}]'],
    },
    {
      title: 'reasoning, then a refusal',
      script: chatPieces([
        { type: 'reasoning', text: 'hm' },
        { type: 'refusal', text: 'no' },
      ]),
      chunks: [
        '[{"index":0,"delta":{"role":"assistant","content":""}}]',
        '[{"index":0,"delta":{"reasoning_content":"hm"}}]',
        '[{"index":0,"delta":{"refusal":"no"}}]',
        '[{"index":0,"delta":{},"finish_reason":"stop"}]',
      ],
    },
    {
      title: 'two tool calls',
      script: chatToolCalls([
        { name: 'f', id: 'call_f', fragments: ['{"a"', ':1}'] },
        { name: 'g', fragments: [] },
      ]),
      chunks: [
        '[{"index":0,"delta":{"role":"assistant","content":null}}]',
        '[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_f","type":"function","function":{"name":"f","arguments":""}}]}}]',
        '[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"a\\""}}]}}]',
        '[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}}]',
        '[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_1","type":"function","function":{"name":"g","arguments":""}}]}}]',
        '[{"index":0,"delta":{},"finish_reason":"tool_calls"}]',
      ],
    },
    {
      title: 'two choices that take turns',
      script: chatChoices(
        [
          { pieces: [{ type: 'text', text: 'a' }], finishReason: 'stop' },
          { pieces: [{ type: 'text', text: 'b' }], finishReason: 'length' },
        ],
        { opening: null },
      ),
      chunks: [
        '[{"index":0,"delta":{"content":"a"}}]',
        '[{"index":1,"delta":{"content":"b"}}]',
        '[{"index":0,"delta":{},"finish_reason":"stop"}]',
        '[{"index":1,"delta":{},"finish_reason":"length"}]',
      ],
    },
  ])('$title', ({ script, chunks }) => {
    expect(told(script)).toEqual(chunks);
  });

  test('interleaved tool calls', () => {
    const calls = ['f', 'g'].map((name) => ({ name, fragments: ['{', '}'] }));
    const fragments = told(chatToolCalls(calls, { interleaved: true })).slice(3, 7);
    expect(fragments.map((chunk) => /tool_calls":\[{"index":(\d)/.exec(chunk)?.[1])).toEqual(['0', '1', '0', '1']);
  });
});

describe('usage is sent', () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const sent = JSON.stringify(usage);
  const finish = '[{"index":0,"delta":{},"finish_reason":"stop"}]';
  test.each<{ title: string; script: ChatScript; request: typeof ASKED; chunks: readonly string[] }>([
    {
      title: 'in a last chunk when it is asked for, null before',
      script: chatText([], { opening: null, usage }),
      request: ASKED,
      chunks: [`${finish} null`, `[] ${sent}`],
    },
    { title: 'not unasked', script: chatText([], { opening: null, usage }), request: UNASKED, chunks: [finish] },
    {
      title: 'not by a provider that reports none',
      script: chatText([], { opening: null, usage: 'none' }),
      request: ASKED,
      chunks: [`${finish} null`],
    },
    {
      title: 'always',
      script: chatText([], { opening: null, usage, usageWhen: 'always' }),
      request: UNASKED,
      chunks: [finish, `[] ${sent}`],
    },
    {
      title: 'with a choice, as gateways do',
      script: chatText([], { opening: null, usage, usageWhen: 'with_choice' }),
      request: UNASKED,
      chunks: [finish, `[{"index":0,"delta":{}}] ${sent}`],
    },
    {
      title: 'with the finish',
      script: chatText([], { opening: null, usage, usageWhen: 'with_finish' }),
      request: UNASKED,
      chunks: [`${finish} ${sent}`],
    },
  ])('$title', ({ script, request, chunks }) => {
    expect(told(script, request)).toEqual(chunks);
  });
});

test('a document holds tool calls, reasoning and refusal whole', () => {
  const { choices } = renderDocument(
    chatPieces([
      { type: 'reasoning', text: 'h' },
      { type: 'reasoning', text: 'm' },
      { type: 'refusal', text: 'no' },
      { type: 'tool_call', index: 0, id: 'i', name: 'f' },
      { type: 'tool_arguments', index: 0, fragment: '{' },
      { type: 'tool_arguments', index: 0, fragment: '}' },
    ]),
    UNASKED,
  );
  expect(choices).toMatchObject([
    {
      message: {
        content: null,
        refusal: 'no',
        reasoning_content: 'hm',
        tool_calls: [{ id: 'i', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
    },
  ]);
});
