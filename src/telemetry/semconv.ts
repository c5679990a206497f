/**
 * Every name that this package writes: span attributes, span events and their attributes, metrics, log records. The
 * public entry `./semconv`.
 *
 * The list under each name is read by a test, which holds `docs/attributes.md` against it:
 * `type`, `unit`, `on` (absent: the span), `present`, `example`, and `source`, which is one of
 * `stable` (a stable semantic convention), `GenAI 1.41` and `GenAI 1.42-dev` (in development: the first version that
 * has the name in this form; no npm package exports the current ones, so they are literals here), or `ours`.
 * A `double` with unit `s` is the conventions' own duration; ours are whole milliseconds, which backends can query.
 * Metrics have `instrument` and `attributes` instead of `type` and `example`, and times in seconds, as metrics are.
 */
import {
  ATTR_ERROR_TYPE as STABLE_ERROR_TYPE,
  EVENT_EXCEPTION as STABLE_EXCEPTION,
  ATTR_EXCEPTION_MESSAGE as STABLE_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_TYPE as STABLE_EXCEPTION_TYPE,
  ATTR_HTTP_RESPONSE_STATUS_CODE as STABLE_HTTP_RESPONSE_STATUS_CODE,
  ATTR_SERVER_ADDRESS as STABLE_SERVER_ADDRESS,
  ATTR_SERVER_PORT as STABLE_SERVER_PORT,
} from '@opentelemetry/semantic-conventions';

/**
 * Schema of what our tracer writes: the last version of the conventions that was published with the GenAI names in it.
 * @see https://opentelemetry.io/docs/specs/otel/schemas/
 */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.41.0';

/**
 * What the call does: `chat`, `text_completion` or `generate_content`.
 *
 * - type: string
 * - present: always on an observed call, at start
 * - example: `chat`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_OPERATION_NAME = 'gen_ai.operation.name';

/**
 * Whose format and flavour the call has, as the client sees it; an OpenAI-compatible endpoint may be `openai`.
 *
 * - type: string
 * - present: always on an observed call, at start
 * - example: `openai`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_PROVIDER_NAME = 'gen_ai.provider.name';

/**
 * The model that was asked for.
 *
 * - type: string
 * - present: when the request names one, at start
 * - example: `gpt-5.1`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_REQUEST_MODEL = 'gen_ai.request.model';

/**
 * Host name of the endpoint.
 *
 * - type: string
 * - present: when known, at start
 * - example: `api.openai.com`
 * - source: stable
 */
export const ATTR_SERVER_ADDRESS = STABLE_SERVER_ADDRESS;

/**
 * Port of the endpoint.
 *
 * - type: int
 * - present: when known, at start
 * - example: `443`
 * - source: stable
 */
export const ATTR_SERVER_PORT = STABLE_SERVER_PORT;

/**
 * The request asked for a stream.
 *
 * - type: boolean
 * - present: only when true, at start
 * - example: `true`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_REQUEST_STREAM = 'gen_ai.request.stream';

/**
 * Most tokens the answer may have.
 *
 * - type: int
 * - unit: token
 * - present: when the request sets it, at start
 * - example: `1024`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_REQUEST_MAX_TOKENS = 'gen_ai.request.max_tokens';

/**
 * Sampling temperature.
 *
 * - type: double
 * - present: when the request sets it, at start
 * - example: `0.2`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_REQUEST_TEMPERATURE = 'gen_ai.request.temperature';

/**
 * Nucleus sampling.
 *
 * - type: double
 * - present: when the request sets it, at start
 * - example: `0.9`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_REQUEST_TOP_P = 'gen_ai.request.top_p';

/**
 * Top-k sampling; a double in 1.41.
 *
 * - type: int
 * - present: when the request sets it, at start
 * - example: `40`
 * - source: GenAI 1.42-dev
 */
export const ATTR_GEN_AI_REQUEST_TOP_K = 'gen_ai.request.top_k';

/**
 * Seed for reproducible sampling.
 *
 * - type: int
 * - present: when the request sets it, at start
 * - example: `7`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_REQUEST_SEED = 'gen_ai.request.seed';

/**
 * Number of choices asked for.
 *
 * - type: int
 * - present: when the request sets it to anything but 1, at start
 * - example: `3`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_REQUEST_CHOICE_COUNT = 'gen_ai.request.choice.count';

/**
 * Frequency penalty.
 *
 * - type: double
 * - present: when the request sets it, at start
 * - example: `0.1`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_REQUEST_FREQUENCY_PENALTY = 'gen_ai.request.frequency_penalty';

/**
 * Presence penalty.
 *
 * - type: double
 * - present: when the request sets it, at start
 * - example: `0.3`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_REQUEST_PRESENCE_PENALTY = 'gen_ai.request.presence_penalty';

/**
 * Where the model is told to stop; at most 4, each at most 64 characters.
 *
 * - type: string[]
 * - present: when the request sets it, at start
 * - example: `["END"]`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_REQUEST_STOP_SEQUENCES = 'gen_ai.request.stop_sequences';

/**
 * How much reasoning was asked for, in the provider's words.
 *
 * - type: string
 * - present: when the request sets it, at start
 * - example: `high`
 * - source: GenAI 1.42-dev
 */
export const ATTR_GEN_AI_REQUEST_REASONING_LEVEL = 'gen_ai.request.reasoning.level';

/**
 * The form of answer asked for: `text`, `json`, `image` or `speech`.
 *
 * - type: string
 * - present: when the request fixes one, at start
 * - example: `json`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_OUTPUT_TYPE = 'gen_ai.output.type';

/**
 * Which OpenAI API: `chat_completions` or `responses`.
 *
 * - type: string
 * - present: OpenAI formats only, at start
 * - example: `chat_completions`
 * - source: GenAI 1.41
 */
export const ATTR_OPENAI_API_TYPE = 'openai.api.type';

/**
 * Service tier asked for.
 *
 * - type: string
 * - present: when the request sets one other than `auto`, at start
 * - example: `flex`
 * - source: GenAI 1.41
 */
export const ATTR_OPENAI_REQUEST_SERVICE_TIER = 'openai.request.service_tier';

