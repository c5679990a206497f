/** Of an exporter, the first export that fails is told to a person: else spans are missing without a word. */
import { guard } from '../guard.js';
import type { Endpoint } from './endpoint.js';
import { nameOf } from './name-of.js';
import { say } from './say.js';
import type { SpanExporter } from './sdk-packages.js';

/** `ExportResultCode` of `@opentelemetry/core`. */
const SUCCESS = 0;

export function sayFirstFailure(exporter: SpanExporter, endpoint: Endpoint): SpanExporter {
  let isSaid = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== SUCCESS && !isSaid) {
          isSaid = true;
          guard('export', () => say(line(endpoint, result.error)));
        }
        done(result);
      }),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

function line({ host, variable }: Endpoint, error: unknown): string {
  const at = host === undefined ? '' : ` at ${host}`;
  return `expected a collector that takes spans${at}, got ${answer(error)}; what it does not take is dropped (said once). See \`${variable}\``;
}

/** The exporters' errors that have no code, by their words. `otlp-exporter-base` 0.200 to 0.301. */
const CODELESS: ReadonlyMap<string, string> = new Map([
  ['Request Timeout', 'no answer in time'],
  ['Request timed out', 'no answer in time'],
  ['Export failed with retryable status', 'HTTP status 429, 502, 503 or 504'],
]);

/** Never the words of an error: a server may quote in them what it was sent. */
function answer(error: unknown): string {
  if (!(error instanceof Error)) return 'a failure';
  if ('code' in error && typeof error.code === 'number')
    return `${error.code < 100 ? 'gRPC' : 'HTTP'} status ${error.code}`;
  return CODELESS.get(error.message) ?? nameOf(error);
}
