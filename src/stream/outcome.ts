/**
 * How a call ended, as closed unions: the words that alerts are built on.
 * `docs/design.md` has the table that says which ending gets which words.
 */

/** The verdict. `cancelled` is nobody's failure: somebody left. */
export type Outcome = 'completed' | 'cancelled' | 'failed';

/** How far the call had got when it ended. */
export type Stage =
  | 'before_request'
  | 'before_headers'
  | 'before_first_token'
  | 'after_first_token'
  | 'during_tool_call'
  | 'after_finish_reason'
  | 'done';

/** Where a call that did not complete ended. */
export type FailureStage =
  | 'before_request'
  | 'request_rejected'
  | 'before_first_token'
  | 'after_first_token'
  | 'during_tool_call'
  | 'after_finish_reason'
  | 'client_aborted'
  | 'unknown';

/** What was the last thing that happened. */
export type TerminationKind =
  | 'done_event'
  | 'finish_reason_eof'
  | 'eof'
  | 'http_error'
  | 'error_payload'
  | 'connection_error'
  | 'decode_error'
  | 'consumer_break'
  | 'consumer_abort'
  | 'consumer_error'
  | 'local_error'
  | 'timeout'
  | 'idle'
  | 'not_consumed'
  | 'shutdown'
  | 'unknown';

/** A finish reason in one vocabulary for all providers. */
export type Completion = 'stop' | 'length' | 'content_filter' | 'tool_calls' | 'refusal' | 'other';

/** What kind of error it was; on a completed call, a soft finding. */
export type ErrorCategory =
  | 'rate_limit'
  | 'quota'
  | 'auth'
  | 'not_found'
  | 'context_length'
  | 'invalid_request'
  | 'content_filter'
  | 'overloaded'
  | 'server_error'
  | 'invalid_response'
  | 'connect_failed'
  | 'request_timeout'
  | 'first_token_timeout'
  | 'idle_timeout'
  | 'total_timeout'
  | 'stream_interrupted'
  | 'missing_done_event'
  | 'invalid_stream_chunk'
  | 'incomplete_tool_arguments'
  | 'persistence_failed'
  | 'processing_failed'
  | 'delivery_failed'
  | 'unknown';

/**
 * Whose doing it was: `application` (ours to fix), `client` (the reader left), `provider` (it said so itself),
 * `network` (the provider was never reached), `upstream` (provider or the way there: they cannot be told apart from here).
 */
export type Fault = 'application' | 'client' | 'provider' | 'network' | 'upstream';

/** Which wait was cut short. */
export type TimeoutKind = 'connect' | 'headers' | 'first_token' | 'idle' | 'total';

/** How a step of the application's own went; `unknown`: it never said. */
export type StepStatus = 'ok' | 'failed' | 'unknown';

/** How the answer's way to whoever asked for it went. */
export type DeliveryStatus = StepStatus | 'client_left';

/** Where generated output showed first. */
export type Channel = 'text' | 'reasoning' | 'refusal' | 'tool_call' | 'audio';

/** Identifiers out of a provider's error, each at most 64 characters of `[\w.:-]`; never a message. */
export interface ProviderErrorIds {
  readonly type?: string | undefined;
  readonly code?: string | undefined;
  readonly param?: string | undefined;
}

/** Token counts as the provider reported them; what it did not report is absent. */
export interface Usage {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly cacheReadInputTokens?: number | undefined;
  readonly reasoningOutputTokens?: number | undefined;
}

/** Limits on the waits of one request; milliseconds. */
export interface BudgetLimits {
  readonly connectMs?: number | undefined;
  readonly headersMs?: number | undefined;
  readonly firstTokenMs?: number | undefined;
  readonly idleMs?: number | undefined;
  readonly totalMs?: number | undefined;
}

/** Everything that is known of a call when it has ended. Times are milliseconds since the call began; absent means unknown. */
export interface CallOutcome {
  readonly outcome: Outcome;
  readonly stage: Stage;
  /** Set when the call did not complete. */
  readonly failureStage?: FailureStage | undefined;
  readonly terminationKind: TerminationKind;
  /** The stream itself completed: the answer is whole, whatever the application made of it afterwards. */
  readonly answerCompleted?: boolean | undefined;
  readonly completion?: Completion | undefined;
  readonly errorCategory?: ErrorCategory | undefined;
  /** `error.type`; on failed calls only. */
  readonly errorType?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly fault?: Fault | undefined;
  readonly timeoutKind?: TimeoutKind | undefined;
  readonly providerError?: ProviderErrorIds | undefined;
  readonly networkErrorCode?: string | undefined;

