/**
 * Every attribute of ours on the span, or the span event, of a call that was really made: one row per row of the table
 * in docs/design.md §6. That the rows are all of them, and that nothing else is written, is checked against `semconv.ts`,
 * of which `docs/attributes.md` is rendered.
 */
import { readFileSync } from 'node:fs';
import type { AttributeValue } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fetchWithBudgets } from '../../src/budgets.js';
import { holdCall, instrumentOpenAI, withCallContext } from '../../src/index.js';
import { chatPieces, chatText, chatToolCalls, httpError, type ScenarioOrList } from '../../src/testing/index.js';
import { type Harness, startHarness } from '../scenarios/harness.js';
import { describedNames } from './render-attributes.js';

const STALL_MS = 20;

let harness: Harness;
const spans = new Map<CallName, ReadableSpan>();

async function respond(name: string, scenario: ScenarioOrList, init: RequestInit = {}): Promise<Response> {
  const asked = harness.ask(name, scenario, { stream_options: { include_usage: true } });
  return fetch(asked.url, { ...asked.init, ...init });
}

/** The calls that the rows are about. */
const CALLS = {
  /** Through the SDK, refused once, then two tools, said to be valid and executed, held; in a context. */
  async good(name: string) {
    const headers = {
      'x-request-id': 'req_8f2a',
      'x-ms-region': 'East US 2',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-remaining-tokens': '149000',
    };
    const tools = chatToolCalls([
      { name: 'book', id: 'call_a', fragments: ['{"room":', '7}'] },
      { name: 'mail', id: 'call_b', fragments: ['{}'] },
    ]);
    harness.provider.define(name, [
      { reply: httpError(503, {}, { 'retry-after-ms': '5' }) },
      {
        reply: tools,
        faults: [
          { type: 'headers', headers },
          { type: 'stall', afterChunks: 2, ms: 60 },
        ],
      },
    ]);
    const client = new OpenAI({ apiKey: 'sk-any', baseURL: `${harness.provider.url}/v1` });
    const said = { requestId: 'req-7f3a', feature: 'booking', route: '/chat/:id', configVersion: 'v7' };
    await withCallContext({ ...said, retryAttempt: 2, fallbackAttempt: 1 }, async () => {
      const stream = await client.chat.completions.create({
        model: name,
        stream: true,
        stream_options: { include_usage: true },
        messages: [{ role: 'user', content: 'Hello' }],
        tools: [{ type: 'function', function: { name: 'book' } }],
      });
      using held = holdCall(stream);
      for await (const _ of stream);
      for (const id of ['call_a', 'call_b']) {
        held.toolValidated(id, true);
        held.toolExecuted(id, true);
      }
      held.persistence('ok');
      held.processing('ok');
      held.delivery('ok');
    });
  },

  /** Raw, ends in the middle of a tool call; reasoning before it, keep-alives and a malformed chunk on the way. */
  async cut(name: string) {
    const reply = chatPieces([
      { type: 'reasoning', text: 'Hmm' },
      { type: 'text', text: 'Hello' },
      { type: 'tool_call', index: 0, id: 'call_a', name: 'book' },
      { type: 'tool_arguments', index: 0, fragment: '{"room":' },
    ]);
    const response = await respond(name, {
      reply,
      faults: [
        { type: 'heartbeats', everyChunks: 2 },
        { type: 'malformed_chunk', afterChunks: 1 },
        { type: 'silent_end', afterChunks: 5 },
      ],
    });
    await response.text();
  },

  async reset(name: string) {
    const response = await respond(name, { reply: chatText(['Hello']), faults: [{ type: 'reset', afterChunks: 2 }] });
    await response.text().catch(() => {});
  },

  async refused(name: string) {
    const error = { type: 'requests', code: 'rate_limit_exceeded', param: 'model' };
    await (await respond(name, { reply: httpError(429, error, { 'retry-after': '2' }) })).text();
  },

  async timedOut(name: string) {
    const signal = AbortSignal.timeout(100);
    const hold = { afterChunks: 1, until: 'client_gone' } as const;
    await respond(name, { reply: chatText(['Hello']), hold }, { signal })
      .then((response) => response.text())
      .catch(() => {});
  },

  /** Read after a pause, then left. */
  async left(name: string) {
    const response = await respond(name, {
      reply: chatText(['Hello']),
      hold: { afterChunks: 2, until: 'client_gone' },
    });
    const since = performance.now();
    await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(since + 30), { interval: 5 });
    const decoder = new TextDecoder();
    let text = '';
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes);
      if (text.includes('Hello')) break;
    }
  },

  /** More fragments than a span has room for. */
  async long(name: string) {
    const fragments = ['"', ...Array.from({ length: 200 }, () => 'x'), '"'];
    await (await respond(name, { reply: chatToolCalls([{ name: 'book', fragments }]) })).text();
  },

  async budgeted(name: string) {
    const limits = { connectMs: 3_000, headersMs: 30_000, firstTokenMs: 60_000, idleMs: 20_000, totalMs: 600_000 };
    const { url, init } = harness.ask(name, { reply: chatText(['Hello']) });
    await (await fetchWithBudgets(fetch, limits)(url, init)).text();
  },
} satisfies Record<string, (name: string) => Promise<void>>;

