/**
 * What a JSON request body says of itself, without parsing it whole: it runs on the request's own path, and prompts
 * may be megabytes. One scan over the top-level keys; nested values are skipped from quote to quote (`indexOf`), their
 * elements counted; only small values of known keys are parsed. Keeps no content.
 */
import { isRecord, peek } from './narrow.js';

/** Bytes of a body up to which it is decoded whole; of a longer one only the head is read. */
const MAX_DECODED_BYTES = 1024 * 1024;
const HEAD_BYTES = 64 * 1024;
/** Characters of a value up to which it is parsed. */
const MAX_PARSED_CHARACTERS = 4 * 1024;

export interface RequestBody {
  /** Bytes; absent for a body that was not serialised. */
  readonly size?: number | undefined;
  /** Values of the known keys, parsed; those that are larger than 4 KiB or malformed are absent. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Whether the object was read to its end. */
  readonly isWhole: boolean;
  /** Elements of `messages` and `tools`; absent where there is no whole array. */
  readonly messageCount?: number | undefined;
  readonly toolCount?: number | undefined;
  /** UTF-16 units of text in `messages`; absent where they hold more than text, or were cut. */
  readonly messageCharacters?: number | undefined;
}

/** Scans a body. Never throws: of a malformed one it tells what came before the break. */
export function scanRequestBody(body: string | Uint8Array, keys: ReadonlySet<string>): RequestBody {
  const isText = typeof body === 'string';
  const text = isText ? body : decode(body);
  const size = isText ? Buffer.byteLength(body) : body.byteLength;
  return { size, ...new BodyScan(text, keys).run() };
}

/** The same of a body before it is serialised. Never throws. */
export function readPayload(payload: unknown, keys: ReadonlySet<string>): RequestBody | undefined {
  if (!isRecord(payload)) return undefined;
  const values = new Map<string, unknown>();
  for (const key of keys) {
    const value = peek(payload, key);
    if (value !== undefined) values.set(key, value);
  }
  return {
    values,
    isWhole: true,
    messageCount: lengthOf(peek(payload, 'messages')),
    toolCount: lengthOf(peek(payload, 'tools')),
  };
}

function lengthOf(value: unknown): number | undefined {
  return Array.isArray(value) ? value.length : undefined;
}

function decode(body: Uint8Array): string {
  const length = body.byteLength > MAX_DECODED_BYTES ? HEAD_BYTES : body.byteLength;
  return Buffer.from(body.buffer, body.byteOffset, length).toString('utf8');
}

/** Keys whose strings are the text of a message. */
const TEXT_KEYS: ReadonlySet<string> = new Set(['content', 'text', 'arguments', 'refusal', 'reasoning_content']);
/** Keys whose values weigh other than by their characters. */
const MEDIA_KEYS: ReadonlySet<string> = new Set(['image_url', 'input_audio', 'audio', 'file', 'video_url', 'image']);

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPENING: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSING: ReadonlySet<number> = new Set([0x7d, 0x5d]);

interface Nested {
  readonly end: number;
  readonly elements: number;
  readonly characters: number;
  readonly media: boolean;
}

/** A position of -1 means that the text ended, or is no JSON, before what was looked for. */
class BodyScan {
  readonly #text: string;
  readonly #keys: ReadonlySet<string>;
  readonly #values = new Map<string, unknown>();
  #messages: Nested | undefined;
  #tools: Nested | undefined;
  // Found once, ahead of the scan, and found anew only when passed: a body without backslashes is searched for one once.
  #nextBackslash = -1;
  #isBackslashKnown = false;
  /** Backslash escapes, and characters they take beyond the one they mean, of the last string skipped. */
  #escapeExcess = 0;

  constructor(text: string, keys: ReadonlySet<string>) {
    this.#text = text;
    this.#keys = keys;
  }

