/**
 * OTLP/JSON bytes become spans with plain JavaScript values. Knows the format, and nothing of who sent it.
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */

/** A value of an attribute; bytes stay the base64 text that they came as. */
export type ReceivedValue =
  | string
  | number
  | boolean
  | null
  | readonly ReceivedValue[]
  | { readonly [key: string]: ReceivedValue };

export type ReceivedAttributes = Readonly<Record<string, ReceivedValue>>;

/** One span as it came over the wire. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for a root span. */
  readonly parentSpanId: string | undefined;
  readonly name: string;
  /** Name of the instrumentation that made it. */
  readonly scope: string;
  readonly durationMs: number;
  readonly status: 'unset' | 'ok' | 'error';
  readonly attributes: ReceivedAttributes;
  readonly events: readonly ReceivedSpanEvent[];
}

export interface ReceivedSpanEvent {
  readonly name: string;
  /** Since the start of the span. */
  readonly atMs: number;
  readonly attributes: ReceivedAttributes;
}

/** The spans in one body of `/v1/traces`, in order. Throws a TypeError that says what is no OTLP in it. */
export function readSpans(body: Uint8Array): ReceivedSpan[] {
  const request = record(JSON.parse(Buffer.from(body).toString()), 'the body');
  return list(request['resourceSpans'], 'resourceSpans').flatMap((resource) =>
    list(record(resource, 'resourceSpans')['scopeSpans'], 'scopeSpans').flatMap((scoped) => {
      const { scope, spans } = record(scoped, 'scopeSpans');
      const scopeName = scope === undefined ? '' : text(record(scope, 'scope')['name'] ?? '', 'name');
      return list(spans, 'spans').map((span) => spanFrom(record(span, 'spans'), scopeName));
    }),
  );
}

const STATUS = { 0: 'unset', 1: 'ok', 2: 'error' } as const;

function spanFrom(span: Json, scope: string): ReceivedSpan {
  const startNanos = nanos(span['startTimeUnixNano'], 'startTimeUnixNano');
  const parent = text(span['parentSpanId'] ?? '', 'parentSpanId');
  const status = span['status'] === undefined ? {} : record(span['status'], 'status');
  const code = status['code'] ?? 0;
  if (code !== 0 && code !== 1 && code !== 2) return fail('status.code', '0, 1 or 2');
  return {
    traceId: text(span['traceId'], 'traceId'),
    spanId: text(span['spanId'], 'spanId'),
    parentSpanId: parent === '' ? undefined : parent,
    name: text(span['name'], 'name'),
    scope,
    durationMs: milliseconds(nanos(span['endTimeUnixNano'], 'endTimeUnixNano') - startNanos),
    status: STATUS[code],
    attributes: attributesFrom(span['attributes']),
    events: list(span['events'], 'events').map((each) => {
      const event = record(each, 'events');
      return {
        name: text(event['name'], 'name'),
        atMs: milliseconds(nanos(event['timeUnixNano'], 'timeUnixNano') - startNanos),
        attributes: attributesFrom(event['attributes']),
      };
    }),
  };
}

function attributesFrom(value: unknown): ReceivedAttributes {
  const pairs = list(value, 'attributes').map((each) => record(each, 'attributes'));
  return Object.fromEntries(pairs.map((pair) => [text(pair['key'], 'key'), valueFrom(pair['value'])]));
}

function valueFrom(wrapped: unknown): ReceivedValue {
  const [[kind, value] = ['', undefined]] = Object.entries(record(wrapped ?? {}, 'value'));
  switch (kind) {
    case 'stringValue':
    case 'bytesValue':
      return text(value, kind);
    case 'boolValue':
      return typeof value === 'boolean' ? value : fail(kind, 'true or false');
    // 64 bits are a string in the format; the JavaScript exporter writes numbers, other languages' do not.
    case 'intValue':
    case 'doubleValue':
      return number(value, kind);
    case 'arrayValue':
      return list(record(value, kind)['values'], 'values').map(valueFrom);
    case 'kvlistValue':
      return attributesFrom(record(value, kind)['values']);
    // An empty value is the format's null.
    case '':
      return null;
  }
  return fail('value', 'one of the values of OTLP');
}

/** Beyond 2^53 a number of nanoseconds is not exact: times are subtracted before they become one. */
function milliseconds(duration: bigint): number {
  return Number(duration) / 1e6;
}

function nanos(value: unknown, field: string): bigint {
  if (typeof value === 'string' && /^\d+$/.test(value)) return BigInt(value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  return fail(field, 'nanoseconds');
}

function number(value: unknown, field: string): number {
  const read = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof read === 'number' ? read : fail(field, 'a number');
}

type Json = Readonly<Record<string, unknown>>;

function record(value: unknown, field: string): Json {
  // `as`: an object that is no list has nothing but string keys here, it came out of `JSON.parse`.
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  return fail(field, 'an object');
}

/** A list that is absent is an empty one, as in protobuf. */
function list(value: unknown, field: string): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : fail(field, 'a list');
}

function text(value: unknown, field: string): string {
  return typeof value === 'string' ? value : fail(field, 'a string');
}

function fail(field: string, expected: string): never {
  throw new TypeError(`no OTLP/JSON: \`${field}\` must be ${expected}`);
}
