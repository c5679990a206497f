// The usual bootstrap file, as CommonJS.
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { LlmStreamInstrumentation } = require('opentelemetry-instrumentation-llm-stream');
const { tracerProvider } = require('./print-spans.cjs');

registerInstrumentations({ instrumentations: [new LlmStreamInstrumentation()], tracerProvider });
