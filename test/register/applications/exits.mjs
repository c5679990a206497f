// An application that exits right after its call, and says what stands and what is loaded by then.
import { createRequire } from 'node:module';
import OpenAI from 'openai';
import { ask } from './ask.cjs';

await ask(OpenAI);
const { cache } = createRequire(import.meta.url);
process.on('exit', () => {
  console.log(`an SDK is loaded ${Object.keys(cache).some((file) => /sdk-trace/.test(file))}`);
});
process.exit(3);
