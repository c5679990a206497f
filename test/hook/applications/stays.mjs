// An application that runs until its stdin ends.
import OpenAI from 'openai';
import { ask } from './ask.cjs';

process.stdin.resume();
await ask(OpenAI, process.argv[2]);
