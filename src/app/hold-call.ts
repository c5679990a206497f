/** Holds a call until the application has said what became of its answer. */
import { guard } from '../guard.js';
import type { CallHold } from '../process-state.js';
import type { Aftermath } from '../stream/aftermath.js';
import { findCall } from './find-call.js';
import { holdWhatBegins, MAX_TOOL_CALL_IDS } from './pending-hold.js';
import { isSchema, issue, type StandardSchema, type ToolValidation, validate } from './standard-schema.js';
import { warn } from './warn.js';

/** How {@link holdCall} holds. */
export interface HoldOptions {
  /** How long after the end of the stream the application may take; milliseconds. @defaultValue 30000 */
  readonly limitMs?: number | undefined;
}

/** What {@link holdCall} gives. No method throws, whatever it is given; one that comes too late costs a `diag` warning. */
export interface HeldCall {
  /** The answer was stored, or not: `llm_stream.persistence_status`. */
  persistence(status: 'ok' | 'failed'): void;
  /** What the application made of the answer: `llm_stream.processing_status`. */
  processing(status: 'ok' | 'failed'): void;
  /** The answer reached whoever asked for it: `llm_stream.client_delivery_status`. `client_left`: the call is `cancelled`, not failed. */
  delivery(status: 'ok' | 'failed' | 'client_left'): void;
  /**
   * Whether the arguments of a tool call are what the tool takes: `llm_stream.tool_call.validated`.
   *
   * @param id - the tool call's, as the provider gave it
   */
  toolValidated(id: string, valid: boolean): void;
  /**
   * The same by a Standard Schema, such as one of zod, valibot or arktype. The value is not kept. Where it
   * takes longer than the hold, the result is given all the same, and not recorded.
   *
   * @param value - the parsed arguments
   * @returns what the schema says; where it throws, or is none, an issue that says so. Never rejects
   * @see https://standardschema.dev
   */
  toolValidated<Output>(id: string, schema: StandardSchema<Output>, value: unknown): Promise<ToolValidation<Output>>;
  /**
   * A tool call was executed: `llm_stream.tool_call.execution_started` and, with `ok`, `.execution_completed`. From now on
   * the call is not `retryable`: a second one may execute a second time.
   *
   * @param ok - absent: it was begun
   */
  toolExecuted(id: string, ok?: boolean): void;
  /** All is said: the span ends, with the end time of the stream. */
  release(): void;
  /** The same, for `using`. */
  [Symbol.dispose](): void;
}

const DEFAULT_LIMIT_MS = 30_000;

/**
 * Keeps the span of a call open, beyond the end of its stream, until the application has said what became of the answer
 * and calls `release`, or a limit has passed. The end time of the span stays the stream's. A call that completed and whose
 * answer was then not processed, stored or delivered is `failed` with `failure_stage` `after_finish_reason`; one whose
 * client left is `cancelled`. What was never said is `unknown`. At the end of the process the span ends with what was said.
 *
 * Hold it before its stream ends. A whole answer, one that is not streamed, is there when its call is over: it cannot be
 * held. Several holds of one call add up: it is told when all are released.
 *
 * @param subject - a Response, or an SDK's stream; also an SDK's runner, such as the OpenAI SDK's `.stream()` gives, from
 * its start on: of one that makes several calls, its first. Where it came out of no observed call, or of one whose end is
 * told already, one `diag` warning says so, and nothing is recorded
 *
 * @example
 * ```ts
 * const held = holdCall(stream);
 * try {
 *   const text = await readToEnd(stream);
 *   held.persistence((await save(text)) ? 'ok' : 'failed');
 * } finally {
 *   held.release();
 * }
 * ```
 */
export function holdCall(subject: unknown, options: HoldOptions = {}): HeldCall {
  return guard('holdCall', () => new Hold(holdOf(subject, limitFrom(options)))) ?? new Hold(undefined);
}

function holdOf(subject: unknown, limitMs: number): CallHold | undefined {
  const found = findCall(subject);
  if (found.type === 'one') {
    const hold = found.call.hold?.(limitMs);
    if (hold === undefined) {
      warn('`holdCall` expects a call whose stream has not ended, and no whole answer; its span is written already');
    }
    return hold;
  }
  const pending = found.type === 'none' ? holdWhatBegins(subject, limitMs) : undefined;
  if (pending === undefined) {
    const what =
      found.type === 'several' ? 'something that came out of several calls' : 'what came out of no observed call';
    warn(`\`holdCall\` expects what came out of an LLM call, got ${what}; nothing is held`);
  }
  return pending;
}

