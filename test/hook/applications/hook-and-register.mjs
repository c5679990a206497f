// One bootstrap file for both.
import 'opentelemetry-instrumentation-llm-stream/hook';
import './register.mjs';
