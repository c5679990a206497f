// An application whose call answers with tool calls.
import OpenAI from 'openai';
import { ask } from './ask.cjs';

await ask(OpenAI, 'tools');
