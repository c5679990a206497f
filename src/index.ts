/** The public API. */
export { assertCompleted, assertToolCallsComplete } from './app/assert.js';
export type { CallOutcome } from './app/call-outcome.js';
export { LlmStreamError, type LlmStreamErrorCode } from './app/errors.js';
export { outcomeOf } from './app/outcome-of.js';
export { instrumentFetch, instrumentOpenAI } from './by-hand.js';
export { endOpenCalls } from './call/end-open-calls.js';
export type { LlmStreamInstrumentationConfig } from './config.js';
export { LlmStreamInstrumentation } from './instrumentation.js';
export type { DialectName } from './protocol/dialects/dialect.js';
export type { Endpoint } from './protocol/request.js';
export type {
  Channel,
  Completion,
  ErrorCategory,
  FailureStage,
  Fault,
  Outcome,
  ProviderErrorIds,
  Road,
  Stage,
  TerminationKind,
  TimeoutKind,
  ToolCallOutcome,
  Usage,
} from './stream/outcome.js';
