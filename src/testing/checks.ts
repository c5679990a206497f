/**
 * Says what is wrong with a scenario, before any request meets it.
 * Every message: what was expected, what came.
 */

import { validateHeaderName, validateHeaderValue } from 'node:http';

/** What one field must be; undefined always passes, unless `required`. */
export interface FieldCheck {
  /** Completes the sentence "must be …". */
  readonly expected: string;
  readonly passes: (value: unknown) => boolean;
  readonly required?: boolean;
}

export type FieldChecks = Readonly<Record<string, FieldCheck>>;

/** Throws a TypeError at the first field of `value` that is unknown, missing or not what it must be. */
export function checkFields(owner: string, value: unknown, checks: FieldChecks): void {
  if (!isRecord(value)) fail(owner, 'an object', value);
  for (const field of Object.keys(value)) {
    if (!Object.hasOwn(checks, field)) {
      fail(`\`${field}\` of ${owner}`, `one of its fields (${Object.keys(checks).join(', ')})`, value[field]);
    }
  }
  for (const [field, fieldCheck] of Object.entries(checks)) check(owner, field, fieldCheck, value[field]);
}

export function check(owner: string, field: string, { expected, passes, required }: FieldCheck, value: unknown): void {
  if (value === undefined ? required !== true : passes(value)) return;
  fail(`\`${field}\` of ${owner}`, expected, value);
}

/** Throws the TypeError that all checks throw. */
export function fail(what: string, expected: string, got: unknown): never {
  throw new TypeError(`${what} must be ${expected}, got ${shown(got)}`);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param unit - `chunks`, `bytes` …; empty for a number without one */
export function isWhole(unit: string, least: number, most = Number.MAX_SAFE_INTEGER): FieldCheck {
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
  return {
    expected: `a whole number${unit === '' ? '' : ` of ${unit}`}, ${range}`,
    passes: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  };
}

/** Longest wait anybody may ask for: no timer of this room lives longer. */
const LONGEST_WAIT_MS = 600_000;

export const isDurationMs: FieldCheck = {
  expected: `a number of milliseconds from 0 to ${LONGEST_WAIT_MS}`,
  passes: (value) => typeof value === 'number' && value >= 0 && value <= LONGEST_WAIT_MS,
};

export const isText: FieldCheck = { expected: 'a string', passes: (value) => typeof value === 'string' };

export const isFlag: FieldCheck = { expected: 'true or false', passes: (value) => typeof value === 'boolean' };

export const isObject: FieldCheck = { expected: 'an object', passes: isRecord };

export const isList: FieldCheck = { expected: 'a list', passes: Array.isArray };

export const isHeaders: FieldCheck = {
  expected: 'an object of header names and string values',
  passes: (value) => isRecord(value) && Object.entries(value).every(([name, header]) => isHeader(name, header)),
};

/** Whether Node will write it: what it refuses would be thrown in the middle of an answer. */
function isHeader(name: string, value: unknown): boolean {
  if (typeof value !== 'string') return false;
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

export const isHeaderValue: FieldCheck = {
  expected: 'a string that is a header value',
  passes: (value) => isHeader('content-type', value),
};

export function isOneOf(values: readonly unknown[]): FieldCheck {
  return { expected: `one of ${values.map(shown).join(', ')}`, passes: (value) => values.includes(value) };
}

export function required(fieldCheck: FieldCheck): FieldCheck {
  return { ...fieldCheck, required: true };
}

const LONGEST_SHOWN = 80;

function shown(value: unknown): string {
  const text = typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? String(value));
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
