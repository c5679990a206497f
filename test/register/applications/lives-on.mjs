// An application that lives on after its call, until its stdin says otherwise, and says when that call ended.
import OpenAI from 'openai';
import { ask } from './ask.cjs';

process.stdin.once('data', () => process.exit(3));
await ask(OpenAI);
console.log(`ended at ${Date.now()}`);