  readonly status?: number | undefined;
  /** The answer came as a stream; absent where it did not come, or could not be seen. */
  readonly streamed?: boolean | undefined;
  readonly providerRequestId?: string | undefined;
  readonly providerRegion?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly remainingRequests?: number | undefined;
  readonly remainingTokens?: number | undefined;
  readonly upstreamCancelled?: boolean | undefined;

  readonly responseId?: string | undefined;
  readonly responseModel?: string | undefined;
  readonly serviceTier?: string | undefined;
  readonly systemFingerprint?: string | undefined;
  /** One word per choice, the provider's own; `error` for a choice that never got one. Absent where no 2xx headers came. */
  readonly finishReasons?: readonly string[] | undefined;
  readonly finishReasonReceived: boolean;
  /** Absent where nobody could see the bytes. */
  readonly doneEventReceived?: boolean | undefined;

  readonly usage?: Usage | undefined;
  readonly usageSource: 'final' | 'partial' | 'none';
  readonly estimatedInputTokens?: number | undefined;
  readonly estimatedOutputTokens?: number | undefined;

  /** The five counts are absent where nobody could see the body. */
  readonly chunkCount?: number | undefined;
  readonly outputChunkCount?: number | undefined;
  readonly invalidChunkCount?: number | undefined;
  readonly bytesReceived?: number | undefined;
  readonly keepAliveCount?: number | undefined;
  readonly outputCharacters?: number | undefined;
  readonly reasoningCharacters?: number | undefined;

  readonly attemptCount: number;
  readonly timeToHeadersMs?: number | undefined;
  /** From the start of the call to the first chunk with generated output. */
  readonly timeToFirstTokenMs?: number | undefined;
  readonly firstTokenChannel?: Channel | undefined;
  readonly timeToLastChunkMs?: number | undefined;
  /** From the start of the call to its end. */
  readonly streamDurationMs: number;
  readonly maxChunkGapMs?: number | undefined;
  readonly consumerPauseMs?: number | undefined;
  readonly stallCount: number;

  readonly toolCallCount: number;
  readonly toolCallCompletedCount: number;
  /** Whether all tool calls may be executed; absent without one, and where there were too many to follow. */
  readonly toolCallArgumentsCompleted?: boolean | undefined;
  readonly toolCallFragmentCount: number;
  readonly toolCallArgumentCharacters: number;
  readonly toolCallNames: readonly string[];
  readonly toolCallIncompleteNames: readonly string[];
  /** The tool calls that are followed, in the order in which they began. */
  readonly toolCalls: readonly ToolCallOutcome[];

  /** The three are there for held calls only. */
  readonly persistenceStatus?: StepStatus | undefined;
  readonly processingStatus?: StepStatus | undefined;
  readonly clientDeliveryStatus?: DeliveryStatus | undefined;
  /** Whether the arguments of the tool calls are what the application wants: of all, or false for one; absent where it never said. */
  readonly toolCallsValidated?: boolean | undefined;
  /** Whether a tool call was begun to be executed; absent where the call was not held, or nothing was said. */
  readonly toolCallExecutionStarted?: boolean | undefined;
  /** Whether all executions that are told of ended well. */
  readonly toolCallExecutionCompleted?: boolean | undefined;

  /** The retries' waits together; absent where there was one attempt. */
  readonly retryDelayMs?: number | undefined;
  /** The budgets that were enforced. */
  readonly budgets?: BudgetLimits | undefined;
  /** The roads that saw the call. */
  readonly observedBy: readonly Road[];
}

/** One tool call of an answer. */
export interface ToolCallOutcome {
  readonly choice: number;
  /** Position among the tool calls of its choice, counted from 0. */
  readonly index: number;
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  /** It was said to be finished and its arguments close: it may be executed. */
  readonly complete: boolean;
}

/**
 * `fetch`: the response and its bytes; `openai`: what the SDK was asked for and what its consumer got; `application`: it
 * said itself that it failed before there was a request.
 */
export type Road = 'fetch' | 'openai' | 'application';

/** What is known of a call that has not ended: what has not been decided is absent. */
export interface OpenOutcome extends Omit<CallOutcome, 'outcome' | 'terminationKind' | 'failureStage'> {
  readonly outcome: 'open';
  readonly terminationKind?: undefined;
  readonly failureStage?: undefined;
}
