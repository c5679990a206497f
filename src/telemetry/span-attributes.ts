/** Every attribute of a call's span, and where its value comes from: what is known before the start, and at the end. */
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { ERROR_TYPE_VALUE_OTHER } from '@opentelemetry/semantic-conventions';
import type { ApplicationFacts, ApplicationValue, CallDescription } from '../stream/call-description.js';
import type { CallOutcome, OpenOutcome, Usage } from '../stream/outcome.js';
import * as names from './semconv.js';
import type { Parts } from './timeline.js';

export interface SpanSinkOptions {
  /** Span events that the SDK in use keeps per span. */
  readonly spanEventLimit: number;
  /** Whether tool names, and tool-call ids that may hold one, are written. */
  readonly toolNames: boolean;
  /** As configured; written beside the count of stalls, which means nothing without it. */
  readonly stallThresholdMs: number;
  /** Which milestones are span events; all where it is left out. */
  readonly spanEvents?: Parts;
}

/** An attribute and where its value comes from; undefined is not written. */
type Row<From> = readonly [name: string, read: (from: From) => AttributeValue | undefined];

export function fill<From>(attributes: Attributes, rows: readonly Row<From>[], from: From): Attributes {
  forEachKnown(rows, from, (name, value) => {
    attributes[name] = value;
  });
  return attributes;
}

export function forEachKnown<From>(
  rows: readonly Row<From>[],
  from: From,
  write: (name: string, value: AttributeValue) => void,
): void {
  for (const [name, read] of rows) {
    const value = read(from);
    if (value !== undefined) write(name, value);
  }
}

/** What is known of a call before it starts. The application's own cannot replace ours. */
export function startAttributes(call: CallDescription, application: ApplicationFacts | undefined): Attributes {
  return fill(application ? ownAttributes(application) : {}, START_ATTRIBUTES, call);
}

function ownAttributes(application: ApplicationFacts): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(application.attributes ?? {})) attributes[name] = copyOf(value);
  return fill(attributes, APPLICATION_ATTRIBUTES, application);
}

function copyOf(value: ApplicationValue): AttributeValue {
  // A list of one kind: whoever took it in looked.
  return (Array.isArray(value) ? [...value] : value) as AttributeValue;
}

const START_ATTRIBUTES: readonly Row<CallDescription>[] = [
  [names.ATTR_GEN_AI_OPERATION_NAME, (call) => call.operation],
  [names.ATTR_GEN_AI_PROVIDER_NAME, (call) => call.provider],
  [names.ATTR_GEN_AI_REQUEST_MODEL, (call) => call.model],
  [names.ATTR_SERVER_ADDRESS, (call) => call.serverAddress],
  [names.ATTR_SERVER_PORT, (call) => call.serverPort],
  // The convention's absence means "not streaming", so false is not written.
  [names.ATTR_GEN_AI_REQUEST_STREAM, (call) => call.stream || undefined],
  [names.ATTR_GEN_AI_REQUEST_MAX_TOKENS, (call) => call.parameters.maxTokens],
  [names.ATTR_GEN_AI_REQUEST_TEMPERATURE, (call) => call.parameters.temperature],
  [names.ATTR_GEN_AI_REQUEST_TOP_P, (call) => call.parameters.topP],
  [names.ATTR_GEN_AI_REQUEST_TOP_K, (call) => call.parameters.topK],
  [names.ATTR_GEN_AI_REQUEST_SEED, (call) => call.parameters.seed],
  [names.ATTR_GEN_AI_REQUEST_CHOICE_COUNT, (call) => unless(1, call.parameters.choiceCount)],
  [names.ATTR_GEN_AI_REQUEST_FREQUENCY_PENALTY, (call) => call.parameters.frequencyPenalty],
  [names.ATTR_GEN_AI_REQUEST_PRESENCE_PENALTY, (call) => call.parameters.presencePenalty],
  [names.ATTR_GEN_AI_REQUEST_STOP_SEQUENCES, (call) => few(call.parameters.stopSequences)],
  [names.ATTR_GEN_AI_REQUEST_REASONING_LEVEL, (call) => call.parameters.reasoningLevel],
  [names.ATTR_GEN_AI_OUTPUT_TYPE, (call) => call.parameters.outputType],
  [names.ATTR_OPENAI_API_TYPE, (call) => call.apiType],
  [names.ATTR_OPENAI_REQUEST_SERVICE_TIER, (call) => unless('auto', call.parameters.serviceTier)],
  [names.ATTR_AZURE_RESOURCE_PROVIDER_NAMESPACE, (call) => (call.azure ? 'Microsoft.CognitiveServices' : undefined)],
  [names.ATTR_LLM_STREAM_REQUEST_BODY_SIZE, (call) => call.bodySize],
  [names.ATTR_LLM_STREAM_REQUEST_MESSAGE_COUNT, (call) => call.messageCount],
  [names.ATTR_LLM_STREAM_REQUEST_TOOL_COUNT, (call) => call.toolCount],
  [names.ATTR_LLM_STREAM_API_KEY_PRESENT, (call) => call.apiKeyPresent],
];

