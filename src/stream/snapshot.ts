/** What can be said of a call right now: its outcome once that is decided, else how far it is. */
import type { CallOutcome, OpenOutcome } from './outcome.js';
import { settle } from './settle.js';
import { allFinished, type CallState, stageOf } from './state.js';
import { summarize } from './summary.js';

/** Looks at a call that is not settled; changes nothing. An ending that is only presumed is taken for one. */
export function snapshot(state: CallState, atMs: number): CallOutcome | OpenOutcome {
  const { presumed } = state;
  if (presumed !== undefined) return settle(state, presumed.ending, presumed.sinceMs);
  const soFar = summarize(state, { outcome: 'cancelled', terminationKind: 'unknown', stage: stageOf(state) }, atMs);
  return {
    ...soFar,
    outcome: 'open',
    terminationKind: undefined,
    failureStage: undefined,
    finishReasons: allFinished(state) ? soFar.finishReasons : undefined,
    upstreamCancelled: undefined,
  };
}
