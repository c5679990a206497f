/** What an application is told of its own misuse: one `diag` line, and what it asked for is left out. */
import { diag } from '@opentelemetry/api';

export function warn(message: string): void {
  diag.warn(`opentelemetry-instrumentation-llm-stream: ${message}`);
}
