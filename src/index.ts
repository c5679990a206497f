/** The public API. */
export type { LlmStreamInstrumentationConfig } from './config.js';
export { LlmStreamInstrumentation } from './instrumentation.js';
export type { DialectName } from './protocol/dialects/dialect.js';
export type { Endpoint } from './protocol/request.js';
