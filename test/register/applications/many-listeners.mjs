// An application with as many listeners for `exit` as Node allows, which says what is added to them.
import OpenAI from 'openai';
import { ask } from './ask.cjs';

// Not at the top level: while that awaits, Node has a listener of its own.
setImmediate(async () => {
  const before = process.getMaxListeners();
  while (process.listenerCount('exit') < before) process.on('exit', () => {});
  process.on('warning', ({ name }) => console.log(name));
  await ask(OpenAI);
  console.log(`while an SDK is loaded ${process.listenerCount('exit') - before}`);
  console.log(`room for them ${process.getMaxListeners() - before}`);
  const timer = setInterval(() => {
    if (process.listenerCount('exit') > before) return;
    clearInterval(timer);
    console.log(`then ${process.listenerCount('exit') - before}, room ${process.getMaxListeners() - before}`);
    process.exit(3);
  }, 1);
});
