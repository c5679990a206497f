/**
 * The faults: named data with units, each a small rewrite of the plan of an answer. They combine in any order.
 * The idea, small faults that stack, is Shopify/toxiproxy's (`toxics/`); these speak of chunks where those speak of bytes.
 */
import {
  checkFields,
  type FieldChecks,
  fail,
  isDurationMs,
  isFlag,
  isHeaders,
  isHeaderValue,
  isObject,
  isOneOf,
  isText,
  isWhole,
  required,
} from './checks.js';
import { LONGEST_HOLD_MS } from './hold.js';
import { checkPlace, PLACE_FIELDS, type Place } from './place.js';
import {
  checkReach,
  chunkMessage,
  commentLine,
  DONE_MESSAGE,
  dataLines,
  documentMessage,
  type End,
  extraMessage,
  type Json,
  type Message,
  type Plan,
  type Step,
  splitInMessage,
} from './plan.js';
import {
  ended,
  inserted,
  insertedMessage,
  withFinalLineEnds,
  withHeaders,
  withMessages,
  withoutFinishReason,
  withoutUsage,
  withPayloads,
} from './rewrites.js';
import { type OpenAIError, openAIError } from './scripts/replies.js';

/** What each fault says beside its `type`. A scenario has at most one of the first group. */
export interface FaultFields {
  // ── endings: nothing of the answer comes after them ──

  /**
   * The connection is reset (RST). `after: 'request'`: before any header. What was written before is on the wire first: the
   * write was taken by the kernel, then `pauseMs` (default 20), then the event loop turned thrice, which gives a client in
   * this process its read even where timers are late. A client that leaves bytes unread may lose them, as with any reset.
   */
  readonly reset: Place & { readonly pauseMs?: number };
  /** The connection is closed (FIN) in the middle of HTTP: no last chunk of the chunked encoding, no headers, … */
  readonly close: Place;
  /** The body ends as if all were well; what was to come is missing, `[DONE]` too. */
  readonly silent_end: Place;
  /** Silence until the client leaves; after `maxMs` (default 60,000) the server does, as `end` says (default `close`). */
  readonly hang: Place & { readonly maxMs?: number; readonly end?: 'close' | 'reset' };
  /** Bytes that are no HTTP, then FIN: in place of a status line, or inside the chunked encoding. */
  readonly garbage: Place & { readonly text?: string };
  /**
   * Only the first `bytes` (default: half) of the next message are sent, cut between two bytes, not two characters; of the
   * last message, where none is next. Then the body ends as `end` says: `clean` (default), `close` by FIN, `reset` by RST.
   */
  readonly cut_in_message: Place & { readonly bytes?: number; readonly end?: 'clean' | 'close' | 'reset' };
  // ── instead of the rest ──

  /**
   * The provider says in the stream that it failed: `{"error": …}`, or `payload` as it is, under an `event:` line if
   * `eventName` is given; with `thenDone` a `[DONE]`, in the same write with `sameWrite`. Then the body ends cleanly, unless
   * an ending says otherwise. An answer that is one document becomes the error's document.
   */
  readonly in_band_error: Place & {
    readonly error?: OpenAIError;
    readonly payload?: Json;
    readonly eventName?: string;
    readonly thenDone?: boolean;
    readonly sameWrite?: boolean;
  };

  // ── on the way: the answer goes on after them ──

  /** Nothing is sent for `ms`. */
  readonly stall: Place & { readonly ms: number };
  /** A `data:` line that is no JSON; a line of its own, not in place of a chunk. `text` defaults to a chunk that is cut. */
  readonly malformed_chunk: Place & { readonly text?: string };
  /** A message that is no chunk: `event: ping`, `data: {"type": "ping"}` by default. */
  readonly ping: Place & { readonly event?: string; readonly data?: string };
  /** Bytes as they are, past gzip and line endings: corrupt compression, broken UTF-8. */
  readonly raw_bytes: Place & { readonly hex: string };
  /** SSE comments: one after every so many chunks, or every so many milliseconds while the answer waits, in a stall, hang or hold or between messages. */
  readonly heartbeats: { readonly everyChunks?: number; readonly everyMs?: number; readonly text?: string };

