/** Hand-written calls for this room's tests: a bare one, and one in which everything is known. */
import type { ApplicationFacts, CallDescription, SpanIdentity } from '../../src/stream/call-description.js';
import type { Milestone } from '../../src/stream/milestone.js';
import type { CallOutcome } from '../../src/stream/outcome.js';

/** 2026-11-21T12:00:00Z */
export const START_EPOCH_MS = 1_795_262_400_000;

export const bareCall: CallDescription = {
  startEpochMs: START_EPOCH_MS,
  operation: 'chat',
  provider: 'openai',
  model: 'gpt-5.1',
  stream: true,
  parameters: {},
  apiKeyPresent: false,
  azure: false,
};

export const fullCall: CallDescription = {
  ...bareCall,
  serverAddress: 'example.openai.azure.com',
  serverPort: 443,
  parameters: {
    maxTokens: 1024,
    temperature: 0.2,
    topP: 0.9,
    topK: 40,
    seed: 7,
    choiceCount: 3,
    frequencyPenalty: 0.1,
    presencePenalty: 0.3,
    stopSequences: ['END', 'STOP'],
    reasoningLevel: 'high',
    outputType: 'json',
    serviceTier: 'flex',
  },
  bodySize: 2048,
  messageCount: 5,
  toolCount: 4,
  apiKeyPresent: true,
  apiType: 'chat_completions',
  azure: true,
};

/** What an application said around the call. */
export const everythingSaid: ApplicationFacts = {
  requestId: 'req-7f3a',
  feature: 'summary',
  route: '/chat/:id',
  configVersion: '2026-11-02',
  retryAttempt: 2,
  fallbackAttempt: 1,
  attributes: { 'app.tenant': 'acme', 'app.flags': ['a', 'b'], 'app.premium': true, 'app.cohort': 7 },
};

/** A failed call before this one. */
export const failedBefore: SpanIdentity = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
};

export const completed: CallOutcome = {
  outcome: 'completed',
  stage: 'done',
  terminationKind: 'done_event',
  completion: 'stop',
  finishReasons: ['stop'],
  finishReasonReceived: true,
  doneEventReceived: true,
  usageSource: 'none',
  chunkCount: 2,
  outputChunkCount: 1,
  invalidChunkCount: 0,
  bytesReceived: 300,
  keepAliveCount: 0,
  outputCharacters: 5,
  reasoningCharacters: 0,
  attemptCount: 1,
  streamDurationMs: 900,
  stallCount: 0,
  toolCallCount: 0,
  toolCallCompletedCount: 0,
  toolCallFragmentCount: 0,
  toolCallArgumentCharacters: 0,
  toolCallNames: [],
  toolCallIncompleteNames: [],
  toolCalls: [],
  observedBy: ['fetch'],
};

export const cancelled: CallOutcome = {
  ...completed,
  outcome: 'cancelled',
  stage: 'after_first_token',
  failureStage: 'client_aborted',
  terminationKind: 'consumer_break',
  fault: 'client',
  completion: undefined,
};

export const failed: CallOutcome = {
  ...completed,
  outcome: 'failed',
  stage: 'after_first_token',
  failureStage: 'after_first_token',
  terminationKind: 'connection_error',
  completion: undefined,
  errorCategory: 'stream_interrupted',
  errorType: 'ECONNRESET',
  fault: 'upstream',
};