const APPLICATION_ATTRIBUTES: readonly Row<ApplicationFacts>[] = [
  [names.ATTR_LLM_STREAM_REQUEST_ID, (facts) => facts.requestId],
  [names.ATTR_LLM_STREAM_FEATURE, (facts) => facts.feature],
  [names.ATTR_LLM_STREAM_ROUTE, (facts) => facts.route],
  [names.ATTR_LLM_STREAM_CONFIG_VERSION, (facts) => facts.configVersion],
  [names.ATTR_LLM_STREAM_RETRY_ATTEMPT, (facts) => facts.retryAttempt],
  [names.ATTR_LLM_STREAM_FALLBACK_ATTEMPT, (facts) => facts.fallbackAttempt],
];

export const USAGE_ATTRIBUTES: readonly Row<Usage>[] = [
  [names.ATTR_GEN_AI_USAGE_INPUT_TOKENS, (usage) => usage.inputTokens],
  [names.ATTR_GEN_AI_USAGE_OUTPUT_TOKENS, (usage) => usage.outputTokens],
  [names.ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, (usage) => usage.cacheReadInputTokens],
  [names.ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, (usage) => usage.reasoningOutputTokens],
];

type AnyOutcome = CallOutcome | OpenOutcome;

/** What the rows below read. Who has no span leaves out what only a span has: nothing is written for it. */
interface Ended {
  readonly outcome: AnyOutcome;
  readonly stream: boolean | undefined;
  readonly suppressedCount: number | undefined;
  readonly options: {
    readonly toolNames: boolean;
    readonly stallThresholdMs: number | undefined;
  };
}

