/** The budgets as they are given, checked, and with their defaults. */
import type { BudgetLimits } from '../../stream/outcome.js';

/**
 * Limits on the waits of one request; milliseconds, more than 0. `false` or `Infinity` switches one off, absent is its
 * default. A budget is one request's: an SDK that tries again has each of them again.
 */
export interface Budgets {
  /**
   * From the request to a connection, its TLS included. Needs the package `undici` (7 fits Node 20 to 26). Above 1 s
   * undici rounds to half a second, below it may take one.
   *
   * The connections are those of an `Agent` made for it. A request that brings its own `dispatcher` in its options keeps
   * it, without this budget; one inside a `Request` cannot be seen, and is replaced. Where the application has set the
   * global dispatcher – a proxy, a mock, an `Agent` with options, `NODE_USE_ENV_PROXY` – this budget is refused, and
   * where it does so later, requests go by that one without it: give such a dispatcher its own `connect.timeout`.
   *
   * @defaultValue none: undici gives up by itself after 10 s
   */
  readonly connectMs?: number | false | undefined;
  /**
   * From the request to the headers of its answer.
   *
   * @defaultValue 120,000 for an LLM call that asks for a stream, as much as for the first output: some providers hold
   * the headers back until they have it. None for other requests: the headers of a whole answer come with it, and
   * `totalMs` is its budget
   */
  readonly headersMs?: number | false | undefined;
  /**
   * From the request to the first generated output of a streamed LLM answer, on any channel, reasoning too; time in which
   * the consumer does not read is not counted.
   *
   * @defaultValue 120,000: a model that thinks for two minutes without a word on any channel has mostly died
   */
  readonly firstTokenMs?: number | false | undefined;
  /**
   * Between two chunks of a streamed LLM answer, while the consumer waits: bytes, comments and pings are no chunks, a
   * slow consumer spends nothing. Runs from the first output on; without `firstTokenMs`, from the first chunk on.
   *
   * @defaultValue 60,000: six times what counts as a stall, and more than tools on the provider's side pause a stream
   */
  readonly idleMs?: number | false | undefined;
  /**
   * From the request to the end of the body, however lively the stream.
   *
   * @defaultValue 600,000: the time-out of the OpenAI SDK, which itself ends with the headers
   */
  readonly totalMs?: number | false | undefined;
}

/** The budgets in force, by what is requested. */
export interface Limits {
  /** An LLM call that asks for a stream. */
  readonly streamed: BudgetLimits;
  readonly other: BudgetLimits;
}

const DEFAULTS_OF_STREAMS: Required<Readonly<Record<keyof Budgets, number | undefined>>> = {
  connectMs: undefined,
  headersMs: 120_000,
  firstTokenMs: 120_000,
  idleMs: 60_000,
  totalMs: 600_000,
};

/** @throws TypeError where the budgets are none */
export function readLimits(budgets: unknown): Limits {
  if (typeof budgets !== 'object' || budgets === null) {
    throw new TypeError(`\`fetchWithBudgets\` expects an object of budgets, got ${quoted(budgets)}`);
  }
  const unknown = Object.keys(budgets).find((name) => !isBudget(name));
  if (unknown !== undefined) {
    throw new TypeError(
      `\`fetchWithBudgets\` expects the budgets ${Object.keys(DEFAULTS_OF_STREAMS).join(', ')}, got ${quoted(unknown)}`,
    );
  }
  const given = (name: keyof Budgets, byDefault: number | undefined) =>
    limitOf(name, Reflect.get(budgets, name), byDefault);
  const connectMs = given('connectMs', undefined);
  const totalMs = given('totalMs', DEFAULTS_OF_STREAMS.totalMs);
  return {
    streamed: {
      connectMs,
      headersMs: given('headersMs', DEFAULTS_OF_STREAMS.headersMs),
      firstTokenMs: given('firstTokenMs', DEFAULTS_OF_STREAMS.firstTokenMs),
      idleMs: given('idleMs', DEFAULTS_OF_STREAMS.idleMs),
      totalMs,
    },
    other: { connectMs, headersMs: given('headersMs', undefined), totalMs },
  };
}

function isBudget(name: string): boolean {
  return Object.hasOwn(DEFAULTS_OF_STREAMS, name);
}

function limitOf(name: keyof Budgets, value: unknown, byDefault: number | undefined): number | undefined {
  if (value === undefined) return byDefault;
  if (value === false || value === Number.POSITIVE_INFINITY) return undefined;
  if (typeof value === 'number' && value > 0) return value;
  throw new TypeError(
    `\`${name}\` must be a positive number of milliseconds, or \`false\` for none, got ${quoted(value)}`,
  );
}

function quoted(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 64));
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  return typeof value;
}
