/**
 * The environment of the demo's applications: the parent's, without what would change what is shown, or send a real key along.
 */

const FOREIGN = /^(OTEL|LLM_STREAM|OPENAI)_/;
/** What the exporters need to be let in. */
const BACKEND = /^OTEL_EXPORTER_OTLP_((TRACES|METRICS)_)?(HEADERS|CERTIFICATE|CLIENT_KEY|CLIENT_CERTIFICATE)$/;

/** @param hasBackend - somebody else's, who may ask who sends */
export function applicationEnvironment(hasBackend: boolean): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !FOREIGN.test(name) || (hasBackend && BACKEND.test(name)),
  );
  return { ...Object.fromEntries(kept), OTEL_LOGS_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' };
}
