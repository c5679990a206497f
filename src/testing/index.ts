/**
 * `opentelemetry-instrumentation-llm-stream/testing`: a provider that misbehaves on purpose, for tests. Re-exports only.
 */
export { closedPort } from './closed-port.js';
export type { Delivery } from './delivery.js';
export type { Fault, FaultFields, FaultType } from './faults.js';
export type { Gate } from './gate.js';
export type { EachChunk, Hold } from './hold.js';
export type { Landmark, Place } from './place.js';
export type { Json } from './plan.js';
export type { ReceivedRequest } from './received-request.js';
export type { Scenario } from './scenario.js';
export {
  type ChatChoice,
  type ChatOptions,
  type ChatPiece,
  type ChatScript,
  type ChatUsage,
  chatChoices,
  chatPieces,
  chatText,
  chatToolCalls,
  type ToolCallScript,
} from './scripts/chat-completions.js';
export {
  chatCompletion,
  type HttpReply,
  httpError,
  httpReply,
  httpText,
  type OpenAIError,
  type PayloadsReply,
  type Reply,
  ssePayloads,
} from './scripts/replies.js';
export {
  type FaultyProvider,
  type FaultyProviderOptions,
  type ScenarioOrList,
  startFaultyProvider,
} from './server.js';
