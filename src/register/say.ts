/** What a person who starts an application has to read, once: over `diag`, and where nobody listens to it, on stderr. */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { hasDiagLogger } from '../runtime.js';
import { PACKAGE_NAME } from '../version.js';

/** Telemetry is missing, and only the reader can change that. The same words are said once, over all threads. */
export function say(message: string): void {
  if (isSaid(message)) return;
  const text = `${PACKAGE_NAME}: ${message}`;
  diag.error(text);
  // Without a logger `diag` is silent, and a newcomer who sees neither traces nor a word has nothing to go by. No warning
  // of Node's: an application may die of one on purpose.
  if (!hasDiagLogger()) process.stderr.write(`${text}\n`);
}

/** An option was ignored. */
export function warn(message: string): void {
  diag.warn(`${PACKAGE_NAME}: ${message}`);
}

/**
 * `OTEL_LOG_LEVEL`, as NodeSDK reads it; an application's own logger is not replaced.
 *
 * @returns takes the logger away again, unless somebody debugs: a NodeSDK that finds one complains, with two stacks
 */
export function logAsAsked(level: string | undefined): () => void {
  const logLevel = level === undefined ? undefined : LEVELS.get(level.toUpperCase());
  if (logLevel === undefined || hasDiagLogger()) return () => {};
  diag.setLogger(new DiagConsoleLogger(), { logLevel, suppressOverrideMessage: true });
  return () => {
    if (logLevel < DiagLogLevel.INFO) diag.disable();
  };
}

const LEVELS: ReadonlyMap<string, DiagLogLevel> = new Map([
  ['NONE', DiagLogLevel.NONE],
  ['ERROR', DiagLogLevel.ERROR],
  ['WARN', DiagLogLevel.WARN],
  ['INFO', DiagLogLevel.INFO],
  ['DEBUG', DiagLogLevel.DEBUG],
  ['VERBOSE', DiagLogLevel.VERBOSE],
  ['ALL', DiagLogLevel.ALL],
]);

const SAID = 'opentelemetry-instrumentation-llm-stream.said';

/** One flag per sentence that is ever said, by its hash: there are a dozen. */
const FLAGS = 4_096;

function isSaid(message: string): boolean {
  const flags = new Uint8Array(sharedFlags());
  let hash = 0;
  for (const character of message) hash = (hash * 31 + character.charCodeAt(0)) % FLAGS;
  return Atomics.exchange(flags, hash, 1) === 1;
}

/** Workers are given what the thread that made them had: `/register` runs in it before they can be made. */
function sharedFlags(): SharedArrayBuffer {
  const found: unknown = getEnvironmentData(SAID);
  if (found instanceof SharedArrayBuffer) return found;
  const made = new SharedArrayBuffer(FLAGS);
  setEnvironmentData(SAID, made);
  return made;
}

sharedFlags();
