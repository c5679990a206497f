/** Bodies that nobody read to an end and nobody can any more: the garbage collector says so. */
import { guard } from '../guard.js';
import type { Branch } from './branches.js';

/**
 * The reason with which undici cancels the body of a Response that was collected unread.
 *
 * @see https://github.com/nodejs/undici/blob/v7.29.1/lib/web/fetch/response.js (`streamRegistry`)
 */
export const COLLECTED_BY_UNDICI = 'Response object has been garbage collected';

/** Tells `branch` when `stream` was collected. The branch references neither stream nor reader, so this keeps none alive. */
export function watchUnread(stream: ReadableStream, branch: Branch): void {
  registry.register(stream, branch);
}

const registry = new FinalizationRegistry<Branch>((branch) => {
  guard('unread', () => branch.group.collected(branch));
});
