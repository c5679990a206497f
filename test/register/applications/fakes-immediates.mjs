// An application that lives on after a call during which immediates were faked, as in a test of it.
import OpenAI from 'openai';
import { ask } from './ask.cjs';

process.stdin.once('data', () => process.exit(3));
const { setImmediate } = globalThis;
globalThis.setImmediate = () => ({ unref() {} });
await ask(OpenAI);
globalThis.setImmediate = setImmediate;
console.log(`ended at ${Date.now()}`);
