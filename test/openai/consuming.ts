/** Ways of consuming a stream of the SDK, and of leaving it. */

import { setTimeout as sleep } from 'node:timers/promises';
import { chatText, type Scenario } from '../../src/testing/index.js';
import { CANARY, said } from '../scenarios/harness.js';
import {
  answered,
  cancelled,
  completed,
  cut,
  failing,
  gone,
  type Place,
  read,
  TEXT,
  TOOL,
  UNSEEN,
  unanswered,
  type Way,
} from './way.js';

const AT_ONCE = { reply: TEXT, delivery: { writes: 'whole' } } as const satisfies Scenario;
const HELD_AFTER_3 = { reply: TEXT, hold: { afterChunks: 3, until: 'client_gone' } } as const satisfies Scenario;
const HELD_BEFORE = { reply: TEXT, hold: { after: 'request', until: 'client_gone' } } as const satisfies Scenario;

/** Ends a signal in the middle: the loop goes on, as an application's would that knows nothing of it. */
async function abortAfter3({ create }: Place, reason?: unknown): Promise<string> {
  const controller = new AbortController();
  const stream = await create({ signal: controller.signal });
  return read(stream, 3, () => controller.abort(reason));
}

async function abortBefore({ create, arrived }: Place, reason?: unknown): Promise<unknown> {
  const controller = new AbortController();
  const told = failing(create({ signal: controller.signal }));
  await arrived();
  controller.abort(reason);
  return told;
}

const weatherTool = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    function: (given: { city: string }) => `sunny in ${given.city}`,
    parse: JSON.parse,
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
    description: 'The weather',
  },
};

const NAMED = {
  type: 'json_schema' as const,
  json_schema: { name: 'a_name', schema: { type: 'object', properties: { name: { type: 'string' } } } },
};

