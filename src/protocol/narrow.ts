/**
 * Narrows the wire by hand: everything that comes in is `unknown`, and an odd value is no value.
 * Also the one place where a string is copied to be kept.
 */

/** Whether the value is a JSON object (not null, no array). */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A property of anything; undefined where there is none, or reading it throws. */
export function peek(value: unknown, key: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined;
  }
}

/** The value, if it is a string that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The value, if it is a whole number from 0 up. */
export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** The value, if it is a finite number. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/**
 * A string of its own, at most `max` UTF-16 units of `text`, never half a surrogate pair.
 * V8's slices hold their whole parent: a 230-character slice held 65,643 bytes, a copy 310.
 */
export function copyOf(text: string, max: number): string {
  let length = Math.min(text.length, max);
  if (length < text.length && (text.charCodeAt(length - 1) & 0xfc00) === 0xd800) length -= 1;
  return Buffer.from(text.slice(0, length), 'utf16le').toString('utf16le');
}

/** A copy of a name or id that a provider made up, cut at `max`; undefined where it has blanks: then it may be a sentence. */
export function nameOf(text: string | undefined, max: number): string | undefined {
  return text === undefined || text === '' || /\s/.test(text) ? undefined : copyOf(text, max);
}

/** Unicode code points of a text; a lone surrogate counts as one. */
export function codePointCount(text: string): number {
  let count = text.length;
  for (let i = text.length - 2; i >= 0; i--) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count -= 1;
  }
  return count;
}

const IDENTIFIER = /^[\w.:-]{1,64}$/;

/** An identifier as it may stand on a span (`[\w.:-]{1,64}`; numbers as text); anything else may be content, and is absent. */
export function identifierOf(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && IDENTIFIER.test(text) ? copyOf(text, 64) : undefined;
}
