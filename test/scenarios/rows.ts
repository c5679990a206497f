/** The scenario matrix: what goes wrong, what the application sees, what the span says. Literals only. */
import {
  type ChatOptions,
  chatChoices,
  chatCompletion,
  chatPieces,
  chatText,
  chatToolCalls,
  httpError,
  httpReply,
  httpText,
  type ScenarioOrList,
  ssePayloads,
} from '../../src/testing/index.js';
import { CANARY, type SpanFacts } from './harness.js';

export interface Row {
  readonly name: string;
  /** Undefined: no server answers, `at` says where the request goes. */
  readonly scenario?: ScenarioOrList;
  readonly at?: 'closed port' | 'unresolvable host';
  /** More of the request body. */
  readonly request?: Record<string, unknown>;
  /** The caller's own limit. */
  readonly timeoutMs?: number;
  readonly stallThresholdMs?: number;
  /** Milliseconds that the consumer is busy after its first read. */
  readonly busyMs?: number;
  /** What a raw reader is told: `ended`, or an error. */
  readonly raw: string;
  /** What a loop over the OpenAI SDK's stream is told. */
  readonly sdk: string;
  readonly span: SpanFacts;
  /** What differs where the SDK reads: it leaves at what it cannot take. */
  readonly sdkSpan?: SpanFacts;
  readonly sdkScenario?: ScenarioOrList;
  /** What differs where the SDK itself is observed: in all its versions, and in single ones. */
  readonly openai?: Readonly<Partial<Record<'all' | 4 | 5 | 6 | 7, Partial<Pick<Row, 'sdk' | 'span'>>>>>;
  /** Resets need a prompt reader, hangs never end: no second run in other packets. */
  readonly packets?: false;
}

const TEXTS = [CANARY, ' says', ' hello'];
const text = (options: ChatOptions = {}) => chatText(TEXTS, options);
const weather = (fragments: readonly string[], options: ChatOptions = {}) =>
  chatToolCalls([{ name: 'get_weather', fragments }], options);
const CUT_ARGUMENTS = ['{"city": ', `"${CANARY}`];
const WHOLE_ARGUMENTS = ['{"city": ', `"${CANARY}"}`];
const message = `${CANARY} in an error message`;

const completed = (more: Partial<SpanFacts> = {}): SpanFacts => ({
  outcome: 'completed',
  stage: 'done',
  termination: 'done_event',
  chunks: 5,
  finish: ['stop'],
  ...more,
});
const cut = (stage: string, more: Partial<SpanFacts> = {}): SpanFacts => ({
  outcome: 'failed',
  failureStage: stage,
  stage,
  termination: 'eof',
  category: 'stream_interrupted',
  fault: 'upstream',
  retryable: true,
  finish: ['error'],
  ...more,
});
const withoutFinish = ({ finish: _, ...facts }: SpanFacts): SpanFacts => facts;
const rejected = (category: string, fault: 'application' | 'provider', more: Partial<SpanFacts> = {}): SpanFacts => ({
  outcome: 'failed',
  failureStage: 'request_rejected',
  stage: 'before_headers',
  termination: 'http_error',
  category,
  fault,
  retryable: fault === 'provider',
  chunks: 0,
  ...more,
});

const answer = {
  id: 'chatcmpl-whole',
  object: 'chat.completion',
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: CANARY }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
};