/**
 * Azure's name of the service.
 *
 * - type: string
 * - present: Azure only, at start
 * - example: `Microsoft.CognitiveServices`
 * - source: GenAI 1.41
 */
export const ATTR_AZURE_RESOURCE_PROVIDER_NAMESPACE = 'azure.resource_provider.namespace';

/**
 * The provider's id of the answer; unbounded, never for metrics.
 *
 * - type: string
 * - present: when the answer has one
 * - example: `chatcmpl-8f2a`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_RESPONSE_ID = 'gen_ai.response.id';

/**
 * The model that answered.
 *
 * - type: string
 * - present: when the answer names one
 * - example: `gpt-5.1-2025-11-13`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_RESPONSE_MODEL = 'gen_ai.response.model';

/**
 * One word per choice, as the provider wrote it; `error` for a choice that never got one.
 *
 * - type: string[]
 * - present: when headers with a 2xx status came
 * - example: `["stop"]`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_RESPONSE_FINISH_REASONS = 'gen_ai.response.finish_reasons';

/**
 * From the start of the call to the first chunk with generated output.
 *
 * - type: double
 * - unit: s
 * - present: streaming only, when output came
 * - example: `0.412`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK = 'gen_ai.response.time_to_first_chunk';

/**
 * Tokens of the prompt, as the provider reported them.
 *
 * - type: int
 * - unit: token
 * - on: span, llm_stream.usage
 * - present: when reported, partly or finally
 * - example: `128`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_USAGE_INPUT_TOKENS = 'gen_ai.usage.input_tokens';

/**
 * Tokens of the answer, as the provider reported them.
 *
 * - type: int
 * - unit: token
 * - on: span, llm_stream.usage
 * - present: when reported, partly or finally
 * - example: `512`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_USAGE_OUTPUT_TOKENS = 'gen_ai.usage.output_tokens';

/**
 * Input tokens that the provider served from its cache.
 *
 * - type: int
 * - unit: token
 * - on: span, llm_stream.usage
 * - present: when reported, partly or finally
 * - example: `64`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS = 'gen_ai.usage.cache_read.input_tokens';

/**
 * Output tokens spent on reasoning.
 *
 * - type: int
 * - unit: token
 * - on: span, llm_stream.usage
 * - present: when reported, partly or finally
 * - example: `256`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS = 'gen_ai.usage.reasoning.output_tokens';

/**
 * Service tier that answered.
 *
 * - type: string
 * - present: when the answer names one
 * - example: `default`
 * - source: GenAI 1.41
 */
export const ATTR_OPENAI_RESPONSE_SERVICE_TIER = 'openai.response.service_tier';

/**
 * Fingerprint of the configuration that answered.
 *
 * - type: string
 * - present: when the answer has one
 * - example: `fp_44709d`
 * - source: GenAI 1.41
 */
export const ATTR_OPENAI_RESPONSE_SYSTEM_FINGERPRINT = 'openai.response.system_fingerprint';

/**
 * The provider's code, else the network's, else the error's class, else the status, else the category; `_OTHER` where
 * nothing is known.
 *
 * - type: string
 * - present: on failed
 * - example: `rate_limit_exceeded`
 * - source: stable
 */
export const ATTR_ERROR_TYPE = STABLE_ERROR_TYPE;

/**
 * Status of the last answer.
 *
 * - type: int
 * - on: span, llm_stream.response_headers
 * - present: when headers came
 * - example: `200`
 * - source: stable
 */
export const ATTR_HTTP_RESPONSE_STATUS_CODE = STABLE_HTTP_RESPONSE_STATUS_CODE;

/**
 * Class or code of the error.
 *
 * - type: string
 * - on: exception
 * - present: always
 * - example: `TypeError`
 * - source: stable
 */
export const ATTR_EXCEPTION_TYPE = STABLE_EXCEPTION_TYPE;

/**
 * Message of the error, which may quote content.
 *
 * - type: string
 * - on: exception
 * - present: only with the option `exceptionMessages`
 * - example: `terminated`
 * - source: stable
 */
export const ATTR_EXCEPTION_MESSAGE = STABLE_EXCEPTION_MESSAGE;

/**
 * Name of the tool that is called; at most 128 characters.
 *
 * - type: string
 * - on: llm_stream.tool_call.started
 * - present: when the call has one and the option `toolNames` is on
 * - example: `get_weather`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_TOOL_NAME = 'gen_ai.tool.name';

/**
 * The provider's id of the tool call, which some derive from the name; at most 128 characters.
 *
 * - type: string
 * - on: llm_stream.tool_call.started
 * - present: when the call has one and the option `toolNames` is on
 * - example: `call_abc123`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_TOOL_CALL_ID = 'gen_ai.tool.call.id';

/**
 * The verdict: `completed`, `cancelled` (somebody left: nobody's failure) or `failed`.
 *
 * - type: string
 * - present: always
 * - example: `failed`
 * - source: ours
 */
export const ATTR_LLM_STREAM_OUTCOME = 'llm_stream.outcome';

/**
 * Where a call that did not complete ended: `before_request`, `request_rejected`, `before_first_token`,
 * `after_first_token`, `during_tool_call`, `after_finish_reason`, `client_aborted` or `unknown`.
 *
 * - type: string
 * - present: when not completed
 * - example: `after_first_token`
 * - source: ours
 */
export const ATTR_LLM_STREAM_FAILURE_STAGE = 'llm_stream.failure_stage';

/**
 * How far the call had got: `before_request`, `before_headers`, `before_first_token`, `after_first_token`,
 * `during_tool_call`, `after_finish_reason` or `done`.
 *
 * - type: string
 * - present: always
 * - example: `after_first_token`
 * - source: ours
 */
export const ATTR_LLM_STREAM_STAGE = 'llm_stream.stage';

/**
 * The last thing that happened: `done_event`, `finish_reason_eof`, `eof`, `http_error`, `error_payload`,
 * `connection_error`, `decode_error`, `consumer_break`, `consumer_abort`, `consumer_error`, `local_error`, `timeout`,
 * `idle`, `not_consumed`, `shutdown` or `unknown`.
 *
 * - type: string
 * - present: always
 * - example: `connection_error`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TERMINATION_KIND = 'llm_stream.termination_kind';

/**
 * The finish reason in one vocabulary: `stop`, `length`, `content_filter`, `tool_calls`, `refusal` or `other`; of
 * several choices the first that is not `stop`.
 *
 * - type: string
 * - present: when a finish reason came
 * - example: `stop`
 * - source: ours
 */
