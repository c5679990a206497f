/**
 * What a promise was rejected with, as far as it may be told: whose doing, class, network code; no message unless asked.
 * A thrown value may be anything, with getters that throw: nothing here does.
 * Which error undici gives when was measured on Node 20 to 26; `test/protocol/thrown-error.test.ts` has the table.
 */
import type { TimeoutKind } from '../stream/outcome.js';
import type { ThrownError, ThrownKind } from '../stream/signal.js';
import { copyOf, identifierOf, peek } from './narrow.js';

export interface ThrownOptions {
  /** Whether `message` is told; it may quote content. @defaultValue false */
  readonly messages?: boolean | undefined;
  /** What the application says of the reason of an abort of its own; may throw. */
  readonly classifyAbort?: ((reason: unknown) => 'timeout' | 'abort' | undefined) | undefined;
}

/** As much of an AbortSignal as decides whose error it is. */
export interface AbortFacts {
  readonly aborted: boolean;
  readonly reason: unknown;
}

/**
 * Describes a rejection. The caller's own abort is known by identity with the signal's reason, then by name, then codes
 * decide; that the signal is aborted only breaks ties. Never throws.
 */
export function describeThrown(
  error: unknown,
  signal: AbortFacts | undefined,
  options: ThrownOptions = {},
): ThrownError {
  const chain = chainOf(error);
  const found = isReason(error, signal) ? undefined : findCode(chain);
  const budget = budgetOf(chain);
  const kind = budget ? 'timeout' : kindOf(error, chain, found?.kind, signal, options.classifyAbort);
  // SDKs say abort whatever the caller's reason was.
  const named = budget ? budget.error : kind === 'timeout' && aborted(signal) ? peek(signal, 'reason') : error;
  return {
    kind,
    errorType: classNameOf(named) ?? classNameOf(error),
    networkErrorCode: found && identifierOf(found.code),
    timeoutKind: budget?.kind,
    message: options.messages ? messageOf(error) : undefined,
  };
}

const MAX_MESSAGE_LENGTH = 1_024;
const MAX_CAUSES = 8;

function kindOf(
  error: unknown,
  chain: readonly unknown[],
  byCode: ThrownKind | undefined,
  signal: AbortFacts | undefined,
  classifyAbort: ThrownOptions['classifyAbort'],
): ThrownKind {
  const byReason = (reason: unknown) => saidOf(classifyAbort?.(reason)) ?? kindOfReason(reason);
  if (isReason(error, signal)) return byReason(error);
  const byClass = KIND_BY_CLASS.get(classNameOf(error) ?? '');
  // SDKs of openai before 7 abort their own controller without the caller's reason, and what is thrown says less than it.
  if (byClass === 'abort' && aborted(signal)) return byReason(peek(signal, 'reason'));
  if (byClass) return byClass;
  if (isAboutCredentials(error)) return 'credentials';
  const known = byCode ?? kindOfCauses(chain) ?? kindOfPlainError(error);
  if (known) return known;
  return aborted(signal) ? byReason(peek(signal, 'reason')) : 'unknown';
}

/** An application may say anything. */
function saidOf(answer: unknown): 'timeout' | 'abort' | undefined {
  return answer === 'timeout' || answer === 'abort' ? answer : undefined;
}

/** The error of a budget of ours, which an SDK may have wrapped, and which budget that was. */
function budgetOf(chain: readonly unknown[]): { readonly error: unknown; readonly kind: TimeoutKind } | undefined {
  for (const error of chain) {
    const kind = BUDGETS.find((one) => one === peek(error, 'budget'));
    if (kind !== undefined && nameOf(error) === 'TimeoutError') return { error, kind };
  }
  return undefined;
}

const BUDGETS: readonly TimeoutKind[] = ['connect', 'headers', 'first_token', 'idle', 'total'];

