/** Observes every request, with hooks that take everything and keep nothing. */
import type { AttemptHooks, BodyHooks, CallHooks } from '../../../src/intercept/call-hooks.js';
import { patchFetch, wrapFetch } from '../../../src/intercept/fetch.js';
import { reportChecks } from './checks.js';
import { runApplication } from './exits.js';

let facts = 0;
const count = () => {
  facts += 1;
};
const body: BodyHooks = {
  waiting: count,
  bytes: count,
  ended: count,
  failed: count,
  left: count,
  released: count,
  collected: count,
};
const attempt: AttemptHooks = {
  around: (send) => send(),
  rejected: count,
  responded: (response) => {
    response.header('x-extra');
    return body;
  },
  wireStarted: count,
  wireEnded: count,
  wireFailed: count,
};
const hooks: CallHooks = {
  begin: (request) => {
    request.header('x-form');
    return attempt;
  },
  unannounced: count,
};

if (!patchFetch(hooks).installed) throw new Error('`fetch` was not patched');
const [application, origin] = process.argv.slice(2);
if (application !== undefined && origin !== undefined) await runApplication(application, origin);
else await reportChecks({ wrap: (original) => wrapFetch(original, hooks) });
