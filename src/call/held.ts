/**
 * A call that the application holds: its end is not told before the application has said what became of the answer, or
 * a limit has passed since the stream ended.
 */
// Not the globals: jsdom's return numbers, and fake ones of a test never fire.
import { clearTimeout, setTimeout } from 'node:timers';
import { guard } from '../guard.js';
import type { CallHold } from '../process-state.js';
import { type Aftermath, createAftermath, withAftermath } from '../stream/aftermath.js';
import type { CallOutcome } from '../stream/outcome.js';

/** A busy process is late; where its timer never came, the sweep over open calls finds the limit passed. */
const LATENESS_MS = 1_000;

export class Held {
  readonly #write: () => void;
  readonly #aftermath: Aftermath = createAftermath();
  #holders = 0;
  #limitMs = 0;
  /** Of `performance.now()`; undefined while the stream goes on. */
  #settledMs: number | undefined;
  #limit: NodeJS.Timeout | undefined;

  /** @param write - tells the end; called once */
  constructor(write: () => void) {
    this.#write = write;
  }

  /** Whether somebody has still something to say, and the time to. */
  get isOpen(): boolean {
    return this.#holders > 0 && (this.#settledMs === undefined || this.#leftMs(this.#settledMs) > -LATENESS_MS);
  }

  /** Of several limits the longest holds. */
  hold(limitMs: number): CallHold {
    this.#holders += 1;
    if (limitMs > this.#limitMs) {
      this.#limitMs = limitMs;
      this.#wait();
    }
    let isMine = true;
    return {
      tell: (say) => {
        if (!isMine || !this.isOpen) return false;
        say(this.#aftermath);
        return true;
      },
      release: () => {
        if (!isMine || !this.isOpen) return;
        isMine = false;
        this.#holders -= 1;
        if (this.#holders === 0) this.#tell();
      },
    };
  }

  /** The stream ended: from now on there is a limit, which keeps no process alive. True: the end waits for it. */
  settled(): true {
    this.#settledMs = performance.now();
    this.#wait();
    return true;
  }

  /** Nobody waits any longer. */
  end(): void {
    this.#holders = 0;
    this.#tell();
  }

  applyTo(outcome: CallOutcome): CallOutcome {
    return withAftermath(outcome, this.#aftermath);
  }

  #wait(): void {
    if (this.#settledMs === undefined) return;
    this.#stop();
    this.#limit = setTimeout(() => guard('hold', () => this.end()), Math.max(0, this.#leftMs(this.#settledMs)));
    this.#limit.unref();
  }

  #leftMs(settledMs: number): number {
    return settledMs + this.#limitMs - performance.now();
  }

  #tell(): void {
    this.#stop();
    if (this.#settledMs !== undefined) this.#write();
  }

  #stop(): void {
    if (this.#limit) clearTimeout(this.#limit);
    this.#limit = undefined;
  }
}
