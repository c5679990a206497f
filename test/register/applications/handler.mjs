// An application with a handler for SIGTERM that has something to do before it exits: here, until its stdin says so.
import OpenAI from 'openai';
import { ask } from './ask.cjs';

process.on('SIGTERM', () => process.stdin.once('data', () => process.exit(3)));
process.stdin.resume();
await ask(OpenAI);
console.log('ready');
