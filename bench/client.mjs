/** One client process: prepares its mode, does its workload, says what it measured. */
import { MODES } from './modes.mjs';
import { WORKLOADS } from './workloads.mjs';

const { mode, build, workload, options } = JSON.parse(process.argv[2]);
await MODES[mode](build);
const numbers = await WORKLOADS[workload](options);
process.send(numbers, () => {
  // Open streams and SDK timers would keep the process; a workload that measures its end goes by itself.
  if (numbers.endsItself) process.disconnect();
  else process.exit();
});
