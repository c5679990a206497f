// Registered, and switched off.
import { LlmStreamInstrumentation } from 'opentelemetry-instrumentation-llm-stream';
import spans from './print-spans.cjs';

new LlmStreamInstrumentation({ enabled: false }).setTracerProvider(spans.tracerProvider);
