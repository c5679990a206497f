/** What a person who starts an application has to read, once: over `diag`, and where nobody listens to it, as a warning of Node's. */
import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { hasDiagLogger } from '../runtime.js';
import { PACKAGE_NAME } from '../version.js';

/** Telemetry is missing, and only the reader can change that. */
export function say(message: string): void {
  const text = `${PACKAGE_NAME}: ${message}`;
  diag.error(text);
  // Without a logger `diag` is silent, and a newcomer who sees neither traces nor a word has nothing to go by.
  if (!hasDiagLogger()) process.emitWarning(text, { code: 'LLM_STREAM_REGISTER' });
}

/** An option was ignored. */
export function warn(message: string): void {
  diag.warn(`${PACKAGE_NAME}: ${message}`);
}

/** `OTEL_LOG_LEVEL`, as NodeSDK reads it; an application's own logger is not replaced. */
export function logAsAsked(level: string | undefined): void {
  const logLevel = level === undefined ? undefined : LEVELS.get(level.toUpperCase());
  if (logLevel === undefined || hasDiagLogger()) return;
  diag.setLogger(new DiagConsoleLogger(), { logLevel, suppressOverrideMessage: true });
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
