/**
 * How far a call can be: everything the machine remembers of one call.
 * Bounded however long the answer is: counters, short identifiers, one record per choice and tool call.
 */
import type { BudgetLimits, Channel, Road, Stage, Usage } from './outcome.js';
import type { DocumentState, Ending, ProviderError, ResponseHeaders, Teller, ThrownError } from './signal.js';

/** Choices followed per call; more are counted as chunks and not followed. */
export const MAX_CHOICES = 64;
/** (choice, tool call) pairs followed per call; more are counted and not followed. */
export const MAX_TOOL_CALLS = 128;

export interface MachineOptions {
  /** A silence between two chunks, while a read is pending, from which on it is a stall. */
  readonly stallThresholdMs: number;
  /** Neither chunk nor consumer for this long ends the call. */
  readonly idleTimeoutMs: number;
  /** What a finish reason without the dialect's terminal is worth. */
  readonly missingDoneEvent: 'finding' | 'failure';
  /** The signal of the request was aborted before anything was sent. */
  readonly abortedBeforeStart: boolean;
  readonly estimatedInputTokens?: number | undefined;
  /** Who tells the end, until `told_by` says otherwise. `sdk`: it makes the attempts, too. */
  readonly teller: Teller;
  /** It begins inside a callback of the application whose end will be told. */
  readonly inContext?: boolean | undefined;
  /** Somebody wants a milestone for each chunk. */
  readonly watched?: boolean | undefined;
  /** No request comes: the application says that it failed before. */
  readonly byApplication?: boolean | undefined;
}

/** How long an ending that nobody confirmed may still be contradicted, such as a released reader by a new one. */
export const GRACE_MS = 1_000;

/** An ending as it is settled: told by the room that watches, or by the passing of time. */
export type FinalEnding =
  | Ending
  | { readonly type: 'unobserved' }
  | { readonly type: 'idle' }
  /** The consumer's own code threw. */
  | { readonly type: 'consumer_error' };

/** An ending that holds unless the consumer comes back before `untilMs`. */
export interface PresumedEnding {
  readonly ending: FinalEnding;
  readonly sinceMs: number;
  readonly untilMs: number;
  /**
   * The consumer left for good, and the callback around the call is under way: it may be failing, and then the consumer
   * did not leave on purpose. Nothing that is read takes it back.
   */
  readonly untilContext?: boolean | undefined;
}

export interface ChoiceState {
  readonly choice: number;
  reason: string | undefined;
}

export interface ToolCallState {
  readonly choice: number;
  readonly index: number;
  name: string | undefined;
  id: string | undefined;
  fragments: number;
  argumentsClosed: boolean;
  /** Its own done message came. */
  doneMessage: boolean;
  /** Text followed complete arguments: the model went on to something else. */
  passed: boolean;
}

export interface CallState {
  readonly options: MachineOptions;
  settled: boolean;
  presumed: PresumedEnding | undefined;
  /** The callback around the call is under way. */
  inContext: boolean;
  /**
   * When the callback failed, with the stream open and nobody reading. Whoever lets go of the stream then does so because
   * of that, however late; somebody else may read on, and then it is no news of the call.
   */
  contextFailedMs: number | undefined;
  budgets: BudgetLimits | undefined;
  /** Each chunk is a milestone. */
  watched: boolean;
  wire: 'unknown' | 'open' | 'ended' | 'failed';
  /** What the connection failed with, unless it was the consumer's cancel. */
  wireError: ThrownError | undefined;
  /** Somebody reads the body where it cannot be seen: what was counted is not the whole. */
  unobserved: boolean;

  teller: Teller;
  /** The consumer reads payloads by an SDK's loop, not bytes. */
  iterated: boolean;
  attempts: number;
  /** When the last attempt came to nothing. */
  attemptFailedMs: number | undefined;
  retryDelayMs: number | undefined;
  headers: ResponseHeaders | undefined;

  pendingReads: number;
  pendingSinceMs: number;
  /** Waited for the wire since the last chunk, ended reads only. */
  waitedMs: number;
  stallAnnounced: boolean;
  deliveredAtMs: number | undefined;
  lastActivityMs: number;
  maxChunkGapMs: number | undefined;
  consumerPauseMs: number | undefined;
  stalls: number;

  bytes: number;
  chunks: number;
  outputChunks: number;
  invalidChunks: number;
  keepAlives: number;
  lastMessageInvalid: boolean;
  /** A malformed message came with the last bytes: whoever leaves now leaves because of it. */
  invalidInDelivery: boolean;
  lastChunkMs: number | undefined;
  firstTokenMs: number | undefined;
  firstTokenChannel: Channel | undefined;
  outputCharacters: number;
  reasoningCharacters: number;

  id: string | undefined;
  model: string | undefined;
  serviceTier: string | undefined;
  systemFingerprint: string | undefined;
  usage: Usage | undefined;
  usageFinal: boolean;

  /** In the order in which they began. */
  readonly choices: ChoiceState[];
  readonly toolCalls: ToolCallState[];
  toolCallCount: number;
  toolCallFragments: number;
  argumentCharacters: number;