  // ── missing and foreign parts ──

  /** No `[DONE]`. */
  readonly no_done: object;
  /** The last message goes without its blank line: `lineEnds` 0 (default) or 1 of its two line ends are sent. */
  readonly no_final_blank_line: { readonly lineEnds?: 0 | 1 };
  /** No usage, asked for or not: a chunk with nothing else is dropped. */
  readonly no_usage: object;
  /** No choice finishes: its `finish_reason` stays null. */
  readonly no_finish_reason: object;
  /** A first chunk with `choices: []`, as Azure sends it with its filter results. Counted as a chunk. */
  readonly empty_choices_preamble: object;
  /** The gzip body ends without its trailer. Only with `delivery.gzip`. */
  readonly no_gzip_trailer: object;

  // ── headers ──

  /** Another content type over the same body. */
  readonly content_type: { readonly value: string };
  /** More headers, or others. */
  readonly headers: { readonly headers: Readonly<Record<string, string>> };
  /** `retry-after` in seconds, `retry-after-ms` in milliseconds, or both. */
  readonly retry_after: { readonly seconds?: number; readonly ms?: number };
}

export type FaultType = keyof FaultFields;

/** One thing that goes wrong: `{ type: 'reset', afterChunks: 2 }`. {@link FaultFields} has them all. */
export type Fault<T extends FaultType = FaultType> = { [K in T]: { readonly type: K } & FaultFields[K] }[T];

interface Row<T extends FaultType> {
  /** When it is applied; within one phase, the order of the scenario counts. */
  readonly phase: Phase;
  readonly fields: FieldChecks;
  /** What one field alone cannot tell; throws. */
  readonly check?: (owner: string, fault: Fault<T>) => void;
  readonly apply: (plan: Plan, fault: Fault<T>) => Plan;
}

/** In this order: payloads are edited before they are counted, counted before anything is cut, and the last line is known last. */
type Phase = 'payload' | 'insert' | 'error' | 'ending' | 'last';

const DEFAULT_RESET_PAUSE_MS = 20;
const CUT_CHUNK = '{"id":"chatcmpl-faulty","object":"chat.completion.ch';
const AZURE_PREAMBLE: Json = {
  choices: [],
  created: 0,
  id: '',
  model: '',
  object: '',
  prompt_filter_results: [{ prompt_index: 0, content_filter_results: { hate: { filtered: false, severity: 'safe' } } }],
};