export const ATTR_LLM_STREAM_COMPLETION = 'llm_stream.completion';

/**
 * What kind of error: `rate_limit`, `quota`, `auth`, `not_found`, `context_length`, `invalid_request`,
 * `content_filter`, `overloaded`, `server_error`, `invalid_response`, `connect_failed`, `request_timeout`,
 * `first_token_timeout`, `idle_timeout`, `total_timeout`, `stream_interrupted`, `missing_done_event`,
 * `invalid_stream_chunk`, `incomplete_tool_arguments`, `persistence_failed`, `processing_failed`, `delivery_failed` or
 * `unknown`.
 *
 * - type: string
 * - present: on failed; on completed as a soft finding
 * - example: `stream_interrupted`
 * - source: ours
 */
export const ATTR_LLM_STREAM_ERROR_CATEGORY = 'llm_stream.error_category';

/**
 * A fresh call may succeed; says nothing of side effects.
 *
 * - type: boolean
 * - present: on failed, when known
 * - example: `true`
 * - source: ours
 */
export const ATTR_LLM_STREAM_RETRYABLE = 'llm_stream.retryable';

/**
 * Whose doing it was: `application`, `client`, `provider`, `network`, or `upstream` (provider or the way there).
 *
 * - type: string
 * - present: on failed and cancelled, when known
 * - example: `upstream`
 * - source: ours
 */
export const ATTR_LLM_STREAM_FAULT = 'llm_stream.fault';

/**
 * Which wait was cut short: `connect`, `headers`, `first_token`, `idle` or `total`.
 *
 * - type: string
 * - present: when a timeout ended the call
 * - example: `idle`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TIMEOUT_KIND = 'llm_stream.timeout_kind';

/**
 * Type of the provider's error; an identifier, at most 64 characters.
 *
 * - type: string
 * - present: when the provider sent one
 * - example: `requests`
 * - source: ours
 */
export const ATTR_LLM_STREAM_PROVIDER_ERROR_TYPE = 'llm_stream.provider_error.type';

/**
 * Code of the provider's error; an identifier, at most 64 characters.
 *
 * - type: string
 * - present: when the provider sent one
 * - example: `rate_limit_exceeded`
 * - source: ours
 */
export const ATTR_LLM_STREAM_PROVIDER_ERROR_CODE = 'llm_stream.provider_error.code';

/**
 * The parameter the provider objects to; an identifier, at most 64 characters.
 *
 * - type: string
 * - present: when the provider sent one
 * - example: `messages`
 * - source: ours
 */
export const ATTR_LLM_STREAM_PROVIDER_ERROR_PARAM = 'llm_stream.provider_error.param';

/**
 * Code of the network error.
 *
 * - type: string
 * - present: when a network error ended the call
 * - example: `ECONNRESET`
 * - source: ours
 */
export const ATTR_LLM_STREAM_NETWORK_ERROR_CODE = 'llm_stream.network_error_code';

/**
 * The provider's id of the request, from a response header.
 *
 * - type: string
 * - present: when sent
 * - example: `req_7c1e`
 * - source: ours
 */
export const ATTR_LLM_STREAM_PROVIDER_REQUEST_ID = 'llm_stream.provider_request_id';

/**
 * Region that served the call.
 *
 * - type: string
 * - present: when a header or the host tells
 * - example: `eastus`
 * - source: ours
 */
export const ATTR_LLM_STREAM_PROVIDER_REGION = 'llm_stream.provider_region';

/**
 * How long the provider asks to wait.
 *
 * - type: int
 * - unit: ms
 * - present: when sent
 * - example: `2000`
 * - source: ours
 */
export const ATTR_LLM_STREAM_RETRY_AFTER_MS = 'llm_stream.retry_after_ms';

/**
 * Requests left in the provider's window.
 *
 * - type: int
 * - unit: request
 * - present: when sent
 * - example: `59`
 * - source: ours
 */
export const ATTR_LLM_STREAM_RATE_LIMIT_REMAINING_REQUESTS = 'llm_stream.rate_limit.remaining_requests';

/**
 * Tokens left in the provider's window.
 *
 * - type: int
 * - unit: token
 * - present: when sent
 * - example: `149000`
 * - source: ours
 */
export const ATTR_LLM_STREAM_RATE_LIMIT_REMAINING_TOKENS = 'llm_stream.rate_limit.remaining_tokens';

/**
 * The cancellation reached the provider's connection.
 *
 * - type: boolean
 * - present: on cancelled, when known
 * - example: `true`
 * - source: ours
 */
export const ATTR_LLM_STREAM_UPSTREAM_CANCELLED = 'llm_stream.upstream_cancelled';

/**
 * Final usage was reported.
 *
 * - type: boolean
 * - present: always
 * - example: `true`
 * - source: ours
 */
export const ATTR_LLM_STREAM_USAGE_AVAILABLE = 'llm_stream.usage_available';

/**
 * What usage was reported: `final`, `partial` or `none`.
 *
 * - type: string
 * - present: always
 * - example: `final`
 * - source: ours
 */
export const ATTR_LLM_STREAM_USAGE_SOURCE = 'llm_stream.usage_source';

/**
 * Input tokens estimated from the size of the request; an order of magnitude.
 *
 * - type: int
 * - unit: token
 * - present: only where usage is missing
 * - example: `130`
 * - source: ours
 */
export const ATTR_LLM_STREAM_ESTIMATED_INPUT_TOKENS = 'llm_stream.estimated_input_tokens';

/**
 * Output tokens estimated from the characters received; an order of magnitude.
 *
 * - type: int
 * - unit: token
 * - present: only where usage is missing
 * - example: `75`
 * - source: ours
 */
export const ATTR_LLM_STREAM_ESTIMATED_OUTPUT_TOKENS = 'llm_stream.estimated_output_tokens';

/**
 * The dialect's own end of stream came, such as `[DONE]`.
 *
 * - type: boolean
 * - present: where the body was visible
 * - example: `true`
 * - source: ours
 */
