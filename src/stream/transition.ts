/**
 * The machine: (state, signal) → milestones. Pure: no OTel, no network, no clock, no timers; time comes in with the
 * signal. It knows how a call goes on; what its end means is `settle.ts`.
 */
import { takeChunk } from './answer.js';
import type { Milestone } from './milestone.js';
import { settle } from './settle.js';
import type { Ending, ResponseHeaders, Signal, Teller, WireFailed } from './signal.js';
import {
  accepted,
  type CallState,
  type FinalEnding,
  GRACE_MS,
  isHidden,
  type PresumedEnding,
  progressOf,
} from './state.js';
import { closeGap, finishRead, startRead, watchSilence } from './waiting.js';

/** Moves the call on and says what is worth recording, in order. A settled call takes no more signals. */
export function transition(state: CallState, signal: Signal): readonly Milestone[] {
  if (state.settled) return NONE;
  const out: Milestone[] = [];
  if (state.presumed?.untilContext) {
    afterLeaving(state, state.presumed, signal, out);
    return out;
  }
  switch (signal.type) {
    case 'attempt_started':
      onAttempt(state, signal.atMs, out);
      break;
    case 'attempt_failed':
      state.attemptFailedMs = signal.atMs;
      break;
    case 'told_by':
      onTeller(state, signal.teller, signal.atMs, out);
      break;
    case 'response_headers':
      onHeaders(state, signal, out);
      break;
    case 'read_started':
      // A rejection stands, however long its body takes.
      if (accepted(state)) state.presumed = undefined;
      state.contextFailedMs = undefined;
      startRead(state, signal.atMs);
      break;
    case 'bytes':
      onBytes(state, signal.atMs, signal.length);
      break;
    case 'bytes_received':
      state.bytes += signal.length;
      break;
    case 'iterated':
      onIterated(state);
      break;
    case 'delivered':
      finishRead(state, signal.atMs);
      break;
    case 'chunk':
      // A loop asks for one payload at a time.
      if (state.iterated) finishRead(state, signal.atMs);
      if (state.terminal) break;
      closeGap(state, signal.atMs, out);
      takeChunk(state, signal, out);
      break;
    case 'invalid_chunk':
      if (state.terminal) break;
      state.invalidChunks += 1;
      state.lastMessageInvalid = true;
      state.invalidInDelivery = true;
      out.push({ type: 'invalid_chunk', atMs: signal.atMs });
      break;
    case 'keep_alive':
      state.keepAlives += 1;
      break;
    case 'error_payload':
      if (!state.terminal) state.providerError ??= { error: signal.error, stage: progressOf(state) };
      break;
    case 'terminal':
      onTerminal(state, signal.atMs, out);
      break;
    case 'document':
      state.document = signal.state;
      break;
    case 'held':
      // "Look at the first chunk, then hand on": whoever took a reader has not left.
      if (state.presumed && isLeaving(state.presumed.ending)) state.presumed = undefined;
      state.lastActivityMs = signal.atMs;
      break;
    case 'released':
      state.pendingReads = 0;
      presume(state, { type: 'left' }, signal.atMs);
      break;
    case 'wire_started':
      state.wire = 'open';
      break;
    case 'wire_ended':
      onWireEnded(state, signal.atMs, signal.unobserved, out);
      break;
    case 'wire_failed':
      onWireFailed(state, signal);
      break;
    case 'ended':
      onEnded(state, signal.ending, signal.atMs, out);
      break;
    case 'budgeted':
      state.budgets = signal.limits;
      break;
    case 'context_ended':
      onContextEnded(state, signal);
      break;
    case 'tick':
      onTick(state, signal.atMs, out);
      break;
  }
  return out;
}

const NONE: readonly Milestone[] = [];

type ContextEnded = Extract<Signal, { type: 'context_ended' }>;

function onAttempt(state: CallState, atMs: number, out: Milestone[]): void {
  state.attempts += 1;
  if (state.attempts > 1) {
    if (state.attemptFailedMs !== undefined) {
      state.retryDelayMs = (state.retryDelayMs ?? 0) + atMs - state.attemptFailedMs;
    }
    // What an attempt before it was answered is not the call's answer.
    state.attemptFailedMs = undefined;
    state.headers = undefined;
    state.providerError = undefined;
    state.document = undefined;
    state.presumed = undefined;
    state.contextFailedMs = undefined;
    state.wire = 'unknown';
    state.wireError = undefined;
    state.bytes = 0;
    state.pendingReads = 0;
    state.waitedMs = 0;
    state.deliveredAtMs = undefined;
  }
  state.lastActivityMs = atMs;
  out.push({ type: 'attempt', atMs, attempt: state.attempts });
}

