/** How a call went, as an application is told: the public form of what the machine knows, frozen and without content. */
import type { Attributes } from '@opentelemetry/api';
import type { CallReport } from '../process-state.js';
import type {
  BudgetLimits,
  Channel,
  Completion,
  DeliveryStatus,
  ErrorCategory,
  FailureStage,
  Fault,
  Outcome,
  ProviderErrorIds,
  Road,
  Stage,
  StepStatus,
  TerminationKind,
  TimeoutKind,
  ToolCallOutcome,
  Usage,
} from '../stream/outcome.js';
import { END_ATTRIBUTES, fill } from '../telemetry/span-attributes.js';

/**
 * How one LLM call went, or how far it has got: a snapshot of the moment at which it was asked for.
 * Absent means unknown. Times are milliseconds since the call began. Never a prompt, an answer, an argument or a message.
 * Its unions grow as providers do: a `switch` over one needs a way out.
 *
 * @see docs/design.md §5 for the table that says which ending gets which words
 */
export interface CallOutcome {
  /** Of the call's span, sampled or not; absent where no tracer gave it a valid one. */
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;

  /** The verdict; `cancelled` is nobody's failure: somebody left. `open`: the call has not ended, and what follows is so far. */
  readonly outcome: Outcome | 'open';
  /** How far the call had got. */
  readonly stage: Stage;
  /** Where a call that did not complete ended; absent while it is open. */
  readonly failureStage?: FailureStage | undefined;
  /** What was the last thing that happened; absent while the call is open. */
  readonly terminationKind?: TerminationKind | undefined;
  /** The finish reason in one vocabulary; of several choices, the first that is not `stop`. */
  readonly completion?: Completion | undefined;
  /** What went wrong; on a completed call, a soft finding. */
  readonly errorCategory?: ErrorCategory | undefined;
  /** The provider's code, the network's, or the class of an error; on failed calls. */
  readonly errorType?: string | undefined;
  /** A fresh call may succeed; says nothing of side effects, and nothing of resuming. On failed calls. */
  readonly retryable?: boolean | undefined;
  /** Whose doing it was. */
  readonly fault?: Fault | undefined;
  /** Which wait was cut short. */
  readonly timeoutKind?: TimeoutKind | undefined;
  /** Identifiers out of the provider's error; never its message. */
  readonly providerError?: ProviderErrorIds | undefined;
  /** Such as `ECONNRESET`. */
  readonly networkErrorCode?: string | undefined;

  /**
   * Generated output was delivered, and what the application holds is a part of an answer. False for a whole answer, also
   * where the call failed or was cancelled by what became of it afterwards. Absent where nobody could see.
   */
  readonly partialOutput?: boolean | undefined;

  /**
   * Whether every tool call that began is whole, and was said to be finished. Absent where there is none (`toolCallCount`
   * is 0), where there are more than are followed (`toolCallCount` is larger than the list `toolCalls`), and where nobody
   * could see the answer (`toolCallCount` is absent).
   *
   * @see {@link assertToolCallsComplete}, which also asks whether more could have been to come
   */
  readonly toolCallsComplete?: boolean | undefined;
  /** In the order in which they began; at most 128. */
  readonly toolCalls: readonly ToolCallOutcome[];
  /** Tool calls that began. */
  readonly toolCallCount?: number | undefined;
  readonly toolCallCompletedCount?: number | undefined;
  readonly toolCallFragmentCount?: number | undefined;
  /** Unicode code points of argument text. */
  readonly toolCallArgumentCharacters?: number | undefined;

  /** The HTTP status of the last answer. */
  readonly status?: number | undefined;
  /** The answer came as a stream. */
  readonly streamed?: boolean | undefined;
  /** The provider's own id of the request, from its headers. */
  readonly providerRequestId?: string | undefined;
  readonly providerRegion?: string | undefined;
  /** How long the provider asks to wait before another call. */
  readonly retryAfterMs?: number | undefined;
  /** Left in the provider's rate-limit window. */
  readonly remainingRequests?: number | undefined;
  readonly remainingTokens?: number | undefined;
  /** The cancellation reached the provider's connection; on cancelled calls. */
  readonly upstreamCancelled?: boolean | undefined;

  readonly responseId?: string | undefined;
  readonly responseModel?: string | undefined;
  readonly serviceTier?: string | undefined;
  readonly systemFingerprint?: string | undefined;
  /** One word per choice, the provider's own; `error` for a choice that never got one. */
  readonly finishReasons?: readonly string[] | undefined;
  /** A finish reason came. */
  readonly finishReasonReceived?: boolean | undefined;
  /** The format's own end of stream came, such as `[DONE]`. */
  readonly doneEventReceived?: boolean | undefined;

  /** As the provider reported it; what it did not report is absent. */
  readonly usage?: Usage | undefined;
  /** Only `final` can be billed. */
  readonly usageSource: 'final' | 'partial' | 'none';
  /** From sizes; an order of magnitude, where the provider reported nothing. */
  readonly estimatedInputTokens?: number | undefined;
  readonly estimatedOutputTokens?: number | undefined;

  /** Chunks that reached the application. */
  readonly chunkCount?: number | undefined;
  /** Those of them that carried generated output. */
  readonly outputChunkCount?: number | undefined;
  /** Messages that were no payload. */
  readonly invalidChunkCount?: number | undefined;
  readonly bytesReceived?: number | undefined;
  readonly keepAliveCount?: number | undefined;
  /** Unicode code points of generated text; reasoning is counted on its own. */
  readonly outputCharacters?: number | undefined;
  readonly reasoningCharacters?: number | undefined;