export const ATTR_LLM_STREAM_DONE_EVENT_RECEIVED = 'llm_stream.done_event_received';

/**
 * A finish reason came.
 *
 * - type: boolean
 * - present: where the body was visible
 * - example: `true`
 * - source: ours
 */
export const ATTR_LLM_STREAM_FINISH_REASON_RECEIVED = 'llm_stream.finish_reason_received';

/**
 * Chunks delivered to the consumer.
 *
 * - type: int
 * - unit: chunk
 * - present: where the body was visible
 * - example: `42`
 * - source: ours
 */
export const ATTR_LLM_STREAM_CHUNK_COUNT = 'llm_stream.chunk_count';

/**
 * Chunks delivered that carried generated output.
 *
 * - type: int
 * - unit: chunk
 * - present: where the body was visible
 * - example: `40`
 * - source: ours
 */
export const ATTR_LLM_STREAM_OUTPUT_CHUNK_COUNT = 'llm_stream.output_chunk_count';

/**
 * Messages that were no payload: malformed, or larger than the buffer.
 *
 * - type: int
 * - unit: chunk
 * - present: where the body was visible
 * - example: `0`
 * - source: ours
 */
export const ATTR_LLM_STREAM_INVALID_CHUNK_COUNT = 'llm_stream.invalid_chunk_count';

/**
 * Bytes of the body.
 *
 * - type: int
 * - unit: byte
 * - present: where the bytes were visible
 * - example: `18234`
 * - source: ours
 */
export const ATTR_LLM_STREAM_BYTES_RECEIVED = 'llm_stream.bytes_received';

/**
 * Comments, pings and empty messages.
 *
 * - type: int
 * - unit: message
 * - present: where the bytes were visible
 * - example: `3`
 * - source: ours
 */
export const ATTR_LLM_STREAM_KEEP_ALIVE_COUNT = 'llm_stream.keep_alive_count';

/**
 * Unicode code points of generated text; reasoning and tool arguments are counted on their own.
 *
 * - type: int
 * - unit: character
 * - present: where the body was visible
 * - example: `1900`
 * - source: ours
 */
export const ATTR_LLM_STREAM_OUTPUT_CHARACTERS = 'llm_stream.output_characters';

/**
 * Unicode code points of reasoning.
 *
 * - type: int
 * - unit: character
 * - present: where the body was visible
 * - example: `640`
 * - source: ours
 */
export const ATTR_LLM_STREAM_REASONING_CHARACTERS = 'llm_stream.reasoning_characters';

/**
 * HTTP requests that the call took, the SDK's own retries included; 0 where it failed before the first.
 *
 * - type: int
 * - unit: attempt
 * - present: always
 * - example: `1`
 * - source: ours
 */
export const ATTR_LLM_STREAM_ATTEMPT_COUNT = 'llm_stream.attempt_count';

/**
 * The waits between an attempt that came to nothing and the next one, together.
 *
 * - type: int
 * - unit: ms
 * - present: after a retry of the SDK's own
 * - example: `1520`
 * - source: ours
 */
export const ATTR_LLM_STREAM_RETRY_DELAY_MS = 'llm_stream.retry_delay_ms';

/**
 * Which retry of the application's own this call is, from 0; above 0 it has a span link to the failed one before.
 *
 * - type: int
 * - present: when the call context says it, at start
 * - example: `1`
 * - source: ours
 */
export const ATTR_LLM_STREAM_RETRY_ATTEMPT = 'llm_stream.retry_attempt';

/**
 * Which of the application's models or providers in turn this call is for, from 0; above 0 it has a span link to the
 * failed one before.
 *
 * - type: int
 * - present: when the call context says it, at start
 * - example: `1`
 * - source: ours
 */
export const ATTR_LLM_STREAM_FALLBACK_ATTEMPT = 'llm_stream.fallback_attempt';

/**
 * From the start of the call to the last answer's headers.
 *
 * - type: int
 * - unit: ms
 * - present: when headers came
 * - example: `180`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TIME_TO_HEADERS_MS = 'llm_stream.time_to_headers_ms';

/**
 * From the start of the call to the first non-empty generated output of any channel.
 *
 * - type: int
 * - unit: ms
 * - present: when output came
 * - example: `412`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TIME_TO_FIRST_TOKEN_MS = 'llm_stream.time_to_first_token_ms';

/**
 * From the start of the call to the last chunk.
 *
 * - type: int
 * - unit: ms
 * - present: when a chunk came
 * - example: `5210`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TIME_TO_LAST_CHUNK_MS = 'llm_stream.time_to_last_chunk_ms';

/**
 * From the start of the call to its end.
 *
 * - type: int
 * - unit: ms
 * - present: always
 * - example: `5230`
 * - source: ours
 */
export const ATTR_LLM_STREAM_STREAM_DURATION_MS = 'llm_stream.stream_duration_ms';

/**
 * The longest wait for a chunk after the first one, while a read was pending; the silence in which the stream died included.
 *
 * - type: int
 * - unit: ms
 * - present: when two chunks came, or the consumer waited for a second one
 * - example: `820`
 * - source: ours
 */
export const ATTR_LLM_STREAM_MAX_CHUNK_GAP_MS = 'llm_stream.max_chunk_gap_ms';

/**
 * The longest time the consumer let pass between two reads.
 *
 * - type: int
 * - unit: ms
 * - present: when known
 * - example: `12`
 * - source: ours
 */
export const ATTR_LLM_STREAM_CONSUMER_PAUSE_MS = 'llm_stream.consumer_pause_ms';

/**
 * Where generated output showed first: `text`, `reasoning`, `refusal`, `tool_call` or `audio`.
 *
 * - type: string
 * - on: span, llm_stream.first_token
 * - present: when output came
 * - example: `text`
 * - source: ours
 */
export const ATTR_LLM_STREAM_FIRST_TOKEN_CHANNEL = 'llm_stream.first_token_channel';

/**
 * Silences of at least `llm_stream.stall_threshold_ms` between two chunks, while a read was pending.
 *
 * - type: int
 * - unit: stall
 * - present: streams, where the body was visible
 * - example: `0`
 * - source: ours
 */
export const ATTR_LLM_STREAM_STALL_COUNT = 'llm_stream.stall_count';

