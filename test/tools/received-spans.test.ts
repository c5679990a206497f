import { describe, expect, test } from 'vitest';
import { readSpans } from '../../src/tools/received-spans.js';

const SPAN = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  name: 'chat gpt-5.1',
  kind: 3,
  startTimeUnixNano: '1767225600000000000',
  endTimeUnixNano: '1767225600412500000',
};

function bodyOf(...spans: unknown[]): Uint8Array {
  return Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ scope: { name: 'a-scope' }, spans }] }] }));
}

describe('readSpans', () => {
  test('reads a span as the JavaScript exporter writes it', () => {
    const span = {
      ...SPAN,
      parentSpanId: '00f067aa0ba902b7',
      flags: 257,
      status: { code: 2 },
      attributes: [{ key: 'llm_stream.outcome', value: { stringValue: 'failed' } }],
      events: [
        {
          name: 'llm_stream.first_token',
          timeUnixNano: '1767225600123456789',
          attributes: [{ key: 'llm_stream.elapsed_ms', value: { intValue: 123 } }],
          droppedAttributesCount: 0,
        },
      ],
    };
    expect(readSpans(bodyOf(span))).toEqual([
      {
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: 'b7ad6b7169203331',
        parentSpanId: '00f067aa0ba902b7',
        name: 'chat gpt-5.1',
        scope: 'a-scope',
        durationMs: 412.5,
        status: 'error',
        attributes: { 'llm_stream.outcome': 'failed' },
        events: [{ name: 'llm_stream.first_token', atMs: 123.456789, attributes: { 'llm_stream.elapsed_ms': 123 } }],
      },
    ]);
  });

  test.each([
    { kind: 'a string', value: { stringValue: 'stop' }, read: 'stop' },
    { kind: 'a boolean', value: { boolValue: false }, read: false },
    { kind: 'an integer as a number', value: { intValue: 42 }, read: 42 },
    { kind: 'an integer as a string', value: { intValue: '42' }, read: 42 },
    { kind: 'a double', value: { doubleValue: 0.412 }, read: 0.412 },
    { kind: 'a double that is no number', value: { doubleValue: 'NaN' }, read: Number.NaN },
    { kind: 'a list', value: { arrayValue: { values: [{ stringValue: 'a' }, { intValue: '1' }] } }, read: ['a', 1] },
    { kind: 'an empty list', value: { arrayValue: {} }, read: [] },
    {
      kind: 'a map',
      value: { kvlistValue: { values: [{ key: 'a', value: { boolValue: true } }] } },
      read: { a: true },
    },
    { kind: 'bytes, as they came', value: { bytesValue: 'AAE=' }, read: 'AAE=' },
    { kind: 'nothing', value: {}, read: null },
  ])('reads $kind', ({ value, read }) => {
    const [span] = readSpans(bodyOf({ ...SPAN, attributes: [{ key: 'name', value }] }));
    expect(span?.attributes).toEqual({ name: read });
  });

  test.each([
    { status: undefined, read: 'unset' },
    { status: {}, read: 'unset' },
    { status: { code: 1 }, read: 'ok' },
    { status: { code: 2, message: '' }, read: 'error' },
  ])('reads the status $status as $read', ({ status, read }) => {
    expect(readSpans(bodyOf({ ...SPAN, status }))[0]?.status).toBe(read);
  });

  test('reads the spans of all resources and scopes', () => {
    const scope = (name: string) => ({ spans: [{ ...SPAN, name }] });
    const body = { resourceSpans: [{ scopeSpans: [scope('a'), scope('b')] }, { scopeSpans: [scope('c')] }, {}] };
    expect(readSpans(Buffer.from(JSON.stringify(body))).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(readSpans(Buffer.from('{}'))).toEqual([]);
  });

  test.each([
    { body: [], says: 'no OTLP/JSON: `the body` must be an object' },
    { body: { resourceSpans: {} }, says: 'no OTLP/JSON: `resourceSpans` must be a list' },
    { body: { resourceSpans: [{ scopeSpans: [{ spans: [{}] }] }] }, says: '`startTimeUnixNano` must be nanoseconds' },
    {
      body: { resourceSpans: [{ scopeSpans: [{ spans: [{ ...SPAN, status: { code: 'ERROR' } }] }] }] },
      says: '`status.code` must be 0, 1 or 2',
    },
    {
      body: {
        resourceSpans: [{ scopeSpans: [{ spans: [{ ...SPAN, attributes: [{ key: 'a', value: { x: 1 } }] }] }] }],
      },
      says: '`value` must be one of the values of OTLP',
    },
  ])('says what is no OTLP: $says', ({ body, says }) => {
    expect(() => readSpans(Buffer.from(JSON.stringify(body)))).toThrow(says);
  });
});
