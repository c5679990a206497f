/**
 * The command line of the demo.
 */
import { parseArgs } from 'node:util';

export const HELP = `Usage: npm run demo -- [options]

Real streams fail in every way on this machine, and the span of each says where, why and whose fault it was.

  --otlp URL   send the same spans to a backend too: http://localhost:4318, or a full …/v1/traces
               (OTEL_EXPORTER_OTLP_HEADERS is passed on)
  --json       print the rows as JSON
  -h, --help   print this

Traffic for dashboards and alerts, traces and metrics, most calls good ones:

  --forever    one round after another, about one call a second, until SIGINT or SIGTERM
  --rounds N   N rounds as fast as they go
  --otlp URL   where to [OTEL_EXPORTER_OTLP_ENDPOINT, or http://localhost:4318]
  --json       print at the end how many calls ended how, and what of them was sent`;

/** Each stream once, explained. */
export interface ShowOptions {
  readonly does: 'show';
  /** A URL of `/v1/traces`. */
  readonly backendUrl: string | undefined;
  readonly json: boolean;
}

/** Streams for a backend, without a word on each. */
export interface TrafficOptions {
  readonly does: 'traffic';
  /** `Infinity`: for ever. */
  readonly rounds: number;
  readonly tracesUrl: string;
  readonly metricsUrl: string;
  readonly json: boolean;
}

/** Throws a TypeError where the command line is none. */
export function readOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ShowOptions | TrafficOptions | { readonly does: 'help' } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      otlp: { type: 'string' },
      json: { type: 'boolean', default: false },
      forever: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { otlp, json, forever, rounds } = values;
  if (values.help) return { does: 'help' };
  if (!forever && rounds === undefined) {
    return { does: 'show', backendUrl: otlp === undefined ? undefined : signalUrl('--otlp', otlp, TRACES), json };
  }
  if (forever && rounds !== undefined) throw new TypeError('--forever and --rounds exclude each other');
  if (forever && json) throw new TypeError('--json prints the sum at the end of --rounds; --forever has none');
  const [name, endpoint] = endpointOf(otlp, environment[ENDPOINT]);
  return {
    does: 'traffic',
    rounds: rounds === undefined ? Number.POSITIVE_INFINITY : roundsFrom(rounds),
    tracesUrl: signalUrl(name, endpoint, TRACES),
    metricsUrl: signalUrl(name, endpoint, METRICS),
    json,
  };
}

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';
/** OpenTelemetry's own. */
const DEFAULT_ENDPOINT = 'http://localhost:4318';
const TRACES = '/v1/traces';
const METRICS = '/v1/metrics';

/** An empty variable is none, as the specification has it. */
function endpointOf(given: string | undefined, variable: string | undefined): readonly [name: string, url: string] {
  if (given !== undefined) return ['--otlp', given];
  return [ENDPOINT, variable?.trim() || DEFAULT_ENDPOINT];
}

/** As `OTEL_EXPORTER_OTLP_ENDPOINT` is read: the path of the signal is added; the path of traces may be there. */
function signalUrl(name: string, given: string, path: typeof TRACES | typeof METRICS): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(`${name} must be an http or https URL, got "${given.slice(0, 80)}"`);
  }
  const base = url.pathname.endsWith(TRACES) ? url.pathname.slice(0, -TRACES.length) : url.pathname;
  url.pathname = base.replace(/\/$/, '') + path;
  return url.href;
}

function roundsFrom(text: string): number {
  const rounds = Number(text);
  if (Number.isSafeInteger(rounds) && rounds > 0) return rounds;
  throw new TypeError(`--rounds must be a whole number, 1 or more, got "${text.slice(0, 80)}"`);
}
