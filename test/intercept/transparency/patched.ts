/** Observes every request, with hooks that take everything and keep nothing. */
import type { AttemptHooks, BodyHooks, CallHooks } from '../../../src/intercept/call-hooks.js';
import { patchFetch, wrapFetch } from '../../../src/intercept/fetch.js';
import { reportChecks } from './checks.js';
import { runApplication } from './exits.js';

const forget = () => {};
const body: BodyHooks = {
  waiting: forget,
  bytes: forget,
  ended: forget,
  failed: forget,
  left: forget,
  released: forget,
  held: forget,
  collected: forget,
};
const attempt: AttemptHooks = {
  around: (send) => send(),
  rejected: forget,
  responded: (response) => {
    response.header('x-extra');
    return body;
  },
  wireStarted: forget,
  wireEnded: forget,
  wireFailed: forget,
};
const hooks: CallHooks = {
  begin: (request) => {
    request.header?.('x-form');
    return attempt;
  },
  unannounced: forget,
};

if (!patchFetch(hooks).installed) throw new Error('`fetch` was not patched');
const [application, origin] = process.argv.slice(2);
if (application !== undefined && origin !== undefined) await runApplication(application, origin);
else await reportChecks({ wrap: (original) => wrapFetch(original, hooks) });
