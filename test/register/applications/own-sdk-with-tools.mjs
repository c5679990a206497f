// An application with an SDK of its own, whose span-event limit is the SDK's default.
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { ask } from './ask.cjs';

const exporter = new InMemorySpanExporter();
new NodeSDK({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).start();
await ask(OpenAI, 'tools');
process.on('exit', () => {
  for (const { events, droppedEventsCount } of exporter.getFinishedSpans()) {
    console.log(`span events ${events.length}, dropped ${droppedEventsCount}`);
  }
});