const OUTCOME_ATTRIBUTES: readonly Row<AnyOutcome>[] = [
  [names.ATTR_LLM_STREAM_OUTCOME, (o) => o.outcome],
  [names.ATTR_LLM_STREAM_FAILURE_STAGE, (o) => o.failureStage],
  [names.ATTR_LLM_STREAM_STAGE, (o) => o.stage],
  [names.ATTR_LLM_STREAM_TERMINATION_KIND, (o) => o.terminationKind],
  [names.ATTR_LLM_STREAM_COMPLETION, (o) => o.completion],
  [names.ATTR_LLM_STREAM_ERROR_CATEGORY, (o) => o.errorCategory],
  [names.ATTR_ERROR_TYPE, (o) => (o.outcome === 'failed' ? (o.errorType ?? ERROR_TYPE_VALUE_OTHER) : undefined)],
  [names.ATTR_LLM_STREAM_RETRYABLE, (o) => o.retryable],
  [names.ATTR_LLM_STREAM_FAULT, (o) => o.fault],
  [names.ATTR_LLM_STREAM_TIMEOUT_KIND, (o) => o.timeoutKind],
  [names.ATTR_LLM_STREAM_PROVIDER_ERROR_TYPE, (o) => o.providerError?.type],
  [names.ATTR_LLM_STREAM_PROVIDER_ERROR_CODE, (o) => o.providerError?.code],
  [names.ATTR_LLM_STREAM_PROVIDER_ERROR_PARAM, (o) => o.providerError?.param],
  [names.ATTR_LLM_STREAM_NETWORK_ERROR_CODE, (o) => o.networkErrorCode],

  [names.ATTR_HTTP_RESPONSE_STATUS_CODE, (o) => o.status],
  [names.ATTR_LLM_STREAM_PROVIDER_REQUEST_ID, (o) => o.providerRequestId],
  [names.ATTR_LLM_STREAM_PROVIDER_REGION, (o) => o.providerRegion],
  [names.ATTR_LLM_STREAM_RETRY_AFTER_MS, (o) => whole(o.retryAfterMs)],
  [names.ATTR_LLM_STREAM_RATE_LIMIT_REMAINING_REQUESTS, (o) => o.remainingRequests],
  [names.ATTR_LLM_STREAM_RATE_LIMIT_REMAINING_TOKENS, (o) => o.remainingTokens],
  [names.ATTR_LLM_STREAM_UPSTREAM_CANCELLED, (o) => o.upstreamCancelled],

  [names.ATTR_GEN_AI_RESPONSE_ID, (o) => o.responseId],
  [names.ATTR_GEN_AI_RESPONSE_MODEL, (o) => o.responseModel],
  [names.ATTR_GEN_AI_RESPONSE_FINISH_REASONS, (o) => o.finishReasons && [...o.finishReasons]],
  [names.ATTR_OPENAI_RESPONSE_SERVICE_TIER, (o) => o.serviceTier],
  [names.ATTR_OPENAI_RESPONSE_SYSTEM_FINGERPRINT, (o) => o.systemFingerprint],
  [names.ATTR_LLM_STREAM_FINISH_REASON_RECEIVED, (o) => ifSeen(o, o.finishReasonReceived)],
  [names.ATTR_LLM_STREAM_DONE_EVENT_RECEIVED, (o) => ifSeen(o, o.doneEventReceived)],

  [names.ATTR_LLM_STREAM_USAGE_AVAILABLE, (o) => o.usageSource === 'final'],
  [names.ATTR_LLM_STREAM_USAGE_SOURCE, (o) => o.usageSource],
  [names.ATTR_LLM_STREAM_ESTIMATED_INPUT_TOKENS, (o) => o.estimatedInputTokens],
  [names.ATTR_LLM_STREAM_ESTIMATED_OUTPUT_TOKENS, (o) => o.estimatedOutputTokens],

  [names.ATTR_LLM_STREAM_CHUNK_COUNT, (o) => o.chunkCount],
  [names.ATTR_LLM_STREAM_OUTPUT_CHUNK_COUNT, (o) => o.outputChunkCount],
  [names.ATTR_LLM_STREAM_INVALID_CHUNK_COUNT, (o) => o.invalidChunkCount],
  [names.ATTR_LLM_STREAM_BYTES_RECEIVED, (o) => o.bytesReceived],
  [names.ATTR_LLM_STREAM_KEEP_ALIVE_COUNT, (o) => o.keepAliveCount],
  [names.ATTR_LLM_STREAM_OUTPUT_CHARACTERS, (o) => o.outputCharacters],
  [names.ATTR_LLM_STREAM_REASONING_CHARACTERS, (o) => o.reasoningCharacters],

  [names.ATTR_LLM_STREAM_ATTEMPT_COUNT, (o) => o.attemptCount],
  [names.ATTR_LLM_STREAM_RETRY_DELAY_MS, (o) => whole(o.retryDelayMs)],
  [names.ATTR_LLM_STREAM_TIME_TO_HEADERS_MS, (o) => whole(o.timeToHeadersMs)],
  [names.ATTR_LLM_STREAM_TIME_TO_FIRST_TOKEN_MS, (o) => whole(o.timeToFirstTokenMs)],
  [names.ATTR_LLM_STREAM_FIRST_TOKEN_CHANNEL, (o) => o.firstTokenChannel],
  [names.ATTR_LLM_STREAM_TIME_TO_LAST_CHUNK_MS, (o) => whole(o.timeToLastChunkMs)],
  [names.ATTR_LLM_STREAM_STREAM_DURATION_MS, (o) => whole(o.streamDurationMs)],
  [names.ATTR_LLM_STREAM_MAX_CHUNK_GAP_MS, (o) => whole(o.maxChunkGapMs)],
  [names.ATTR_LLM_STREAM_CONSUMER_PAUSE_MS, (o) => whole(o.consumerPauseMs)],

  [names.ATTR_LLM_STREAM_TOOL_CALL_COUNT, (o) => ifSeen(o, o.toolCallCount)],
  [names.ATTR_LLM_STREAM_TOOL_CALL_COMPLETED_COUNT, (o) => ifSeen(o, o.toolCallCompletedCount)],
  [names.ATTR_LLM_STREAM_TOOL_CALL_FRAGMENT_COUNT, (o) => ifSeen(o, o.toolCallFragmentCount)],
  [names.ATTR_LLM_STREAM_TOOL_CALL_ARGUMENT_CHARACTERS, (o) => ifSeen(o, o.toolCallArgumentCharacters)],
  [names.ATTR_LLM_STREAM_TOOL_CALL_ARGUMENTS_COMPLETED, (o) => ifSeen(o, o.toolCallArgumentsCompleted)],

  [names.ATTR_LLM_STREAM_TOOL_CALL_VALIDATED, (o) => o.toolCallsValidated],
  [names.ATTR_LLM_STREAM_TOOL_CALL_EXECUTION_STARTED, (o) => o.toolCallExecutionStarted],
  [names.ATTR_LLM_STREAM_TOOL_CALL_EXECUTION_COMPLETED, (o) => o.toolCallExecutionCompleted],

  [names.ATTR_LLM_STREAM_PERSISTENCE_STATUS, (o) => o.persistenceStatus],
  [names.ATTR_LLM_STREAM_PROCESSING_STATUS, (o) => o.processingStatus],
  [names.ATTR_LLM_STREAM_CLIENT_DELIVERY_STATUS, (o) => o.clientDeliveryStatus],

  [names.ATTR_LLM_STREAM_BUDGET_CONNECT_MS, (o) => whole(o.budgets?.connectMs)],
  [names.ATTR_LLM_STREAM_BUDGET_HEADERS_MS, (o) => whole(o.budgets?.headersMs)],
  [names.ATTR_LLM_STREAM_BUDGET_FIRST_TOKEN_MS, (o) => whole(o.budgets?.firstTokenMs)],
  [names.ATTR_LLM_STREAM_BUDGET_IDLE_MS, (o) => whole(o.budgets?.idleMs)],
  [names.ATTR_LLM_STREAM_BUDGET_TOTAL_MS, (o) => whole(o.budgets?.totalMs)],

  [names.ATTR_LLM_STREAM_OBSERVED_BY, (o) => [...o.observedBy]],
];

