/** A hold of a call that has not begun: the runner of an SDK's helper is there before its request is. */
import { type CallHold, type ObservedCall, processState } from '../process-state.js';
import type { Aftermath } from '../stream/aftermath.js';
import { propertyOf } from './find-call.js';
import { warn } from './warn.js';

/** Holds the first call that `subject` will make; undefined where that is no runner, or one that has ended. */
export function holdWhatBegins(subject: unknown, limitMs: number): CallHold | undefined {
  const signal = signalOfRunner(subject);
  if (signal === undefined) return undefined;
  const hold = new PendingHold(limitMs);
  const { awaited } = processState();
  awaited.set(signal, [...(awaited.get(signal) ?? []), (call) => hold.begin(call)]);
  return hold;
}

/** A runner makes its requests with the signal of its own controller, and says that it has not ended. */
function signalOfRunner(subject: unknown): AbortSignal | undefined {
  if (typeof subject !== 'object' || subject === null || propertyOf(subject, 'ended') !== false) return undefined;
  const controller = propertyOf(subject, 'controller');
  return controller instanceof AbortController ? controller.signal : undefined;
}

class PendingHold implements CallHold {
  readonly #limitMs: number;
  #hold: CallHold | undefined;
  #said: ((aftermath: Aftermath) => void)[] = [];
  #isReleased = false;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  begin(call: ObservedCall): void {
    if (this.#isReleased) return;
    this.#hold = call.hold?.(this.#limitMs);
    for (const say of this.#said.splice(0)) this.#hold?.tell(say);
  }

  tell(say: (aftermath: Aftermath) => void): boolean {
    if (this.#hold) return this.#hold.tell(say);
    if (!this.#isReleased) this.#said.push(say);
    return !this.#isReleased;
  }

  release(): void {
    if (this.#hold) this.#hold.release();
    else if (!this.#isReleased)
      warn('a held runner was released before an observed call of it began; nothing is recorded');
    this.#isReleased = true;
  }
}
