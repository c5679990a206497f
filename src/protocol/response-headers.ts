/**
 * Response headers become the facts of the `response_headers` signal: identifiers, numbers, and whether the content
 * type can carry an answer. No other header is looked at.
 *
 * describeResponse({ status, header }, { streamRequested, nowEpochMs }) → ResponseDescription
 */
import type { ResponseHeaders } from '../stream/signal.js';
import { copyOf } from './narrow.js';

/** A response as `intercept/` tells it, as far as it is needed here. */
export interface ResponseToDescribe {
  readonly status: number;
  /** Value of a header by its lower-case name. */
  header(name: string): string | undefined;
}

/** What headers say; absent means that they do not say it. */
export type ResponseDescription = Omit<ResponseHeaders, 'type' | 'atMs' | 'status' | 'body' | 'rejection'>;

/**
 * Reads the headers of one response.
 * @param nowEpochMs The wall clock, for a `retry-after` that is a date.
 */
export function describeResponse(
  response: ResponseToDescribe,
  { streamRequested, nowEpochMs }: { readonly streamRequested?: boolean | undefined; readonly nowEpochMs: number },
): ResponseDescription {
  return {
    contentTypeFits: fits(response.header('content-type'), streamRequested),
    saysJson: JSON_TYPE.test(response.header('content-type') ?? '') || undefined,
    providerRequestId: firstWord(response, REQUEST_ID),
    providerRegion: firstWord(response, REGION),
    retryAfterMs: retryAfterMs(response, nowEpochMs),
    shouldRetry: SHOULD_RETRY.get(response.header('x-should-retry')?.toLowerCase() ?? ''),
    remainingRequests: firstCount(response, REMAINING_REQUESTS),
    remainingTokens: firstCount(response, REMAINING_TOKENS),
  };
}

/** The provider's own first: `cf-ray` is the proxy's in front of it. */
const REQUEST_ID = [
  'x-request-id',
  'request-id',
  'apim-request-id',
  'x-ms-request-id',
  'x-amzn-requestid',
  'x-goog-request-id',
  'cf-ray',
];
const REGION = ['x-ms-region', 'x-groq-region'];
const REMAINING_REQUESTS = [
  'x-ratelimit-remaining-requests',
  'anthropic-ratelimit-requests-remaining',
  'ratelimit-remaining-requests',
];
const REMAINING_TOKENS = [
  'x-ratelimit-remaining-tokens',
  'anthropic-ratelimit-tokens-remaining',
  'ratelimit-remaining-tokens',
];
const SHOULD_RETRY: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

/** Printable and without blanks: an identifier, not a sentence. */
const WORD = /^[\x21-\x7e]{1,128}$/;

/** Azure writes its regions for people: `East US 2`. */
const REGION_WORD = /^[\w .-]{1,64}$/;

function firstWord(response: ResponseToDescribe, names: readonly string[]): string | undefined {
  const pattern = names === REGION ? REGION_WORD : WORD;
  for (const name of names) {
    const value = response.header(name);
    if (value !== undefined && pattern.test(value)) return copyOf(value, 128);
  }
  return undefined;
}

function firstCount(response: ResponseToDescribe, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = response.header(name);
    if (value !== undefined && /^\d{1,15}$/.test(value)) return Number(value);
  }
  return undefined;
}

function retryAfterMs(response: ResponseToDescribe, nowEpochMs: number): number | undefined {
  const exact = response.header('retry-after-ms');
  if (exact !== undefined && DECIMAL.test(exact)) return Math.round(Number(exact));
  const value = response.header('retry-after');
  if (value === undefined) return undefined;
  if (DECIMAL.test(value)) return Math.round(Number(value) * 1_000);
  const dateMs = Date.parse(value);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, Math.round(dateMs - nowEpochMs));
}

const DECIMAL = /^\d{1,12}(?:\.\d{1,9})?$/;

/** Servers name a stream anything from `text/plain` to nothing; a page or a picture carries no answer. */
const FITTING =
  /^(?:text\/event-stream|text\/plain|application\/octet-stream|application\/(?:x-)?(?:ndjson|jsonl|json-lines)|application\/stream\+json|application\/json|text\/json|[\w.-]+\/[\w.-]+\+json)$/;

const JSON_TYPE = /^\s*(?:application|text)\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/** Whole answers may also be sound or anything else that is not a page; a streamed one is text in one of a few formats. */
function fits(contentType: string | undefined, streamRequested: boolean | undefined): boolean {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (!type || FITTING.test(type)) return true;
  return (
    streamRequested === false &&
    !/^(?:text\/html|application\/xhtml\+xml|(?:text|application)\/xml|image\/.*)$/.test(type)
  );
}
