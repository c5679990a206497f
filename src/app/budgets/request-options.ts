/**
 * The options of a request, copied, so that a signal can be put beside them. A `fetch` reads them by name, wherever they
 * are: an instance's getters, a prototype, a Request in the place of options.
 */

/** What a `fetch` was given beside its URL or Request. */
export interface RequestOptions {
  [option: PropertyKey]: unknown;
  readonly signal?: unknown;
  readonly dispatcher?: unknown;
}

/**
 * A copy of `init` that `fetch` reads as it reads `init`. What is absent stays absent, for whoever asks with `in`.
 *
 * @returns undefined where they are none, or cannot be read: they are the platform's to refuse
 */
export function copyOptions(input: unknown, init: unknown): RequestOptions | undefined {
  if (init !== undefined && typeof init !== 'object') return undefined;
  try {
    const options = readOptions(init ?? {});
    return NAMES.some((name) => options[name] !== undefined) ? options : { ...referrerOf(input), ...options };
  } catch {
    return undefined;
  }
}

function readOptions(init: object): RequestOptions {
  // The own ones: a `fetch` of another make has more than the platform's, such as the `agent` of node-fetch.
  const options: RequestOptions = { ...init };
  for (const name of NAMES) {
    if (Object.hasOwn(options, name)) continue;
    const value: unknown = Reflect.get(init, name);
    if (value !== undefined) options[name] = value;
  }
  return options;
}

/** The standard's, and undici's `dispatcher`: https://github.com/nodejs/undici/blob/v8.12.4/lib/web/fetch/request.js */
const NAMES = [
  'method',
  'headers',
  'body',
  'mode',
  'credentials',
  'cache',
  'redirect',
  'referrer',
  'referrerPolicy',
  'integrity',
  'keepalive',
  'signal',
  'duplex',
  'priority',
  'window',
  'dispatcher',
];

/** Any option at all makes the platform forget these two of a Request, as the standard says: ours is not to. */
function referrerOf(input: unknown): RequestOptions {
  if (!(input instanceof Request) || (input.referrer === UNSET && input.referrerPolicy === '')) return {};
  keepsReferrer ??= new Request(new Request(ANY_URL, { referrer: ANY_URL })).referrer !== UNSET;
  return keepsReferrer ? { referrer: input.referrer, referrerPolicy: input.referrerPolicy } : {};
}

/** Not on Node 24: undici 7 has a default for `priority`, and takes it for an option that was given. */
let keepsReferrer: boolean | undefined;
const ANY_URL = 'http://localhost/';
const UNSET = 'about:client';
