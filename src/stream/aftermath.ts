/**
 * What the application says of an answer after its stream has ended: it is joined with how the call ended. A call that
 * failed or was left by itself stays what it is.
 */
import type { CallOutcome, DeliveryStatus, ErrorCategory, StepStatus } from './outcome.js';

/** What has been said so far. */
export interface Aftermath {
  persistence: Exclude<StepStatus, 'unknown'> | undefined;
  processing: Exclude<StepStatus, 'unknown'> | undefined;
  delivery: Exclude<DeliveryStatus, 'unknown'> | undefined;
  /** By the id of a tool call. */
  readonly validated: Map<string, boolean>;
  /** The same; undefined: begun, and not said to have ended. */
  readonly executed: Map<string, boolean | undefined>;
}

export function createAftermath(): Aftermath {
  return {
    persistence: undefined,
    processing: undefined,
    delivery: undefined,
    validated: new Map(),
    executed: new Map(),
  };
}

/** How the call went, with what the application did afterwards. */
export function withAftermath(outcome: CallOutcome, aftermath: Aftermath): CallOutcome {
  const { persistence, processing, delivery, executed } = aftermath;
  const executionStarted = executed.size > 0;
  return {
    ...(outcome.outcome === 'completed' ? verdictOf(outcome, aftermath) : outcome),
    // A second call may execute a second time.
    ...(executionStarted && outcome.retryable !== undefined && { retryable: false }),
    persistenceStatus: persistence ?? 'unknown',
    processingStatus: processing ?? 'unknown',
    clientDeliveryStatus: delivery ?? 'unknown',
    toolCallsValidated: validatedOf(outcome, aftermath),
    toolCallExecutionStarted: executionStarted || undefined,
    toolCallExecutionCompleted: completedOf(executed),
  };
}

function verdictOf(outcome: CallOutcome, aftermath: Aftermath): CallOutcome {
  const failed = STEPS.find(({ step }) => aftermath[step] === 'failed');
  if (failed) {
    return {
      ...outcome,
      outcome: 'failed',
      stage: 'after_finish_reason',
      failureStage: 'after_finish_reason',
      errorCategory: failed.category,
      errorType: failed.category,
      retryable: false,
      fault: 'application',
    };
  }
  if (aftermath.delivery !== 'client_left') return outcome;
  return {
    ...outcome,
    outcome: 'cancelled',
    stage: 'after_finish_reason',
    failureStage: 'client_aborted',
    // What was not right about the answer is no reason for leaving.
    errorCategory: undefined,
    fault: 'client',
  };
}

/** Of several that failed, the first one counts. */
const STEPS: readonly { readonly step: 'processing' | 'persistence' | 'delivery'; readonly category: ErrorCategory }[] =
  [
    { step: 'processing', category: 'processing_failed' },
    { step: 'persistence', category: 'persistence_failed' },
    { step: 'delivery', category: 'delivery_failed' },
  ];

/** False for one that is not valid; true where every tool call is said to be. */
function validatedOf({ toolCalls, toolCallCount }: CallOutcome, { validated }: Aftermath): boolean | undefined {
  if (validated.size === 0) return undefined;
  if ([...validated.values()].includes(false)) return false;
  if (toolCallCount === 0 || toolCalls.length < toolCallCount) return undefined;
  const ids = new Set(toolCalls.map((call) => call.id));
  const open = toolCalls.filter(({ id }) => id === undefined || !validated.has(id));
  // Some providers give no ids: the application then has its own.
  const own = [...validated.keys()].filter((id) => !ids.has(id));
  return open.every(({ id }) => id === undefined) && open.length <= own.length ? true : undefined;
}

function completedOf(executed: Aftermath['executed']): boolean | undefined {
  const ends = [...executed.values()];
  if (ends.includes(false)) return false;
  return ends.length > 0 && ends.every((end) => end === true) ? true : undefined;
}