/**
 * From which silence on it is a stall.
 *
 * - type: int
 * - unit: ms
 * - present: streams, where the body was visible
 * - example: `10000`
 * - source: ours
 */
export const ATTR_LLM_STREAM_STALL_THRESHOLD_MS = 'llm_stream.stall_threshold_ms';

/**
 * Tool calls that began.
 *
 * - type: int
 * - unit: call
 * - present: where the body was visible
 * - example: `2`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TOOL_CALL_COUNT = 'llm_stream.tool_call.count';

/**
 * Tool calls that were closed with whole arguments.
 *
 * - type: int
 * - unit: call
 * - present: where the body was visible
 * - example: `2`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TOOL_CALL_COMPLETED_COUNT = 'llm_stream.tool_call.completed_count';

/**
 * Fragments of tool-call arguments.
 *
 * - type: int
 * - unit: fragment
 * - present: where the body was visible
 * - example: `80`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TOOL_CALL_FRAGMENT_COUNT = 'llm_stream.tool_call.fragment_count';

/**
 * Unicode code points of tool-call arguments.
 *
 * - type: int
 * - unit: character
 * - present: where the body was visible
 * - example: `412`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TOOL_CALL_ARGUMENT_CHARACTERS = 'llm_stream.tool_call.argument_characters';

/**
 * Every tool call that began is complete: safe to execute as far as the stream goes.
 *
 * - type: boolean
 * - present: when there is a tool call
 * - example: `true`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TOOL_CALL_ARGUMENTS_COMPLETED = 'llm_stream.tool_call.arguments_completed';

/**
 * Whether the arguments of the tool calls are what the application wants: all of them, or false for one that is not.
 *
 * - type: boolean
 * - present: when a held call was told
 * - example: `true`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TOOL_CALL_VALIDATED = 'llm_stream.tool_call.validated';

/**
 * A tool call was begun to be executed: another call may execute a second time.
 *
 * - type: boolean
 * - present: when a held call was told
 * - example: `true`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TOOL_CALL_EXECUTION_STARTED = 'llm_stream.tool_call.execution_started';

/**
 * Whether all executions that were told of ended well.
 *
 * - type: boolean
 * - present: when a held call was told how each ended, or of one that failed
 * - example: `true`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TOOL_CALL_EXECUTION_COMPLETED = 'llm_stream.tool_call.execution_completed';

/**
 * Names of the tools called, in order; at most 16, each at most 128 characters.
 *
 * - type: string[]
 * - present: when there is a tool call with a name and the option `toolNames` is on
 * - example: `["get_weather"]`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TOOL_CALL_NAMES = 'llm_stream.tool_call.names';

/**
 * Names of the tools whose calls are not complete; at most 16, each at most 128 characters.
 *
 * - type: string[]
 * - present: when such a call has a name and the option `toolNames` is on
 * - example: `["get_weather"]`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TOOL_CALL_INCOMPLETE_NAMES = 'llm_stream.tool_call.incomplete_names';

/**
 * Span events left out for want of room: fragments first, then milestones beyond their cap. What they were about is
 * still counted in the other attributes.
 *
 * - type: int
 * - unit: span event
 * - present: always
 * - example: `1920`
 * - source: ours
 */
export const ATTR_LLM_STREAM_SPAN_EVENTS_SUPPRESSED_COUNT = 'llm_stream.span_events.suppressed_count';

/**
 * Size of the request body.
 *
 * - type: int
 * - unit: byte
 * - present: when it could be read, at start
 * - example: `2048`
 * - source: ours
 */
export const ATTR_LLM_STREAM_REQUEST_BODY_SIZE = 'llm_stream.request.body_size';

/**
 * Messages in the request.
 *
 * - type: int
 * - unit: message
 * - present: when it could be read, at start
 * - example: `5`
 * - source: ours
 */
export const ATTR_LLM_STREAM_REQUEST_MESSAGE_COUNT = 'llm_stream.request.message_count';

/**
 * Tools offered in the request.
 *
 * - type: int
 * - unit: tool
 * - present: when it could be read, at start
 * - example: `3`
 * - source: ours
 */
export const ATTR_LLM_STREAM_REQUEST_TOOL_COUNT = 'llm_stream.request.tool_count';

/**
 * The request carried a credential; never which.
 *
 * - type: boolean
 * - present: always on an observed call, at start
 * - example: `true`
 * - source: ours
 */
export const ATTR_LLM_STREAM_API_KEY_PRESENT = 'llm_stream.api_key_present';

/**
 * Which feature of the application made the call.
 *
 * - type: string
 * - present: when the call context says it, at start
 * - example: `summary`
 * - source: ours
 */
export const ATTR_LLM_STREAM_FEATURE = 'llm_stream.feature';

/**
 * Which route of the application made the call, as a template.
 *
 * - type: string
 * - present: when the call context says it, at start
 * - example: `/chat/:id`
 * - source: ours
 */
export const ATTR_LLM_STREAM_ROUTE = 'llm_stream.route';

/**
 * The version of prompt, parameters or flags.
 *
 * - type: string
 * - present: when the call context says it, at start
 * - example: `2026-11-02`
 * - source: ours
 */
export const ATTR_LLM_STREAM_CONFIG_VERSION = 'llm_stream.config_version';

/**
 * The application's own id of the request that it serves.
 *
 * - type: string
 * - present: when the call context says it, at start
 * - example: `req-7f3a`
 * - source: ours
 */
export const ATTR_LLM_STREAM_REQUEST_ID = 'llm_stream.request_id';

/**
 * Whether the answer was stored: `ok`, `failed`, or `unknown` where the application held the call and never said.
 *
 * - type: string
 * - present: on held calls
 * - example: `ok`
 * - source: ours
 */
export const ATTR_LLM_STREAM_PERSISTENCE_STATUS = 'llm_stream.persistence_status';

/**
 * Whether the application could use the answer: `ok`, `failed`, `unknown`.
 *
 * - type: string
 * - present: on held calls
 * - example: `ok`
 * - source: ours
 */
export const ATTR_LLM_STREAM_PROCESSING_STATUS = 'llm_stream.processing_status';

