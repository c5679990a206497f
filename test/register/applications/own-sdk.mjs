// An application that starts an SDK of its own.
import { NodeSDK } from '@opentelemetry/sdk-node';
import OpenAI from 'openai';
import { ask } from './ask.cjs';
import { spanProcessors } from './print-spans.cjs';

new NodeSDK({ spanProcessors }).start();
await ask(OpenAI);
