/**
 * A provider's error, from its status and what its body says: category and identifiers.
 * Messages are read for two words and never kept. Shapes seen of OpenAI, Azure, Anthropic,
 * Google, Mistral, vLLM, llama.cpp, Ollama, LiteLLM, OpenRouter, FastAPI.
 */
import type { ErrorCategory } from '../stream/outcome.js';
import type { ProviderError } from '../stream/signal.js';
import { identifierOf, isRecord, textOf } from './narrow.js';

/** What is known of an error; at least one of the two. */
export interface ErrorFacts {
  /** HTTP status; absent, or 2xx, for an error inside an answer. */
  readonly status?: number | undefined;
  /** The parsed body or message, of any shape. */
  readonly payload?: unknown;
}

/**
 * Says what kind of error it is. Codes that mean one thing decide before the status, vague ones (`invalid_request_error`,
 * `api_error`) after it; an error that says nothing is the provider's own, `server_error`. Never throws.
 */
export function classifyError({ status, payload }: ErrorFacts): ProviderError {
  const told = readError(payload);
  const effective = status !== undefined && (status < 200 || status > 299) ? status : told.status;
  const names = [told.code, told.type, told.innerCode];
  const category =
    firstIn(SPECIFIC, names) ??
    categoryOfWords(effective, told.message) ??
    (effective === undefined ? undefined : categoryOfStatus(effective)) ??
    firstIn(VAGUE, names) ??
    'server_error';
  return {
    category,
    ids: { type: identifierOf(told.type), code: identifierOf(told.code), param: identifierOf(told.param) },
  };
}

/** What a status says by itself; undefined for 1xx and 2xx. */
export function categoryOfStatus(status: number): ErrorCategory | undefined {
  const exact = BY_STATUS.get(status);
  if (exact || status < 300) return exact;
  if (status < 400) return 'invalid_response';
  return status < 500 ? 'invalid_request' : 'server_error';
}

/**
 * Whether a payload inside a 200 is an error: `error` is set to anything (as the OpenAI SDK tests it), the payload says
 * so of itself, or its message was an `error` one.
 */
export function isErrorPayload(payload: unknown, event?: string): boolean {
  if (!isRecord(payload)) return event === 'error';
  if (payload['error'] || payload['object'] === 'error' || payload['type'] === 'error') return true;
  return event === 'error' && !Array.isArray(payload['choices']);
}

const BY_STATUS: ReadonlyMap<number, ErrorCategory> = new Map([
  [401, 'auth'],
  [402, 'quota'],
  [403, 'auth'],
  [404, 'not_found'],
  [408, 'request_timeout'],
  [409, 'server_error'],
  [413, 'context_length'],
  [429, 'rate_limit'],
  [503, 'overloaded'],
  [529, 'overloaded'],
]);

type NameTable = ReadonlyMap<string, ErrorCategory>;

/** Codes and types that mean one thing. Compared without case and punctuation: `RateLimitError` is `rate_limit_error`. */
const SPECIFIC: NameTable = namesOf({
  rate_limit:
    'rate_limit rate_limit_error rate_limit_exceeded rate_limit_reached too_many_requests resource_exhausted throttling throttling_exception',
  quota:
    'insufficient_quota quota_exceeded exceeded_current_quota_error billing_error billing_not_active billing_hard_limit_reached insufficient_balance insufficient_credits payment_required',
  auth: 'authentication_error permission_error permission_denied permission_denied_error invalid_api_key incorrect_api_key invalid_authentication invalid_authentication_error unauthenticated unauthorized forbidden access_denied account_deactivated unsupported_country_region_territory',
  not_found:
    'model_not_found not_found not_found_error deployment_not_found resource_not_found resource_not_found_error unknown_model',
  context_length:
    'context_length_exceeded context_window_exceeded context_window_exceeded_error model_context_window_exceeded exceed_context_size_error request_too_large prompt_too_long tokens_limit_reached string_above_max_length',
  content_filter:
    'content_filter content_filter_error content_policy_violation content_policy_violation_error responsible_ai_policy_violation moderation_blocked data_inspection_failed',
  overloaded:
    'overloaded overloaded_error server_overloaded engine_overloaded engine_overloaded_error model_overloaded service_unavailable service_unavailable_error unavailable unavailable_error capacity_exceeded slow_down',
  request_timeout: 'timeout timeout_error request_timeout deadline_exceeded',
});

