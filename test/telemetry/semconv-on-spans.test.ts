/**
 * Every attribute on the span, or the span event, of a call that was really made: of ours one row per row of the table
 * in docs/design.md §6, then the conventions' own. That the rows are all of them, and that nothing else is written, is
 * checked against `semconv.ts`, of which `docs/attributes.md` is rendered.
 */
import { readFileSync } from 'node:fs';
import type { AttributeValue } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fetchWithBudgets } from '../../src/budgets.js';
import { holdCall, instrumentOpenAI, recordFailure, withCallContext } from '../../src/index.js';
import { chatPieces, chatText, chatToolCalls, httpError, type ScenarioOrList } from '../../src/testing/index.js';
import { type Harness, startHarness } from '../scenarios/harness.js';
import { type DescribedName, describedNames } from './render-attributes.js';

const STALL_MS = 20;
const CONFIG = { stallThresholdMs: STALL_MS };

let harness: Harness;
const spans = new Map<CallName, ReadableSpan>();

/** The calls that the rows are about. */
const CALL_NAMES = [
  'good',
  'cut',
  'reset',
  'quoted',
  'refused',
  'timedOut',
  'left',
  'long',
  'asked',
  'early',
  'budgeted',
] as const;
type CallName = (typeof CALL_NAMES)[number];

async function respond(name: string, scenario: ScenarioOrList, init: RequestInit = {}): Promise<Response> {
  const asked = harness.ask(name, scenario, { stream_options: { include_usage: true } });
  return fetch(asked.url, { ...asked.init, ...init });
}

/** All that a request can say of itself. */
const PARAMETERS = {
  max_completion_tokens: 1024,
  temperature: 0.2,
  top_p: 0.9,
  top_k: 40,
  seed: 7,
  n: 3,
  frequency_penalty: 0.1,
  presence_penalty: 0.3,
  stop: ['END', 'STOP'],
  reasoning_effort: 'high',
  response_format: { type: 'json_object' },
  service_tier: 'flex',
};

