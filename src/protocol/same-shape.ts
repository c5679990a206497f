/**
 * Skips JSON.parse where a payload differs from an earlier one in one string alone, as nearly all of a stream do.
 * A miss is a full parse, so it may miss freely and must never hit wrongly: everything outside that string is compared,
 * to the end of the payload. It knows JSON strings; not what a payload means, which the dialect's `Repeatable` says.
 *
 * Why a hit is right: where `before + string + after` was JSON with that string as the value of a key, and neither part
 * has a backslash (so each quote in them is a real one), another whole string in its place changes that value alone.
 */
import type { Chunk } from '../stream/signal.js';
import type { Repeatable } from './dialects/dialect.js';
import { codePointCount } from './narrow.js';

/** Longer surroundings (log probabilities, filter results) are not kept: memory per stream is bounded. */
const MAX_SURROUNDINGS = 1_024;
/** After so many misses in a row the payloads have no common shape: learning, which copies, pauses for as many more as `PAUSE`. */
const MAX_MISSES = 8;
const PAUSE = 64;

/** Keys whose values are noise and never read by a dialect. OpenAI pads each chunk with `obfuscation` against traffic analysis. */
const VOLATILE_KEY = 'obfuscation';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The payload in pieces; the strings between them may change. */
interface Shape {
  /** To the opening quote of the first string. Each piece is a copy: a slice would hold the whole read. */
  readonly before: string;
  /** From the closing quote of the first to the opening quote of the second; undefined where there is one only. */
  readonly between: string | undefined;
  /** From the closing quote of the last string to the end. */
  readonly after: string;
  /** Whether the string that counts is the first. */
  readonly countedFirst: boolean;
  readonly again: Repeatable['again'];
}

/** Memory of the shapes of one stream. */
export class SameShape {
  // Two at a time, as text and tool arguments take turns in one answer; fields, as a list of two weighs 150 bytes more.
  #newest: Shape | undefined;
  #older: Shape | undefined;
  #misses = 0;
  // The counted string of the payload at hand, as `text.slice(start, end)`: fields, as a result object per chunk costs.
  #text = '';
  #start = 0;
  #end = 0;
  #characters = 0;

  /** The chunk of a payload (latin1) whose shape is known; undefined: parse it. */
  read(data: string, atMs: number): Chunk | undefined {
    return this.#readAs(this.#newest, data, atMs) ?? this.#readAs(this.#older, data, atMs);
  }

  /** Learns the shape of a payload that had to be parsed. `repeatable` is asked only if it is of use. */
  remember(data: string, repeatable: () => Repeatable | undefined): void {
    this.#misses += 1;
    if (this.#misses > MAX_MISSES) {
      if (this.#misses > MAX_MISSES + PAUSE) this.#misses = 0;
      return;
    }
    const found = repeatable();
    const shape = found && shapeOf(data, found);
    if (shape === undefined) return;
    this.#older = this.#newest;
    this.#newest = shape;
  }

  #readAs(shape: Shape | undefined, data: string, atMs: number): Chunk | undefined {
    if (shape === undefined || !this.#fits(shape, data)) return undefined;
    const chunk = shape.again(this.#text, this.#start, this.#end, this.#characters, atMs);
    this.#text = '';
    if (chunk !== undefined) this.#misses = 0;
    return chunk;
  }

  #fits(shape: Shape, data: string): boolean {
    const { before, between, after } = shape;
    if (!standsAt(before, data, 0)) return false;
    let end = this.#string(data, before.length, between === undefined || shape.countedFirst);
    if (between !== undefined) {
      if (end === -1 || !standsAt(between, data, end)) return false;
      end = this.#string(data, end + between.length, !shape.countedFirst);
    }
    return end !== -1 && data.length - end === after.length && standsAt(after, data, end);
  }

  /** Gives the closing quote of the string that begins at `start`, or -1 where it has to be parsed. */
  #string(data: string, start: number, counted: boolean): number {
    const length = data.length;
    for (let i = start; i < length; i++) {
      const code = data.charCodeAt(i);
      if (code === QUOTE) {
        if (counted) this.#take(data, start, i, i - start);
        return counted && i === start ? -1 : i;
      }
      if (code === BACKSLASH || code < 0x20 || code >= 0x80) return counted ? this.#oddString(data, start) : -1;
    }
    return -1;
  }

  /** The same for a string with escapes or bytes of UTF-8. */
  #oddString(data: string, start: number): number {
    let text = '';
    let plainFrom = start;
    for (let i = start; i < data.length; ) {
      const code = data.charCodeAt(i);
      if (code === QUOTE) {
        text += data.slice(plainFrom, i);
        this.#take(text, 0, text.length, codePointCount(text));
        return i;
      }
      if (code < 0x20) return -1;
      if (code !== BACKSLASH && code < 0x80) {
        i += 1;
        continue;
      }
      const length = code === BACKSLASH ? escapeLength(data, i) : sequenceLength(data, i);
      if (length === 0) return -1;
      text += data.slice(plainFrom, i) + (code === BACKSLASH ? unescaped(data, i) : decoded(data, i, length));
      i += length;
      plainFrom = i;
    }
    return -1;
  }

  #take(text: string, start: number, end: number, characters: number): void {
    this.#text = text;
    this.#start = start;
    this.#end = end;
    this.#characters = characters;
  }
}

