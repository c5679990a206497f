/**
 * An answer as a list of steps, before anything is written: what faults rewrite and the player plays.
 * Pure data; knows the SSE format, no socket and no clock.
 */
import { fail } from './checks.js';
import type { Hold } from './hold.js';
import type { Place } from './place.js';

export interface Plan {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream of SSE messages, or one document. */
  readonly format: 'sse' | 'document';
  readonly steps: readonly Step[];
  /** The gzip trailer is never sent. */
  readonly noGzipTrailer: boolean;
  /** Comments written while the answer waits. */
  readonly heartbeat: { readonly everyMs: number; readonly text: string } | undefined;
}

export type Step =
  | { readonly type: 'headers' }
  | Message
  /** The first bytes of a message, half of them if no number is given: a cut may go through a character. */
  | { readonly type: 'cut'; readonly text: string; readonly bytes: number | undefined }
  /** Bytes that pass by compression and line endings. */
  | { readonly type: 'raw'; readonly bytes: Uint8Array }
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'hold'; readonly hold: Hold }
  | End;

/** What is written as one piece: an SSE message with its blank line, or a whole document. */
export interface Message {
  readonly type: 'message';
  readonly text: string;
  readonly role: 'chunk' | 'done' | 'extra';
  readonly payload?: Json;
  /** Written together with the next message, whatever the delivery says. */
  readonly joinsNext?: boolean;
}

export type End =
  /** HTTP ends as it should. */
  | { readonly type: 'end'; readonly how: 'clean' }
  /** FIN, with HTTP still in the middle. */
  | { readonly type: 'end'; readonly how: 'close' }
  /** RST, `pauseMs` after the last write was taken. */
  | { readonly type: 'end'; readonly how: 'reset'; readonly pauseMs: number }
  /** Silence until the client leaves, at most `maxMs`. */
  | { readonly type: 'end'; readonly how: 'hang'; readonly maxMs: number; readonly by: 'close' | 'reset' }
  /** Bytes that are no HTTP, then FIN. */
  | { readonly type: 'end'; readonly how: 'garbage'; readonly text: string };

/** A JSON object, as it goes out. */
export type Json = Readonly<Record<string, unknown>>;

export function chunkMessage(payload: string | Json): Message {
  if (typeof payload === 'string') return { type: 'message', role: 'chunk', text: dataLines(payload) };
  return { type: 'message', role: 'chunk', text: dataLines(JSON.stringify(payload)), payload };
}

export function documentMessage(body: string | Json): Message {
  if (typeof body === 'string') return { type: 'message', role: 'chunk', text: body };
  return { type: 'message', role: 'chunk', text: JSON.stringify(body), payload: body };
}

export function extraMessage(text: string): Message {
  return { type: 'message', role: 'extra', text };
}

export const DONE_MESSAGE: Message = { type: 'message', role: 'done', text: dataLines('[DONE]') };

/** One SSE message: an optional `event` line, a `data` line per line, a blank line. */
export function dataLines(data: string, event?: string): string {
  const lines = data.split('\n').map((line) => `data: ${line}\n`);
  return `${event === undefined ? '' : `event: ${event}\n`}${lines.join('')}\n`;
}

export function commentLine(text: string): string {
  return `:${text === '' ? '' : ` ${text}`}\n\n`;
}

/** Puts steps in at a place, behind what was put in there before. */
export function insertAt(steps: readonly Step[], place: Place, inserted: readonly Step[]): Step[] {
  const at = boundaryOf(steps, place);
  return [...steps.slice(0, at), ...inserted, ...steps.slice(at)];
}

/** Drops everything behind a place and ends there. */
export function endAt(steps: readonly Step[], place: Place, ending: readonly Step[]): Step[] {
  return [...steps.slice(0, boundaryOf(steps, place)), ...ending];
}

/** Steps before the place, and the message that would have come next; where none does, the split is before the last one. */
export function splitInMessage(steps: readonly Step[], place: Place): { before: Step[]; next: Message | undefined } {
  const boundary = boundaryOf(steps, place);
  const at = steps.slice(boundary).some(isMessage) ? boundary : steps.findLastIndex(isMessage);
  if (at === -1) return { before: steps.slice(0, boundary), next: undefined };
  return { before: steps.slice(0, at), next: steps.slice(at).find(isMessage) };
}

/** Throws a TypeError where the place lies beyond the answer. */
export function checkReach(owner: string, steps: readonly Step[], place: Place): void {
  const chunks = steps.filter((step) => isMessage(step) && step.role === 'chunk').length;
  if (place.afterChunks === undefined || place.afterChunks <= chunks) return;
  fail(`\`afterChunks\` of ${owner}`, `at most ${chunks}, the chunks of this reply`, place.afterChunks);
}

export function isMessage(step: Step): step is Message {
  return step.type === 'message';
}

/** Index of the first step behind the place. */
function boundaryOf(steps: readonly Step[], place: Place): number {
  let at = anchorOf(steps, place) + 1;
  while (isInserted(steps[at])) at += 1;
  return at;
}

/** Index of the step that makes the place; -1 is before everything. */
function anchorOf(steps: readonly Step[], place: Place): number {
  if (place.after === 'request') return -1;
  const headers = steps.findIndex((step) => step.type === 'headers');
  if (place.after === 'headers' || place.afterChunks === 0) return headers;
  const wanted = place.after === undefined ? nthChunk(steps, place.afterChunks) : landmark(steps, place.after);
  if (wanted !== -1) return wanted;
  return Math.max(
    headers,
    steps.findLastIndex((step) => isMessage(step) && step.role !== 'done'),
  );
}

function nthChunk(steps: readonly Step[], count: number): number {
  let left = count;
  return steps.findIndex((step) => isMessage(step) && step.role === 'chunk' && --left === 0);
}

function landmark(steps: readonly Step[], after: 'finish' | 'done'): number {
  if (after === 'done') return steps.findIndex((step) => isMessage(step) && step.role === 'done');
  return steps.findLastIndex((step) => isMessage(step) && finishes(step.payload));
}

function finishes(payload: Json | undefined): boolean {
  const choices: unknown = payload?.['choices'];
  if (!Array.isArray(choices)) return false;
  return choices.some((choice: unknown) => hasFinishReason(choice));
}

function hasFinishReason(choice: unknown): boolean {
  return typeof choice === 'object' && choice !== null && 'finish_reason' in choice && choice.finish_reason !== null;
}

function isInserted(step: Step | undefined): boolean {
  if (step === undefined) return false;
  if (step.type === 'message') return step.role === 'extra';
  return step.type === 'wait' || step.type === 'hold' || step.type === 'raw';
}
