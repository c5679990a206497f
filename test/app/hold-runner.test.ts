/** `holdCall` of a runner, which is there before its request: every version of the OpenAI SDK. */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import type OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { holdCall, instrumentOpenAI } from '../../src/index.js';
import { processState } from '../../src/process-state.js';
import { chatText, chatToolCalls, type ScenarioOrList } from '../../src/testing/index.js';
import { helpersOf, loadSdks } from '../openai/sdks.js';
import { type Harness, startHarness } from '../scenarios/harness.js';

const TEXT = { reply: chatText(['Hello']) };
const TOOL = { reply: chatToolCalls([{ id: 'call_0', name: 'book', fragments: ['{}'] }]) };

const sdks = await loadSdks();
let harness: Harness;
let lines: string[];
beforeAll(async () => {
  for (const sdk of sdks) instrumentOpenAI(sdk.OpenAI);
  harness = await startHarness({ ignoreRequest: ({ url }) => url.searchParams.has('ignored') });
});
afterAll(() => harness.close());
beforeEach(() => {
  lines = [];
  processState().warned.clear();
  const keep = (line: string) => void lines.push(line);
  diag.setLogger({ error: keep, warn: keep, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
});
afterEach(() => diag.disable());

function spanCount(model: string): number {
  return harness.spans.filter(({ attributes }) => attributes['gen_ai.request.model'] === model).length;
}

const UNTAKEN =
  'opentelemetry-instrumentation-llm-stream: a held runner was released before an observed call of it began; nothing is recorded';

describe.each(sdks)('$name', (sdk) => {
  const clientOf = (query?: Record<string, string>): OpenAI =>
    new sdk.OpenAI({
      apiKey: 'sk-any',
      baseURL: `${harness.provider.url}/v1`,
      maxRetries: 0,
      ...(query && { defaultQuery: query }),
    });

  function define(title: string, scenario: ScenarioOrList = TEXT): string {
    const model = `${title} (${sdk.name})`;
    harness.provider.define(model, scenario);
    return model;
  }

  function start(title: string, scenario: ScenarioOrList = TEXT, query?: Record<string, string>) {
    const model = define(title, scenario);
    return { model, runner: helpersOf(sdk, clientOf(query)).stream({ model, messages: [], stream: true }) };
  }

  test('a runner that has just been made is held', async () => {
    const { model, runner } = start('held');
    const held = holdCall(runner);
    await runner.done();
    held.persistence('failed');
    expect(spanCount(model)).toBe(0);
    held.release();
    expect((await harness.span(model)).attributes).toMatchObject({
      'llm_stream.error_category': 'persistence_failed',
      'llm_stream.processing_status': 'unknown',
    });
    expect(lines).toEqual([]);
  });

  test('what is said before its request is out counts, and several holds add up', async () => {
    const { model, runner } = start('said before', TOOL);
    const [first, second] = [holdCall(runner), holdCall(runner, { limitMs: 60_000 })];
    first.delivery('ok');
    await runner.done();
    first.release();
    expect(spanCount(model)).toBe(0);
    second.toolValidated('call_0', true);
    second.release();
    expect((await harness.span(model)).attributes).toMatchObject({
      'llm_stream.client_delivery_status': 'ok',
      'llm_stream.tool_call.validated': true,
    });
    expect(lines).toEqual([]);
  });

  test('of what is said before its request is out, the last word counts, and no more of it is kept', async () => {
    const { model, runner } = start('said often before', TOOL);
    const held = holdCall(runner);
    for (let time = 0; time < 130; time += 1) {
      held.persistence('failed');
      held.toolExecuted(time === 0 ? 'call_0' : `other_${time}`, time < 128);
    }
    expect(lines).toEqual([expect.stringContaining('the id of a tool call, at most 128 of them')]);
    held.persistence('ok');
    await runner.done();
    held.release();
    expect((await harness.span(model)).attributes).toMatchObject({
      'llm_stream.outcome': 'completed',
      'llm_stream.persistence_status': 'ok',
      'llm_stream.tool_call.execution_completed': true,
    });
  });

  test('one that is held again and again before its request is out is awaited by those that are not released', async () => {
    const { model, runner } = start('held often');
    const { awaited } = processState();
    const { signal } = runner.controller;
    for (let time = 0; time < 1000; time += 1) holdCall(runner).release();
    expect(awaited.has(signal)).toBe(false);
    const holds = Array.from({ length: 130 }, () => holdCall(runner));
    expect(awaited.get(signal)).toHaveLength(128);
    expect(lines).toEqual([
      UNTAKEN,
      'opentelemetry-instrumentation-llm-stream: a runner may be held 128 times before its call begins; this hold is left out',
    ]);
    await runner.done();
    for (const held of holds) {
      expect(spanCount(model)).toBe(0);
      held.persistence('ok');
      held.release();
      if (holds.indexOf(held) === 127) break;
    }
    expect((await harness.span(model)).attributes['llm_stream.persistence_status']).toBe('ok');
    for (const held of holds.slice(128)) held.release();
    expect(lines).toHaveLength(2);
  });

  test('a limit ends it', async () => {
    const { model, runner } = start('limit');
    const held = holdCall(runner, { limitMs: 20 });
    await runner.done();
    await harness.span(model);
    held.persistence('ok');
    expect(lines).toEqual([expect.stringContaining('`persistence` of a held call came after its release, or after')]);
  });

  test('one whose request is out, as before', async () => {
    const { model, runner } = start('connected');
    await new Promise<void>((resolve) => runner.on('connect', resolve));
    const held = holdCall(runner);
    await runner.done();
    expect(spanCount(model)).toBe(0);
    held.release();
    await harness.span(model);
    expect(lines).toEqual([]);
  });

  test('of one that makes several calls, streamed or whole, it is the first', async () => {
    for (const stream of [true, false]) {
      const model = define(`tools, ${stream ? 'streamed' : 'whole'}`, [TOOL, TEXT]);
      const helpers = helpersOf(sdk, clientOf());
      const tool = { name: 'book', description: 'Books.', parameters: {}, function: () => 'booked' };
      const request = { model, messages: [], tools: [{ type: 'function' as const, function: tool }] };
      const runner = stream ? helpers.runTools({ ...request, stream }) : helpers.runTools(request);
      const held = holdCall(runner);
      await runner.done();
      held.toolExecuted('call_0', true);
      expect(spanCount(model)).toBe(1);
      held.release();
      const [last, first] = await harness.spansOf(model, 2);
      expect(first?.attributes['llm_stream.tool_call.execution_completed']).toBe(true);
      expect(last?.attributes).not.toHaveProperty('llm_stream.persistence_status');
    }
    expect(lines).toEqual([]);
  });

  test.each<readonly [string, Record<string, string> | undefined, boolean]>([
    ['before its request is out', undefined, false],
    ['whose request is not observed', { ignored: '1' }, true],
  ])('the release of one %s costs a line', async (title, query, isDone) => {
    const { model, runner } = start(`released ${title}`, TEXT, query);
    const held = holdCall(runner);
    if (isDone) await runner.done();
    held.persistence('ok');
    held.release();
    held.release();
    expect(lines).toEqual([UNTAKEN]);
    if (!isDone) {
      await runner.done();
      expect((await harness.span(model)).attributes).not.toHaveProperty('llm_stream.persistence_status');
    }
  });

  test('one that has ended, unobserved, costs a line at once', async () => {
    const { runner } = start('ended unobserved', TEXT, { ignored: '1' });
    await runner.done();
    holdCall(runner).release();
    expect(lines).toEqual([expect.stringContaining('got what came out of no observed call; nothing is held')]);
  });

  test('the stream of a call that is not observed is no runner', async () => {
    const model = define('unobserved stream');
    const { completions } = clientOf({ ignored: '1' }).chat;
    const stream = await completions.create({ model, messages: [], stream: true });
    holdCall(stream).release();
    for await (const _ of stream);
    expect(lines).toEqual([expect.stringContaining('got what came out of no observed call; nothing is held')]);
  });

  test('a whole answer costs a line: its span is written when its promise settles', async () => {
    const model = define('whole');
    const answer = await clientOf().chat.completions.create({ model, messages: [] });
    holdCall(answer).persistence('failed');
    expect(lines).toEqual([
      'opentelemetry-instrumentation-llm-stream: `holdCall` expects a call whose stream has not ended, and no whole answer; its span is written already',
    ]);
    expect((await harness.span(model)).attributes['llm_stream.outcome']).toBe('completed');
  });
});
