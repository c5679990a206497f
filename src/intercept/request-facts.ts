/** Reads what was given to `fetch` without side effects: nothing is cloned, consumed or converted twice. */
import type { RequestFacts } from './call-hooks.js';

/** The facts of a request; undefined where the arguments are none that can be read: they are the platform's to judge. */
export function readRequest(args: readonly unknown[]): RequestFacts | undefined {
  const [input, given] = args;
  const init: RequestInitLike = isObject(given) ? given : {};
  if (typeof input === 'string') return factsOf(input, init, {});
  if (input instanceof URL) return factsOf(input.href, init, {});
  // Its body is a stream that reading would consume.
  if (input instanceof Request) return factsOf(input.url, init, input);
  return undefined;
}

/** The fields of `RequestInit` that are read; `Request` has the first three itself. */
interface RequestInitLike {
  readonly method?: unknown;
  readonly headers?: unknown;
  readonly signal?: unknown;
  readonly body?: unknown;
}

function factsOf(url: string, init: RequestInitLike, request: RequestInitLike): RequestFacts {
  // `signal: null` takes a Request's signal away.
  const signal = init.signal === undefined ? request.signal : init.signal;
  const headers = init.headers ?? request.headers;
  return {
    url,
    method: methodOf(init.method ?? request.method),
    header: (name) => headerOf(headers, name),
    body: bodyOf(init.body),
    signal: signal instanceof AbortSignal ? signal : undefined,
  };
}

/** As fetch does: these six in upper case, any other as it stands. */
function methodOf(method: unknown): string {
  if (typeof method !== 'string') return 'GET';
  const upper = method.toUpperCase();
  return STANDARD_METHODS.has(upper) ? upper : method;
}

const STANDARD_METHODS = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);

function headerOf(headers: unknown, name: string): string | undefined {
  if (!isObject(headers)) return undefined;
  if (isHeaders(headers)) return textOf(headers.get(name));
  if (Array.isArray(headers)) return joined(headers.filter(Array.isArray), name);
  // Any other iterable may be one that can be walked once.
  return Symbol.iterator in headers ? undefined : joined(Object.entries(headers), name);
}

function joined(pairs: readonly (readonly unknown[])[], name: string): string | undefined {
  const values = pairs.flatMap(([key, value]) => {
    const text = textOf(value);
    return typeof key === 'string' && key.toLowerCase() === name && text !== undefined ? [text] : [];
  });
  return values.length > 0 ? values.join(', ') : undefined;
}

/** Also the npm package's own `Headers`. */
function isHeaders(headers: object): headers is { get(name: string): unknown } {
  return (
    Object.prototype.toString.call(headers) === '[object Headers]' &&
    'get' in headers &&
    typeof headers.get === 'function'
  );
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function bodyOf(body: unknown): string | Uint8Array | undefined {
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  if (body instanceof URLSearchParams) return body.toString();
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  return ArrayBuffer.isView(body) ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
