/**
 * Whoever reads a stream: leaves it after so many chunks, or when it has been silent for too long.
 */

import type { Manner } from './messages.js';
import type { Circumstances } from './reading.js';

export class Consumer {
  readonly #manner: Manner;
  readonly #circumstances: Circumstances;
  readonly #controller = new AbortController();
  readonly #loseIt = () => void this.#losePatience();
  #timer: NodeJS.Timeout | undefined;
  #chunks = 0;

  constructor(manner: Manner, circumstances: Circumstances) {
    this.#manner = manner;
    this.#circumstances = circumstances;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Asked after each chunk; false: the loop is to be left. Throws where the application's own code does. */
  wantsMore(): boolean {
    this.#chunks += 1;
    if (this.#manner.losesPatience === true) this.#waitAnew();
    const { leaves } = this.#manner;
    if (leaves === undefined || this.#chunks < leaves.afterChunks) return true;
    switch (leaves.by) {
      case 'break':
        return false;
      case 'abort':
        this.#controller.abort();
        return true;
      case 'throw':
        throw new TypeError('the page cannot be drawn');
    }
  }

  /** The application ends before the stream does. */
  abandon(): void {
    this.#controller.abort();
  }

  over(): void {
    clearTimeout(this.#timer);
    this.#circumstances.stopping.removeEventListener('abort', this.#loseIt);
  }

  #waitAnew(): void {
    const { patienceMs, stopping } = this.#circumstances;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#loseIt, stopping.aborted ? 0 : patienceMs);
    stopping.addEventListener('abort', this.#loseIt);
  }

  async #losePatience(): Promise<void> {
    clearTimeout(this.#timer);
    // While it lasts, the silence is seen by whoever reads the metrics, and by nobody else.
    await this.#circumstances.collect();
    this.#controller.abort(new DOMException('no chunk came', 'TimeoutError'));
  }
}
