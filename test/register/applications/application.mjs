// An application in ES modules.
import OpenAI from 'openai';
import { ask } from './ask.cjs';

await ask(OpenAI);