/**
 * Whether `piece` stands in `data` at `offset`. A slice copies nothing and `===` compares whole words: 110 ns for 240
 * characters where `charCodeAt` took 1,500 and `startsWith` 1,300 (Node 20 and 24 alike), as much as a parse.
 * The last character first, where shapes differ soonest.
 */
function standsAt(piece: string, data: string, offset: number): boolean {
  const end = offset + piece.length;
  return data.charCodeAt(end - 1) === piece.charCodeAt(piece.length - 1) && data.slice(offset, end) === piece;
}

/** Cuts a payload into its shape; undefined where the key is not there exactly once, or anything is escaped. */
function shapeOf(data: string, { key, value, again }: Repeatable): Shape | undefined {
  const counted = holeOf(data, key);
  if (counted === undefined || !isValue(data, counted, value)) return undefined;
  const noise = data.includes(`"${VOLATILE_KEY}"`) ? holeOf(data, VOLATILE_KEY) : undefined;
  const countedFirst = noise === undefined || counted.start < noise.start;
  const [first, second] = countedFirst ? [counted, noise] : [noise, counted];
  const before = data.slice(0, first.start);
  const between = second && data.slice(first.end, second.start);
  const after = data.slice((second ?? first).end);
  if (before.length + (between?.length ?? 0) + after.length > MAX_SURROUNDINGS) return undefined;
  if (`${before}${between ?? ''}${after}`.includes('\\')) return undefined;
  return { before: ownCopy(before), between: between && ownCopy(between), after: ownCopy(after), countedFirst, again };
}

interface Hole {
  readonly start: number;
  /** Position of the closing quote. */
  readonly end: number;
}

/** The string value of a key that the payload names once; Python's servers write a blank before it. */
function holeOf(data: string, key: string): Hole | undefined {
  const quoted = `"${key}"`;
  const at = data.indexOf(quoted);
  if (at === -1 || data.indexOf(quoted, at + 1) !== -1) return undefined;
  const colon = at + quoted.length;
  const start = data.startsWith(':"', colon) ? colon + 2 : data.startsWith(': "', colon) ? colon + 3 : -1;
  if (start === -1) return undefined;
  for (let i = start; i < data.length; i++) {
    const code = data.charCodeAt(i);
    if (code === QUOTE) return { start, end: i };
    if (code === BACKSLASH) i += 1;
  }
  return undefined;
}

function isValue(data: string, { start, end }: Hole, value: string): boolean {
  const raw = data.slice(start, end);
  if (raw === value) return true;
  let isPlain = true;
  for (let i = 0; i < raw.length; i++) isPlain &&= raw.charCodeAt(i) < 0x80 && raw.charCodeAt(i) !== BACKSLASH;
  // Anything else may be the same string written otherwise: the next plain one will teach the shape.
  return !isPlain && JSON.parse(`"${Buffer.from(raw, 'latin1').toString('utf8')}"`) === value;
}

/** latin1 text in a string of its own. */
function ownCopy(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/** Characters an escape takes; 0 where it is none of JSON's. */
function escapeLength(data: string, at: number): number {
  const name = data.charAt(at + 1);
  if (name !== 'u') return SIMPLE_ESCAPES.has(name) ? 2 : 0;
  return /^[0-9a-f]{4}$/i.test(data.slice(at + 2, at + 6)) ? 6 : 0;
}

function unescaped(data: string, at: number): string {
  return (
    SIMPLE_ESCAPES.get(data.charAt(at + 1)) ?? String.fromCharCode(Number.parseInt(data.slice(at + 2, at + 6), 16))
  );
}

/** Bytes of the UTF-8 sequence at a position; 0 where it is not valid, and a decoder would put something in its place. */
function sequenceLength(data: string, at: number): number {
  const lead = data.charCodeAt(at);
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  for (let i = 1; i < length; i++) if ((data.charCodeAt(at + i) & 0xc0) !== 0x80) return 0;
  const second = data.charCodeAt(at + 1);
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  const isInvalid =
    (lead === 0xe0 && second < 0xa0) ||
    (lead === 0xed && second > 0x9f) ||
    (lead === 0xf0 && second < 0x90) ||
    (lead === 0xf4 && second > 0x8f);
  return isInvalid ? 0 : length;
}

function decoded(data: string, at: number, length: number): string {
  let point = data.charCodeAt(at) & (0x7f >> length);
  for (let i = 1; i < length; i++) point = (point << 6) | (data.charCodeAt(at + i) & 0x3f);
  return String.fromCodePoint(point);
}