const CALLS: Readonly<Record<CallName, (name: string) => Promise<void>>> = {
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

  /** The same with the option that has messages of errors recorded. */
  async quoted(name: string) {
    harness.instrumentation.setConfig({ ...CONFIG, exceptionMessages: true });
    await CALLS.reset(name);
    harness.instrumentation.setConfig(CONFIG);
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

  /** Of an Azure deployment, with every parameter, and an answer that tells all of itself. */
  async asked(name: string) {
    const usage = {
      prompt_tokens: 128,
      completion_tokens: 512,
      total_tokens: 640,
      prompt_tokens_details: { cached_tokens: 64 },
      completion_tokens_details: { reasoning_tokens: 256 },
    };
    const answer = { id: 'chatcmpl-8f2a', model: 'gpt-5.1-2025-11-13', serviceTier: 'default', usage };
    const { init } = harness.ask(name, { reply: chatText(['Hello'], { ...answer, usageWhen: 'always' }) }, PARAMETERS);
    const url = `${harness.provider.url}/openai/deployments/${name}/chat/completions`;
    await (await fetch(url, init)).text();
  },

  async early(name: string) {
    recordFailure(new Error('no prompt'), { model: name });
  },

  async budgeted(name: string) {
    const limits = { connectMs: 3_000, headersMs: 30_000, firstTokenMs: 60_000, idleMs: 20_000, totalMs: 600_000 };
    const { url, init } = harness.ask(name, { reply: chatText(['Hello']) });
    await (await fetchWithBudgets(fetch, limits)(url, init)).text();
  },
};

beforeAll(async () => {
  instrumentOpenAI(OpenAI);
  harness = await startHarness(CONFIG);
  for (const name of CALL_NAMES) {
    await CALLS[name](name);
    spans.set(name, await harness.span(name));
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

/** The conventions' own, by their whole names. */
const STANDARD_ON_SPAN: readonly (readonly [name: string, call: CallName, expected: Expected])[] = [
  ['gen_ai.operation.name', 'asked', 'chat'],
  ['gen_ai.provider.name', 'asked', 'azure.ai.openai'],
  ['gen_ai.request.model', 'asked', 'asked'],
  ['server.address', 'asked', '127.0.0.1'],
  ['server.port', 'asked', atLeast(1)],
  ['gen_ai.request.stream', 'asked', true],
  ['gen_ai.request.max_tokens', 'asked', 1024],
  ['gen_ai.request.temperature', 'asked', 0.2],
  ['gen_ai.request.top_p', 'asked', 0.9],
  ['gen_ai.request.top_k', 'asked', 40],
  ['gen_ai.request.seed', 'asked', 7],
  ['gen_ai.request.choice.count', 'asked', 3],
  ['gen_ai.request.frequency_penalty', 'asked', 0.1],
  ['gen_ai.request.presence_penalty', 'asked', 0.3],
  ['gen_ai.request.stop_sequences', 'asked', ['END', 'STOP']],
  ['gen_ai.request.reasoning.level', 'asked', 'high'],
  ['gen_ai.output.type', 'asked', 'json'],
  ['openai.api.type', 'asked', 'chat_completions'],
  ['openai.request.service_tier', 'asked', 'flex'],
  ['azure.resource_provider.namespace', 'asked', 'Microsoft.CognitiveServices'],
  ['gen_ai.response.id', 'asked', 'chatcmpl-8f2a'],
  ['gen_ai.response.model', 'asked', 'gpt-5.1-2025-11-13'],
  ['gen_ai.response.finish_reasons', 'asked', ['stop']],
  ['gen_ai.response.time_to_first_chunk', 'asked', (value) => typeof value === 'number' && value > 0 && value < 20],
  ['gen_ai.usage.input_tokens', 'asked', 128],
  ['gen_ai.usage.output_tokens', 'asked', 512],
  ['gen_ai.usage.cache_read.input_tokens', 'asked', 64],
  ['gen_ai.usage.reasoning.output_tokens', 'asked', 256],
  ['openai.response.service_tier', 'asked', 'default'],
  ['openai.response.system_fingerprint', 'asked', 'fp_faulty'],
  ['error.type', 'refused', 'rate_limit_exceeded'],
  ['http.response.status_code', 'refused', 429],
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

const STANDARD_ON_SPAN_EVENTS: typeof ON_SPAN_EVENTS = [
  ['gen_ai.tool.name', 'good', 'llm_stream.tool_call.started', 'book'],
  ['gen_ai.tool.call.id', 'good', 'llm_stream.tool_call.started', 'call_a'],
  ['exception.type', 'reset', 'exception', 'TypeError'],
  ['exception.message', 'quoted', 'exception', 'terminated'],
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

const ATTRIBUTES = describedNames().filter(({ constant }) => constant.startsWith('ATTR_'));

function isOnSpan({ facts }: DescribedName): boolean {
  return (facts['on'] ?? 'span').split(', ').includes('span');
}

function isOnMetrics({ facts }: DescribedName): boolean {
  return facts['on']?.startsWith('gen_ai.client.') ?? false;
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

  test.each(STANDARD_ON_SPAN)('%s, where the call is %s', (name, call, expected) => {
    expectValue(spanOf(call).attributes[name], expected);
  });

  test.each(CALL_NAMES)('what is always there, where the call is %s', (call) => {
    const isThere = call === 'early' ? /^always$/ : /^always\b/;
    const always = ATTRIBUTES.filter((one) => isOnSpan(one) && isThere.test(one.facts['present'] ?? ''));
    expect(always.length).toBeGreaterThanOrEqual(call === 'early' ? 9 : 12);
    expect(Object.keys(spanOf(call).attributes)).toEqual(expect.arrayContaining(always.map(({ name }) => name)));
  });
});

describe('a span event has', () => {
  test.each(ON_SPAN_EVENTS)('llm_stream.%s, where the call is %s, on %s', (name, call, event, expected) => {
    const found = spanOf(call).events.find((one) => one.name === event);
    expectValue(found?.attributes?.[`llm_stream.${name}`], expected);
  });

  test.each(STANDARD_ON_SPAN_EVENTS)('%s, where the call is %s, on %s', (name, call, event, expected) => {
    const found = spanOf(call).events.find((one) => one.name === event);
    expectValue(found?.attributes?.[name], expected);
  });
});

describe('there is a span event', () => {
  test.each(SPAN_EVENTS)('%s, where the call is %s', (name, call) => {
    expect(spanOf(call).events.map((event) => event.name)).toContain(name);
  });
});

describe('semconv.ts names', () => {
  test('the attributes that are shown here, and no other', () => {
    const shown = [...ON_SPAN.map(([name]) => `llm_stream.${name}`), ...STANDARD_ON_SPAN.map(([name]) => name)];
    const shownOnEvents = [
      ...ON_SPAN_EVENTS.map(([name]) => `llm_stream.${name}`),
      ...STANDARD_ON_SPAN_EVENTS.map(([name]) => name),
    ];
    const named = (rows: readonly DescribedName[]) => rows.map(({ name }) => name).sort();
    expect(shown.sort()).toEqual(named(ATTRIBUTES.filter(isOnSpan)));
    expect(shownOnEvents.sort()).toEqual(named(ATTRIBUTES.filter((one) => !isOnSpan(one) && !isOnMetrics(one))));
  });

  test('the attributes of the table in docs/design.md, and no other', () => {
    expect(designTable()).toEqual(ON_SPAN.map(([name]) => name).sort());
  });

  test('the span events that are shown here, and no other', () => {
    const names = describedNames().flatMap(({ constant, name }) => (constant.startsWith('EVENT_') ? [name] : []));
    expect(SPAN_EVENTS.map(([name]) => name).sort()).toEqual(names.sort());
  });

  test('all that these spans and their span events have', () => {
    const names = new Set(ATTRIBUTES.map(({ name }) => name));
    const written = [...spans.values()].flatMap((span) =>
      [span.attributes, ...span.events.map((event) => event.attributes ?? {})].flatMap(Object.keys),
    );
    expect(written.filter((name) => !names.has(name))).toEqual([]);
    expect(written.length).toBeGreaterThan(200);
  });
});