const ROWS: { readonly [T in FaultType]: Row<T> } = {
  reset: {
    phase: 'ending',
    fields: { ...PLACE_FIELDS, pauseMs: isDurationMs },
    apply: (plan, fault) => ended(plan, fault, reset(fault.pauseMs)),
  },
  close: {
    phase: 'ending',
    fields: PLACE_FIELDS,
    apply: (plan, fault) => ended(plan, fault, { type: 'end', how: 'close' }),
  },
  silent_end: {
    phase: 'ending',
    fields: PLACE_FIELDS,
    check: needsHeaders,
    apply: (plan, fault) => ended(plan, fault, { type: 'end', how: 'clean' }),
  },
  hang: {
    phase: 'ending',
    fields: { ...PLACE_FIELDS, maxMs: isDurationMs, end: isOneOf(['close', 'reset']) },
    apply: (plan, fault) =>
      ended(plan, fault, {
        type: 'end',
        how: 'hang',
        maxMs: fault.maxMs ?? LONGEST_HOLD_MS,
        by: fault.end ?? 'close',
      }),
  },
  garbage: {
    phase: 'ending',
    fields: { ...PLACE_FIELDS, text: isText },
    apply: (plan, fault) =>
      ended(plan, fault, { type: 'end', how: 'garbage', text: fault.text ?? 'no HTTP here\r\n\r\n' }),
  },
  cut_in_message: {
    phase: 'ending',
    fields: { ...PLACE_FIELDS, bytes: isWhole('bytes', 0), end: isOneOf(['clean', 'close', 'reset']) },
    check: needsHeaders,
    apply: cutInMessage,
  },
  in_band_error: {
    phase: 'error',
    fields: {
      ...PLACE_FIELDS,
      error: isObject,
      payload: isObject,
      eventName: isText,
      thenDone: isFlag,
      sameWrite: isFlag,
    },
    check: (owner, fault) => {
      needsHeaders(owner, fault);
      if (fault.error !== undefined && fault.payload !== undefined) fail(owner, 'one of `error` and `payload`', fault);
    },
    apply: inBandError,
  },
  stall: {
    phase: 'insert',
    fields: { ...PLACE_FIELDS, ms: required(isDurationMs) },
    apply: (plan, fault) => inserted(plan, fault, { type: 'wait', ms: fault.ms }),
  },
  malformed_chunk: {
    phase: 'insert',
    fields: { ...PLACE_FIELDS, text: isText },
    check: needsHeaders,
    apply: (plan, fault) => insertedMessage(plan, fault, dataLines(fault.text ?? CUT_CHUNK)),
  },
  ping: {
    phase: 'insert',
    fields: { ...PLACE_FIELDS, event: isText, data: isText },
    check: needsHeaders,
    apply: (plan, fault) =>
      insertedMessage(plan, fault, dataLines(fault.data ?? '{"type": "ping"}', fault.event ?? 'ping')),
  },
  raw_bytes: {
    phase: 'insert',
    fields: {
      ...PLACE_FIELDS,
      hex: { expected: 'pairs of hexadecimal digits', passes: isHex, required: true },
    },
    check: needsHeaders,
    apply: (plan, fault) => inserted(plan, fault, { type: 'raw', bytes: Buffer.from(fault.hex, 'hex') }),
  },
  heartbeats: {
    phase: 'insert',
    fields: { everyChunks: isWhole('chunks', 1), everyMs: isWhole('milliseconds', 1, 600_000), text: isText },
    check: (owner, fault) => exactlyOne(owner, fault, 'everyChunks', 'everyMs'),
    apply: heartbeats,
  },
  no_done: {
    phase: 'payload',
    fields: {},
    apply: (plan) => withMessages(plan, (message) => (message.role === 'done' ? [] : [message])),
  },
  no_final_blank_line: {
    phase: 'last',
    fields: { lineEnds: isOneOf([0, 1]) },
    apply: (plan, fault) => withFinalLineEnds(plan, fault.lineEnds ?? 0),
  },
  no_usage: { phase: 'payload', fields: {}, apply: (plan) => withPayloads(plan, withoutUsage) },
  no_finish_reason: { phase: 'payload', fields: {}, apply: (plan) => withPayloads(plan, withoutFinishReason) },
  empty_choices_preamble: {
    phase: 'payload',
    fields: {},
    apply: (plan) =>
      plan.format === 'sse' ? inserted(plan, { after: 'headers' }, chunkMessage(AZURE_PREAMBLE)) : plan,
  },
  no_gzip_trailer: { phase: 'payload', fields: {}, apply: (plan) => ({ ...plan, noGzipTrailer: true }) },
  content_type: {
    phase: 'payload',
    fields: { value: required(isHeaderValue) },
    apply: (plan, fault) => withHeaders(plan, { 'content-type': fault.value }),
  },
  headers: {
    phase: 'payload',
    fields: { headers: required(isHeaders) },
    apply: (plan, fault) => withHeaders(plan, fault.headers),
  },
  retry_after: {
    phase: 'payload',
    fields: { seconds: isWhole('seconds', 0), ms: isWhole('milliseconds', 0) },
    check: (owner, fault) => {
      if (fault.seconds === undefined && fault.ms === undefined) fail(owner, 'given `seconds`, `ms` or both', fault);
    },
    apply: (plan, { seconds, ms }) =>
      withHeaders(plan, {
        ...(seconds !== undefined && { 'retry-after': String(seconds) }),
        ...(ms !== undefined && { 'retry-after-ms': String(ms) }),
      }),
  },
};

