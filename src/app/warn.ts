/** What an application is told of its own misuse: one `diag` line, and what it asked for is left out. */
import { diag } from '@opentelemetry/api';
import { processState } from '../process-state.js';

/** Whoever was told so often does not read on. */
const MAX_LINES = 64;

/**
 * Writes the line as a `diag` warning, once per text and process: a mistake is made again at each request. Texts that
 * differ by a number alone are one. After 64 of them nothing is written any more.
 */
export function warn(message: string): void {
  const { warned } = processState();
  const text = message.replaceAll(/\d+/g, '0');
  if (warned.has(text) || warned.size >= MAX_LINES) return;
  warned.add(text);
  diag.warn(`opentelemetry-instrumentation-llm-stream: ${message}`);
}