/** Codes and types that servers put on errors of any kind: the status knows better. */
const VAGUE: NameTable = namesOf({
  invalid_request:
    'invalid_request invalid_request_error bad_request bad_request_error invalid_argument failed_precondition unprocessable_entity_error validation_error',
  server_error: 'server_error api_error internal internal_error internal_server_error upstream_error proxy_error',
});

function namesOf(rows: Partial<Record<ErrorCategory, string>>): NameTable {
  const table = new Map<string, ErrorCategory>();
  for (const [category, names] of Object.entries(rows)) {
    // `Object.entries` forgets the key type.
    for (const name of names.split(' ')) table.set(plain(name), category as ErrorCategory);
  }
  return table;
}

function plain(name: string): string {
  return name
    .slice(0, 64)
    .replace(/[^a-z0-9]/gi, '')
    .toLowerCase();
}

function firstIn(table: NameTable, names: readonly (string | number | undefined)[]): ErrorCategory | undefined {
  for (const name of names) {
    const category = typeof name === 'string' ? table.get(plain(name)) : undefined;
    if (category) return category;
  }
  return undefined;
}

interface ToldError {
  readonly code?: string | number | undefined;
  readonly type?: string | undefined;
  readonly innerCode?: string | undefined;
  readonly param?: string | undefined;
  readonly message?: string | undefined;
  /** A numeric code from 300 to 599 means the HTTP status, whatever the answer's own was. */
  readonly status?: number | undefined;
}

function readError(payload: unknown): ToldError {
  // Google's OpenAI-compatible endpoint wraps its error in a list.
  if (Array.isArray(payload)) return payload.length === 1 ? readError(payload[0]) : {};
  if (typeof payload === 'string') return { message: payload };
  if (!isRecord(payload)) return {};
  const nested = isRecord(payload['error'])
    ? payload['error']
    : isRecord(payload['detail'])
      ? payload['detail']
      : undefined;
  const told = nested ?? payload;
  const inner = told['innererror'] ?? told['inner_error'];
  const code =
    codeOf(told['code']) ?? codeOf(payload['code']) ?? codeOf(told['statusCode']) ?? codeOf(told['http_status_code']);
  return {
    code,
    type: typeOf(told) ?? (nested ? textOf(payload['error_type']) : undefined),
    innerCode: isRecord(inner) ? textOf(inner['code']) : undefined,
    param: textOf(told['param']),
    message: textOf(told['message']) ?? textOf(payload['error']) ?? textOf(payload['detail']),
    status: statusIn(code) ?? statusIn(codeOf(told['status'])),
  };
}

/** `status` is Google's word for the type; `type: error` only says that the payload is one. */
function typeOf(told: Record<string, unknown>): string | undefined {
  const type = textOf(told['type']);
  return (type === 'error' ? undefined : type) ?? textOf(told['error_type']) ?? textOf(told['status']);
}

function codeOf(value: unknown): string | number | undefined {
  return typeof value === 'number' ? value : textOf(value);
}

function statusIn(code: string | number | undefined): number | undefined {
  const status = typeof code === 'string' && /^\d{3}$/.test(code) ? Number(code) : code;
  return typeof status === 'number' && status >= 300 && status <= 599 ? status : undefined;
}

/** Where servers give no code, their words do; only statuses that such an error comes with. */
const CONTEXT_LENGTH_WORDS =
  /context[ _]?(?:length|window|size)|maximum (?:number of tokens|context)|prompt (?:is )?too long|input (?:is )?too long|too large for model|reduce the length/i;
const QUOTA_WORDS =
  /exceeded your current quota|insufficient (?:balance|credits?|funds|quota)|billing|purchase credits/i;

/** Enough of a message to know it by; some quote the whole prompt. */
const READ_CHARACTERS = 2_000;

function categoryOfWords(status: number | undefined, message: string | undefined): ErrorCategory | undefined {
  if (message === undefined) return undefined;
  const words = message.slice(0, READ_CHARACTERS);
  const mayBeLength = status === undefined || status === 400 || status === 413 || status === 422 || status === 500;
  if (mayBeLength && CONTEXT_LENGTH_WORDS.test(words)) return 'context_length';
  return (status === undefined || status === 429 || status === 403) && QUOTA_WORDS.test(words) ? 'quota' : undefined;
}
