// A package of the application's requires the SDK that the application imports: two copies, with classes of their own.
import { createRequire } from 'node:module';
import Imported from 'openai';
import { ask } from './ask.cjs';

const Required = createRequire(import.meta.url)('openai');
console.log(`different classes ${Imported !== Required.OpenAI}`);
await ask(Imported, process.argv[2]);
await ask(Required.OpenAI, process.argv[2]);
