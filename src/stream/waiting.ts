/**
 * The two clocks of a stream: the wire's runs while a read is pending, the consumer's while none is.
 * Bytes, comments and pings do not restart the wire's clock; only a chunk does.
 */
import type { Milestone } from './milestone.js';
import { allFinished, type CallState, silenceMs } from './state.js';

/** The consumer asks for bytes. */
export function startRead(state: CallState, atMs: number): void {
  state.lastActivityMs = atMs;
  if (state.pendingReads === 0) {
    state.pendingSinceMs = atMs;
    if (state.deliveredAtMs !== undefined) {
      state.consumerPauseMs = Math.max(state.consumerPauseMs ?? 0, atMs - state.deliveredAtMs);
      state.deliveredAtMs = undefined;
    }
  }
  state.pendingReads += 1;
}

/** A read brought bytes. */
export function finishRead(state: CallState, atMs: number): void {
  if (state.pendingReads > 0) {
    state.waitedMs += atMs - state.pendingSinceMs;
    state.pendingSinceMs = atMs;
    state.pendingReads -= 1;
  }
  if (state.pendingReads === 0) state.deliveredAtMs = atMs;
}

/** A chunk came: the wait since the last one is over. */
export function closeGap(state: CallState, atMs: number, out: Milestone[]): void {
  if (state.chunks > 0) {
    const gapMs = state.waitedMs;
    state.maxChunkGapMs = Math.max(state.maxChunkGapMs ?? 0, gapMs);
    if (gapMs >= state.options.stallThresholdMs) announceStall(state, atMs, gapMs, out);
  }
  state.waitedMs = 0;
  state.stallAnnounced = false;
}

/** Time passed, or the call is over, and the consumer waits still. The wait for the end of a finished answer is none. */
export function watchSilence(state: CallState, atMs: number, out: Milestone[]): void {
  if (state.pendingReads === 0 || state.chunks === 0 || state.terminal || allFinished(state)) return;
  const gapMs = silenceMs(state, atMs);
  if (gapMs >= state.options.stallThresholdMs) announceStall(state, atMs, gapMs, out);
}

function announceStall(state: CallState, atMs: number, gapMs: number, out: Milestone[]): void {
  if (state.stallAnnounced) return;
  state.stallAnnounced = true;
  state.stalls += 1;
  out.push({ type: 'stall', atMs, gapMs });
}
