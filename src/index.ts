/** The public API. */
export type { EndpointConfig, LlmStreamInstrumentationConfig } from './config.js';
export { LlmStreamInstrumentation } from './instrumentation.js';
export type { DialectName } from './protocol/dialects/dialect.js';