/** No call ends like this; every field has a value of its own. */
export const everythingKnown: CallOutcome = {
  outcome: 'failed',
  stage: 'during_tool_call',
  failureStage: 'during_tool_call',
  terminationKind: 'error_payload',
  completion: 'tool_calls',
  errorCategory: 'overloaded',
  errorType: 'overloaded_error',
  retryable: true,
  fault: 'provider',
  timeoutKind: 'idle',
  providerError: { type: 'server', code: 'overloaded_error', param: 'messages' },
  networkErrorCode: 'UND_ERR_BODY_TIMEOUT',
  status: 200,
  providerRequestId: 'req_7c1e',
  providerRegion: 'eastus',
  retryAfterMs: 1999.6,
  remainingRequests: 59,
  remainingTokens: 149_000,
  upstreamCancelled: false,
  responseId: 'chatcmpl-8f2a',
  responseModel: 'gpt-5.1-2025-11-13',
  serviceTier: 'default',
  systemFingerprint: 'fp_44709d',
  finishReasons: ['stop', 'error'],
  finishReasonReceived: true,
  doneEventReceived: false,
  usage: { inputTokens: 128, outputTokens: 512, cacheReadInputTokens: 64, reasoningOutputTokens: 256 },
  usageSource: 'final',
  estimatedInputTokens: 130,
  estimatedOutputTokens: 75,
  chunkCount: 42,
  outputChunkCount: 40,
  invalidChunkCount: 1,
  bytesReceived: 18_234,
  keepAliveCount: 3,
  outputCharacters: 1900,
  reasoningCharacters: 640,
  attemptCount: 2,
  timeToHeadersMs: 180.4,
  timeToFirstTokenMs: 412,
  firstTokenChannel: 'reasoning',
  timeToLastChunkMs: 5210.2,
  streamDurationMs: 5230.5,
  maxChunkGapMs: 820.1,
  consumerPauseMs: 12.9,
  stallCount: 6,
  toolCallCount: 3,
  toolCallCompletedCount: 2,
  toolCallArgumentsCompleted: false,
  toolCallFragmentCount: 80,
  toolCallArgumentCharacters: 400,
  toolCallNames: ['get_weather', 'get_time', 'book'],
  toolCallIncompleteNames: ['book'],
  toolCalls: [{ choice: 0, index: 0, id: 'call_9d0c', name: 'get_weather', complete: false }],
  persistenceStatus: 'ok',
  processingStatus: 'failed',
  clientDeliveryStatus: 'client_left',
  toolCallsValidated: false,
  toolCallExecutionStarted: true,
  toolCallExecutionCompleted: false,
  retryDelayMs: 1520.4,
  budgets: { connectMs: 3000, headersMs: 30_000.4, firstTokenMs: 60_000, idleMs: 20_000, totalMs: 600_000 },
  observedBy: ['fetch', 'openai'],
};

/** One milestone of every type that a live call can have, in the order of a call that ends badly, each 10 ms apart. */
export const everyMilestone: readonly Exclude<Milestone, { type: 'settled' | 'chunk' }>[] = [
  { type: 'attempt', atMs: 0.4, attempt: 1 },
  { type: 'response_headers', atMs: 10.4, status: 200 },
  { type: 'first_chunk', atMs: 20.4 },
  { type: 'first_token', atMs: 30.4, channel: 'tool_call' },
  { type: 'tool_call_started', atMs: 40.4, choice: 1, index: 2, name: 'get_weather', id: 'call_abc123' },
  { type: 'tool_call_fragment', atMs: 50.4, choice: 1, index: 2, fragment: 0, characters: 6 },
  { type: 'tool_call_completed', atMs: 60.4, choice: 1, index: 2 },
  { type: 'invalid_chunk', atMs: 70.4 },
  { type: 'stall', atMs: 80.4, gapMs: 10_000.7 },
  {
    type: 'usage',
    atMs: 90.4,
    usage: { inputTokens: 128, outputTokens: 512, cacheReadInputTokens: 64, reasoningOutputTokens: 256 },
  },
  { type: 'finish', atMs: 100.4, choice: 1, reason: 'tool_calls' },
  { type: 'done', atMs: 110.4 },
  { type: 'cancelled', atMs: 120.4 },
  { type: 'exception', atMs: 130.4, errorType: 'TypeError', message: 'terminated' },
];

/** Fragments of one tool call, a millisecond apart. */
export function fragments(count: number, fromMs = 1000): Extract<Milestone, { type: 'tool_call_fragment' }>[] {
  return Array.from({ length: count }, (_, fragment) => ({
    type: 'tool_call_fragment',
    atMs: fromMs + fragment,
    choice: 0,
    index: 0,
    fragment,
    characters: 4,
  }));
}
