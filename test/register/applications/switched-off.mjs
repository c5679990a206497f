// An application with an SDK of its own, without our class, whose calls fail in a context.
import { NodeSDK } from '@opentelemetry/sdk-node';
import OpenAI from 'openai';
import { instrumentFetch, outcomeOf, recordFailure, withCallContext } from 'opentelemetry-instrumentation-llm-stream';
import { ask } from './ask.cjs';
import { spanProcessors } from './print-spans.cjs';

new NodeSDK({ spanProcessors }).start();
const fail = () => withCallContext({ feature: 'chat' }, () => ask(OpenAI, 'cut'));
await fail().catch((error) => console.log('failed', error.message));
const response = await instrumentFetch(fetch)(`${process.argv[2]}/chat/completions`, {
  method: 'POST',
  body: JSON.stringify({ model: 'greeting', stream: true, messages: [] }),
});
await response.text();
console.log('outcome', outcomeOf(response)?.outcome);
recordFailure(new Error('no prompt'));