function limitFrom(options: unknown): number {
  const given: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, 'limitMs') : undefined;
  if (given === undefined) return DEFAULT_LIMIT_MS;
  if (typeof given === 'number' && given > 0 && given <= MAX_LIMIT_MS) return given;
  const got = typeof given === 'number' ? given : typeof given;
  warn(`\`limitMs\` must be a number of milliseconds from 1 to ${MAX_LIMIT_MS}, got ${got}; using ${DEFAULT_LIMIT_MS}`);
  return DEFAULT_LIMIT_MS;
}

/** The longest that a timer can wait. */
const MAX_LIMIT_MS = 2 ** 31 - 1;

class Hold implements HeldCall {
  readonly #hold: CallHold | undefined;

  constructor(hold: CallHold | undefined) {
    this.#hold = hold;
  }

  persistence(status: 'ok' | 'failed'): void {
    this.#say('persistence', status, STEP, (aftermath, given) => {
      aftermath.persistence = given;
    });
  }

  processing(status: 'ok' | 'failed'): void {
    this.#say('processing', status, STEP, (aftermath, given) => {
      aftermath.processing = given;
    });
  }

  delivery(status: 'ok' | 'failed' | 'client_left'): void {
    this.#say('delivery', status, DELIVERY, (aftermath, given) => {
      aftermath.delivery = given;
    });
  }

  toolValidated(id: string, valid: boolean): void;
  toolValidated<Output>(id: string, schema: StandardSchema<Output>, value: unknown): Promise<ToolValidation<Output>>;
  toolValidated<Output>(
    id: string,
    by: boolean | StandardSchema<Output>,
    value?: unknown,
  ): Promise<ToolValidation<Output>> | undefined {
    // Where our look at it fails, the schema says what it is.
    if (guard('hold', () => !isSchema(by))) {
      this.#validated(id, by);
      // Whoever gave what was to be a schema waits for what it says.
      return typeof by === 'boolean' ? undefined : Promise.resolve(issue('there was no schema'));
    }
    return validate(by as StandardSchema<Output>, value).then((result) => {
      this.#validated(id, result.issues === undefined);
      return result;
    });
  }

  toolExecuted(id: string, ok?: boolean): void {
    this.#say('toolExecuted', ok, [true, false, undefined], ({ executed }, given) => {
      if (isId(id, executed)) executed.set(id, given);
    });
  }

  release(): void {
    guard('release', () => this.#hold?.release());
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** Of what is no boolean a `diag` line says that it is left out. */
  #validated(id: string, valid: unknown): void {
    guard('hold', () =>
      this.#say('toolValidated', valid, [true, false], ({ validated }, given) => {
        if (isId(id, validated)) validated.set(id, given);
      }),
    );
  }

  #say<T>(name: string, given: unknown, known: readonly T[], say: (aftermath: Aftermath, given: T) => void): void {
    guard('hold', () => {
      if (!isOneOf(known, given)) {
        const words = known.filter((one) => one !== undefined).map((one) => `\`${one}\``);
        warn(`\`${name}\` of a held call expects ${words.join(' or ')}, got ${kindOf(given)}; it is left out`);
      } else if (this.#hold && !this.#hold.tell((aftermath) => say(aftermath, given))) {
        warn(`\`${name}\` of a held call came after its release, or after the limit; it is left out`);
      }
    });
  }
}

const STEP = ['ok', 'failed'] as const;
const DELIVERY = ['ok', 'failed', 'client_left'] as const;

function isOneOf<T>(known: readonly T[], given: unknown): given is T {
  return known.some((one) => one === given);
}

function isId(id: unknown, known: ReadonlyMap<string, unknown>): id is string {
  const fits = typeof id === 'string' && id !== '' && (known.has(id) || known.size < MAX_TOOL_CALL_IDS);
  if (!fits) {
    const expected = `the id of a tool call, at most ${MAX_TOOL_CALL_IDS} of them`;
    warn(`a held call expects ${expected}, got ${kindOf(id)}; it is left out`);
  }
  return fits;
}

/** Of a value, what says why it does not fit and quotes nothing. */
function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