/** Class names that say it; `name` is no help with the SDK's own, which all have `Error`. */
const KIND_BY_CLASS: ReadonlyMap<string, ThrownKind> = new Map([
  ['AbortError', 'abort'],
  ['APIUserAbortError', 'abort'],
  ['TimeoutError', 'timeout'],
  ['APIConnectionTimeoutError', 'headers_timeout'],
]);

function isReason(error: unknown, signal: AbortFacts | undefined): boolean {
  return aborted(signal) && Object.is(peek(signal, 'reason'), error);
}

function aborted(signal: AbortFacts | undefined): boolean {
  return signal !== undefined && peek(signal, 'aborted') === true;
}

/** Why the caller aborted: because time was up, where the reason's name or message says so. */
function kindOfReason(reason: unknown): 'timeout' | 'abort' {
  const words =
    typeof reason === 'string' ? reason : `${classNameOf(reason) ?? ''} ${nameOf(reason)} ${messageOf(reason) ?? ''}`;
  return /time[ds]?[ -]?out/i.test(words) ? 'timeout' : 'abort';
}

/** How openai 4 to 7 put it, whatever made the key's own source fail. */
const ABOUT_CREDENTIALS =
  /^(?:Failed to get token from 'apiKey' function|Expected '(?:apiKey|azureADTokenProvider)'|Could not resolve authentication method|Missing credentials|The OPENAI_API_KEY environment variable is missing)/;

function isAboutCredentials(error: unknown): boolean {
  const message = peek(error, 'message');
  return typeof message === 'string' && ABOUT_CREDENTIALS.test(message);
}

interface CodeRow {
  readonly code: RegExp;
  readonly kind: ThrownKind;
}

/** First match wins; `code` is Node's, OpenSSL's, undici's, the HTTP parser's or zlib's. */
const BY_CODE: readonly CodeRow[] = [
  { code: /^UND_ERR_CONNECT_TIMEOUT$/, kind: 'connect_timeout' },
  { code: /^UND_ERR_HEADERS_TIMEOUT$/, kind: 'headers_timeout' },
  { code: /^UND_ERR_BODY_TIMEOUT$/, kind: 'body_timeout' },
  { code: /^UND_ERR_(?:INVALID_ARG|NOT_SUPPORTED|INVALID_RETURN_VALUE)$/, kind: 'local' },
  { code: /^ERR_INVALID_(?:URL|ARG|CHAR|PROTOCOL|HTTP_TOKEN|THIS|STATE)/, kind: 'local' },
  {
    code: /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|ENETUNREACH|EHOSTUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL|ENOENT|EACCES|EPERM|EPROTO)$/,
    kind: 'connect',
  },
  {
    code: /CERT|^ERR_(?:SSL|TLS)_|^(?:UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|CRL_)/,
    kind: 'connect',
  },
  {
    code: /^(?:ECONNRESET|EPIPE|ECONNABORTED|ENOTCONN|ENETRESET|ETIMEDOUT|ERR_STREAM_PREMATURE_CLOSE|ERR_HTTP2_\w+|Z_BUF_ERROR)$/,
    kind: 'network',
  },
  {
    code: /^UND_ERR_(?:SOCKET|CLOSED|DESTROYED|ABORTED|INFO|RES_CONTENT_LENGTH_MISMATCH|REQ_CONTENT_LENGTH_MISMATCH)$/,
    kind: 'network',
  },
  { code: /^(?:HPE_|Z_|ERR__ERROR_FORMAT|ERR_BROTLI_|ZSTD_error_|UND_ERR_HTTP_PARSER)/, kind: 'decode' },
];

interface FoundCode {
  readonly code: string;
  readonly kind: ThrownKind;
}

/** The first code in the chain that is known, in the order from the outside in. */
function findCode(chain: readonly unknown[]): FoundCode | undefined {
  for (const error of chain) {
    const code = peek(error, 'code');
    const row = typeof code === 'string' ? BY_CODE.find((one) => one.code.test(code)) : undefined;
    if (row && typeof code === 'string') return { code, kind: refined(row.kind, code, error, chain[0]) };
  }
  return undefined;
}