  run(): Omit<RequestBody, 'size'> {
    let position = this.#skipBlanks(0);
    if (this.#text.charAt(position) === '{') {
      const first = this.#skipBlanks(position + 1);
      if (this.#text.charAt(first) === '}') position = first;
      else {
        do position = this.#member(position + 1);
        while (position !== -1 && this.#text.charCodeAt(position) === COMMA);
      }
    }
    return {
      values: this.#values,
      isWhole: position !== -1 && this.#text.charAt(position) === '}',
      messageCount: this.#messages?.elements,
      toolCount: this.#tools?.elements,
      messageCharacters: this.#messages?.media === false ? this.#messages.characters : undefined,
    };
  }

  /** Reads `"key": value`, and gives the position of the comma or brace behind it. */
  #member(from: number): number {
    const keyStart = this.#skipBlanks(from);
    const keyEnd = this.#text.charCodeAt(keyStart) === QUOTE ? this.#skipString(keyStart) : -1;
    if (keyEnd === -1) return -1;
    const colon = this.#skipBlanks(keyEnd);
    if (this.#text.charAt(colon) !== ':') return -1;
    const start = this.#skipBlanks(colon + 1);
    const end = this.#value(this.#text.slice(keyStart + 1, keyEnd - 1), start);
    return end === -1 ? -1 : this.#skipBlanks(end);
  }

  #value(key: string, start: number): number {
    const code = this.#text.charCodeAt(start);
    let end: number;
    if (code === QUOTE) end = this.#skipString(start);
    else if (OPENING.has(code)) {
      const nested = this.#skipNested(start);
      end = nested?.end ?? -1;
      if (key === 'messages' && code === 0x5b) this.#messages = nested;
      if (key === 'tools' && code === 0x5b) this.#tools = nested;
    } else end = this.#skipScalar(start);
    if (end !== -1 && this.#keys.has(key)) this.#take(key, start, end);
    return end;
  }

  #take(key: string, start: number, end: number): void {
    if (end - start > MAX_PARSED_CHARACTERS) return;
    try {
      this.#values.set(key, JSON.parse(this.#text.slice(start, end)));
    } catch {
      // Malformed: absent. The parser's error quotes the text.
    }
  }

  #skipBlanks(from: number): number {
    let position = from;
    for (; position < this.#text.length; position++) {
      const code = this.#text.charCodeAt(position);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break;
    }
    return position;
  }

  #skipScalar(start: number): number {
    for (let position = start; position < this.#text.length; position++) {
      const code = this.#text.charCodeAt(position);
      if (code === COMMA || CLOSING.has(code)) return position;
    }
    return -1;
  }

  /** From an opening quote to behind the closing one. */
  #skipString(start: number): number {
    this.#escapeExcess = 0;
    let position = start + 1;
    let quote = this.#text.indexOf('"', position);
    while (quote !== -1) {
      const backslash = this.#backslashFrom(position);
      if (backslash === -1 || backslash > quote) return quote + 1;
      const isUnicode = this.#text.charAt(backslash + 1) === 'u';
      this.#escapeExcess += isUnicode ? 5 : 1;
      position = backslash + (isUnicode ? 6 : 2);
      if (quote < position) quote = this.#text.indexOf('"', position);
    }
    return -1;
  }

  #backslashFrom(position: number): number {
    if (!this.#isBackslashKnown || (this.#nextBackslash !== -1 && this.#nextBackslash < position)) {
      this.#isBackslashKnown = true;
      this.#nextBackslash = this.#text.indexOf('\\', position);
    }
    return this.#nextBackslash;
  }

  /** From an opening brace or bracket to behind its closing one. */
  #skipNested(start: number): Nested | undefined {
    let depth = 0;
    let commas = 0;
    let characters = 0;
    let media = false;
    let isEmpty = true;
    let key = '';
    for (let i = start; i < this.#text.length; ) {
      const code = this.#text.charCodeAt(i);
      if (code === QUOTE) {
        isEmpty = false;
        const end = this.#skipString(i);
        if (end === -1) return undefined;
        const excess = this.#escapeExcess;
        if (this.#text.charAt(this.#skipBlanks(end)) === ':') {
          key = this.#text.slice(i + 1, Math.min(end - 1, i + 33));
          media ||= MEDIA_KEYS.has(key);
        } else {
          if (TEXT_KEYS.has(key)) characters += end - i - 2 - excess;
          key = '';
        }
        i = end;
        continue;
      }
      if (OPENING.has(code)) {
        if (depth > 0) isEmpty = false;
        depth += 1;
      } else if (CLOSING.has(code)) {
        depth -= 1;
        if (depth === 0) return { end: i + 1, elements: isEmpty ? 0 : commas + 1, characters, media };
      } else if (code === COMMA) {
        if (depth === 1) commas += 1;
      } else if (code > 0x20) isEmpty = false;
      i += 1;
    }
    return undefined;
  }
}

/** Value of a key of an object-valued setting, such as `response_format.type`. */
export function memberOf(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}
