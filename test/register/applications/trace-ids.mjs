// What an application is told of its first call, before any SDK is loaded.
import { createRequire } from 'node:module';
import OpenAI from 'openai';
import { outcomeOf } from 'opentelemetry-instrumentation-llm-stream';
import { ask } from './ask.cjs';

const { traceId, spanId } = outcomeOf(await ask(OpenAI));
const { cache } = createRequire(import.meta.url);
const isLoaded = Object.keys(cache).some((file) => /sdk-trace|sdk-node|exporter-trace/.test(file));
console.log(`${traceId} ${spanId} an SDK is loaded ${isLoaded}`);
