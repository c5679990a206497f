/** Makes no call; with the library, or without it. */
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { library, say } from './set-up.mjs';

const instrumentations = [];
if (library !== undefined) {
  const { endOpenCalls, LlmStreamInstrumentation } = await import(library);
  instrumentations.push(new LlmStreamInstrumentation());
  say({ ended: endOpenCalls() });
} else say({ ended: 0 });
registerInstrumentations({ instrumentations, tracerProvider: new BasicTracerProvider() });
const listeners = Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));
say({ listeners, limit: process.getMaxListeners(), resources: process.getActiveResourcesInfo() });
process.exitCode = 7;
