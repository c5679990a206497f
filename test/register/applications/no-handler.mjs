// An application that runs until a signal ends it.
import OpenAI from 'openai';
import { ask } from './ask.cjs';

process.stdin.resume();
await ask(OpenAI);
console.log('ready');
