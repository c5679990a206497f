/**
 * Streams that are read through one of our readers: for code of the platform that reads inside, where no method of
 * ours is called. Nothing is read ahead: the backpressure stays.
 */

/** A stream that takes each chunk from `reader` when it is asked for, and never ahead: the backpressure stays. */
export function pulling(reader: ReadableStreamDefaultReader<unknown>): ReadableStream<unknown> {
  let closed = false;
  const step = (controller: ReadableStreamDefaultController<unknown>): Promise<void> => {
    return reader.read().then(({ done, value }) => {
      if (!done) controller.enqueue(value);
      else if (!closed) controller.close();
      closed ||= done;
    });
  };
  return new ReadableStream<unknown>(
    {
      start(controller) {
        // A pipe notices that its source closed or broke also while its destination is full, when it pulls nothing.
        const finish = () => step(controller).catch((error: unknown) => controller.error(error));
        reader.closed.then(finish, finish);
      },
      pull: step,
      cancel(reason) {
        closed = true;
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * What `Readable.fromWeb` is given in place of `reader` from Node 26 on, where it takes a reader and reads inside.
 * Undefined for every other caller of `getReader`, and before Node 26.
 *
 * @see https://github.com/nodejs/node/blob/v26.10.0/lib/internal/webstreams/adapters.js (`newStreamReadableFromReadableStream`)
 */
export function readerForAdapter(reader: unknown, getReader: (...args: never[]) => unknown): unknown {
  if (!ADAPTER_READS_INSIDE || !(reader instanceof ReadableStreamDefaultReader)) return undefined;
  return callerOf(getReader).includes(ADAPTER) ? pulling(reader).getReader() : undefined;
}

const ADAPTER = 'newStreamReadableFromReadableStream';
const ADAPTER_READS_INSIDE = Number(process.versions.node.split('.')[0]) >= 26;

/** The frame that called `callee`, whatever the application makes of stacks. */
function callerOf(callee: (...args: never[]) => unknown): string {
  const found = Object.getOwnPropertyDescriptors(Error);
  const holder: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = 1;
    Reflect.deleteProperty(Error, 'prepareStackTrace');
    Error.captureStackTrace(holder, callee);
    // Formatted when it is first read.
    return typeof holder.stack === 'string' ? holder.stack : '';
  } finally {
    for (const key of ['stackTraceLimit', 'prepareStackTrace'] as const) {
      const descriptor = found[key];
      if (descriptor) Reflect.defineProperty(Error, key, descriptor);
      else Reflect.deleteProperty(Error, key);
    }
  }
}
