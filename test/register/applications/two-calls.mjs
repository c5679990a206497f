// An application that makes two calls, one after the other.
import OpenAI from 'openai';
import { ask } from './ask.cjs';

await ask(OpenAI);
await ask(OpenAI);
