/**
 * Gates: a test says when the next bytes are written.
 */

/** One gate of a provider, by name. Answers arrive at it through a `hold`. */
export interface Gate {
  /** Answers that wait here now. */
  readonly waiting: number;
  /** Resolves as soon as an answer waits here; at once if one does. */
  arrival(): Promise<void>;
  /** Lets `count` answers pass (default 1), those that wait first; what is left over, later ones use up. */
  release(count?: number): void;
  /** Lets everything pass from now on. */
  open(): void;
}

/** The side of a gate that the player has. */
export interface GateKeeper extends Gate {
  /** Resolves when the answer may pass, or when `signal` fires. */
  pass(signal: AbortSignal): Promise<void>;
}

export function createGate(): GateKeeper {
  const queue = new Set<() => void>();
  let arrivals: (() => void)[] = [];
  let permits = 0;
  const release = (count = 1): void => {
    permits += count;
    for (const letGo of [...queue].slice(0, permits)) letGo();
  };
  return {
    get waiting() {
      return queue.size;
    },
    arrival: () => (queue.size > 0 ? Promise.resolve() : new Promise((resolve) => arrivals.push(resolve))),
    release,
    open: () => release(Number.POSITIVE_INFINITY),
    pass(signal) {
      if (permits > 0) {
        permits -= 1;
        return Promise.resolve();
      }
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const leave = (): void => {
          queue.delete(letGo);
          signal.removeEventListener('abort', leave);
          resolve();
        };
        const letGo = (): void => {
          permits -= 1;
          leave();
        };
        queue.add(letGo);
        signal.addEventListener('abort', leave);
        for (const told of arrivals) told();
        arrivals = [];
      });
    },
  };
}