type CallName = keyof typeof CALLS;

beforeAll(async () => {
  instrumentOpenAI(OpenAI);
  harness = await startHarness({ stallThresholdMs: STALL_MS });
  for (const [name, call] of Object.entries(CALLS)) {
    await call(name);
    // The keys of CALLS are its names.
    spans.set(name as CallName, await harness.span(name));
  }
});
afterAll(() => harness.close());

/** A value as it is, or what holds of it. */
type Expected = AttributeValue | ((value: unknown) => boolean);

const whole: Expected = (value) => Number.isInteger(value) && Number(value) >= 0;
const atLeast =
  (least: number): Expected =>
  (value) =>
    Number.isInteger(value) && Number(value) >= least;

/** By its name without `llm_stream.`: on which call's span, and with what value. */
const ON_SPAN: readonly (readonly [name: string, call: CallName, expected: Expected])[] = [
  ['outcome', 'good', 'completed'],
  ['failure_stage', 'cut', 'during_tool_call'],
  ['stage', 'cut', 'during_tool_call'],
  ['termination_kind', 'good', 'done_event'],
  ['completion', 'good', 'tool_calls'],
  ['error_category', 'cut', 'stream_interrupted'],
  ['retryable', 'cut', true],
  ['fault', 'cut', 'upstream'],
  ['timeout_kind', 'timedOut', 'first_token'],
  ['provider_error.type', 'refused', 'requests'],
  ['provider_error.code', 'refused', 'rate_limit_exceeded'],
  ['provider_error.param', 'refused', 'model'],
  ['network_error_code', 'reset', 'ECONNRESET'],
  ['chunk_count', 'cut', 5],
  ['output_chunk_count', 'cut', 4],
  ['invalid_chunk_count', 'cut', 1],
  ['bytes_received', 'cut', atLeast(500)],
  ['keep_alive_count', 'cut', 2],
  ['output_characters', 'cut', 5],
  ['reasoning_characters', 'cut', 3],
  ['usage_available', 'good', true],
  ['usage_source', 'good', 'final'],
  ['estimated_output_tokens', 'cut', 4],
  ['estimated_input_tokens', 'cut', atLeast(1)],
  ['done_event_received', 'good', true],
  ['finish_reason_received', 'cut', false],
  ['time_to_headers_ms', 'good', whole],
  ['time_to_first_token_ms', 'good', whole],
  ['time_to_last_chunk_ms', 'good', atLeast(60)],
  ['stream_duration_ms', 'good', atLeast(60)],
  ['max_chunk_gap_ms', 'good', atLeast(STALL_MS)],
  ['consumer_pause_ms', 'left', atLeast(29)],
  ['first_token_channel', 'cut', 'reasoning'],
  ['stall_count', 'good', atLeast(1)],
  ['stall_threshold_ms', 'good', 20],
  ['attempt_count', 'good', 2],
  ['retry_delay_ms', 'good', whole],
  ['retry_after_ms', 'refused', 2_000],
  ['fallback_attempt', 'good', 1],
  ['retry_attempt', 'good', 2],
  ['rate_limit.remaining_requests', 'good', 59],
  ['rate_limit.remaining_tokens', 'good', 149_000],
  ['upstream_cancelled', 'left', true],
  ['tool_call.count', 'good', 2],
  ['tool_call.completed_count', 'good', 2],
  ['tool_call.fragment_count', 'good', 3],
  ['tool_call.argument_characters', 'good', 12],
  ['tool_call.names', 'good', ['book', 'mail']],
  ['tool_call.incomplete_names', 'cut', ['book']],
  ['tool_call.arguments_completed', 'good', true],
  ['tool_call.validated', 'good', true],
  ['tool_call.execution_started', 'good', true],
  ['tool_call.execution_completed', 'good', true],
  ['span_events.suppressed_count', 'long', atLeast(100)],
  ['request.body_size', 'good', atLeast(100)],
  ['request.message_count', 'good', 1],
  ['request.tool_count', 'good', 1],
  ['api_key_present', 'good', true],
  ['feature', 'good', 'booking'],
  ['route', 'good', '/chat/:id'],
  ['config_version', 'good', 'v7'],
  ['request_id', 'good', 'req-7f3a'],
  ['provider_request_id', 'good', 'req_8f2a'],
  ['provider_region', 'good', 'East US 2'],
  ['persistence_status', 'good', 'ok'],
  ['processing_status', 'good', 'ok'],
  ['client_delivery_status', 'good', 'ok'],
  ['budget.connect_ms', 'budgeted', 3_000],
  ['budget.headers_ms', 'budgeted', 30_000],
  ['budget.first_token_ms', 'budgeted', 60_000],
  ['budget.idle_ms', 'budgeted', 20_000],
  ['budget.total_ms', 'budgeted', 600_000],
  ['observed_by', 'good', ['fetch', 'openai']],
];

