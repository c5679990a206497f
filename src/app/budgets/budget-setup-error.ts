/** The error of budgets that cannot be enforced at all. */

/** Why there can be no connect budget; a code is never renamed. */
export type BudgetSetupErrorCode =
  /** The package `undici` is not installed, or does not load on this Node. */
  | 'LLM_STREAM_UNDICI_MISSING'
  /** The built-in `fetch` of this Node takes no dispatcher of the installed version. */
  | 'LLM_STREAM_UNDICI_UNFIT'
  /** undici's global dispatcher is not its own: a proxy, a mock, an agent with options, which requests are to go by. */
  | 'LLM_STREAM_GLOBAL_DISPATCHER';

/** Thrown by {@link fetchWithBudgets} itself, where a budget cannot be enforced; never by a request. */
export class BudgetSetupError extends Error {
  static {
    BudgetSetupError.prototype.name = 'BudgetSetupError';
  }

  /** Which of them. */
  readonly code: BudgetSetupErrorCode;

  constructor(code: BudgetSetupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
