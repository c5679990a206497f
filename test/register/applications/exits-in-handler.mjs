// An application that exits as soon as it is told to stop, here right after its call.
import OpenAI from 'openai';
import { ask } from './ask.cjs';

process.on('SIGTERM', () => process.exit(3));
await ask(OpenAI);
process.emit('SIGTERM');
