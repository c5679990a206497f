// Both copies of the hook.
import { createRequire } from 'node:module';
import 'opentelemetry-instrumentation-llm-stream/hook';

createRequire(import.meta.url)('opentelemetry-instrumentation-llm-stream/hook');
