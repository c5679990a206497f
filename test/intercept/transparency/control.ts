/** The control: never imports this package. */
import { reportChecks } from './checks.js';
import { runApplication } from './exits.js';

const [application, origin] = process.argv.slice(2);
if (application !== undefined && origin !== undefined) await runApplication(application, origin);
else await reportChecks({ wrap: (original) => original });
