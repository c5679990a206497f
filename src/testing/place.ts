/**
 * Places in an answer where something can happen: the unit that faults and holds share.
 * Knows counting only; nothing of HTTP or of time.
 */
import { check, type FieldCheck, fail, isOneOf, isWhole } from './checks.js';

/**
 * Where in the answer: after so many chunks, or after a landmark.
 *
 * A *chunk* is one payload of the reply. The role chunk that opens each choice, the finish chunk and the usage chunk are
 * chunks; `[DONE]`, comments, pings, malformed lines and in-band errors are not. An answer that is one document is one chunk.
 * `afterChunks: 0` is the same place as `after: 'headers'`. A number larger than the answer means its last chunk,
 * where the answer got shorter by what the request asked for (no usage, no stream); otherwise it is refused by `define`.
 */
export type Place =
  | { readonly afterChunks: number; readonly after?: never }
  | { readonly after: Landmark; readonly afterChunks?: never };

/**
 * `request`: the request was read, nothing is sent. `headers`: they are on the wire. `finish`: the last chunk with a finish
 * reason. `done`: `[DONE]`. Where an answer has no such landmark, its last message stands in.
 */
export type Landmark = 'request' | 'headers' | 'finish' | 'done';

const LANDMARKS = ['request', 'headers', 'finish', 'done'] as const satisfies readonly Landmark[];

/** The fields of a {@link Place}, as every check of a fault or a hold needs them. */
export const PLACE_FIELDS: Readonly<Record<'afterChunks' | 'after', FieldCheck>> = {
  afterChunks: isWhole('chunks', 0),
  after: isOneOf(LANDMARKS),
};

/** Throws a TypeError unless exactly one of `afterChunks` and `after` is given. */
export function checkPlace(owner: string, place: { readonly afterChunks?: unknown; readonly after?: unknown }): void {
  if ((place.afterChunks === undefined) === (place.after === undefined)) {
    fail(owner, 'given exactly one of `afterChunks` and `after`', place);
  }
  check(owner, 'afterChunks', PLACE_FIELDS.afterChunks, place.afterChunks);
  check(owner, 'after', PLACE_FIELDS.after, place.after);
}
