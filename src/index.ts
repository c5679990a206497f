/** The public API. */
export { assertCompleted, assertToolCallsComplete } from './app/assert.js';
export type { CallOutcome } from './app/call-outcome.js';
export type { CallContext } from './app/context-values.js';
export { LlmStreamError, type LlmStreamErrorCode } from './app/errors.js';
export { type HeldCall, type HoldOptions, holdCall } from './app/hold-call.js';
export { outcomeOf } from './app/outcome-of.js';
export type { StandardSchema, ToolValidation } from './app/standard-schema.js';
export { type FailedCall, instrumentFetch, instrumentOpenAI, recordFailure, withCallContext } from './by-hand.js';
export { endOpenCalls } from './call/end-open-calls.js';
export type { CallInfo, LlmStreamInstrumentationConfig, OutgoingRequest } from './config.js';
export { LlmStreamInstrumentation } from './instrumentation.js';
export type { DialectName } from './protocol/dialects/dialect.js';
export type { Endpoint } from './protocol/request.js';
export type { ApplicationValue } from './stream/call-description.js';
export type {
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
} from './stream/outcome.js';
