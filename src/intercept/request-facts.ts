/** Reads what was given to `fetch` without side effects: nothing is cloned, consumed or converted. */
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

/** Each option is read when somebody asks, and once: of a request that is no LLM call none is, for most URLs. */
function factsOf(url: string, init: RequestInitLike, request: RequestInitLike): RequestFacts {
  let header: RequestFacts['header'];
  let body: RequestFacts['body'];
  let isHeaderRead = false;
  let isBodyRead = false;
  return {
    url,
    get method() {
      return methodOf(init.method ?? request.method);
    },
    get header() {
      if (!isHeaderRead) header = headerReader(init.headers ?? request.headers);
      isHeaderRead = true;
      return header;
    },
    get body() {
      if (!isBodyRead) body = bodyOf(init.body);
      isBodyRead = true;
      return body;
    },
    get signal() {
      // `signal: null` takes a Request's signal away.
      const signal = init.signal === undefined ? request.signal : init.signal;
      return signal instanceof AbortSignal ? signal : undefined;
    },
  };
}

/** As fetch does: these six in upper case, any other as it stands. */
function methodOf(method: unknown): string {
  if (typeof method !== 'string') return 'GET';
  const upper = method.toUpperCase();
  return STANDARD_METHODS.has(upper) ? upper : method;
}

const STANDARD_METHODS = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);

function headerReader(headers: unknown): RequestFacts['header'] {
  if (!isObject(headers)) return () => undefined;
  if (isHeaders(headers)) return (name) => textOf(headers.get(name));
  // Any other iterable may be one that can be walked once.
  if (!Array.isArray(headers) && Symbol.iterator in headers) return undefined;
  let values: Map<string, string> | undefined;
  return (name) => {
    values ??= valuesOf(Array.isArray(headers) ? headers.filter(Array.isArray) : Object.entries(headers));
    return values.get(name);
  };
}

/** By lower-case name; several values of one name are joined, as fetch does. */
function valuesOf(pairs: readonly (readonly unknown[])[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const [key, value] of pairs) {
    const text = textOf(value);
    if (typeof key !== 'string' || text === undefined) continue;
    const name = key.toLowerCase();
    const before = values.get(name);
    values.set(name, before === undefined ? text : `${before}, ${text}`);
  }
  return values;
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
