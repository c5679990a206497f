/**
 * Sends what has ended before the process does, where JavaScript still runs: on `beforeExit`, and from the moment a
 * signal comes for which the application has a handler; on `exit` writes what can be written at once. Never a listener:
 * for a signal the process would not die of it, for the others Node would warn of a leak sooner.
 */
// Not the globals: fake ones of a test never fire, and `beforeExit` would not come again.
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import { endOpenCalls } from '../call/end-open-calls.js';
import { guard } from '../guard.js';
import { callInherited, hiddenProperties } from '../intercept/property.js';
import type { Flushing } from './own-sdk.js';

export interface ExitWatch {
  /** From now on there is something to send. */
  begin(sending: Flushing): void;
}

/** Signals that applications stop at. */
const SIGNALS: ReadonlySet<unknown> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP']);

/** Longer than any export; as long as a timer can be. */
const NEVER_MS = 2 ** 31 - 1;

/**
 * To be called before the application has handlers: Node binds `process.emit` as it stands when the first handler of a
 * signal is added (`startListeningIfSignal` in nodejs/node v20.20.0: lib/internal/process/signal.js).
 */
export function watchExit(): ExitWatch {
  let flushing: Flushing | undefined;
  watchEmit((event) => {
    if (SIGNALS.has(event)) flushing?.hurry();
    if (event === 'exit') atExit();
    return event === 'beforeExit' && isHeldBack();
  });
  return {
    begin(sending) {
      flushing = sending;
    },
  };

  // In both, what is open is ended here: the listeners that do it otherwise hear of the event only after this.
  function atExit(): void {
    endOpenCalls();
    flushing?.exiting();
  }

  /**
   * Sends first. The application hears of `beforeExit` when Node tells it again, and so as often as without us: there is
   * nothing to send by then, unless another call has ended meanwhile.
   */
  function isHeldBack(): boolean {
    endOpenCalls();
    if (!flushing?.hasUnsent()) return false;
    // Node tells it again only where something kept the process alive meanwhile.
    const alive = setTimeout(() => {}, NEVER_MS);
    void flushing.flush().then(() => setImmediate(() => clearTimeout(alive)));
    return true;
  }
}

/** `isOurs` says of each event, before anybody hears of it, whether nobody is to. For a signal Node asks only where there is a handler. */
function watchEmit(isOurs: (event: unknown) => boolean): void {
  const found = Object.getOwnPropertyDescriptor(process, 'emit');
  const prototype: object = Object.getPrototypeOf(process);
  const methods = {
    emit(this: unknown, event: unknown, ...rest: unknown[]): unknown {
      if (guard('emit', () => isOurs(event))) return true;
      const args = [event, ...rest];
      return found ? Reflect.apply(found.value, this, args) : callInherited(prototype, this, 'emit', args);
    },
  };
  Object.defineProperties(process, hiddenProperties(methods));
}
