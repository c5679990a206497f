/** The error of a spent budget: which one it was, in words and as data. Quotes nothing of the request. */
import type { TimeoutKind } from '../../stream/outcome.js';

/**
 * One of the budgets of {@link fetchWithBudgets} is spent. The `fetch()` or the read that waited is rejected with it, by
 * identity; where an SDK wraps it, it is the `cause`, if the SDK keeps one. Tell it by `code`: with two copies of this
 * package in a process, `instanceof` knows one. Its `name` is `TimeoutError`, as that of the platform's own.
 */
export class TimeoutError extends Error {
  static {
    // On the prototype, as with the built-in errors: it is no datum of one error.
    TimeoutError.prototype.name = 'TimeoutError';
  }

  /** Never renamed. */
  readonly code = 'LLM_STREAM_BUDGET_EXCEEDED';
  /** Which budget: `llm_stream.timeout_kind` of the call's span. */
  readonly budget: TimeoutKind;
  /** What it was; milliseconds. */
  readonly limitMs: number;

  /** @param options - `cause`: what was thrown where the budget was enforced by somebody else */
  constructor(budget: TimeoutKind, limitMs: number, options?: ErrorOptions) {
    super(MESSAGES[budget](limitMs), options);
    this.budget = budget;
    this.limitMs = limitMs;
  }
}

const MESSAGES: Readonly<Record<TimeoutKind, (limitMs: number) => string>> = {
  connect: (ms) => `\`connectMs\`: there was no connection within ${ms} ms; nothing was sent`,
  headers: (ms) => `\`headersMs\`: no response headers came within ${ms} ms of the request; it is aborted`,
  first_token: (ms) => `\`firstTokenMs\`: no generated output came within ${ms} ms of the request; it is aborted`,
  idle: (ms) => `\`idleMs\`: no chunk came for ${ms} ms; the request is aborted`,
  total: (ms) => `\`totalMs\`: the answer was not over within ${ms} ms of the request; it is aborted`,
};