/** The same of span events: of the first one of its name that the call has. */
const ON_SPAN_EVENTS: readonly (readonly [name: string, call: CallName, event: string, expected: Expected])[] = [
  ['elapsed_ms', 'good', 'llm_stream.first_chunk', whole],
  ['attempt_number', 'good', 'llm_stream.attempt', 1],
  ['choice_index', 'good', 'llm_stream.finish', 0],
  ['tool_call.index', 'good', 'llm_stream.tool_call.started', 0],
  ['tool_call.fragment_index', 'good', 'llm_stream.tool_call.fragment', 0],
  ['tool_call.fragment_characters', 'good', 'llm_stream.tool_call.fragment', 8],
  ['chunk_gap_ms', 'good', 'llm_stream.stall', atLeast(STALL_MS)],
  ['finish_reason', 'good', 'llm_stream.finish', 'tool_calls'],
];

/** On which calls each span event is. */
const SPAN_EVENTS: readonly (readonly [name: string, call: CallName])[] = [
  ['llm_stream.attempt', 'good'],
  ['llm_stream.response_headers', 'good'],
  ['llm_stream.first_chunk', 'good'],
  ['llm_stream.first_token', 'good'],
  ['llm_stream.tool_call.started', 'good'],
  ['llm_stream.tool_call.fragment', 'good'],
  ['llm_stream.tool_call.completed', 'good'],
  ['llm_stream.invalid_chunk', 'cut'],
  ['llm_stream.stall', 'good'],
  ['llm_stream.usage', 'good'],
  ['llm_stream.finish', 'good'],
  ['llm_stream.done', 'good'],
  ['llm_stream.cancelled', 'left'],
  ['exception', 'reset'],
];

/** The names of the table of §6; one that begins with a dot is of the namespace of the one before it. */
function designTable(): string[] {
  const design = readFileSync(new URL('../../docs/design.md', import.meta.url), 'utf8');
  const [, table = ''] = design.split('\n| attribute | type | note |\n|---|---|---|\n');
  const [rows = ''] = table.split('\n\n');
  const names: string[] = [];
  for (const row of rows.split('\n')) {
    let namespace = '';
    for (const [, name = ''] of (row.split('|')[1] ?? '').matchAll(/`([\w.]+)`/g)) {
      names.push(name.startsWith('.') ? namespace + name : name);
      if (!name.startsWith('.')) namespace = name.split('.', 1)[0] ?? '';
    }
  }
  return names.sort();
}

function expectValue(value: unknown, expected: Expected): void {
  if (typeof expected === 'function') expect(value).toSatisfy(expected);
  else expect(value).toEqual(expected);
}

function spanOf(call: CallName): ReadableSpan {
  return spans.get(call) ?? expect.fail(`no span of ${call}`);
}

describe('a span has', () => {
  test.each(ON_SPAN)('llm_stream.%s, where the call is %s', (name, call, expected) => {
    expectValue(spanOf(call).attributes[`llm_stream.${name}`], expected);
  });
});

describe('a span event has', () => {
  test.each(ON_SPAN_EVENTS)('llm_stream.%s, where the call is %s, on %s', (name, call, event, expected) => {
    const found = spanOf(call).events.find((one) => one.name === event);
    expectValue(found?.attributes?.[`llm_stream.${name}`], expected);
  });
});

describe('there is a span event', () => {
  test.each(SPAN_EVENTS)('%s, where the call is %s', (name, call) => {
    expect(spanOf(call).events.map((event) => event.name)).toContain(name);
  });
});

describe('semconv.ts names', () => {
  const described = describedNames();
  const attributes = described.filter(({ constant }) => constant.startsWith('ATTR_'));
  const isOn = (facts: Readonly<Record<string, string>>, place: RegExp) => place.test(facts['on'] ?? 'span');

  test('the attributes of ours that are shown here, and no other', () => {
    const ours = attributes.filter(({ facts }) => facts['source'] === 'ours');
    const onSpan = ours.filter(({ facts }) => isOn(facts, /(^|, )span(,|$)/)).map(({ name }) => name);
    const onEvents = ours.filter(({ facts }) => !isOn(facts, /(^|, )span(,|$)/)).map(({ name }) => name);
    expect(ON_SPAN.map(([name]) => `llm_stream.${name}`).sort()).toEqual(onSpan.sort());
    expect(ON_SPAN_EVENTS.map(([name]) => `llm_stream.${name}`).sort()).toEqual(onEvents.sort());
  });

  test('the attributes of the table in docs/design.md, and no other', () => {
    expect(designTable()).toEqual(ON_SPAN.map(([name]) => name).sort());
  });

  test('the span events that are shown here, and no other', () => {
    const names = described.filter(({ constant }) => constant.startsWith('EVENT_')).map(({ name }) => name);
    expect(SPAN_EVENTS.map(([name]) => name).sort()).toEqual(names.sort());
  });

  test('all that these spans and their span events have', () => {
    const names = new Set(attributes.map(({ name }) => name));
    const written = [...spans.values()].flatMap((span) =>
      [span.attributes, ...span.events.map((event) => event.attributes ?? {})].flatMap(Object.keys),
    );
    expect(written.filter((name) => !names.has(name))).toEqual([]);
    expect(written.length).toBeGreaterThan(200);
  });
});
