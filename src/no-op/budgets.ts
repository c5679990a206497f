/** `/budgets` where there is no Node: `fetch` is given back as it is. */
import type * as real from '../budgets.js';

export { BudgetSetupError } from '../app/budgets/budget-setup-error.js';
export { TimeoutError } from '../app/budgets/timeout-error.js';

/** Gives back `fetch` as it is: no budget is enforced. */
export const fetchWithBudgets: typeof real.fetchWithBudgets = (fetch) => fetch;