/**
 * Whether the answer reached whoever asked for it: `ok`, `failed`, `client_left`, `unknown`.
 *
 * - type: string
 * - present: on held calls
 * - example: `client_left`
 * - source: ours
 */
export const ATTR_LLM_STREAM_CLIENT_DELIVERY_STATUS = 'llm_stream.client_delivery_status';

/**
 * The budget for the connection.
 *
 * - type: int
 * - unit: ms
 * - present: where `/budgets` enforces it
 * - example: `3000`
 * - source: ours
 */
export const ATTR_LLM_STREAM_BUDGET_CONNECT_MS = 'llm_stream.budget.connect_ms';

/**
 * The budget from the request to the headers of its response.
 *
 * - type: int
 * - unit: ms
 * - present: where `/budgets` enforces it
 * - example: `30000`
 * - source: ours
 */
export const ATTR_LLM_STREAM_BUDGET_HEADERS_MS = 'llm_stream.budget.headers_ms';

/**
 * The budget from the request to the first generated output.
 *
 * - type: int
 * - unit: ms
 * - present: where `/budgets` enforces it
 * - example: `60000`
 * - source: ours
 */
export const ATTR_LLM_STREAM_BUDGET_FIRST_TOKEN_MS = 'llm_stream.budget.first_token_ms';

/**
 * The budget for the wait between two chunks.
 *
 * - type: int
 * - unit: ms
 * - present: where `/budgets` enforces it
 * - example: `30000`
 * - source: ours
 */
export const ATTR_LLM_STREAM_BUDGET_IDLE_MS = 'llm_stream.budget.idle_ms';

/**
 * The budget for the whole request, to the end of its body.
 *
 * - type: int
 * - unit: ms
 * - present: where `/budgets` enforces it
 * - example: `600000`
 * - source: ours
 */
export const ATTR_LLM_STREAM_BUDGET_TOTAL_MS = 'llm_stream.budget.total_ms';

/**
 * The roads that saw the call: `fetch` its response and bytes, `openai` what the SDK was asked for and what its consumer
 * got; `application` where it said itself that it failed before a request. Without `fetch` what only bytes can tell is
 * absent.
 *
 * - type: string[]
 * - present: always
 * - example: `["fetch", "openai"]`
 * - source: ours
 */
export const ATTR_LLM_STREAM_OBSERVED_BY = 'llm_stream.observed_by';

/**
 * From the start of the call to the span event.
 *
 * - type: int
 * - unit: ms
 * - on: every span event
 * - present: always
 * - example: `412`
 * - source: ours
 */
export const ATTR_LLM_STREAM_ELAPSED_MS = 'llm_stream.elapsed_ms';

/**
 * Which attempt of the call, counted from 1.
 *
 * - type: int
 * - on: llm_stream.attempt
 * - present: always
 * - example: `1`
 * - source: ours
 */
export const ATTR_LLM_STREAM_ATTEMPT_NUMBER = 'llm_stream.attempt_number';

/**
 * Which choice, counted from 0.
 *
 * - type: int
 * - on: llm_stream.tool_call.started, llm_stream.tool_call.fragment, llm_stream.tool_call.completed,
 *   llm_stream.finish
 * - present: always
 * - example: `0`
 * - source: ours
 */
export const ATTR_LLM_STREAM_CHOICE_INDEX = 'llm_stream.choice_index';

/**
 * Which tool call of its choice, counted from 0.
 *
 * - type: int
 * - on: llm_stream.tool_call.started, llm_stream.tool_call.fragment, llm_stream.tool_call.completed
 * - present: always
 * - example: `0`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TOOL_CALL_INDEX = 'llm_stream.tool_call.index';

/**
 * Which fragment of its tool call, counted from 0.
 *
 * - type: int
 * - on: llm_stream.tool_call.fragment
 * - present: always
 * - example: `17`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TOOL_CALL_FRAGMENT_INDEX = 'llm_stream.tool_call.fragment_index';

/**
 * Unicode code points of argument text in the fragment; never the text.
 *
 * - type: int
 * - unit: character
 * - on: llm_stream.tool_call.fragment
 * - present: always
 * - example: `6`
 * - source: ours
 */
export const ATTR_LLM_STREAM_TOOL_CALL_FRAGMENT_CHARACTERS = 'llm_stream.tool_call.fragment_characters';

/**
 * How long the stream had been silent when the stall was found.
 *
 * - type: int
 * - unit: ms
 * - on: llm_stream.stall
 * - present: always
 * - example: `10000`
 * - source: ours
 */
export const ATTR_LLM_STREAM_CHUNK_GAP_MS = 'llm_stream.chunk_gap_ms';

/**
 * The finish reason of one choice, as the provider wrote it.
 *
 * - type: string
 * - on: llm_stream.finish
 * - present: always
 * - example: `tool_calls`
 * - source: ours
 */
export const ATTR_LLM_STREAM_FINISH_REASON = 'llm_stream.finish_reason';

/**
 * An HTTP request of the call began.
 *
 * - present: at most 8
 * - source: ours
 */
export const EVENT_LLM_STREAM_ATTEMPT = 'llm_stream.attempt';

/**
 * Headers came. Of several attempts, those of the answer that the call went on with: it is written when the next
 * milestone that is no attempt shows which.
 *
 * - present: at most 1
 * - source: ours
 */
export const EVENT_LLM_STREAM_RESPONSE_HEADERS = 'llm_stream.response_headers';

/**
 * The first chunk of any kind reached the consumer.
 *
 * - present: at most 1
 * - source: ours
 */
export const EVENT_LLM_STREAM_FIRST_CHUNK = 'llm_stream.first_chunk';

/**
 * The first non-empty generated output of any channel reached the consumer.
 *
 * - present: at most 1
 * - source: ours
 */
export const EVENT_LLM_STREAM_FIRST_TOKEN = 'llm_stream.first_token';

/**
 * A tool call began.
 *
 * - present: at most 8
 * - source: ours
 */
export const EVENT_LLM_STREAM_TOOL_CALL_STARTED = 'llm_stream.tool_call.started';

/**
 * A piece of a tool call's arguments came.
 *
 * - present: while there is room: the first ones, and the newest 16
 * - source: ours
 */
export const EVENT_LLM_STREAM_TOOL_CALL_FRAGMENT = 'llm_stream.tool_call.fragment';

