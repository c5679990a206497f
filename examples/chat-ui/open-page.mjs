// The way to the page: one JSON line after the other, as fast as the browser takes them.
import { once } from 'node:events';
import { finished } from 'node:stream/promises';

export function openPage(response) {
  const leaving = new AbortController();
  const { signal } = leaving;
  response.once('close', () => {
    if (!response.writableFinished) leaving.abort();
  });
  // nginx would collect the lines, and hide who leaves.
  const live = { 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
  response.writeHead(200, { 'content-type': 'application/x-ndjson', ...live });
  response.flushHeaders();
  return {
    /** Aborted when the browser left: it pressed Stop, closed the tab, lost its network. */
    left: signal,
    /** Waits for a slow browser, so that nothing piles up here: the provider is then read no faster. Rejects when it leaves. */
    async write(line) {
      if (!response.write(`${JSON.stringify(line)}\n`)) await once(response, 'drain', { signal });
    },
    /** Resolves to whether the browser was there until all was handed over. */
    async end(line) {
      // To a connection that is gone, all can be written, and has soon been.
      if (signal.aborted) return false;
      response.end(`${JSON.stringify(line)}\n`);
      return finished(response).then(
        () => !signal.aborted,
        () => false,
      );
    },
  };
}