export const END_ATTRIBUTES: readonly Row<Ended>[] = [
  ...OUTCOME_ATTRIBUTES.map(([name, value]): Row<Ended> => [name, ({ outcome }) => value(outcome)]),
  ...USAGE_ATTRIBUTES.map(([name, value]): Row<Ended> => [name, ({ outcome }) => value(outcome.usage ?? NO_USAGE)]),
  // Again where only the answer could tell: the request's body was not readable.
  [names.ATTR_GEN_AI_REQUEST_STREAM, ({ stream }) => stream || undefined],
  [names.ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, ({ stream, outcome }) => streamed(stream, seconds(outcome))],
  [names.ATTR_LLM_STREAM_STALL_COUNT, ({ stream, outcome: o }) => streamed(stream, ifSeen(o, o.stallCount))],
  [
    names.ATTR_LLM_STREAM_STALL_THRESHOLD_MS,
    ({ stream, outcome, options }) => streamed(stream, ifSeen(outcome, whole(options.stallThresholdMs))),
  ],
  [
    names.ATTR_LLM_STREAM_TOOL_CALL_NAMES,
    ({ outcome, options }) => (options.toolNames ? ifSeen(outcome, few(outcome.toolCallNames)) : undefined),
  ],
  [
    names.ATTR_LLM_STREAM_TOOL_CALL_INCOMPLETE_NAMES,
    ({ outcome, options }) => (options.toolNames ? ifSeen(outcome, few(outcome.toolCallIncompleteNames)) : undefined),
  ],
  [names.ATTR_LLM_STREAM_SPAN_EVENTS_SUPPRESSED_COUNT, ({ suppressedCount }) => suppressedCount],
];

const NO_USAGE: Usage = {};

/** Undefined where somebody read the body unseen: what was counted is then not the whole, and a "no" is a guess. */
function ifSeen<T>(outcome: AnyOutcome, value: T): T | undefined {
  return outcome.chunkCount === undefined ? undefined : value;
}

/** Undefined where the request is known to have asked for one document. */
function streamed<T>(stream: boolean | undefined, value: T): T | undefined {
  return stream === false ? undefined : value;
}

function seconds({ timeToFirstTokenMs }: AnyOutcome): number | undefined {
  return timeToFirstTokenMs === undefined ? undefined : timeToFirstTokenMs / 1000;
}

function whole(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms);
}

function unless<T>(usual: T, value: T | undefined): T | undefined {
  return value === usual ? undefined : value;
}

const MAX_STRINGS = 16;
const MAX_CHARACTERS = 128;

/** At most 16 strings of at most 128 characters; undefined for none. */
function few(values: readonly string[] | undefined): string[] | undefined {
  return values === undefined || values.length === 0 ? undefined : values.slice(0, MAX_STRINGS).map(cut);
}

export function cut(value: string): string {
  // Half a surrogate pair at the edge is not text any more.
  return value.length <= MAX_CHARACTERS ? value : value.slice(0, MAX_CHARACTERS).replace(/[\uD800-\uDBFF]$/, '');
}
