/**
 * What the application does for one request of its own: a try, and others where the ones before came to nothing.
 */
import { withCallContext } from '../../../index.js';
import type { ChainOrder } from './messages.js';
import { type Circumstances, readTry } from './reading.js';

/** Never rejects: what failed is in the telemetry. */
export function runChain({ tries, ...context }: ChainOrder, circumstances: Circumstances): Promise<void> {
  return withCallContext(context, async () => {
    for (const order of tries) {
      const { retryAttempt, fallbackAttempt } = order;
      // Caught outside of the context: a failure is a fact of the try.
      const isWhole = await withCallContext({ retryAttempt, fallbackAttempt }, () =>
        // A function of its own, so that what is thrown at once rejects.
        readTry(order, circumstances),
      ).catch(() => false);
      if (isWhole || circumstances.stopping.aborted) return;
    }
  });
}
