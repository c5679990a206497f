/**
 * Counts calls as the application is told of them, by its hooks: what began is waited for, what ended is counted.
 */
import type { CallOutcome } from '../../../index.js';
import type { EndedAlike } from './messages.js';

type Ending = Pick<EndedAlike, 'outcome' | 'failureStage'>;

export class Tally {
  readonly #open = new Set<object>();
  readonly #total = new Map<string, number>();
  #last = new Map<string, number>();
  #settled: (() => void) | undefined;

  began(span: object): void {
    this.#open.add(span);
  }

  ended(span: object, { outcome, failureStage }: Pick<CallOutcome, 'outcome' | 'failureStage'>): void {
    this.#open.delete(span);
    const key = JSON.stringify({ outcome, failureStage } satisfies Partial<CallOutcome>);
    this.#total.set(key, (this.#total.get(key) ?? 0) + 1);
    if (this.#open.size === 0) this.#settled?.();
  }

  /** Resolves when no call is open. */
  settled(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#settled = resolve;
    });
  }

  total(): EndedAlike[] {
    return [...this.#total].map(endedAlike);
  }

  /** Those that ended since it was asked for the last time. */
  news(): EndedAlike[] {
    const before = this.#last;
    this.#last = new Map(this.#total);
    return [...this.#total]
      .map(([key, calls]) => endedAlike([key, calls - (before.get(key) ?? 0)]))
      .filter(({ calls }) => calls > 0);
  }
}

function endedAlike([key, calls]: readonly [string, number]): EndedAlike {
  // It was written a few lines further up.
  const ending: Ending = JSON.parse(key);
  return { ...ending, calls };
}
