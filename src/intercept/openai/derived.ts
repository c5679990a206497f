/**
 * Promises of the SDK are looked at by deriving from them, and the derived one goes on in their place. A look from the
 * side would be noticed: a rejection that nobody handles would count as handled, and an error would lose the frames of
 * whoever waits for it, because V8 follows a promise no further where it has two reactions.
 *
 * @see https://github.com/v8/v8/blob/11.3.244/src/execution/isolate.cc (`CaptureAsyncStackTrace`)
 */
import { guard } from '../../guard.js';

/** What `promise` comes to, told to one of both before anybody else knows of it. `place` is where they stand, for `guard`. */
export function derive(
  promise: Promise<unknown>,
  place: string,
  onFulfilled: (value: unknown) => void,
  onRejected: (error: unknown) => void = ignore,
): Promise<unknown> {
  return promise.then(
    (value: unknown) => {
      guard(place, () => onFulfilled(value));
      return value;
    },
    (error: unknown) => {
      guard(place, () => onRejected(error));
      throw error;
    },
  );
}

function ignore(): void {}
