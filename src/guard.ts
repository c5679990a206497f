/**
 * The one place where our own exceptions stop: a failure of ours costs telemetry, never the call.
 * Stands wherever somebody else's code runs ours.
 */
import { diag } from '@opentelemetry/api';

/** Runs `observe`; if it throws, says so once per place over `diag` and gives back undefined. Never throws. */
export function guard<T>(place: string, observe: () => T): T | undefined {
  try {
    return observe();
  } catch (error) {
    report(place, error);
    return undefined;
  }
}

/** The same for a function of the application's that nobody waits for: where it is async, its rejection stops here, too. */
export function guardHook<T>(place: string, hook: () => T): T | undefined {
  return guard(place, () => {
    const result = hook();
    if (result instanceof Promise) result.then(undefined, (error: unknown) => report(place, error));
    return result;
  });
}

const reported = new Set<string>();

function report(place: string, error: unknown): void {
  if (reported.has(place)) return;
  reported.add(place);
  try {
    // The class alone: a message may quote what was being parsed.
    const name = error instanceof Error ? error.constructor.name : typeof error;
    diag.error(
      `opentelemetry-instrumentation-llm-stream: ${name} in ${place}; the call goes on, its telemetry may be incomplete (said once)`,
    );
  } catch {
    // A logger that throws must not reach the application either.
  }
}
