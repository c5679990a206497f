import { describe, expect, test } from 'vitest';
import { describeResponse, type ResponseDescription } from '../../src/protocol/response-headers.js';

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);

function described(headers: Record<string, string>, streamRequested?: boolean): ResponseDescription {
  return describeResponse({ status: 200, header: (name) => headers[name] }, { streamRequested, nowEpochMs: NOW });
}

test('without headers nothing is known, and the type is taken to fit', () => {
  expect(described({})).toEqual({ contentTypeFits: true });
});

test.each<[Record<string, string>, Partial<ResponseDescription>]>([
  [{ 'x-request-id': 'req_1', 'cf-ray': '8f-SJC' }, { providerRequestId: 'req_1' }],
  [{ 'request-id': 'req_2' }, { providerRequestId: 'req_2' }],
  [{ 'apim-request-id': 'a-b' }, { providerRequestId: 'a-b' }],
  [{ 'x-amzn-requestid': 'c' }, { providerRequestId: 'c' }],
  [{ 'cf-ray': '8f-SJC' }, { providerRequestId: '8f-SJC' }],
  [{ 'x-request-id': 'a sentence, perhaps a prompt' }, { providerRequestId: undefined }],
  [{ 'x-ms-region': 'East US 2' }, { providerRegion: 'East US 2' }],
  [{ 'retry-after-ms': '120' }, { retryAfterMs: 120 }],
  [{ 'retry-after-ms': '120.4', 'retry-after': '9' }, { retryAfterMs: 120 }],
  [{ 'retry-after': '1.5' }, { retryAfterMs: 1_500 }],
  [{ 'retry-after': 'Sat, 21 Nov 2026 12:00:30 GMT' }, { retryAfterMs: 30_000 }],
  [{ 'retry-after': 'Sat, 21 Nov 2026 11:00:00 GMT' }, { retryAfterMs: 0 }],
  [{ 'retry-after': 'soon' }, { retryAfterMs: undefined }],
  [{ 'x-should-retry': 'true' }, { shouldRetry: true }],
  [{ 'x-should-retry': 'false' }, { shouldRetry: false }],
  [{ 'x-should-retry': 'maybe' }, { shouldRetry: undefined }],
  [
    { 'x-ratelimit-remaining-requests': '9', 'x-ratelimit-remaining-tokens': '0' },
    { remainingRequests: 9, remainingTokens: 0 },
  ],
  [
    { 'anthropic-ratelimit-requests-remaining': '7', 'anthropic-ratelimit-tokens-remaining': '1000' },
    { remainingRequests: 7, remainingTokens: 1_000 },
  ],
  [{ 'x-ratelimit-remaining-tokens': '-1' }, { remainingTokens: undefined }],
])('%j', (headers, expected) => {
  expect(described(headers)).toMatchObject(expected);
});

describe('content types', () => {
  test.each([
    'text/event-stream',
    'text/event-stream; charset=utf-8',
    'Application/JSON',
    'application/x-ndjson',
    'application/problem+json',
    'text/plain',
    'application/octet-stream',
    '',
  ])('%j fits, streamed or not', (type) => {
    expect(described({ 'content-type': type }, true).contentTypeFits).toBe(true);
    expect(described({ 'content-type': type }, false).contentTypeFits).toBe(true);
  });

  test.each(['text/html; charset=utf-8', 'application/xml', 'image/png'])('%j does not', (type) => {
    expect(described({ 'content-type': type }, true).contentTypeFits).toBe(false);
    expect(described({ 'content-type': type }, false).contentTypeFits).toBe(false);
  });

  test('a sound fits an answer that was not to be streamed', () => {
    expect(described({ 'content-type': 'audio/mpeg' }, false).contentTypeFits).toBe(true);
    expect(described({ 'content-type': 'audio/mpeg' }, true).contentTypeFits).toBe(false);
  });
});