/**
 * A tool call was closed with whole arguments.
 *
 * - present: at most 8
 * - source: ours
 */
export const EVENT_LLM_STREAM_TOOL_CALL_COMPLETED = 'llm_stream.tool_call.completed';

/**
 * A message was no payload.
 *
 * - present: at most 4
 * - source: ours
 */
export const EVENT_LLM_STREAM_INVALID_CHUNK = 'llm_stream.invalid_chunk';

/**
 * No chunk came for `llm_stream.stall_threshold_ms`, found while the silence lasted or when it ended; the stream may
 * go on.
 *
 * - present: at most 6
 * - source: ours
 */
export const EVENT_LLM_STREAM_STALL = 'llm_stream.stall';

/**
 * The provider reported final usage.
 *
 * - present: at most 1
 * - source: ours
 */
export const EVENT_LLM_STREAM_USAGE = 'llm_stream.usage';

/**
 * A choice got its finish reason.
 *
 * - present: at most 4
 * - source: ours
 */
export const EVENT_LLM_STREAM_FINISH = 'llm_stream.finish';

/**
 * The dialect's own end of stream came.
 *
 * - present: at most 1
 * - source: ours
 */
export const EVENT_LLM_STREAM_DONE = 'llm_stream.done';

/**
 * The consumer stopped, or went away.
 *
 * - present: at most 1
 * - source: ours
 */
export const EVENT_LLM_STREAM_CANCELLED = 'llm_stream.cancelled';

/**
 * An error ended the call: its class, and never a stack.
 *
 * - present: at most 1
 * - source: stable
 */
export const EVENT_EXCEPTION = STABLE_EXCEPTION;

/**
 * Whether the tokens went in or came out.
 *
 * - type: string
 * - on: gen_ai.client.token.usage
 * - present: always: `input` or `output`
 * - example: `input`
 * - source: GenAI 1.41
 */
export const ATTR_GEN_AI_TOKEN_TYPE = 'gen_ai.token.type';

/**
 * What the tokens stand for. Always `unknown`: a provider's breakdown is not read, and `text` would be a guess.
 *
 * - type: string
 * - on: gen_ai.client.inference.usage.input_tokens, gen_ai.client.inference.usage.output_tokens,
 *   gen_ai.client.inference.usage.cache_read.input_tokens, gen_ai.client.inference.usage.reasoning.output_tokens
 * - present: always
 * - example: `unknown`
 * - source: GenAI 1.42-dev
 */
export const ATTR_GEN_AI_TOKEN_MODALITY = 'gen_ai.token.modality';

/**
 * One record for each call, at its end, with what its span says. Severity INFO, and ERROR where the call failed.
 *
 * - attributes: those of the span
 * - present: with the option `logRecord`
 * - source: ours
 */
export const LOG_LLM_STREAM_CALL = 'llm_stream.call';

/**
 * The span event `exception` as a log record. Severity WARN.
 *
 * - attributes: those of the span event
 * - present: with `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN`, or the option `signal`
 * - source: GenAI 1.41
 */
export const LOG_GEN_AI_CLIENT_OPERATION_EXCEPTION = 'gen_ai.client.operation.exception';

/**
 * How long calls took, their retries included.
 *
 * - instrument: histogram
 * - unit: s
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model,
 *   server.address, server.port, error.type
 * - present: each call that was observed
 * - source: GenAI 1.41
 */
export const METRIC_GEN_AI_CLIENT_OPERATION_DURATION = 'gen_ai.client.operation.duration';

/**
 * From the start of a call to the first chunk with generated output.
 *
 * - instrument: histogram
 * - unit: s
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model,
 *   server.address, server.port
 * - present: each stream that had output
 * - source: GenAI 1.41
 */
export const METRIC_GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK = 'gen_ai.client.operation.time_to_first_chunk';

/**
 * From one chunk with generated output to the next.
 *
 * - instrument: histogram
 * - unit: s
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model
 * - present: each chunk with output but the first, as it comes
 * - source: GenAI 1.41
 */
export const METRIC_GEN_AI_CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK = 'gen_ai.client.operation.time_per_output_chunk';

/**
 * Tokens of calls, as their provider reported them.
 *
 * - instrument: histogram
 * - unit: {token}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model,
 *   server.address, server.port, gen_ai.token.type
 * - present: each call whose usage is known, in and out
 * - source: GenAI 1.41
 */
export const METRIC_GEN_AI_CLIENT_TOKEN_USAGE = 'gen_ai.client.token.usage';

/**
 * How long calls took, their retries included.
 *
 * - instrument: histogram
 * - unit: s
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model,
 *   server.address, server.port, error.type
 * - present: each call that was observed
 * - source: GenAI 1.42-dev
 */
export const METRIC_GEN_AI_CLIENT_INFERENCE_DURATION = 'gen_ai.client.inference.duration';

/**
 * From the start of a call to the first chunk with generated output.
 *
 * - instrument: histogram
 * - unit: s
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model,
 *   server.address, server.port
 * - present: each stream that had output
 * - source: GenAI 1.42-dev
 */
export const METRIC_GEN_AI_CLIENT_INFERENCE_TIME_TO_FIRST_CHUNK = 'gen_ai.client.inference.time_to_first_chunk';

/**
 * From one chunk with generated output to the next.
 *
 * - instrument: histogram
 * - unit: s
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model
 * - present: each chunk with output but the first, as it comes
 * - source: GenAI 1.42-dev
 */
export const METRIC_GEN_AI_CLIENT_INFERENCE_TIME_PER_OUTPUT_CHUNK = 'gen_ai.client.inference.time_per_output_chunk';

/**
 * Input tokens used, cached ones included.
 *
 * - instrument: counter
 * - unit: {token}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model,
 *   server.address, server.port, gen_ai.token.modality
 * - present: each call that was observed; 0 where usage is not known
 * - source: GenAI 1.42-dev
 */
export const METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_INPUT_TOKENS = 'gen_ai.client.inference.usage.input_tokens';

/**
 * Output tokens used, reasoning included.
 *
 * - instrument: counter
 * - unit: {token}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model,
 *   server.address, server.port, gen_ai.token.modality
 * - present: each call that was observed; 0 where usage is not known
 * - source: GenAI 1.42-dev
 */