export const CONSUMING: readonly Way[] = [
  // ── read to the end ──
  {
    name: 'for await',
    scenario: { reply: TEXT },
    run: async ({ create }) => read(await create()),
    sees: 'ended after 5',
    spans: [completed()],
  },
  {
    name: 'two loops, one after the other',
    scenario: { reply: TEXT },
    run: async ({ create }) => {
      const stream = await create();
      return [await read(stream), await read(stream).catch(said)];
    },
    sees: ['ended after 5', 'OpenAIError: Cannot iterate over a consumed stream, use `.tee()` to split the stream.'],
    spans: [completed()],
    by: {
      4: { sees: ['ended after 5', 'Error: Cannot iterate over a consumed stream, use `.tee()` to split the stream.'] },
    },
  },
  {
    name: 'the promise awaited twice',
    scenario: { reply: TEXT },
    run: async ({ create }) => {
      const promise = create();
      const [one, other] = await Promise.all([promise, promise]);
      return [one === other, await read(one)];
    },
    sees: [true, 'ended after 5'],
    spans: [completed()],
  },
  {
    name: 'the iterator by hand, with reads ahead',
    scenario: { reply: TEXT },
    run: async ({ create }) => {
      const iterator = (await create())[Symbol.asyncIterator]();
      const results = await Promise.all(Array.from({ length: 7 }, () => iterator.next()));
      return results.map(({ done }) => done ?? false);
    },
    sees: [false, false, false, false, false, true, true],
    spans: [completed()],
  },
  {
    name: 'withResponse()',
    scenario: { reply: TEXT },
    run: async ({ create }) => {
      const { data, response } = await create().withResponse();
      return [response.status, await read(data)];
    },
    sees: [200, 'ended after 5'],
    spans: [completed()],
  },
  {
    name: 'asResponse(), read as text',
    scenario: { reply: TEXT },
    run: async ({ create }) => {
      const response = await create().asResponse();
      return (await response.text()).split('\n\n').length;
    },
    sees: 7,
    spans: [completed()],
    by: { 4: { spans: [UNSEEN] } },
  },
  {
    name: 'awaited long after it was answered',
    scenario: { reply: TEXT },
    run: async ({ create }) => {
      const promise = create();
      // Longer than the grace after which an ending that was presumed holds.
      await sleep(2_200);
      return read(await promise);
    },
    sees: 'ended after 5',
    spans: [completed()],
  },
  {
    name: 'tee(), both read',
    scenario: { reply: TEXT },
    run: async ({ create }) => Promise.all((await create()).tee().map((branch) => read(branch))),
    sees: ['ended after 5', 'ended after 5'],
    spans: [completed()],
  },
  {
    name: 'tee(), one broken off',
    scenario: { reply: TEXT },
    run: async ({ create }) => {
      const [one, other] = (await create()).tee();
      return [await read(one, 1), await read(other)];
    },
    sees: ['left after 1', 'ended after 5'],
    spans: [completed()],
  },
  {
    name: 'toReadableStream(), read',
    scenario: { reply: TEXT },
    run: async ({ create }) => {
      const text = await new Response((await create()).toReadableStream()).text();
      return text.trimEnd().split('\n').length;
    },
    sees: 5,
    spans: [completed()],
  },
  {
    name: 'toReadableStream(), cancelled',
    scenario: AT_ONCE,
    run: async ({ create }) => {
      const reader = (await create()).toReadableStream().getReader();
      await reader.read();
      return reader.cancel('enough').then(() => 'cancelled', said);
    },
    sees: 'cancelled',
    spans: [cancelled('consumer_break', 'before_first_token', 1)],
  },

  // ── leaving the loop ──
  {
    name: 'break after the first chunk of an answer that came in one packet',
    scenario: { ...AT_ONCE, hold: { after: 'done', until: 'client_gone' } },
    run: async ({ create }) => read(await create(), 1),
    sees: 'left after 1',
    spans: [cancelled('consumer_break', 'before_first_token', 1)],
  },
  {
    name: 'break after the third chunk',
    scenario: HELD_AFTER_3,
    run: async ({ create }) => read(await create(), 3),
    sees: 'left after 3',
    spans: [
      cancelled('consumer_break', 'after_first_token', 3, {
        also: { 'llm_stream.output_characters': 11, 'llm_stream.done_event_received': false },
      }),
    ],
  },
  {
    name: 'break in tool arguments',
    scenario: { reply: TOOL, hold: { afterChunks: 3, until: 'client_gone' } },
    run: async ({ create }) => read(await create(), 3),
    sees: 'left after 3',
    spans: [
      cancelled('consumer_break', 'during_tool_call', 3, {
        also: { 'llm_stream.tool_call.arguments_completed': false },
      }),
    ],
  },
  {
    name: 'break after the finish reason',
    scenario: AT_ONCE,
    run: async ({ create }) => read(await create(), 5),
    sees: 'left after 5',
    spans: [completed({ termination: 'finish_reason_eof', also: { 'llm_stream.done_event_received': false } })],
  },
  {
    name: 'throw in the loop',
    scenario: HELD_AFTER_3,
    run: async ({ create }) =>
      read(await create(), 3, () => {
        throw new RangeError('the application failed');
      }).catch(said),
    sees: 'RangeError: the application failed',
    spans: [cancelled('consumer_break', 'after_first_token', 3)],
  },

  // ── a signal ──
  {
    name: 'abort() before headers',
    scenario: HELD_BEFORE,
    run: (place) => abortBefore(place),
    sees: 'APIUserAbortError: Request was aborted.',
    spans: [gone('before_headers')],
  },
  {
    name: 'abort(an error) before headers',
    scenario: HELD_BEFORE,
    run: (place) => abortBefore(place, new RangeError(`${CANARY} left`)),
    sees: 'APIUserAbortError: Request was aborted.',
    spans: [gone('before_headers')],
  },
  {
    name: 'abort() in the middle',
    scenario: HELD_AFTER_3,
    run: (place) => abortAfter3(place),
    sees: 'ended after 3',
    spans: [cancelled('consumer_abort', 'after_first_token', 3)],
  },
  {
    name: 'abort(an error) in the middle',
    scenario: HELD_AFTER_3,
    run: (place) => abortAfter3(place, new RangeError(`${CANARY} left`)),
    sees: 'ended after 3',
    spans: [cancelled('consumer_abort', 'after_first_token', 3)],
  },
  {
    name: 'abort(a string) in the middle',
    scenario: HELD_AFTER_3,
    run: (place) => abortAfter3(place, `${CANARY} left`),
    sees: 'ended after 3',
    spans: [cancelled('consumer_abort', 'after_first_token', 3)],
  },
  {
    name: 'abort() after the finish reason',
    scenario: { reply: TEXT, hold: { after: 'finish', until: 'client_gone' } },
    run: async ({ create }) => {
      const controller = new AbortController();
      return read(await create({ signal: controller.signal }), 5, () => controller.abort());
    },
    sees: 'ended after 5',
    spans: [completed({ termination: 'finish_reason_eof' })],
  },
  {
    name: 'AbortSignal.timeout before headers',
    scenario: HELD_BEFORE,
    run: async ({ create }) => failing(create({ signal: AbortSignal.timeout(300) })),
    sees: 'APIUserAbortError: Request was aborted.',
    spans: [unanswered({ also: { 'llm_stream.timeout_kind': 'headers', 'error.type': 'TimeoutError' } })],
  },
  {
    name: 'AbortSignal.timeout in a silence after output',
    scenario: HELD_AFTER_3,
    run: async ({ create }) => read(await create({ signal: AbortSignal.timeout(1_500) })),
    sees: 'ended after 3',
    spans: [
      cut('after_first_token', {
        termination: 'timeout',
        category: 'idle_timeout',
        chunks: 3,
        also: { 'llm_stream.timeout_kind': 'idle' },
      }),
    ],
  },
  {
    name: 'the SDK’s own timeout before headers, retried once',
    scenario: HELD_BEFORE,
    run: async ({ create }) => failing(create({ timeout: 150, maxRetries: 1 })),
    sees: 'APIConnectionTimeoutError: Request timed out.',
    spans: [
      unanswered({
        also: {
          'llm_stream.timeout_kind': 'headers',
          'llm_stream.attempt_count': 2,
          'error.type': 'APIConnectionTimeoutError',
        },
      }),
    ],
  },
  {
    name: 'stream.controller.abort()',
    scenario: HELD_AFTER_3,
    run: async ({ create }) => {
      const stream = await create();
      return read(stream, 3, () => stream.controller.abort());
    },
    sees: 'ended after 3',
    spans: [cancelled('consumer_abort', 'after_first_token', 3)],
  },

  // ── helpers ──
  {
    name: '.stream() to its final completion',
    scenario: { reply: TEXT },
    run: async ({ helpers, request }) => {
      const completion = await helpers.stream(request).finalChatCompletion();
      return [completion.choices[0]?.message.content, completion.choices[0]?.finish_reason];
    },
    sees: [`${CANARY} says hello`, 'stop'],
    spans: [completed()],
  },
  {
    name: '.stream() aborted',
    scenario: HELD_AFTER_3,
    run: async ({ helpers, request }) => {
      const runner = helpers.stream(request);
      let count = 0;
      runner.on('chunk', () => {
        count += 1;
        if (count === 3) runner.abort();
      });
      return [await runner.done().then(() => 'done', said), count];
    },
    sees: ['APIUserAbortError: Request was aborted.', 3],
    spans: [cancelled('consumer_abort', 'after_first_token', 3)],
  },
  {
    name: '.stream() broken off in its own loop',
    scenario: HELD_AFTER_3,
    run: async ({ helpers, request }) => {
      const runner = helpers.stream(request);
      runner.on('error', () => {});
      return read(runner, 3);
    },
    sees: 'left after 3',
    // The helper aborts its controller: from below it looks as if the application had.
    spans: [cancelled('consumer_abort', 'after_first_token', 3)],
  },
  {
    name: 'runTools, streamed',
    scenario: [{ reply: TOOL }, { reply: TEXT }],
    run: async ({ helpers, request }) => helpers.runTools({ ...request, tools: [weatherTool] }).finalContent(),
    sees: `${CANARY} says hello`,
    spans: [completed({ finish: ['tool_calls'] }), completed()],
  },
  {
    name: 'runTools, whole answers',
    scenario: [{ reply: TOOL }, { reply: TEXT }],
    run: async ({ helpers, request }) =>
      helpers.runTools({ ...request, stream: false, tools: [weatherTool] }).finalContent(),
    sees: `${CANARY} says hello`,
    spans: [answered({ finish: ['tool_calls'] }), answered()],
  },
  {
    name: 'parse()',
    scenario: { reply: chatText([`{"name":"${CANARY}"}`]) },
    run: async ({ helpers, request }) => {
      const completion = await helpers.parse({ ...request, stream: false, response_format: NAMED });
      return completion.choices[0]?.message.content;
    },
    sees: `{"name":"${CANARY}"}`,
    spans: [answered()],
  },
  {
    name: 'parse() of an answer that ran into its limit',
    scenario: { reply: chatText([`{"name":"${CANARY}`], { finishReason: 'length' }) },
    run: async ({ helpers, request }) => failing(helpers.parse({ ...request, stream: false, response_format: NAMED })),
    sees: 'LengthFinishReasonError: Could not parse response content as the length limit was reached',
    spans: [answered({ finish: ['length'], also: { 'llm_stream.completion': 'length' } })],
    // By node-fetch: whole and valid, or the helper had not got so far; what it said went with the helper's error.
    by: { 4: { spans: [{ outcome: 'completed', stage: 'done', termination: 'eof' }] } },
  },
];
