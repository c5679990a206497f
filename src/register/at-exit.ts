/**
 * Sends what has ended before the process does, where JavaScript still runs: on `beforeExit`, and from the moment a
 * signal comes for which the application has a handler. Never a listener for a signal: the process would not die of it.
 */
import { endOpenCalls } from '../call/end-open-calls.js';
import { guard } from '../guard.js';
import { hiddenProperties } from '../intercept/property.js';
import type { Flushing } from './own-sdk.js';

export interface ExitWatch {
  /** From now on there is something to send. */
  begin(sending: Flushing): void;
}

/** Signals that applications stop at. */
const SIGNALS: ReadonlySet<unknown> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP']);

/**
 * To be called before the application has handlers: Node binds `process.emit` as it stands when the first handler of a
 * signal is added (`startListeningIfSignal` in nodejs/node v20.20.0: lib/internal/process/signal.js).
 */
export function watchExit(): ExitWatch {
  let flushing: Flushing | undefined;
  watchSignals(() => flushing?.hurry());
  return {
    begin(sending) {
      if (flushing === undefined) process.on('beforeExit', beforeExit);
      flushing = sending;
    },
  };

  function beforeExit(): void {
    guard('beforeExit', () => {
      endOpenCalls();
      // What is sent keeps the process alive until it is; the event comes again then, and finds nothing to send.
      void flushing?.flush();
    });
  }
}

/** `emit` is only called for a signal that somebody has a handler for. */
function watchSignals(onSignal: () => void): void {
  const { emit } = process;
  const watched = function (this: unknown, ...args: unknown[]): unknown {
    guard('signal', () => {
      if (SIGNALS.has(args[0])) onSignal();
    });
    return Reflect.apply(emit, this, args);
  };
  Object.defineProperties(process, hiddenProperties({ emit: watched }));
}
