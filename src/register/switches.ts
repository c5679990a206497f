/** Whether zero-code registration is wanted and possible: the runtime, and the switches that users know. Pure. */
import { type Environment, INSTRUMENTATION_SHORT_NAME, listOf, names, textOf } from './environment.js';

/** What to do, and why not. */
export type Decision =
  /** `ownSdk`: where the application has no tracer provider of its own, one of ours may be started. */
  | { readonly type: 'register'; readonly ownSdk: boolean }
  | { readonly type: 'off' }
  /** Another runtime, by its name. */
  | { readonly type: 'unsupported'; readonly runtime: string };

/** `runtime`: the one that only looks like Node, by its name. */
export function decide(environment: Environment, runtime: string | undefined): Decision {
  if (runtime !== undefined) return { type: 'unsupported', runtime };
  if (!isEnabled(environment)) return { type: 'off' };
  return { type: 'register', ownSdk: !isSdkDisabled(environment) };
}

/** As `@opentelemetry/auto-instrumentations-node` reads its two lists: what is enabled, less what is disabled. */
function isEnabled(environment: Environment): boolean {
  const enabled = listOf(environment, 'OTEL_NODE_ENABLED_INSTRUMENTATIONS');
  const disabled = listOf(environment, 'OTEL_NODE_DISABLED_INSTRUMENTATIONS');
  if (disabled.includes(INSTRUMENTATION_SHORT_NAME)) return false;
  return enabled.length === 0 || enabled.includes(INSTRUMENTATION_SHORT_NAME);
}

function isSdkDisabled(environment: Environment): boolean {
  if (textOf(environment, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return true;
  return names(listOf(environment, 'OTEL_TRACES_EXPORTER'), 'none');
}
