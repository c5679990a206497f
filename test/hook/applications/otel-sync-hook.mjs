// What import-in-the-middle, which lies beneath it, tells them to do where Node can; else the same as the other.
import nodeModule, { createRequire } from 'node:module';

const load = createRequire(createRequire(import.meta.url).resolve('@opentelemetry/instrumentation'));
const { register, supportsSyncHooks } = nodeModule.registerHooks ? load('import-in-the-middle/register-hooks.mjs') : {};
if (supportsSyncHooks?.()) register();
else await import('./otel-loader-hook.mjs');