  /** What {@link holdCall} was told; `unknown`: the call was held, and nothing was said. */
  readonly persistenceStatus?: StepStatus | undefined;
  readonly processingStatus?: StepStatus | undefined;
  readonly clientDeliveryStatus?: DeliveryStatus | undefined;
  /** Whether the arguments of every tool call are said to be valid; false for one that is not. */
  readonly toolCallsValidated?: boolean | undefined;
  /** A tool call is said to have been begun to be executed: a second call may execute a second time. */
  readonly toolCallExecutionStarted?: boolean | undefined;
  /** Whether all executions that were told of ended well. */
  readonly toolCallExecutionCompleted?: boolean | undefined;

  /** HTTP requests that the call took. */
  readonly attemptCount: number;
  /** The waits between them together. */
  readonly retryDelayMs?: number | undefined;
  readonly timeToHeadersMs?: number | undefined;
  /** To the first chunk with generated output. */
  readonly timeToFirstTokenMs?: number | undefined;
  readonly firstTokenChannel?: Channel | undefined;
  readonly timeToLastChunkMs?: number | undefined;
  /** To the call's end; of an open call, to now. */
  readonly streamDurationMs: number;
  /** The longest wait for a chunk after the first one, while a read was pending. */
  readonly maxChunkGapMs?: number | undefined;
  /** The longest time the application let pass between two reads. */
  readonly consumerPauseMs?: number | undefined;
  readonly stallCount?: number | undefined;
  /** The budgets that were enforced, where ours were. */
  readonly budgets?: BudgetLimits | undefined;
  /** The roads that saw the call. */
  readonly observedBy: readonly Road[];

  /**
   * The same as plain data for a log: the names of the span's attributes, and `trace_id` and `span_id` as OpenTelemetry
   * names them in logs. `JSON.stringify` calls it. Tool names are in it, whatever the option `toolNames` says of spans.
   *
   * @see https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/
   */
  toJSON(): Attributes;
}

/** Makes the snapshot; nothing in it is shared with the call, which goes on. */
export function callOutcome(report: CallReport): CallOutcome {
  const { traceId, spanId, outcome } = report;
  const {
    answerCompleted,
    toolCallArgumentsCompleted,
    toolCallNames: _names,
    toolCallIncompleteNames: _incomplete,
    ...facts
  } = outcome;
  // Somebody read the body unseen: what was counted is then not the whole, and a "no" is a guess.
  const isSeen = outcome.chunkCount !== undefined;
  const ifSeen = <T>(value: T): T | undefined => (isSeen ? value : undefined);
  const snapshot = withoutUndefined({
    traceId,
    spanId,
    ...facts,
    providerError: outcome.providerError && { ...outcome.providerError },
    // An older copy of this package does not say of a completed call that its answer is.
    partialOutput: answerCompleted || outcome.outcome === 'completed' ? false : isPartial(outcome),
    toolCallsComplete: ifSeen(toolCallArgumentsCompleted),
    toolCalls: isSeen ? outcome.toolCalls.map((call) => withoutUndefined({ ...call })) : [],
    toolCallCount: ifSeen(outcome.toolCallCount),
    toolCallCompletedCount: ifSeen(outcome.toolCallCompletedCount),
    toolCallFragmentCount: ifSeen(outcome.toolCallFragmentCount),
    toolCallArgumentCharacters: ifSeen(outcome.toolCallArgumentCharacters),
    finishReasons: outcome.finishReasons && [...outcome.finishReasons],
    finishReasonReceived: ifSeen(outcome.finishReasonReceived),
    doneEventReceived: ifSeen(outcome.doneEventReceived),
    usage: outcome.usage && { ...outcome.usage },
    budgets: outcome.budgets && { ...outcome.budgets },
    stallCount: ifSeen(outcome.stallCount),
    observedBy: [...outcome.observedBy],
  });
  return Object.freeze(withToJSON(snapshot, () => attributesOf(report)));
}

function isPartial({ outputChunkCount, timeToFirstTokenMs }: CallReport['outcome']): boolean | undefined {
  if (timeToFirstTokenMs !== undefined) return true;
  return outputChunkCount === undefined ? undefined : outputChunkCount > 0;
}

/** What only the span knows, such as its span events, is absent. */
function attributesOf({ traceId, spanId, outcome }: CallReport): Attributes {
  const ids = { ...(traceId !== undefined && { trace_id: traceId }), ...(spanId !== undefined && { span_id: spanId }) };
  return fill(ids, END_ATTRIBUTES, {
    outcome,
    stream: outcome.streamed,
    suppressedCount: undefined,
    options: { toolNames: true, stallThresholdMs: undefined },
  });
}

/** Whoever prints an outcome sees what is known, not forty times `undefined`. */
function withoutUndefined<T extends object>(facts: T): T {
  // The same type: in all of them a member that may be undefined may be absent.
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as T;
}

/** Not enumerable: a function can be neither printed as data nor sent to a worker. */
function withToJSON<T extends object>(facts: T, toJSON: () => Attributes): T & Pick<CallOutcome, 'toJSON'> {
  // TypeScript does not follow what `defineProperty` adds.
  return Object.defineProperty(facts, 'toJSON', { value: toJSON }) as T & Pick<CallOutcome, 'toJSON'>;
}
