/**
 * Which milestones still have room on the span. Pure: knows milestones and a limit, neither OTel nor a clock.
 *
 * The SDK drops the *oldest* span event beyond its limit, and a written one cannot be taken back. So the room is dealt
 * out by type before the first one is written, and the limit is never exceeded.
 */
import type { Milestone, ToolCallFragmentMilestone } from '../stream/milestone.js';

/** What may become a span event: every milestone but the last, and those of single chunks. */
export type TimelineMilestone = Exclude<Milestone, { type: 'settled' | 'chunk' }>;

type CappedMilestone = Exclude<TimelineMilestone, ToolCallFragmentMilestone>;
type CappedType = CappedMilestone['type'];
type Room = Record<CappedType, number>;

/**
 * The most span events of each type. Their order is their rank: with a limit too small for all, each type keeps one
 * before any keeps two, and the last ones go first.
 */
export const SPAN_EVENT_CAPS: Readonly<Room> = {
  exception: 1,
  cancelled: 1,
  finish: 4,
  first_token: 1,
  response_headers: 1,
  done: 1,
  first_chunk: 1,
  stall: 6,
  tool_call_started: 8,
  attempt: 8,
  usage: 1,
  invalid_chunk: 4,
  tool_call_completed: 8,
};

/** Span events that fragments leave alone: the sum of the caps, and a few for whoever else writes on the span. */
export const SPAN_EVENT_RESERVE = 48;

/** Of the fragments' room, the places kept for the newest ones. */
export const FRAGMENT_RING_SIZE = 16;

/** Says of each milestone of one call whether it is written, and when. One per recorded span. */
export class SpanEventBudget {
  readonly #write: (milestone: TimelineMilestone) => void;
  readonly #room: Room;
  #leadingFragments: number;
  readonly #ringSize: number;
  /** Allocated with its first fragment: few calls have more than the leading ones. */
  #ring: ToolCallFragmentMilestone[] | undefined;
  #ringed = 0;
  #headers: CappedMilestone | undefined;
  #suppressed = 0;

  /**
   * @param limit - Span events the span may have in all; below 1 nothing is written.
   * @param write - Takes what has room, at most `limit` times.
   */
  constructor(limit: number, write: (milestone: TimelineMilestone) => void) {
    const places = limit >= 1 ? Math.floor(limit) : 0;
    const fragments = Math.max(0, places - SPAN_EVENT_RESERVE);
    this.#write = write;
    this.#room = dealRoom(places);
    this.#ringSize = Math.min(FRAGMENT_RING_SIZE, fragments);
    this.#leadingFragments = fragments - this.#ringSize;
  }

  /** Milestones left out for want of room. Final after `close`. */
  get suppressedCount(): number {
    return this.#suppressed;
  }

  /** Writes the milestone, keeps it for later, or counts it. */
  offer(milestone: TimelineMilestone): void {
    // One place for the headers of all attempts. A rejected attempt shows by the one that follows it, and has an HTTP
    // span of its own; when the answer that the call lived on began is told nowhere else. So the last one before the
    // call goes on wins, and those it replaces are not missed.
    if (milestone.type === 'response_headers') {
      this.#headers = milestone;
      return;
    }
    if (milestone.type !== 'attempt') this.#releaseHeaders();
    if (milestone.type === 'tool_call_fragment') this.#offerFragment(milestone);
    else this.#spend(milestone);
  }

  /** Writes what was kept: after milestones that are younger, so that time and position disagree; the times are right. */
  close(): void {
    this.#releaseHeaders();
    const ring = this.#ring;
    if (ring === undefined) return;
    this.#ring = undefined;
    const oldest = this.#ringed % ring.length;
    for (const fragment of ring.slice(oldest)) this.#write(fragment);
    for (const fragment of ring.slice(0, oldest)) this.#write(fragment);
  }

  #spend(milestone: CappedMilestone): void {
    if (this.#room[milestone.type] === 0) {
      this.#suppressed += 1;
      return;
    }
    this.#room[milestone.type] -= 1;
    this.#write(milestone);
  }

  #releaseHeaders(): void {
    const headers = this.#headers;
    if (headers === undefined) return;
    this.#headers = undefined;
    this.#spend(headers);
  }

  #offerFragment(fragment: ToolCallFragmentMilestone): void {
    if (this.#leadingFragments > 0) {
      this.#leadingFragments -= 1;
      this.#write(fragment);
      return;
    }
    if (this.#ringed >= this.#ringSize) this.#suppressed += 1;
    if (this.#ringSize === 0) return;
    this.#ring ??= [];
    this.#ring[this.#ringed % this.#ringSize] = fragment;
    this.#ringed += 1;
  }
}

// The keys of a Room are its types and nothing else.
const BY_RANK = Object.keys(SPAN_EVENT_CAPS) as CappedType[];
const SUM_OF_CAPS = BY_RANK.reduce((sum, type) => sum + SPAN_EVENT_CAPS[type], 0);

function dealRoom(places: number): Room {
  const room = { ...SPAN_EVENT_CAPS };
  if (places >= SUM_OF_CAPS) return room;
  for (const type of BY_RANK) room[type] = 0;
  let left = places;
  for (let round = 1; left > 0; round += 1) {
    for (const type of BY_RANK) {
      if (left === 0) break;
      if (SPAN_EVENT_CAPS[type] < round) continue;
      room[type] += 1;
      left -= 1;
    }
  }
  return room;
}
