/** A hold of a call that has not begun: the runner of an SDK's helper is there before its request is. */
import { type CallHold, type ObservedCall, processState } from '../process-state.js';
import type { Aftermath } from '../stream/aftermath.js';
import { propertyOf } from './find-call.js';
import { warn } from './warn.js';

/** Tool calls that something is said of, as many as are followed of a call. */
export const MAX_TOOL_CALL_IDS = 128;
/** Holds of one runner that are not released before its call begins. */
const MAX_HOLDS = 128;

/** Holds the first call that `subject` will make; undefined where that is no runner, or one that has ended. */
export function holdWhatBegins(subject: unknown, limitMs: number): CallHold | undefined {
  const signal = signalOfRunner(subject);
  if (signal === undefined) return undefined;
  const { awaited } = processState();
  const waiting = awaited.get(signal) ?? [];
  if (waiting.length >= MAX_HOLDS) {
    warn(`a runner may be held ${MAX_HOLDS} times before its call begins; this hold is left out`);
    return INERT;
  }
  const hold = new PendingHold(limitMs, () => leave(signal, begin));
  const begin = (call: ObservedCall) => hold.begin(call);
  awaited.set(signal, [...waiting, begin]);
  return hold;
}

const INERT: CallHold = { tell: () => true, release() {} };

function leave(signal: AbortSignal, left: (call: ObservedCall) => void): void {
  const { awaited } = processState();
  const waiting = awaited.get(signal)?.filter((one) => one !== left) ?? [];
  if (waiting.length > 0) awaited.set(signal, waiting);
  else awaited.delete(signal);
}

/** A runner makes its requests with the signal of its own controller, and says that it has not ended. */
function signalOfRunner(subject: unknown): AbortSignal | undefined {
  if (typeof subject !== 'object' || subject === null || propertyOf(subject, 'ended') !== false) return undefined;
  const controller = propertyOf(subject, 'controller');
  return controller instanceof AbortController ? controller.signal : undefined;
}

class PendingHold implements CallHold {
  readonly #limitMs: number;
  readonly #leave: () => void;
  #hold: CallHold | undefined;
  /** What was said before there was a call; undefined: nothing, or the call has it. */
  #said: Aftermath | undefined;
  #isReleased = false;

  /** @param leave - no call is awaited any more */
  constructor(limitMs: number, leave: () => void) {
    this.#limitMs = limitMs;
    this.#leave = leave;
  }

  begin(call: ObservedCall): void {
    if (this.#isReleased) return;
    this.#hold = call.hold?.(this.#limitMs);
    const said = this.#said;
    this.#said = undefined;
    if (said) this.#hold?.tell((aftermath) => join(aftermath, said));
  }

  tell(say: (aftermath: Aftermath) => void): boolean {
    if (this.#hold) return this.#hold.tell(say);
    if (this.#isReleased) return false;
    this.#said ??= nothingSaid();
    say(this.#said);
    return true;
  }

  release(): void {
    if (this.#hold) this.#hold.release();
    else if (!this.#isReleased) {
      warn('a held runner was released before an observed call of it began; nothing is recorded');
      this.#leave();
    }
    this.#isReleased = true;
    this.#said = undefined;
  }
}

function nothingSaid(): Aftermath {
  return {
    persistence: undefined,
    processing: undefined,
    delivery: undefined,
    validated: new Map(),
    executed: new Map(),
  };
}

/** What is said now counts before what another hold said. */
function join(aftermath: Aftermath, said: Aftermath): void {
  aftermath.persistence = said.persistence ?? aftermath.persistence;
  aftermath.processing = said.processing ?? aftermath.processing;
  aftermath.delivery = said.delivery ?? aftermath.delivery;
  joinIds(aftermath.validated, said.validated);
  joinIds(aftermath.executed, said.executed);
}

function joinIds<T>(known: Map<string, T>, said: ReadonlyMap<string, T>): void {
  for (const [id, one] of said) {
    if (known.has(id) || known.size < MAX_TOOL_CALL_IDS) known.set(id, one);
  }
}
