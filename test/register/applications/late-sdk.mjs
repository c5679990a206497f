// An application that starts an SDK of its own after its first call, and a library that took its tracer before.
import { trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import OpenAI from 'openai';
import { ask } from './ask.cjs';
import { spanProcessors } from './print-spans.cjs';

const early = trace.getTracer('early');
await ask(OpenAI);
new NodeSDK({ spanProcessors }).start();
early.startSpan('span of a library').end();
await ask(OpenAI);
