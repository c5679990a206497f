// An application that dies of an exception right after its call.
import OpenAI from 'openai';
import { ask } from './ask.cjs';

await ask(OpenAI);
queueMicrotask(() => {
  throw new Error('over');
});