function onTeller(state: CallState, teller: Teller, atMs: number, out: Milestone[]): void {
  state.teller = teller;
  state.presumed = undefined;
  state.lastActivityMs = atMs;
  // The answer goes to somebody whom nobody watches.
  state.unobserved = teller === 'body' && isHidden(state);
  if (state.headers?.body === 'none' && teller === 'body') end(state, { type: 'eof' }, atMs, out);
  else if (state.unobserved) presume(state, { type: 'unobserved' }, atMs);
}

function onIterated(state: CallState): void {
  state.iterated = true;
  state.teller = 'sdk';
  state.presumed = undefined;
  state.unobserved = false;
  state.pendingReads = 0;
}

function onHeaders(state: CallState, headers: ResponseHeaders, out: Milestone[]): void {
  state.headers = headers;
  state.lastActivityMs = headers.atMs;
  state.deliveredAtMs = headers.atMs;
  out.push({ type: 'response_headers', atMs: headers.atMs, status: headers.status });
  if (state.teller === 'sdk') return;
  if (headers.body === 'none') end(state, { type: 'eof' }, headers.atMs, out);
  else if (headers.body === 'hidden') {
    state.unobserved = true;
    end(state, { type: 'unobserved' }, headers.atMs, out);
  }
  // A rejection stands with its status: whether anybody reads why is open.
  else if (!accepted(state)) presume(state, { type: 'left' }, headers.atMs);
}

function onBytes(state: CallState, atMs: number, length: number): void {
  state.bytes += length;
  state.invalidInDelivery = false;
  finishRead(state, atMs);
  if (accepted(state)) return;
  state.presumed = undefined;
  presume(state, { type: 'left' }, atMs);
}

function onTerminal(state: CallState, atMs: number, out: Milestone[]): void {
  if (state.terminal) return;
  state.terminal = true;
  out.push({ type: 'done', atMs });
  if (state.pendingReads > 0 || state.teller === 'sdk') return;
  if (state.wire === 'ended') end(state, { type: 'left' }, atMs, out);
  else presume(state, { type: 'left' }, atMs);
}

function onWireEnded(state: CallState, atMs: number, unobserved: boolean, out: Milestone[]): void {
  state.wire = 'ended';
  if (state.teller === 'sdk') return;
  if (unobserved) {
    readUnseen(state);
    presume(state, { type: 'unobserved' }, atMs);
  } else if (state.terminal && state.pendingReads === 0) end(state, { type: 'left' }, atMs, out);
}

function onWireFailed(state: CallState, { error, by, unobserved, atMs }: WireFailed): void {
  state.wire = 'failed';
  // The loop may still have what came before, and is told of the failure when it asks for more.
  if (state.teller === 'sdk') return;
  if (unobserved) readUnseen(state);
  // A cancel fails the connection with its own reason: that is leaving, whatever the reason looks like.
  if (by === 'consumer') return;
  state.wireError ??= error;
  presume(state, { type: 'error', error }, atMs);
}

function onEnded(state: CallState, ending: Ending, atMs: number, out: Milestone[]): void {
  const { presumed, contextFailedMs } = state;
  const final = endingOf(state, ending);
  // Whoever failed, and then lets go of the stream, does so because it failed.
  if (contextFailedMs !== undefined && isLettingGo(ending)) end(state, CONSUMER_ERROR, contextFailedMs, out);
  // Nobody can contradict it any more.
  else if (presumed && isLastWord(ending, presumed)) end(state, presumed.ending, presumed.sinceMs, out);
  else if (final.type === 'left' && state.inContext && isForNoReason(state, atMs)) {
    state.presumed = { ending: final, sinceMs: atMs, untilMs: atMs + GRACE_MS, untilContext: true };
  } else end(state, final, atMs, out);
}

/** What failed, failed, whether or not its body is still there at the end of the grace. */
function isLastWord({ type }: Ending, presumed: PresumedEnding): boolean {
  return type === 'shutdown' || (type === 'collected' && presumed.ending.type === 'error');
}

/** The consumer left in the middle: because it had enough, or because its own code threw. A loop cannot tell them apart. */
function isForNoReason(state: CallState, atMs: number): boolean {
  return settle(state, { type: 'left' }, atMs).terminationKind === 'consumer_break';
}

