// What OpenTelemetry's documentation tells applications in ES modules to do.
import { register } from 'node:module';

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