/** Two codes mean different things at different times. */
function refined(kind: ThrownKind, code: string, error: unknown, outermost: unknown): ThrownKind {
  if (code === 'ETIMEDOUT' && syscallOf(error) === 'connect') return 'connect_timeout';
  return kind === 'decode' && code.startsWith('HPE_') ? kindOfBadHttp(outermost) : kind;
}

/** An AggregateError has the code of its errors, but not their call. */
function syscallOf(error: unknown): unknown {
  return peek(error, 'syscall') ?? peek(firstOf(peek(error, 'errors')), 'syscall');
}

/** undici's own word for a body that broke: then HTTP did begin, and what does not parse is its remainder. */
function kindOfBadHttp(outermost: unknown): ThrownKind {
  return peek(outermost, 'message') === 'terminated' ? 'network' : 'decode';
}

/** Causes without a code: the HTTP parser's error lost its own in undici 7, and fetch's own refusals never had one. */
function kindOfCauses(chain: readonly unknown[]): ThrownKind | undefined {
  for (const error of chain) {
    if (classNameOf(error) === 'HTTPParserError') return kindOfBadHttp(chain[0]);
    const message = peek(error, 'message');
    if (message === 'unexpected redirect' || message === 'redirect count exceeded') return 'redirect';
    if (message === 'bad port' || message === 'unknown scheme' || message === 'invalid url') return 'local';
  }
  return undefined;
}

/** Messages of undici's TypeErrors for a failure outside; every other TypeError without a cause is about arguments. */
const NETWORK_MESSAGES: ReadonlySet<unknown> = new Set([
  'fetch failed',
  'terminated',
  'network error',
  'Failed to fetch',
]);

function kindOfPlainError(error: unknown): ThrownKind | undefined {
  const name = classNameOf(error);
  // node-fetch's own word for a body that is no JSON.
  if (name === 'SyntaxError' || peek(error, 'type') === 'invalid-json') return 'decode';
  const message = peek(error, 'message');
  if (NETWORK_MESSAGES.has(message)) return 'network';
  const isArgument = name === 'TypeError' || name === 'RangeError' || name === 'DataCloneError';
  return isArgument && peek(error, 'cause') === undefined ? 'local' : undefined;
}

/** The error, its causes and, of an AggregateError (one connect per address), the first of its errors. */
function chainOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  let current = error;
  while (typeof current === 'object' && current !== null && chain.length < MAX_CAUSES && !chain.includes(current)) {
    chain.push(current);
    const cause = peek(current, 'cause');
    current = cause === undefined || cause === null ? firstOf(peek(current, 'errors')) : cause;
  }
  return chain;
}

function firstOf(errors: unknown): unknown {
  return isArray(errors) ? peek(errors, '0') : undefined;
}

/** `Array.isArray` throws for a revoked proxy. */
function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** The class; a DOMException's name is its class, and so is that of an Error that only names itself. */
function classNameOf(error: unknown): string | undefined {
  const className = identifierOf(peek(peek(error, 'constructor'), 'name'));
  if (className !== undefined && className !== 'DOMException' && className !== 'Error' && className !== 'Object') {
    return isErrorLike(error) ? className : undefined;
  }
  return isErrorLike(error) ? (identifierOf(nameOf(error)) ?? className) : undefined;
}

/** Strings and numbers have a class too, but are no errors. */
function isErrorLike(error: unknown): boolean {
  return typeof error === 'object' && error !== null && typeof peek(error, 'message') === 'string';
}

function nameOf(error: unknown): string {
  const name = peek(error, 'name');
  return typeof name === 'string' ? name : '';
}

function messageOf(error: unknown): string | undefined {
  const message = typeof error === 'string' ? error : peek(error, 'message');
  return typeof message === 'string' ? copyOf(message, MAX_MESSAGE_LENGTH) : undefined;
}
