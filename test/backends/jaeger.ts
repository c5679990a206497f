/** What Jaeger found, asked as its own pages ask: the search by tags, and the stable API v3. */
import { askJson } from './http.js';

/** One span as Jaeger hands it out. */
export interface FoundSpan {
  readonly traceId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Jaeger {
  /** The search form: service and tags, all of which must be equal. */
  byTags(tags: Readonly<Record<string, string>>): Promise<readonly FoundSpan[]>;
  /** The whole service by `/api/v3/traces`, which has no search by attributes over HTTP. */
  all(): Promise<readonly FoundSpan[]>;
  /** One trace by `/api/v3/traces/ID`. */
  trace(traceId: string): Promise<readonly FoundSpan[]>;
}

/** More than any test sends: both searches stop at a number. */
const MOST = 20_000;
const HOUR_MS = 3_600_000;

export function askJaeger(url: string, service: string): Jaeger {
  return {
    async byTags(tags) {
      const query = new URLSearchParams({ service, tags: JSON.stringify(tags), limit: String(MOST), lookback: '1h' });
      const answer = await askJson(`${url}/api/traces?${query}`);
      // Spans of other services in the same trace are of no interest, and there are none.
      return spansOfSearch(answer).filter(({ attributes }) =>
        Object.entries(tags).every(([name, value]) => String(attributes[name]) === value),
      );
    },
    async all() {
      const query = new URLSearchParams({
        'query.service_name': service,
        'query.num_traces': String(MOST),
        'query.start_time_min': new Date(Date.now() - HOUR_MS).toISOString(),
        'query.start_time_max': new Date(Date.now() + HOUR_MS).toISOString(),
      });
      return spansOfOtlp(await askV3(`${url}/api/v3/traces?${query}`));
    },
    trace: async (traceId) => spansOfOtlp(await askV3(`${url}/api/v3/traces/${traceId}`)),
  };
}

/** It answers 404 where it found none. */
async function askV3(url: string): Promise<unknown> {
  try {
    return await askJson(url);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('404 ')) return undefined;
    throw error;
  }
}

// What a program on this machine answers, in the shape its API documents; a wrong shape fails the test that reads it.
interface SearchAnswer {
  readonly data: readonly {
    readonly spans: readonly {
      readonly traceID: string;
      readonly operationName: string;
      readonly tags: readonly { readonly key: string; readonly value: unknown }[];
    }[];
  }[];
}

function spansOfSearch(answer: unknown): FoundSpan[] {
  return (answer as SearchAnswer).data.flatMap(({ spans }) =>
    spans.map(({ traceID, operationName, tags }) => ({
      traceId: traceID,
      name: operationName,
      attributes: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    })),
  );
}

interface OtlpAnswer {
  readonly result: {
    readonly resourceSpans?: readonly {
      readonly scopeSpans: readonly {
        readonly spans: readonly {
          readonly traceId: string;
          readonly name: string;
          readonly attributes?: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
        }[];
      }[];
    }[];
  };
}

function spansOfOtlp(answer: unknown): FoundSpan[] {
  // As above.
  return ((answer as OtlpAnswer | undefined)?.result.resourceSpans ?? []).flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ traceId, name, attributes = [] }) => ({
        traceId,
        name,
        // Each value is an object with one member, named for its type.
        attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
      })),
    ),
  );
}
