/** What `withCallContext` takes, and what of it fits: a value that does not is left out, with one `diag` line. */
import { guard } from '../guard.js';
import type { ApplicationFacts, ApplicationValue } from '../stream/call-description.js';
import { cut } from '../telemetry/span-attributes.js';
import type { CallOutcome } from './call-outcome.js';

/** What only the application knows of the calls that begin in a context; see {@link withCallContext}. */
export interface CallContext {
  /** The application's own id of the request that it serves: `llm_stream.request_id`. At most 128 characters, as all strings here. */
  readonly requestId?: string | undefined;
  /** Which feature of the application: `llm_stream.feature`. Few different ones: it may become a metric dimension. */
  readonly feature?: string | undefined;
  /** Which route of the application, as a template: `llm_stream.route`. Few different ones. */
  readonly route?: string | undefined;
  /** The version of prompt, parameters or flags: `llm_stream.config_version`. */
  readonly configVersion?: string | undefined;
  /** Which retry of the application's own, from 0 (the first try): `llm_stream.retry_attempt`. From 1 on calls link to the failed one before. */
  readonly retryAttempt?: number | undefined;
  /** Which of its models or providers in turn, from 0: `llm_stream.fallback_attempt`. From 1 on calls link to the failed one before. */
  readonly fallbackAttempt?: number | undefined;
  /**
   * Attributes for the span, by their full names of at most 128 characters; at most 32 of them, and of a list its first 32
   * entries. No content: they are exported as they are, but for strings of more than 128 characters, which are cut. None under a
   * prefix whose names say what was observed (`llm_stream.`, `gen_ai.`, `openai.`, `error.`, `exception.`, `http.`,
   * `server.`, `otel.`), but for `gen_ai.conversation.id`.
   */
  readonly attributes?: Readonly<Record<string, ApplicationValue>> | undefined;
  /** Told the outcome of each call that begins in the context: for clients that show no Response, stream or error. What it throws costs one `diag` line. */
  readonly onOutcome?: ((outcome: CallOutcome) => void) | undefined;
}

/** What of a context fits. */
export interface ReadContext {
  readonly facts: ApplicationFacts;
  readonly onOutcome: CallContext['onOutcome'];
}

const MAX_ATTRIBUTES = 32;
const MAX_NAME_LENGTH = 128;
const MAX_ENTRIES = 32;
/** What stands there is observed, and by nobody else: an application must not be able to say it. */
const OBSERVED = ['llm_stream.', 'gen_ai.', 'openai.', 'error.', 'exception.', 'http.', 'server.', 'otel.'];
/** Of these names, the one that an application knows best. */
const CONVERSATION = 'gen_ai.conversation.id';

/** Reads what was given, whatever it is. `warn` is told what was left out, and why. */
export function readContext(given: unknown, warn: (message: string) => void): ReadContext {
  if (typeof given !== 'object' || given === null) {
    warn(`\`withCallContext\` expects an object as its first argument, got ${kindOf(given)}; the context is empty`);
    return { facts: {}, onOutcome: undefined };
  }
  const reader = new Reader(given, warn);
  return {
    facts: withoutUndefined({
      requestId: reader.text('requestId'),
      feature: reader.text('feature'),
      route: reader.text('route'),
      configVersion: reader.text('configVersion'),
      retryAttempt: reader.attempt('retryAttempt'),
      fallbackAttempt: reader.attempt('fallbackAttempt'),
      attributes: reader.attributes('attributes'),
    }),
    onOutcome: reader.function('onOutcome'),
  };
}

class Reader {
  readonly #given: object;
  readonly #warn: (message: string) => void;

  constructor(given: object, warn: (message: string) => void) {
    this.#given = given;
    this.#warn = warn;
  }

  text(name: keyof CallContext): string | undefined {
    const value = this.#read(name);
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value !== '') return cut(value);
    return this.#leaveOut(name, 'a string that is not empty', value);
  }

  attempt(name: keyof CallContext): number | undefined {
    const value = this.#read(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    return this.#leaveOut(name, 'a whole number, 0 or more', value);
  }

  function(name: 'onOutcome'): CallContext['onOutcome'] {
    const value = this.#read(name);
    if (value === undefined) return undefined;
    // What it takes is its own affair; what it throws is contained.
    if (typeof value === 'function') return value as CallContext['onOutcome'];
    return this.#leaveOut(name, 'a function', value);
  }

  attributes(name: keyof CallContext): ApplicationFacts['attributes'] {
    const value = this.#read(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return this.#leaveOut(name, 'an object of attributes', value);
    }
    // A getter that throws costs the attributes, and no more.
    const entries = (guard('context', () => Object.entries(value)) ?? []).flatMap(([key, one]) => {
      const taken = this.#attribute(key, one);
      return taken === undefined ? [] : [[key, taken] as const];
    });
    if (entries.length > MAX_ATTRIBUTES) {
      this.#warn(
        `\`attributes\` of a call context may have ${MAX_ATTRIBUTES} entries, got ${entries.length}; the first ${MAX_ATTRIBUTES} are used`,
      );
    }
    return Object.fromEntries(entries.slice(0, MAX_ATTRIBUTES));
  }

  #attribute(key: string, value: unknown): ApplicationValue | undefined {
    if (value === undefined || value === null) return undefined;
    const name = `attributes.${key.slice(0, 64)}`;
    if (key.length > MAX_NAME_LENGTH) {
      return this.#leaveOut(name, `under a name of at most ${MAX_NAME_LENGTH} characters`, value);
    }
    const observed = OBSERVED.find((prefix) => key.startsWith(prefix));
    if (observed !== undefined && key !== CONVERSATION) {
      return this.#leaveOut(name, `under another prefix than \`${observed}\``, value);
    }
    if (key === '' || !isValue(value)) {
      return this.#leaveOut(name, 'a string, number, boolean or a list of one kind of them', value);
    }
    if (typeof value !== 'object') return cutText(value);
    if (value.length > MAX_ENTRIES) {
      this.#warn(
        `\`${name}\` of a call context may have ${MAX_ENTRIES} entries, got ${value.length}; the first ${MAX_ENTRIES} are used`,
      );
    }
    // A copy: a list that the application goes on with is its own.
    return value.slice(0, MAX_ENTRIES).map(cutText);
  }

  #read(name: string): unknown {
    return guard('context', () => Reflect.get(this.#given, name)) ?? undefined;
  }

  #leaveOut(name: string, expected: string, got: unknown): undefined {
    this.#warn(`\`${name}\` of a call context must be ${expected}, got ${kindOf(got)}; it is left out`);
  }
}

function isValue(value: unknown): value is ApplicationValue {
  if (Array.isArray(value)) return value.every((one) => typeof one === typeof value[0] && isPrimitive(one));
  return isPrimitive(value);
}

function isPrimitive(value: unknown): boolean {
  return (
    typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
  );
}

function cutText<T extends string | number | boolean>(value: T): T | string {
  return typeof value === 'string' ? cut(value) : value;
}

/** Of a value, what says why it does not fit and quotes nothing. */
function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === '') return 'an empty string';
  if (typeof value === 'number') return String(value);
  return Array.isArray(value) ? 'a list' : `${typeof value}`;
}

function withoutUndefined<T extends object>(facts: T): T {
  // The same type: in all of them a member that may be undefined may be absent.
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as T;
}
