/** The examples that decide by the outcome of a call: what they ask again, what they do not, and what their spans say of it. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it, vi } from 'vitest';
import { chatPieces, chatText, chatToolCalls, httpError, type Scenario } from '../../src/testing/index.js';
import { HELLO, MODEL, openScene } from './scene.js';

const scene = openScene();

const BROKEN_BEFORE_TEXT: Scenario = { ...HELLO, faults: [{ type: 'close', afterChunks: 1 }] };
const CUT_BEFORE_TEXT: Scenario = { ...HELLO, faults: [{ type: 'silent_end', afterChunks: 1 }] };
const CUT_AFTER_HELLO: Scenario = { ...HELLO, faults: [{ type: 'silent_end', afterChunks: 2 }] };
/** By FIN: of what came before a reset, a reader that is late would lose a part. The SDK throws for both. */
const BROKEN_AFTER_HELLO: Scenario = { ...HELLO, faults: [{ type: 'close', afterChunks: 2 }] };
const REFUSED: Scenario = { reply: httpError(401, { code: 'invalid_api_key' }) };
const UNFIT: Scenario = { reply: httpError(400, { type: 'invalid_request_error' }) };
const DOWN: Scenario = { reply: httpError(503) };

/** Of each span the attributes named (those of ours without their prefix), and which of the spans it links to. */
function spans(...names: string[]) {
  const all = scene.collector.spans;
  return all.map(({ attributes, links }) => ({
    ...Object.fromEntries(
      names.flatMap((name) => {
        const value = attributes[name] ?? attributes[`llm_stream.${name}`];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    linksTo: links.map((id) => all.findIndex(({ spanId }) => spanId === id)),
  }));
}

/** Said by the application of all calls that serve one request of its own. */
function requestIds(): Set<unknown> {
  return new Set(scene.collector.spans.map(({ attributes }) => attributes['llm_stream.request_id']));
}

describe('`retry`', () => {
  const seen = () => spans('retry_attempt', 'outcome', 'error_category', 'retryable', 'retry_after_ms');

  it('asks again as long as nobody has seen anything of an answer, and not before it is told to', async () => {
    const limited = { reply: httpError(429, { type: 'requests' }, { 'retry-after-ms': '1500' }) };
    scene.provider.define(MODEL, [limited, BROKEN_BEFORE_TEXT, CUT_BEFORE_TEXT, HELLO]);
    const example = await scene.install('retry');
    const running = example.script('start', scene.environment);
    await scene.provider.request(0);
    const refusedAtMs = performance.now();
    await scene.provider.request(1);
    // Of p-retry alone it would be a second at most.
    expect(performance.now() - refusedAtMs).toBeGreaterThan(1_250);
    expect(await running).toEqual({ code: 0, stdout: 'Hello world\n', stderr: '' });
    expect(scene.provider.requests).toHaveLength(4);
    expect(seen()).toEqual([
      {
        retry_attempt: 0,
        outcome: 'failed',
        error_category: 'rate_limit',
        retryable: true,
        retry_after_ms: 1500,
        linksTo: [],
      },
      { retry_attempt: 1, outcome: 'failed', error_category: 'stream_interrupted', retryable: true, linksTo: [0] },
      { retry_attempt: 2, outcome: 'failed', error_category: 'stream_interrupted', retryable: true, linksTo: [1] },
      { retry_attempt: 3, outcome: 'completed', linksTo: [2] },
    ]);
    expect([...requestIds()]).toEqual([expect.stringMatching(/^[\da-f]{8}-[\da-f-]{27}$/)]);
  });

  it('asks once where text was shown, where it is told to wait for minutes, and where the key is wrong', async () => {
    const limited = { reply: httpError(429, { type: 'requests' }, { 'retry-after': '120' }) };
    scene.provider.define(MODEL, [BROKEN_AFTER_HELLO, limited, REFUSED]);
    const example = await scene.install('retry');
    const run = () => example.script('start', scene.environment);
    expect(await run()).toEqual({ code: 1, stdout: 'Hello … stream_interrupted\n', stderr: '' });
    expect(await run()).toEqual({ code: 1, stdout: ' … rate_limit\n', stderr: '' });
    expect(await run()).toEqual({ code: 1, stdout: ' … auth\n', stderr: '' });
    expect(scene.provider.requests).toHaveLength(3);
    const failed = { retry_attempt: 0, outcome: 'failed', linksTo: [] };
    expect(seen()).toEqual([
      { ...failed, error_category: 'stream_interrupted', retryable: true },
      { ...failed, error_category: 'rate_limit', retryable: true, retry_after_ms: 120_000 },
      { ...failed, error_category: 'auth', retryable: false },
    ]);
  });
});

it('`circuit-breaker`: stops asking after three failures of the provider, not of its own, and comes back', async () => {
  scene.provider.define(MODEL, [UNFIT, DOWN, REFUSED, CUT_AFTER_HELLO, CUT_BEFORE_TEXT, HELLO]);
  const example = await scene.install('circuit-breaker');
  const running = example.start('start', { ...scene.environment, HALF_OPEN_AFTER_MS: '3000' });
  const { stdin, stdout } = running;
  if (stdin === null || stdout === null) throw new Error('it has both');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  let asked = 0;
  const ask = async (): Promise<string> => {
    asked += 1;
    stdin.write('Hello?\n');
    return String((await lines.next()).value);
  };
  const NOT_ASKED = 'not asked: the provider is down, try again later';

  expect(await ask()).toBe(' … invalid_request');
  expect(await ask()).toBe(' … overloaded');
  expect(await ask()).toBe(' … auth');
  expect(await ask()).toBe('Hello … stream_interrupted');
  expect(await ask()).toBe(' … stream_interrupted');
  expect(await ask()).toBe(NOT_ASKED);
  expect(scene.provider.requests).toHaveLength(5);
  await vi.waitFor(async () => expect(await ask()).toBe('Hello world'), { timeout: 30_000, interval: 200 });
  expect(scene.provider.requests).toHaveLength(6);

  stdin.end();
  expect(await once(running, 'exit')).toEqual([0, null]);
  const all = spans('outcome', 'failure_stage', 'fault', 'error.type', 'gen_ai.request.model');
  const isNotAsked = (span: object) => Reflect.get(span, 'error.type') === 'BrokenCircuitError';
  expect(all.filter((span) => !isNotAsked(span))).toMatchObject([
    { failure_stage: 'request_rejected', fault: 'application' },
    { failure_stage: 'request_rejected', fault: 'provider' },
    { failure_stage: 'request_rejected', fault: 'application' },
    { failure_stage: 'after_first_token', fault: 'upstream' },
    { failure_stage: 'before_first_token', fault: 'upstream' },
    { outcome: 'completed' },
  ]);
  expect(all.find(isNotAsked)).toEqual({
    outcome: 'failed',
    failure_stage: 'before_request',
    fault: 'application',
    'error.type': 'BrokenCircuitError',
    'gen_ai.request.model': 'gpt-4o-mini',
    linksTo: [],
  });
  // One span a question, asked or not.
  expect(all).toHaveLength(asked);
  expect(requestIds().size).toBe(asked);
});

describe('`fallback`', () => {
  const NEXT = 'gpt-4o';
  const OTHER = 'other-model';
  const environment = () => ({
    ...scene.environment,
    FALLBACK_BASE_URL: `${scene.provider.url}/v1`,
    FALLBACK_API_KEY: 'another',
    FALLBACK_MODEL: OTHER,
  });
  const seen = () => spans('gen_ai.request.model', 'fallback_attempt', 'outcome', 'error_category');
  const asked = () => scene.provider.requests.map(({ model }) => model);

  it('goes from model to model, and on to the other provider; each span links to the one that failed before', async () => {
    scene.provider.define(MODEL, DOWN);
    scene.provider.define(NEXT, CUT_BEFORE_TEXT);
    scene.provider.define(OTHER, HELLO);
    const example = await scene.install('fallback');
    expect(await example.script('start', environment())).toEqual({
      code: 0,
      stdout: 'Hello world\n',
      stderr: 'gpt-4o-mini: overloaded\ngpt-4o: stream_interrupted\n',
    });
    const failed = { outcome: 'failed' };
    expect(seen()).toEqual([
      {
        ...failed,
        'gen_ai.request.model': 'gpt-4o-mini',
        fallback_attempt: 0,
        error_category: 'overloaded',
        linksTo: [],
      },
      {
        ...failed,
        'gen_ai.request.model': 'gpt-4o',
        fallback_attempt: 1,
        error_category: 'stream_interrupted',
        linksTo: [0],
      },
      { 'gen_ai.request.model': 'other-model', fallback_attempt: 2, outcome: 'completed', linksTo: [1] },
    ]);
    expect(requestIds().size).toBe(1);
  });

  it('asks nobody with the same key where that is wrong, and nobody at all where the request is, or text was shown', async () => {
    scene.provider.define(MODEL, [REFUSED, UNFIT, CUT_AFTER_HELLO]);
    scene.provider.define(NEXT, HELLO);
    scene.provider.define(OTHER, HELLO);
    const example = await scene.install('fallback');
    const run = () => example.script('start', environment());
    expect(await run()).toEqual({ code: 0, stdout: 'Hello world\n', stderr: 'gpt-4o-mini: auth\n' });
    expect(asked()).toEqual(['gpt-4o-mini', 'other-model']);
    expect(scene.provider.requests[1]?.headers['authorization']).toBe('Bearer another');
    expect(await run()).toEqual({ code: 1, stdout: ' … no answer\n', stderr: 'gpt-4o-mini: invalid_request\n' });
    expect(await run()).toEqual({
      code: 1,
      stdout: 'Hello … no answer\n',
      stderr: 'gpt-4o-mini: stream_interrupted\n',
    });
    expect(asked()).toEqual(['gpt-4o-mini', 'other-model', 'gpt-4o-mini', 'gpt-4o-mini']);
    expect(seen()).toMatchObject([
      { fallback_attempt: 0, error_category: 'auth', linksTo: [] },
      { fallback_attempt: 2, outcome: 'completed', linksTo: [0] },
      { fallback_attempt: 0, error_category: 'invalid_request', linksTo: [] },
      { fallback_attempt: 0, error_category: 'stream_interrupted', linksTo: [] },
    ]);
  });
});

describe('`continue`', () => {
  const seen = () => spans('app.continuation', 'retry_attempt', 'outcome', 'failure_stage');
  /** As often as the counter says. */
  const counted = () =>
    scene.collector.exports.flatMap(({ sums }) => sums).filter(({ name }) => name.startsWith('app.'));

  it('goes on where the text was cut, twice, and counts it', async () => {
    scene.provider.define(MODEL, [
      { reply: chatText(['Once', ' upon', ' a']), faults: [{ type: 'close', afterChunks: 3 }] },
      { reply: chatText([' a', ' time']), faults: [{ type: 'silent_end', afterChunks: 2 }] },
      { reply: chatText([' time.']) },
    ]);
    const example = await scene.install('continue');
    expect(await example.script('start', scene.environment)).toEqual({
      code: 0,
      stdout: 'Once upon a time.\n',
      stderr: '',
    });
    const cut = { outcome: 'failed', failure_stage: 'after_first_token' };
    expect(seen()).toEqual([
      { ...cut, 'app.continuation': 0, retry_attempt: 0, linksTo: [] },
      { ...cut, 'app.continuation': 1, retry_attempt: 1, linksTo: [0] },
      { 'app.continuation': 2, retry_attempt: 2, outcome: 'completed', linksTo: [1] },
    ]);
    expect(counted()).toEqual([
      { name: 'app.answers.continued', attributes: { 'app.cause': 'stream_interrupted' }, value: 2 },
    ]);
    // The third request has what the second one brought: ` a`.
    const [, second = 0, third] = scene.provider.requests.map(({ bodySize }) => bodySize);
    expect(third).toBe(second + 2);
  });

  it('gives up after the second time, and never goes on from a tool call, or from nothing', async () => {
    const inTheCall: Scenario = {
      reply: chatPieces([
        { type: 'text', text: 'One moment.' },
        { type: 'tool_call', index: 0, id: 'call_0', name: 'book' },
        { type: 'tool_arguments', index: 0, fragment: '{"seats"' },
      ]),
      faults: [{ type: 'close', afterChunks: 4 }],
    };
    scene.provider.define(MODEL, [CUT_AFTER_HELLO, CUT_AFTER_HELLO, BROKEN_AFTER_HELLO, inTheCall, CUT_BEFORE_TEXT]);
    const example = await scene.install('continue');
    const run = () => example.script('start', scene.environment);
    expect(await run()).toEqual({ code: 1, stdout: 'HelloHelloHello … stream_interrupted\n', stderr: '' });
    expect(await run()).toEqual({ code: 1, stdout: 'One moment. … stream_interrupted\n', stderr: '' });
    expect(await run()).toEqual({ code: 1, stdout: ' … stream_interrupted\n', stderr: '' });
    expect(scene.provider.requests).toHaveLength(5);
    expect(seen()).toMatchObject([
      { 'app.continuation': 0, linksTo: [] },
      { 'app.continuation': 1, linksTo: [0] },
      { 'app.continuation': 2, linksTo: [1] },
      { 'app.continuation': 0, failure_stage: 'during_tool_call', linksTo: [] },
      { 'app.continuation': 0, failure_stage: 'before_first_token', linksTo: [] },
    ]);
    expect(counted()).toMatchObject([{ value: 2 }]);
  });
});

describe('`tool-loop`', () => {
  const seen = () =>
    spans(
      'app.round',
      'outcome',
      'failure_stage',
      'completion',
      'retryable',
      'tool_call.arguments_completed',
      'tool_call.validated',
      'tool_call.execution_started',
      'tool_call.execution_completed',
    );
  const TWO = chatToolCalls(
    [
      { name: 'book', fragments: ['{"seats"', ':2}'] },
      { name: 'book', fragments: ['{"sea', 'ts":3}'] },
    ],
    { interleaved: true },
  );
  const called = { outcome: 'completed', completion: 'tool_calls', 'tool_call.arguments_completed': true, linksTo: [] };
  const executed = {
    'tool_call.validated': true,
    'tool_call.execution_started': true,
    'tool_call.execution_completed': true,
  };

  it('runs calls whose fragments took turns, and gives the model what came of them', async () => {
    scene.provider.define(MODEL, [{ reply: TWO }, { reply: chatText(['Two', ' tables.']) }]);
    const example = await scene.install('tool-loop');
    expect(await example.script('start', scene.environment)).toEqual({
      code: 0,
      stdout: 'booked 2\nbooked 3\nTwo tables.\n',
      stderr: '',
    });
    expect(seen()).toEqual([
      { ...called, ...executed, 'app.round': 0 },
      { 'app.round': 1, outcome: 'completed', completion: 'stop', linksTo: [] },
    ]);
    expect(requestIds().size).toBe(1);
  });

  it('lets the model correct what the schema does not take, and ends after four rounds', async () => {
    const wrong = { reply: chatToolCalls([{ name: 'book', fragments: ['{"seats":', '"two"}'] }]) };
    const unknown = { reply: chatToolCalls([{ name: 'constructor', fragments: ['{}'] }]) };
    scene.provider.define(MODEL, [wrong, unknown, { reply: TWO }, wrong]);
    const example = await scene.install('tool-loop');
    expect(await example.script('start', scene.environment)).toEqual({
      code: 1,
      stdout: 'booked 2\nbooked 3\nno answer: no answer after 4 rounds\n',
      stderr: '',
    });
    expect(scene.provider.requests).toHaveLength(4);
    expect(seen()).toEqual([
      { ...called, 'app.round': 0, 'tool_call.validated': false },
      { ...called, 'app.round': 1, 'tool_call.validated': false },
      { ...called, ...executed, 'app.round': 2 },
      { ...called, 'app.round': 3, 'tool_call.validated': false },
    ]);
  });

  it('runs nothing of an answer that was cut, by the wire or by its length, not even the call that came whole', async () => {
    const byTheWire: Scenario = { reply: TWO, faults: [{ type: 'silent_end', afterChunks: 6 }] };
    const byLength: Scenario = {
      reply: chatToolCalls([{ name: 'book', fragments: ['{"seats"'] }], { finishReason: 'length' }),
    };
    scene.provider.define(MODEL, [byTheWire, byLength]);
    const example = await scene.install('tool-loop');
    const run = () => example.script('start', scene.environment);
    expect(await run()).toEqual({ code: 1, stdout: 'no answer: stream_interrupted\n', stderr: '' });
    expect(await run()).toEqual({ code: 1, stdout: 'no answer: incomplete_tool_arguments\n', stderr: '' });
    expect(seen()).toEqual([
      {
        'app.round': 0,
        outcome: 'failed',
        failure_stage: 'during_tool_call',
        retryable: true,
        'tool_call.arguments_completed': false,
        linksTo: [],
      },
      {
        'app.round': 0,
        outcome: 'completed',
        completion: 'length',
        'tool_call.arguments_completed': false,
        linksTo: [],
      },
    ]);
  });
});
