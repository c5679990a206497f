/**
 * Says whether text that arrives in fragments is one whole JSON value, in constant memory.
 * It knows depth, string and escape; it neither keeps the text nor validates it: `{]` closes.
 */

type State =
  | 'blank'
  /** Inside an object, an array or a string. */
  | 'open'
  /** A bare number, or one of the three words, at the top. */
  | 'scalar'
  /** One value came and ended; blanks may follow. */
  | 'closed'
  /** Something followed the value, or no value begins like this. */
  | 'broken';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Scanner over the fragments of one JSON text. */
export class JsonCompleteness {
  #state: State = 'blank';
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** The word a bare `t`, `f` or `n` began; empty for a number. */
  #word = '';
  #wordLength = 0;
  #digitLast = false;

  /**
   * Whether exactly one JSON value was seen and closed, or only blanks so far.
   * A bare number counts as closed after each digit (it has no end of its own), `true`, `false` and `null` after their last letter.
   */
  get closed(): boolean {
    if (this.#state !== 'scalar') return this.#state === 'blank' || this.#state === 'closed';
    return this.#word === '' ? this.#digitLast : this.#wordLength === this.#word.length;
  }

  /** Whether the text can become one JSON value no more, whatever follows. */
  get broken(): boolean {
    return this.#state === 'broken';
  }

  /** Takes the next fragment: `text` from `start` to before `end`. Fragments may be cut anywhere, inside an escape too. */
  push(text: string, start = 0, end = text.length): void {
    for (let i = start; i < end; i++) {
      const code = text.charCodeAt(i);
      if (this.#inString) this.#takeInString(code);
      else if (this.#depth > 0) this.#takeNested(code);
      else this.#takeAtTop(code);
    }
  }

  #takeInString(code: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (code === BACKSLASH) this.#escaped = true;
    else if (code === QUOTE) {
      this.#inString = false;
      if (this.#depth === 0) this.#state = 'closed';
    }
  }

  #takeNested(code: number): void {
    if (code === QUOTE) this.#inString = true;
    else if (isOpening(code)) this.#depth += 1;
    else if (isClosing(code)) {
      this.#depth -= 1;
      if (this.#depth === 0) this.#state = 'closed';
    }
  }

  #takeAtTop(code: number): void {
    if (isBlank(code)) {
      if (this.#state === 'scalar') this.#state = this.closed ? 'closed' : 'broken';
    } else if (this.#state === 'scalar') this.#takeScalar(code);
    else if (this.#state === 'blank') this.#begin(code);
    else this.#state = 'broken';
  }

  #begin(code: number): void {
    this.#state = 'open';
    if (code === QUOTE) this.#inString = true;
    else if (isOpening(code)) this.#depth = 1;
    else {
      this.#word = code === 0x74 ? 'true' : code === 0x66 ? 'false' : code === 0x6e ? 'null' : '';
      this.#state = 'scalar';
      this.#takeScalar(code);
    }
  }

  #takeScalar(code: number): void {
    if (this.#word === '') {
      this.#digitLast = code >= 0x30 && code <= 0x39;
      if (!this.#digitLast && !isNumberSign(code)) this.#state = 'broken';
    } else if (this.#word.charCodeAt(this.#wordLength) === code) this.#wordLength += 1;
    else this.#state = 'broken';
  }
}

function isOpening(code: number): boolean {
  return code === 0x7b || code === 0x5b;
}

function isClosing(code: number): boolean {
  return code === 0x7d || code === 0x5d;
}

/** JSON's four blanks; a no-break space is none. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** `+ - . E e`, which stand inside numbers; a number that ends in one of them is not closed. */
function isNumberSign(code: number): boolean {
  return code === 0x2b || code === 0x2d || code === 0x2e || code === 0x45 || code === 0x65;
}
