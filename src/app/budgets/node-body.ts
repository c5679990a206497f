/** The body that a `fetch` of another make gave, such as node-fetch: a stream of Node's, which our taps do not see. */
import { Readable } from 'node:stream';

/** References it weakly. */
export interface NodeBody {
  /** Once it is read to its end, or destroyed. */
  whenClosed(tell: () => void): void;
  /**
   * Whoever reads it gets `error`. An aborted `fetch` of another make says AbortError, which SDKs take for the reader's own
   * wish: they end the loop as if the answer were whole.
   *
   * @returns false where nobody is there to hear an error, which would end the process
   */
  fail(error: Error): boolean;
}

/** The body of `response`; undefined: it is no stream of Node's. */
export function nodeBodyOf(response: object): NodeBody | undefined {
  const body: unknown = Reflect.get(response, 'body');
  if (!(body instanceof Readable)) return undefined;
  const reference = new WeakRef(body);
  return {
    whenClosed(tell) {
      reference.deref()?.once('close', tell);
    },
    fail(error) {
      const target = reference.deref();
      if (target === undefined || target.destroyed || target.listenerCount('error') === 0) return false;
      target.destroy(error);
      return true;
    },
  };
}
