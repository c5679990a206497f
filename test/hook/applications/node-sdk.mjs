// The whole SDK.
import { NodeSDK } from '@opentelemetry/sdk-node';
import { LlmStreamInstrumentation } from 'opentelemetry-instrumentation-llm-stream';
import spans from './print-spans.cjs';

new NodeSDK({ spanProcessors: spans.spanProcessors, instrumentations: [new LlmStreamInstrumentation()] }).start();
