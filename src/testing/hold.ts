/**
 * Places where an answer waits for somebody instead of for a while, so that tests need no durations.
 */
import { checkFields, fail, isDurationMs, isOneOf, isText } from './checks.js';
import { checkPlace, PLACE_FIELDS, type Place } from './place.js';

/**
 * The answer stops at a place until the client has left, or until a gate of the provider lets it pass.
 * `before: 'each_chunk'` stops it before every chunk: each release writes one.
 * After `maxMs` (default 60 s) it goes on by itself.
 */
export type Hold = (Place | EachChunk) & { readonly maxMs?: number } & (
    | { readonly until: 'client_gone'; readonly gate?: never }
    /** `gate` is the name to give to `provider.gate()`. */
    | { readonly until: 'released'; readonly gate: string }
  );

/** Not one place but all of them. */
export type EachChunk = { readonly before: 'each_chunk'; readonly after?: never; readonly afterChunks?: never };

export const LONGEST_HOLD_MS = 60_000;

/** Throws a TypeError where the hold is none. */
export function checkHold(hold: Hold): void {
  const owner = '`hold`';
  checkFields(owner, hold, {
    ...PLACE_FIELDS,
    before: isOneOf(['each_chunk']),
    until: { ...isOneOf(['client_gone', 'released']), required: true },
    gate: isText,
    maxMs: isDurationMs,
  });
  if (!('before' in hold)) checkPlace(owner, hold);
  else if (hold.after !== undefined || hold.afterChunks !== undefined) fail(owner, 'at one place', hold);
  if ((hold.until === 'released') !== (hold.gate !== undefined)) {
    fail(`\`gate\` of ${owner}`, "the name of a gate with `until: 'released'`, else absent", hold.gate);
  }
}
