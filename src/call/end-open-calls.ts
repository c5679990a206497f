/**
 * The ends that nothing else tells: the process exits, or whoever records the calls stops. All copies of this package
 * in the process share one pair of listeners, which stand only while some call is open.
 */
import { guard } from '../guard.js';
import { processState } from '../process-state.js';

/**
 * Ends the span of every call that is open, whichever copy of this package opened it: `cancelled`, with
 * `termination_kind` `shutdown`, or what was decided already. For ends of which nothing in the process tells, such as a
 * function that is about to be frozen, or a handler of SIGTERM that calls `process.exit()`; `exit`, `beforeExit` and
 * the `shutdown()` of the tracer provider need no call. It exports nothing: flush the SDK after it. The streams are not
 * touched; what becomes of them afterwards reaches the application and is not recorded. Never throws.
 *
 * @returns how many calls it ended
 */
export function endOpenCalls(): number {
  let count = 0;
  // Each copy by itself, and those that are there now: a copy goes when the last of its calls ends.
  guard('end of open calls', () => {
    for (const end of [...processState().enders]) count += guard('end of open calls', end) ?? 0;
  });
  return count;
}

/** From now on `end` ends the open calls of this copy, and says how many they were. */
export function addEnder(end: () => number): void {
  const state = processState();
  state.enders.add(end);
  state.stopAwaitingExit ??= awaitExit();
}

/** This copy has no open calls any more. */
export function removeEnder(end: () => number): void {
  const state = processState();
  state.enders.delete(end);
  if (state.enders.size > 0) return;
  state.stopAwaitingExit?.();
  state.stopAwaitingExit = undefined;
}

/**
 * `exit` comes with `process.exit()`, an uncaught exception and the end of a worker, and is synchronous; `beforeExit`
 * where nothing keeps the process alive any more. Never a signal: a listener would keep the process from dying of it.
 */
function awaitExit(): () => void {
  const onEnd = () => void endOpenCalls();
  const putLimitBack = makeRoom();
  // Before the application's own: what flushes or counts there finds the spans ended.
  process.prependListener('exit', onEnd);
  process.prependListener('beforeExit', onEnd);
  return () => {
    process.off('exit', onEnd);
    process.off('beforeExit', onEnd);
    putLimitBack();
  };
}

/** The application may have as many listeners of its own as without us before Node warns of a leak. 0 is no limit. */
function makeRoom(): () => void {
  // An emitter without a limit of its own follows the default, whatever that becomes; there is no method to go back to it.
  const own: unknown = Reflect.get(process, '_maxListeners');
  const before = process.getMaxListeners();
  const ours = before + 1;
  if (before === 0) return () => {};
  process.setMaxListeners(ours);
  return () => {
    if (process.getMaxListeners() === ours) Reflect.set(process, '_maxListeners', own);
  };
}