/** The faults of one phase, applied in order. */
export function applyFaults(plan: Plan, faults: readonly Fault[], phase: Phase): Plan {
  return faults.filter(({ type }) => ROWS[type].phase === phase).reduce(applyFault, plan);
}

function applyFault<T extends FaultType>(plan: Plan, fault: Fault<T>): Plan {
  return ROWS[fault.type].apply(plan, fault);
}

/** Throws a TypeError where the faults are none, or cannot come together. */
export function checkFaults(faults: readonly Fault[]): void {
  for (const fault of faults) checkFault(fault);
  const endings = faults.filter(({ type }) => ROWS[type].phase === 'ending').map(({ type }) => type);
  if (endings.length > 1) fail('`faults`', 'a list with one ending at most', endings);
}

function checkFault<T extends FaultType>(fault: Fault<T>): void {
  const type: unknown = fault?.type;
  if (typeof type !== 'string' || !Object.hasOwn(ROWS, type)) {
    fail('`type` of a fault', `one of ${Object.keys(ROWS).join(', ')}`, type);
  }
  const { fields, check } = ROWS[fault.type];
  const owner = `fault \`${type}\``;
  checkFields(owner, fault, { type: isText, ...fields });
  if ('afterChunks' in fields) checkPlace(owner, { afterChunks: undefined, after: undefined, ...fault });
  check?.(owner, fault);
}

/** Throws a TypeError where a fault lies beyond the answer. */
export function checkFaultsReach(faults: readonly Fault[], steps: readonly Step[]): void {
  for (const fault of faults) {
    if ('afterChunks' in fault) checkReach(`fault \`${fault.type}\``, steps, { afterChunks: fault.afterChunks ?? 0 });
  }
}

function reset(pauseMs = DEFAULT_RESET_PAUSE_MS): End {
  return { type: 'end', how: 'reset', pauseMs };
}

function cutInMessage(plan: Plan, fault: Fault<'cut_in_message'>): Plan {
  const ends = { clean: { type: 'end', how: 'clean' }, close: { type: 'end', how: 'close' }, reset: reset() } as const;
  const { before, next } = splitInMessage(plan.steps, fault);
  const cut: Step = { type: 'cut', text: next?.text ?? '', bytes: fault.bytes };
  return { ...plan, steps: [...before, cut, ends[fault.end ?? 'clean']] };
}

function inBandError(plan: Plan, fault: Fault<'in_band_error'>): Plan {
  const payload = fault.payload ?? { error: openAIError({ type: 'server_error', ...fault.error }) };
  const end: End = { type: 'end', how: 'clean' };
  if (plan.format === 'document') return ended(plan, { after: 'headers' }, documentMessage(payload), end);
  const text = dataLines(JSON.stringify(payload), fault.eventName);
  const error: Message = { ...extraMessage(text), joinsNext: fault.sameWrite === true };
  return ended(plan, fault, error, ...(fault.thenDone === true ? [DONE_MESSAGE] : []), end);
}

function heartbeats(plan: Plan, { everyChunks, everyMs, text = '' }: Fault<'heartbeats'>): Plan {
  if (plan.format !== 'sse') return plan;
  if (everyChunks === undefined) return { ...plan, heartbeat: { everyMs: everyMs ?? 1_000, text } };
  let chunks = 0;
  return withMessages(plan, (message) => {
    if (message.role === 'chunk') chunks += 1;
    const due = message.role === 'chunk' && chunks % everyChunks === 0;
    return due ? [message, extraMessage(commentLine(text))] : [message];
  });
}

function needsHeaders(owner: string, { after }: { readonly after?: unknown }): void {
  if (after === 'request') fail(`\`after\` of ${owner}`, 'a place behind the headers', after);
}

function exactlyOne<F extends object>(
  owner: string,
  fault: F,
  ...[one, other]: [keyof F & string, keyof F & string]
): void {
  if ((fault[one] === undefined) === (fault[other] === undefined)) {
    fail(owner, `given exactly one of \`${one}\` and \`${other}\``, fault);
  }
}

function isHex(value: unknown): boolean {
  return typeof value === 'string' && /^([\da-f]{2})+$/i.test(value);
}