export const METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_OUTPUT_TOKENS = 'gen_ai.client.inference.usage.output_tokens';

/**
 * Input tokens that came out of a cache.
 *
 * - instrument: counter
 * - unit: {token}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model,
 *   server.address, server.port, gen_ai.token.modality
 * - present: each call whose provider reports them
 * - source: GenAI 1.42-dev
 */
export const METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_READ_INPUT_TOKENS =
  'gen_ai.client.inference.usage.cache_read.input_tokens';

/**
 * Output tokens spent on reasoning.
 *
 * - instrument: counter
 * - unit: {token}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model,
 *   server.address, server.port, gen_ai.token.modality
 * - present: each call whose provider reports them
 * - source: GenAI 1.42-dev
 */
export const METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_REASONING_OUTPUT_TOKENS =
  'gen_ai.client.inference.usage.reasoning.output_tokens';

/**
 * Input tokens of single calls.
 *
 * - instrument: histogram
 * - unit: {token}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model,
 *   server.address, server.port
 * - present: each call that did not fail and whose usage is known
 * - source: GenAI 1.42-dev
 */
export const METRIC_GEN_AI_CLIENT_INFERENCE_OPERATION_INPUT_TOKENS = 'gen_ai.client.inference.operation.input_tokens';

/**
 * Output tokens of single calls.
 *
 * - instrument: histogram
 * - unit: {token}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model,
 *   server.address, server.port
 * - present: each call that did not fail and whose usage is known
 * - source: GenAI 1.42-dev
 */
export const METRIC_GEN_AI_CLIENT_INFERENCE_OPERATION_OUTPUT_TOKENS = 'gen_ai.client.inference.operation.output_tokens';

/**
 * Calls that ended, by how.
 *
 * - instrument: counter
 * - unit: {call}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, llm_stream.feature,
 *   llm_stream.route, llm_stream.outcome, llm_stream.failure_stage, llm_stream.stage, llm_stream.error_category,
 *   llm_stream.fault
 * - present: each call
 * - source: ours
 */
export const METRIC_LLM_STREAM_STREAM_OUTCOMES = 'llm_stream.stream.outcomes';

/**
 * Calls that are under way.
 *
 * - instrument: observable up-down counter
 * - unit: {stream}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, llm_stream.feature,
 *   llm_stream.route, llm_stream.stage
 * - present: while it is collected
 * - source: ours
 */
export const METRIC_LLM_STREAM_STREAM_ACTIVE = 'llm_stream.stream.active';

/**
 * Streams whose consumer has been waiting for a chunk for longer than the stall threshold.
 *
 * - instrument: observable up-down counter
 * - unit: {stream}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, llm_stream.feature,
 *   llm_stream.route, llm_stream.stage
 * - present: while it is collected
 * - source: ours
 */
export const METRIC_LLM_STREAM_STREAM_IDLE = 'llm_stream.stream.idle';

/**
 * From the start of a call to the headers of its answer.
 *
 * - instrument: histogram
 * - unit: s
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, llm_stream.feature,
 *   llm_stream.route, llm_stream.outcome
 * - present: each call that was answered
 * - source: ours
 */
export const METRIC_LLM_STREAM_STREAM_TIME_TO_HEADERS = 'llm_stream.stream.time_to_headers';

/**
 * From the start of a call to the first generated output of any channel.
 *
 * - instrument: histogram
 * - unit: s
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, llm_stream.feature,
 *   llm_stream.route, llm_stream.outcome
 * - present: each stream that had output
 * - source: ours
 */
export const METRIC_LLM_STREAM_STREAM_TIME_TO_FIRST_TOKEN = 'llm_stream.stream.time_to_first_token';

/**
 * The longest wait for a chunk within a stream, the silence in which it died included.
 *
 * - instrument: histogram
 * - unit: s
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, llm_stream.feature,
 *   llm_stream.route, llm_stream.outcome
 * - present: each stream that had two chunks, or whose consumer waited for a second one
 * - source: ours
 */
export const METRIC_LLM_STREAM_STREAM_MAX_CHUNK_GAP = 'llm_stream.stream.max_chunk_gap';

/**
 * Chunks that reached the consumer of a stream.
 *
 * - instrument: histogram
 * - unit: {chunk}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, llm_stream.feature,
 *   llm_stream.route, llm_stream.outcome, llm_stream.failure_stage
 * - present: each stream that began, 2xx, and could be seen
 * - source: ours
 */
export const METRIC_LLM_STREAM_STREAM_CHUNKS = 'llm_stream.stream.chunks';

/**
 * Bytes of answers that reached the consumer.
 *
 * - instrument: counter
 * - unit: By
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, llm_stream.feature,
 *   llm_stream.route, llm_stream.outcome
 * - present: each call that was answered and whose bytes could be seen
 * - source: ours
 */
export const METRIC_LLM_STREAM_STREAM_BYTES = 'llm_stream.stream.bytes';

/**
 * Silences within streams that reached the stall threshold.
 *
 * - instrument: counter
 * - unit: {stall}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, llm_stream.feature,
 *   llm_stream.route, llm_stream.outcome
 * - present: each stream that began, 2xx, and could be seen; mostly 0
 * - source: ours
 */
export const METRIC_LLM_STREAM_STREAM_STALLS = 'llm_stream.stream.stalls';

/**
 * HTTP requests of a call: more than one, where an SDK tried again.
 *
 * - instrument: histogram
 * - unit: {attempt}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, llm_stream.feature,
 *   llm_stream.route, llm_stream.outcome, llm_stream.retry_attempt, llm_stream.fallback_attempt
 * - present: each call that sent one
 * - source: ours
 */
export const METRIC_LLM_STREAM_STREAM_ATTEMPTS = 'llm_stream.stream.attempts';

/**
 * Calls that were answered, 2xx, without final usage.
 *
 * - instrument: counter
 * - unit: {call}
 * - attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, llm_stream.feature,
 *   llm_stream.route, llm_stream.outcome, llm_stream.usage_source
 * - present: each such call
 * - source: ours
 */
export const METRIC_LLM_STREAM_STREAM_USAGE_MISSING = 'llm_stream.stream.usage_missing';