  terminal: boolean;
  document: DocumentState | undefined;
  /** What the provider said, and how far the call was when it did: nothing that follows moves it on. */
  providerError: { readonly error: ProviderError; readonly stage: Progress } | undefined;
  /** How far the call was when a finish reason such as `error` came. */
  failedFinish: Progress | undefined;
}

export function createCallState(options: MachineOptions): CallState {
  return {
    options,
    settled: false,
    presumed: undefined,
    inContext: options.inContext ?? false,
    contextFailedMs: undefined,
    budgets: undefined,
    watched: options.watched ?? false,
    wire: 'unknown',
    wireError: undefined,
    unobserved: false,
    teller: options.teller,
    iterated: false,
    attempts: 0,
    attemptFailedMs: undefined,
    retryDelayMs: undefined,
    headers: undefined,
    pendingReads: 0,
    pendingSinceMs: 0,
    waitedMs: 0,
    stallAnnounced: false,
    deliveredAtMs: undefined,
    lastActivityMs: 0,
    maxChunkGapMs: undefined,
    consumerPauseMs: undefined,
    stalls: 0,
    bytes: 0,
    chunks: 0,
    outputChunks: 0,
    invalidChunks: 0,
    keepAlives: 0,
    lastMessageInvalid: false,
    invalidInDelivery: false,
    lastChunkMs: undefined,
    firstTokenMs: undefined,
    firstTokenChannel: undefined,
    outputCharacters: 0,
    reasoningCharacters: 0,
    id: undefined,
    model: undefined,
    serviceTier: undefined,
    systemFingerprint: undefined,
    usage: undefined,
    usageFinal: false,
    choices: [],
    toolCalls: [],
    toolCallCount: 0,
    toolCallFragments: 0,
    argumentCharacters: 0,
    terminal: false,
    document: undefined,
    providerError: undefined,
    failedFinish: undefined,
  };
}

/** An SDK made the attempts, whoever tells the end. */
export function isBySdk(state: CallState): boolean {
  return state.options.teller === 'sdk';
}

/** The bytes cannot be seen; at best an SDK tells what its consumer gets. */
export function isHidden(state: CallState): boolean {
  return state.headers?.body === 'hidden';
}

/** Nobody saw the answer, or not all of it: what was counted is not the whole. */
export function isUnseen(state: CallState): boolean {
  return state.unobserved || (isHidden(state) && state.document === 'unread');
}

/** The roads that saw the call so far. */
export function roadsOf(state: CallState): readonly Road[] {
  if (state.options.byApplication) return NO_ROAD;
  if (!isBySdk(state)) return FETCH_ROAD;
  return state.headers === undefined || isHidden(state) ? SDK_ROAD : BOTH_ROADS;
}

const NO_ROAD: readonly Road[] = ['application'];
const FETCH_ROAD: readonly Road[] = ['fetch'];
const SDK_ROAD: readonly Road[] = ['openai'];
const BOTH_ROADS: readonly Road[] = ['fetch', 'openai'];

/** 2xx headers came. */
export function accepted(state: CallState): boolean {
  const status = state.headers?.status;
  return status !== undefined && status >= 200 && status < 300;
}

/** Every choice that began has its finish reason, and at least one began. */
export function allFinished(state: CallState): boolean {
  return state.choices.length > 0 && state.choices.every((choice) => choice.reason !== undefined);
}

/** Begun, and not closed by its own done message, its choice's finish reason, or text after complete arguments. */
export function isToolCallOpen(state: CallState, call: ToolCallState): boolean {
  if (call.doneMessage || call.passed) return false;
  return finishReasonOf(state, call.choice) === undefined;
}

/** May be executed: it was said to be finished, and its arguments close. */
export function isToolCallComplete(state: CallState, call: ToolCallState): boolean {
  if (!call.argumentsClosed) return false;
  return call.doneMessage || finishReasonOf(state, call.choice) !== undefined;
}

export function finishReasonOf(state: CallState, choice: number): string | undefined {
  return state.choices.find((one) => one.choice === choice)?.reason;
}

/** How far an answer that began has got. */
export type Progress = 'before_first_token' | 'after_first_token' | 'during_tool_call' | 'after_finish_reason';

export function progressOf(state: CallState): Progress {
  if (state.terminal || allFinished(state)) return 'after_finish_reason';
  if (state.firstTokenMs === undefined) return 'before_first_token';
  return state.toolCalls.some((call) => isToolCallOpen(state, call)) ? 'during_tool_call' : 'after_first_token';
}

/** How far the call has got, an ending aside. */
export function stageOf(state: CallState): Exclude<Stage, 'done'> {
  if (state.headers !== undefined && (accepted(state) || !isBySdk(state))) return progressOf(state);
  return state.attempts === 0 || state.options.abortedBeforeStart ? 'before_request' : 'before_headers';
}

/** The wait for the wire since the last chunk, the pending read included. */
export function silenceMs(state: CallState, atMs: number): number {
  return state.waitedMs + (state.pendingReads > 0 ? atMs - state.pendingSinceMs : 0);
}
