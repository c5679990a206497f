/** The control: never imports this package. */
import { loadSdks } from '../sdks.js';
import { runChild } from './child.js';

await runChild(loadSdks, () => {});
