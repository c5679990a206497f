/** Whole answers × copies of the SDK. */
import { DOCUMENTS } from './documents.js';
import { describeWays } from './run-ways.js';
import { loadSdks } from './sdks.js';

describeWays('whole answers', DOCUMENTS, await loadSdks());