export const ROWS: readonly Row[] = [
  // ── good endings ──
  {
    name: 'ok without usage',
    scenario: { reply: text() },
    raw: 'ended',
    sdk: 'ended',
    span: completed({
      also: {
        'llm_stream.completion': 'stop',
        'llm_stream.done_event_received': true,
        'llm_stream.finish_reason_received': true,
        'llm_stream.usage_source': 'none',
        'llm_stream.output_characters': 17,
        'llm_stream.output_chunk_count': 3,
        'llm_stream.estimated_output_tokens': 5,
        'llm_stream.first_token_channel': 'text',
      },
    }),
  },
  {
    name: 'ok with usage',
    scenario: { reply: text() },
    request: { stream_options: { include_usage: true } },
    raw: 'ended',
    sdk: 'ended',
    span: completed({
      chunks: 6,
      usage: true,
      also: { 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 3, 'llm_stream.usage_source': 'final' },
    }),
  },
  {
    name: 'no [DONE]',
    scenario: { reply: text(), faults: [{ type: 'no_done' }] },
    raw: 'ended',
    sdk: 'ended',
    span: completed({
      termination: 'finish_reason_eof',
      category: 'missing_done_event',
      also: { 'llm_stream.done_event_received': false },
    }),
  },
  {
    name: 'no final blank line',
    scenario: { reply: text(), faults: [{ type: 'no_final_blank_line' }] },
    raw: 'ended',
    sdk: 'ended',
    span: completed(),
  },
  {
    name: 'no final blank line and no [DONE]',
    scenario: { reply: text(), faults: [{ type: 'no_done' }, { type: 'no_final_blank_line', lineEnds: 1 }] },
    raw: 'ended',
    sdk: 'ended',
    span: completed({ termination: 'finish_reason_eof', category: 'missing_done_event' }),
    // Before 7 the SDK drops a last message without its blank line: the loop never saw the finish reason.
    openai: {
      4: { span: cut('after_first_token', { chunks: 4 }) },
      5: { span: cut('after_first_token', { chunks: 4 }) },
      6: { span: cut('after_first_token', { chunks: 4 }) },
    },
  },
  {
    name: 'length',
    scenario: { reply: text({ finishReason: 'length' }) },
    raw: 'ended',
    sdk: 'ended',
    span: completed({ finish: ['length'], also: { 'llm_stream.completion': 'length' } }),
  },
  {
    name: 'length with cut tool arguments',
    scenario: { reply: weather(CUT_ARGUMENTS, { finishReason: 'length' }) },
    raw: 'ended',
    sdk: 'ended',
    span: completed({
      finish: ['length'],
      category: 'incomplete_tool_arguments',
      also: {
        'llm_stream.tool_call.arguments_completed': false,
        'llm_stream.tool_call.incomplete_names': ['get_weather'],
      },
    }),
  },
  {
    name: 'a whole tool call',
    scenario: { reply: weather(WHOLE_ARGUMENTS) },
    raw: 'ended',
    sdk: 'ended',
    span: completed({
      finish: ['tool_calls'],
      also: {
        'llm_stream.completion': 'tool_calls',
        'llm_stream.tool_call.count': 1,
        'llm_stream.tool_call.completed_count': 1,
        'llm_stream.tool_call.fragment_count': 2,
        'llm_stream.tool_call.argument_characters': 18,
        'llm_stream.tool_call.arguments_completed': true,
        'llm_stream.tool_call.names': ['get_weather'],
        'llm_stream.first_token_channel': 'tool_call',
      },
    }),
  },
  {
    name: 'a tool without arguments',
    scenario: { reply: weather([]) },
    raw: 'ended',
    sdk: 'ended',
    span: completed({
      finish: ['tool_calls'],
      chunks: 3,
      also: { 'llm_stream.tool_call.arguments_completed': true, 'llm_stream.tool_call.argument_characters': 0 },
    }),
  },
  {
    name: 'two parallel tool calls',
    scenario: {
      reply: chatToolCalls(
        [
          { name: 'get_weather', fragments: WHOLE_ARGUMENTS },
          { name: 'get_time', fragments: ['{}'] },
        ],
        { interleaved: true },
      ),
    },
    raw: 'ended',
    sdk: 'ended',
    span: completed({
      finish: ['tool_calls'],
      chunks: 7,
      also: {
        'llm_stream.tool_call.count': 2,
        'llm_stream.tool_call.completed_count': 2,
        'llm_stream.tool_call.fragment_count': 3,
        'llm_stream.tool_call.names': ['get_weather', 'get_time'],
      },
    }),
  },
  {
    name: '2,000 tool fragments',
    scenario: { reply: weather(['{"a":[', ...Array.from({ length: 1998 }, () => '1,'), '1]}']) },
    raw: 'ended',
    sdk: 'ended',
    span: completed({
      finish: ['tool_calls'],
      chunks: 2003,
      also: {
        'llm_stream.tool_call.fragment_count': 2000,
        'llm_stream.tool_call.argument_characters': 4005,
        'llm_stream.span_events.suppressed_count': 1920,
      },
    }),
  },
  {
    name: 'content filter',
    scenario: { reply: text({ finishReason: 'content_filter' }) },
    raw: 'ended',
    sdk: 'ended',
    span: completed({ finish: ['content_filter'], also: { 'llm_stream.completion': 'content_filter' } }),
  },
  {
    name: 'refusal',
    scenario: { reply: chatPieces([{ type: 'refusal', text: `${CANARY}, no` }]) },
    raw: 'ended',
    sdk: 'ended',
    span: completed({
      chunks: 3,
      also: { 'llm_stream.first_token_channel': 'refusal', 'llm_stream.output_characters': 10 },
    }),
  },
  {
    name: 'reasoning',
    scenario: {
      reply: chatPieces([
        { type: 'reasoning', text: `${CANARY}?` },
        { type: 'text', text: 'Yes' },
      ]),
    },
    raw: 'ended',
    sdk: 'ended',
    span: completed({
      chunks: 4,
      also: {
        'llm_stream.first_token_channel': 'reasoning',
        'llm_stream.reasoning_characters': 7,
        'llm_stream.output_characters': 3,
      },
    }),
  },
  {
    name: 'empty-choices preamble',
    scenario: { reply: text(), faults: [{ type: 'empty_choices_preamble' }] },
    raw: 'ended',
    sdk: 'ended',
    span: completed({ chunks: 6 }),
  },
  {
    name: 'UTF-8 and CRLF in single bytes between heartbeats',
    scenario: {
      reply: chatText(['Grüße ', '👋🏽', ' 日本']),
      faults: [{ type: 'heartbeats', everyChunks: 1 }],
      delivery: { writes: { sliced: { bytes: 1 } }, lineEnding: '\r\n' },
    },
    raw: 'ended',
    sdk: 'ended',
    span: completed({ also: { 'llm_stream.output_characters': 11, 'llm_stream.keep_alive_count': 5 } }),
  },
  {
    name: 'stall and resume',
    scenario: { reply: text(), faults: [{ type: 'stall', afterChunks: 3, ms: 300 }] },
    stallThresholdMs: 200,
    raw: 'ended',
    sdk: 'ended',
    span: completed({ also: { 'llm_stream.stall_count': 1, 'llm_stream.stall_threshold_ms': 200 } }),
  },
  {
    name: 'busy consumer',
    scenario: { reply: text() },
    stallThresholdMs: 250,
    busyMs: 400,
    raw: 'ended',
    sdk: 'ended',
    span: completed({ also: { 'llm_stream.stall_count': 0 } }),
  },

  // ── rejected ──
  {
    name: '401',
    scenario: { reply: httpError(401, { message, type: 'invalid_request_error', code: 'invalid_api_key' }) },
    raw: 'ended',
    sdk: `AuthenticationError: 401 ${message}`,
    span: rejected('auth', 'application', {
      also: {
        'error.type': 'invalid_api_key',
        'http.response.status_code': 401,
        'llm_stream.provider_error.code': 'invalid_api_key',
      },
    }),
  },
  {
    name: '403',
    scenario: { reply: httpError(403, { message, code: 'unsupported_country_region_territory' }) },
    raw: 'ended',
    sdk: `PermissionDeniedError: 403 ${message}`,
    span: rejected('auth', 'application', { also: { 'error.type': 'unsupported_country_region_territory' } }),
  },
  {
    name: '404',
    scenario: { reply: httpError(404, { message, type: 'invalid_request_error', code: 'model_not_found' }) },
    raw: 'ended',
    sdk: `NotFoundError: 404 ${message}`,
    span: rejected('not_found', 'application', { also: { 'error.type': 'model_not_found' } }),
  },
  {
    name: '429',
    scenario: {
      reply: httpError(
        429,
        { message, type: 'requests', code: 'rate_limit_exceeded' },
        { 'retry-after': '2', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-remaining-tokens': '149' },
      ),
    },
    raw: 'ended',
    sdk: `RateLimitError: 429 ${message}`,
    span: rejected('rate_limit', 'provider', {
      also: {
        'error.type': 'rate_limit_exceeded',
        'llm_stream.retry_after_ms': 2000,
        'llm_stream.rate_limit.remaining_requests': 0,
        'llm_stream.rate_limit.remaining_tokens': 149,
      },
    }),
  },
  {
    name: '429 without quota',
    scenario: { reply: httpError(429, { message, type: 'insufficient_quota', code: 'insufficient_quota' }) },
    raw: 'ended',
    sdk: `RateLimitError: 429 ${message}`,
    span: rejected('quota', 'application', { also: { 'error.type': 'insufficient_quota' } }),
  },
  {
    name: '500 HTML',
    scenario: { reply: httpText(500, `<html>${CANARY}</html>`) },
    raw: 'ended',
    sdk: `InternalServerError: 500 <html>${CANARY}</html>`,
    span: rejected('server_error', 'provider', { also: { 'error.type': '500' } }),
  },
  {
    name: '400 context length',
    scenario: {
      reply: httpError(400, {
        message: `This model's maximum context length is 8192 tokens. ${CANARY}`,
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      }),
    },
    raw: 'ended',
    sdk: `BadRequestError: 400 This model's maximum context length is 8192 tokens. ${CANARY}`,
    span: rejected('context_length', 'application', { also: { 'llm_stream.provider_error.param': 'messages' } }),
  },
  {
    name: '400 tool schema',
    scenario: {
      reply: httpError(400, {
        message,
        type: 'invalid_request_error',
        param: 'tools[0].function.parameters',
        code: 'invalid_function_parameters',
      }),
    },
    raw: 'ended',
    sdk: `BadRequestError: 400 ${message}`,
    span: rejected('invalid_request', 'application', { also: { 'error.type': 'invalid_function_parameters' } }),
  },
  {
    name: '200 HTML',
    scenario: { reply: httpText(200, `<html>${CANARY}</html>`) },
    raw: 'ended',
    sdk: 'ended',
    span: rejected('invalid_response', 'provider', { finish: ['error'] }),
  },
  {
    name: '200 JSON',
    scenario: { reply: chatCompletion(answer) },
    raw: 'ended',
    sdk: 'ended',
    span: completed({ termination: 'finish_reason_eof', chunks: 1, usage: true }),
    // A loop over it has no chunk and no error.
    openai: { all: { span: rejected('invalid_response', 'provider', { finish: ['error'] }) } },
  },
  {
    name: '200 JSON error',
    scenario: { reply: httpReply({ status: 200, body: { error: { message, type: 'server_error', code: null } } }) },
    raw: 'ended',
    sdk: 'ended',
    span: rejected('server_error', 'provider', { termination: 'error_payload', finish: ['error'] }),
    // What the body says, nobody reads but node-fetch.
    openai: { 4: { span: rejected('invalid_response', 'provider', { finish: ['error'] }) } },
  },
  {
    name: 'empty 200',
    scenario: { reply: httpReply({ status: 200, headers: { 'content-type': 'text/event-stream' } }) },
    raw: 'ended',
    sdk: 'ended',
    span: cut('before_first_token', { chunks: 0 }),
  },

  // ── the provider says so in the stream ──
  {
    name: 'in-band error first',
    scenario: {
      reply: text(),
      faults: [
        { type: 'in_band_error', after: 'headers', error: { message, type: 'server_error', code: 'overloaded' } },
      ],
    },
    raw: 'ended',
    sdk: `APIError: ${message}`,
    span: cut('before_first_token', {
      termination: 'error_payload',
      category: 'overloaded',
      fault: 'provider',
      chunks: 0,
      also: { 'error.type': 'overloaded' },
    }),
  },
  {
    name: 'in-band error late',
    scenario: {
      reply: text(),
      faults: [{ type: 'in_band_error', afterChunks: 3, error: { message, type: 'server_error' } }],
    },
    raw: 'ended',
    sdk: `APIError: ${message}`,
    span: cut('after_first_token', {
      termination: 'error_payload',
      category: 'server_error',
      fault: 'provider',
      chunks: 3,
      also: { 'error.type': 'server_error' },
    }),
  },
  {
    name: 'in-band error before [DONE] in one read',
    scenario: {
      reply: text(),
      faults: [
        {
          type: 'in_band_error',
          afterChunks: 3,
          error: { message, type: 'server_error' },
          thenDone: true,
          sameWrite: true,
        },
      ],
    },
    raw: 'ended',
    sdk: `APIError: ${message}`,
    span: cut('after_first_token', {
      termination: 'error_payload',
      category: 'server_error',
      fault: 'provider',
      chunks: 3,
    }),
  },
  {
    name: 'finish reason error',
    scenario: { reply: text({ finishReason: 'error' }) },
    raw: 'ended',
    sdk: 'ended',
    span: cut('after_first_token', {
      termination: 'error_payload',
      category: 'server_error',
      fault: 'provider',
      chunks: 5,
    }),
  },
  {
    name: 'tool_calls with cut arguments',
    scenario: { reply: weather(CUT_ARGUMENTS) },
    raw: 'ended',
    sdk: 'ended',
    span: cut('during_tool_call', {
      termination: 'done_event',
      category: 'incomplete_tool_arguments',
      fault: 'provider',
      retryable: false,
      chunks: 5,
      finish: ['tool_calls'],
    }),
  },

  // ── malformed ──
  {
    name: 'malformed JSON then good',
    scenario: { reply: text(), faults: [{ type: 'malformed_chunk', afterChunks: 2, text: `{"${CANARY}` }] },
    raw: 'ended',
    sdk: 'SyntaxError',
    span: completed({ category: 'invalid_stream_chunk', also: { 'llm_stream.invalid_chunk_count': 1 } }),
    sdkScenario: {
      reply: ssePayloads([
        { choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] },
        { choices: [{ index: 0, delta: { content: CANARY } }] },
        `{"${CANARY}`,
      ]),
      hold: { afterChunks: 3, until: 'client_gone' },
    },
    sdkSpan: cut('after_first_token', { termination: 'decode_error', category: 'invalid_stream_chunk', chunks: 2 }),
  },
  {
    name: 'malformed JSON last',
    scenario: {
      reply: text(),
      faults: [
        { type: 'malformed_chunk', afterChunks: 3, text: `{"${CANARY}` },
        { type: 'silent_end', afterChunks: 3 },
      ],
    },
    raw: 'ended',
    sdk: 'SyntaxError',
    span: cut('after_first_token', { termination: 'decode_error', category: 'invalid_stream_chunk', chunks: 3 }),
  },

  // ── never reached, reset, silent ──
  {
    name: 'refused',
    at: 'closed port',
    raw: 'TypeError: fetch failed',
    sdk: 'APIConnectionError: Connection error.',
    span: {
      outcome: 'failed',
      failureStage: 'before_request',
      stage: 'before_request',
      termination: 'connection_error',
      category: 'connect_failed',
      fault: 'network',
      retryable: true,
      chunks: 0,
      also: { 'error.type': 'ECONNREFUSED' },
    },
    packets: false,
  },
  {
    name: 'unresolvable host',
    at: 'unresolvable host',
    raw: 'TypeError: fetch failed',
    sdk: 'APIConnectionError: Connection error.',
    span: {
      outcome: 'failed',
      failureStage: 'before_request',
      stage: 'before_request',
      termination: 'connection_error',
      category: 'connect_failed',
      fault: 'network',
      retryable: true,
      chunks: 0,
    },
    packets: false,
  },
  {
    name: 'reset before headers',
    scenario: { reply: text(), faults: [{ type: 'reset', after: 'request' }] },
    raw: 'TypeError: fetch failed',
    sdk: 'APIConnectionError: Connection error.',
    span: withoutFinish(
      cut('before_first_token', { stage: 'before_headers', termination: 'connection_error', chunks: 0 }),
    ),
    packets: false,
  },
  {
    name: 'no headers in the caller’s time',
    scenario: { reply: text(), faults: [{ type: 'hang', after: 'request' }] },
    timeoutMs: 300,
    raw: 'TimeoutError: The operation was aborted due to timeout',
    sdk: 'APIUserAbortError: Request was aborted.',
    span: {
      outcome: 'failed',
      failureStage: 'before_first_token',
      stage: 'before_headers',
      termination: 'timeout',
      category: 'request_timeout',
      fault: 'upstream',
      retryable: true,
      chunks: 0,
      also: { 'llm_stream.timeout_kind': 'headers', 'error.type': 'TimeoutError' },
    },
    sdkSpan: {
      outcome: 'cancelled',
      failureStage: 'client_aborted',
      stage: 'before_headers',
      termination: 'consumer_abort',
      fault: 'client',
      chunks: 0,
    },
    openai: {
      all: {
        span: {
          outcome: 'failed',
          failureStage: 'before_first_token',
          stage: 'before_headers',
          termination: 'timeout',
          category: 'request_timeout',
          fault: 'upstream',
          retryable: true,
          chunks: 0,
          also: { 'llm_stream.timeout_kind': 'headers' },
        },
      },
    },
    packets: false,
  },
  {
    name: 'headers, then silence',
    scenario: { reply: text(), faults: [{ type: 'hang', after: 'headers' }] },
    timeoutMs: 500,
    raw: 'TimeoutError: The operation was aborted due to timeout',
    sdk: 'ended',
    span: cut('before_first_token', {
      termination: 'timeout',
      category: 'first_token_timeout',
      chunks: 0,
      also: { 'llm_stream.timeout_kind': 'first_token' },
    }),
    sdkSpan: {
      outcome: 'cancelled',
      failureStage: 'client_aborted',
      stage: 'before_first_token',
      termination: 'consumer_abort',
      fault: 'client',
      chunks: 0,
      finish: ['error'],
    },
    openai: {
      all: {
        span: cut('before_first_token', {
          termination: 'timeout',
          category: 'first_token_timeout',
          chunks: 0,
          also: { 'llm_stream.timeout_kind': 'first_token' },
        }),
      },
    },
    packets: false,
  },
  {
    name: 'reset before the first token',
    scenario: { reply: text(), faults: [{ type: 'reset', after: 'headers' }] },
    raw: 'TypeError: terminated',
    sdk: 'TypeError: terminated',
    openai: { 4: { sdk: 'Error: read ECONNRESET' } },
    span: cut('before_first_token', { termination: 'connection_error', chunks: 0 }),
    packets: false,
  },
  {
    name: 'role only, then reset',
    scenario: { reply: text(), faults: [{ type: 'reset', afterChunks: 1 }] },
    raw: 'TypeError: terminated',
    sdk: 'TypeError: terminated',
    openai: { 4: { sdk: 'Error: read ECONNRESET' } },
    span: cut('before_first_token', { termination: 'connection_error', chunks: 1 }),
    packets: false,
  },
  {
    name: 'reset after the first token',
    scenario: { reply: text(), faults: [{ type: 'reset', afterChunks: 2 }] },
    raw: 'TypeError: terminated',
    sdk: 'TypeError: terminated',
    openai: { 4: { sdk: 'Error: read ECONNRESET' } },
    span: cut('after_first_token', {
      termination: 'connection_error',
      chunks: 2,
      also: { 'llm_stream.network_error_code': 'ECONNRESET' },
    }),
    packets: false,
  },
  {
    name: 'FIN in the chunked encoding',
    scenario: { reply: text(), faults: [{ type: 'close', afterChunks: 2 }] },
    raw: 'TypeError: terminated',
    sdk: 'TypeError: terminated',
    openai: {
      4: {
        sdk: 'Error: Premature close',
        span: cut('after_first_token', {
          termination: 'connection_error',
          chunks: 2,
          also: { 'llm_stream.network_error_code': 'ERR_STREAM_PREMATURE_CLOSE' },
        }),
      },
    },
    span: cut('after_first_token', {
      termination: 'connection_error',
      chunks: 2,
      also: { 'llm_stream.network_error_code': 'UND_ERR_SOCKET' },
    }),
    packets: false,
  },
  {
    name: 'silent end in text',
    scenario: { reply: text(), faults: [{ type: 'silent_end', afterChunks: 3 }] },
    raw: 'ended',
    sdk: 'ended',
    span: cut('after_first_token', { chunks: 3 }),
  },
  {
    name: 'silent end in a line',
    scenario: { reply: text(), faults: [{ type: 'cut_in_message', afterChunks: 3 }] },
    raw: 'ended',
    sdk: 'ended',
    span: cut('after_first_token', { chunks: 3 }),
    // 7 parses a last message that has no end.
    openai: {
      7: {
        sdk: 'SyntaxError',
        span: cut('after_first_token', { termination: 'decode_error', category: 'invalid_stream_chunk', chunks: 3 }),
      },
    },
  },
  {
    name: 'silent end in tool arguments',
    scenario: { reply: weather(WHOLE_ARGUMENTS), faults: [{ type: 'silent_end', afterChunks: 3 }] },
    raw: 'ended',
    sdk: 'ended',
    span: cut('during_tool_call', { chunks: 3, also: { 'llm_stream.tool_call.arguments_completed': false } }),
  },
  {
    name: 'complete arguments without finish reason',
    scenario: { reply: weather(WHOLE_ARGUMENTS), faults: [{ type: 'silent_end', afterChunks: 4 }] },
    raw: 'ended',
    sdk: 'ended',
    span: cut('during_tool_call', { chunks: 4, also: { 'llm_stream.tool_call.arguments_completed': false } }),
  },
  {
    name: 'reset after the finish reason',
    scenario: { reply: text(), faults: [{ type: 'reset', after: 'finish' }] },
    raw: 'TypeError: terminated',
    sdk: 'TypeError: terminated',
    openai: { 4: { sdk: 'Error: read ECONNRESET' } },
    span: cut('after_finish_reason', { termination: 'connection_error', chunks: 5, finish: ['stop'] }),
    packets: false,
  },
  {
    name: 'reset after [DONE]',
    scenario: { reply: text(), faults: [{ type: 'reset', after: 'done' }] },
    raw: 'TypeError: terminated',
    sdk: 'TypeError: terminated',
    // 7 leaves at `[DONE]`, the others read on to the end of the body.
    openai: { 4: { sdk: 'Error: read ECONNRESET' }, 7: { sdk: 'ended', span: completed() } },
    span: cut('after_finish_reason', {
      termination: 'connection_error',
      chunks: 5,
      finish: ['stop'],
      also: { 'llm_stream.done_event_received': true },
    }),
    packets: false,
  },
  {
    name: 'one of two choices cut',
    scenario: {
      reply: chatChoices([
        { pieces: [{ type: 'text', text: CANARY }], finishReason: 'stop' },
        {
          pieces: [
            { type: 'text', text: 'b' },
            { type: 'text', text: 'c' },
          ],
          finishReason: null,
        },
      ]),
      faults: [{ type: 'no_done' }],
    },
    request: { n: 2 },
    raw: 'ended',
    sdk: 'ended',
    span: cut('after_first_token', {
      chunks: 6,
      finish: ['stop', 'error'],
      also: { 'gen_ai.request.choice.count': 2 },
    }),
  },
  {
    name: 'gzip without its trailer',
    scenario: {
      reply: text(),
      delivery: { gzip: true },
      faults: [{ type: 'silent_end', afterChunks: 3 }, { type: 'no_gzip_trailer' }],
    },
    raw: 'ended',
    sdk: 'ended',
    span: cut('after_first_token', { chunks: 3 }),
    packets: false,
  },
];