/** Nobody reads on, whoever says so. */
function isLettingGo({ type }: Ending): boolean {
  return type === 'left' || type === 'collected' || type === 'shutdown';
}

const CONSUMER_ERROR: FinalEnding = { type: 'consumer_error' };

/**
 * The consumer has left for good. What follows, such as a read of the stream that it cancelled, is no news of the call but
 * for what became of the connection, and for why it left.
 */
function afterLeaving(state: CallState, presumed: PresumedEnding, signal: Signal, out: Milestone[]): void {
  const { type, atMs } = signal;
  if (type === 'wire_failed') state.wire = 'failed';
  else if (type === 'wire_ended') state.wire = 'ended';
  else if (type === 'context_ended') {
    state.inContext = signal.inContext;
    if (signal.failed) end(state, CONSUMER_ERROR, presumed.sinceMs, out);
    else if (!signal.inContext) end(state, presumed.ending, presumed.sinceMs, out);
  } else if ((type === 'ended' && signal.ending.type === 'shutdown') || atMs >= presumed.untilMs) {
    end(state, presumed.ending, presumed.sinceMs, out);
  }
}

/** Somebody reads where it cannot be seen. */
function readUnseen(state: CallState): void {
  state.unobserved = true;
  state.contextFailedMs = undefined;
}

function onContextEnded(state: CallState, { failed, inContext, atMs }: ContextEnded): void {
  state.inContext = inContext;
  const isRead = accepted(state) && (state.teller === 'body' || state.iterated);
  if (!failed || !isRead || state.pendingReads > 0) return;
  const { presumed } = state;
  if (presumed !== undefined && !isLeaving(presumed.ending)) return;
  state.contextFailedMs ??= presumed?.sinceMs ?? atMs;
  // A reader that was released may be taken again: that has a grace already.
  if (presumed) state.presumed = { ...presumed, ending: CONSUMER_ERROR };
}

function isLeaving({ type }: FinalEnding): boolean {
  return type === 'left' || type === 'consumer_error';
}

/**
 * A connection that broke before the consumer left told it so, by rejecting the cancel. After the answer was over nobody
 * asks: openai 7 cancels at `[DONE]`, whatever became of the connection.
 */
function endingOf(state: CallState, ending: Ending): FinalEnding {
  if (ending.type !== 'left' || !state.wireError || progressOf(state) === 'after_finish_reason') return ending;
  return { type: 'error', error: state.wireError };
}

/** An ending holds unless the consumer reads on within the grace. The first one stands: what follows are its consequences. */
function presume(state: CallState, ending: FinalEnding, atMs: number): void {
  if (state.teller === 'sdk') return;
  const { contextFailedMs } = state;
  const isConsequence = contextFailedMs !== undefined && (ending.type === 'left' || ending.type === 'error');
  state.presumed ??= {
    ending: isConsequence ? CONSUMER_ERROR : ending,
    sinceMs: isConsequence ? contextFailedMs : atMs,
    untilMs: atMs + GRACE_MS,
  };
}

function onTick(state: CallState, atMs: number, out: Milestone[]): void {
  const { presumed } = state;
  if (presumed && atMs >= presumed.untilMs) {
    end(state, presumed.ending, presumed.sinceMs, out);
    return;
  }
  watchSilence(state, atMs, out);
  if (atMs - state.lastActivityMs < state.options.idleTimeoutMs) return;
  const { contextFailedMs } = state;
  if (contextFailedMs === undefined) end(state, { type: 'idle' }, atMs, out);
  else end(state, CONSUMER_ERROR, contextFailedMs, out);
}

function end(state: CallState, ending: FinalEnding, atMs: number, out: Milestone[]): void {
  state.settled = true;
  watchSilence(state, atMs, out);
  const outcome = settle(state, ending, atMs);
  if (outcome.outcome === 'cancelled') out.push({ type: 'cancelled', atMs });
  const thrown = ending.type === 'error' ? ending.error : undefined;
  if (outcome.outcome === 'failed' && outcome.errorType !== undefined && (thrown || state.providerError)) {
    out.push({
      type: 'exception',
      atMs,
      errorType: thrown?.errorType ?? outcome.errorType,
      ...(thrown?.message !== undefined && { message: thrown.message }),
    });
  }
  out.push({ type: 'settled', atMs, outcome });
}
