// One bootstrap file for both, as CommonJS.
require('opentelemetry-instrumentation-llm-stream/hook');
require('./register.cjs');
