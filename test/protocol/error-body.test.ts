import { describe, expect, test } from 'vitest';
import { classifyError } from '../../src/protocol/error-body.js';
import type { ErrorCategory } from '../../src/stream/outcome.js';

test.each<[number, ErrorCategory]>([
  [302, 'invalid_response'],
  [400, 'invalid_request'],
  [401, 'auth'],
  [402, 'quota'],
  [403, 'auth'],
  [404, 'not_found'],
  [405, 'invalid_request'],
  [408, 'request_timeout'],
  [409, 'server_error'],
  [413, 'context_length'],
  [422, 'invalid_request'],
  [429, 'rate_limit'],
  [500, 'server_error'],
  [502, 'server_error'],
  [503, 'overloaded'],
  [504, 'server_error'],
  [529, 'overloaded'],
])('status %i alone is %s', (status, category) => {
  expect(classifyError({ status })).toEqual({ category, ids: {} });
});

const error = (fields: Record<string, unknown>) => ({ error: { message: 'secret words', ...fields } });

test.each<[number | undefined, unknown, ErrorCategory, Record<string, string>]>([
  [
    429,
    error({ type: 'insufficient_quota', code: 'insufficient_quota' }),
    'quota',
    { type: 'insufficient_quota', code: 'insufficient_quota' },
  ],
  [
    429,
    error({ type: 'tokens', code: 'rate_limit_exceeded' }),
    'rate_limit',
    { type: 'tokens', code: 'rate_limit_exceeded' },
  ],
  [429, error({ message: 'You exceeded your current quota, please check' }), 'quota', {}],
  [401, error({ type: 'invalid_request_error', code: null }), 'auth', { type: 'invalid_request_error' }],
  [
    401,
    error({ type: 'invalid_request_error', code: 'invalid_api_key' }),
    'auth',
    { type: 'invalid_request_error', code: 'invalid_api_key' },
  ],
  [
    400,
    error({ type: 'invalid_request_error', code: 'context_length_exceeded', param: 'messages' }),
    'context_length',
    { type: 'invalid_request_error', code: 'context_length_exceeded', param: 'messages' },
  ],
  [
    400,
    error({ type: 'invalid_request_error', param: 'messages[1].content' }),
    'invalid_request',
    { type: 'invalid_request_error' },
  ],
  [
    400,
    error({ code: 'content_filter', innererror: { code: 'ResponsibleAIPolicyViolation' } }),
    'content_filter',
    { code: 'content_filter' },
  ],
  [
    400,
    error({ code: 'BadRequest', innererror: { code: 'ResponsibleAIPolicyViolation' } }),
    'content_filter',
    { code: 'BadRequest' },
  ],
  [404, error({ code: 'DeploymentNotFound' }), 'not_found', { code: 'DeploymentNotFound' }],
  [
    400,
    {
      object: 'error',
      message: "This model's maximum context length is 4096 tokens.",
      type: 'BadRequestError',
      param: null,
      code: 400,
    },
    'context_length',
    { type: 'BadRequestError', code: '400' },
  ],
  [
    400,
    error({ code: 400, type: 'exceed_context_size_error' }),
    'context_length',
    { code: '400', type: 'exceed_context_size_error' },
  ],
  [503, error({ code: 503, type: 'unavailable_error' }), 'overloaded', { code: '503', type: 'unavailable_error' }],
  [
    400,
    {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'prompt is too long: 210000 tokens > 200000 maximum' },
    },
    'context_length',
    { type: 'invalid_request_error' },
  ],
  [
    529,
    { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    'overloaded',
    { type: 'overloaded_error' },
  ],
  [404, { error: 'model "secret" not found, try pulling it first' }, 'not_found', {}],
  [404, { detail: 'Not Found' }, 'not_found', {}],
  [422, { detail: [{ loc: ['body'], msg: 'secret', type: 'missing' }] }, 'invalid_request', {}],
  [401, { statusCode: 401, message: 'Access denied due to missing subscription key' }, 'auth', { code: '401' }],
  [
    400,
    error({ code: '400', type: 'invalid_request_error' }),
    'invalid_request',
    { code: '400', type: 'invalid_request_error' },
  ],
  [
    429,
    [{ error: { code: 429, message: 'secret', status: 'RESOURCE_EXHAUSTED' } }],
    'rate_limit',
    { code: '429', type: 'RESOURCE_EXHAUSTED' },
  ],
  [
    402,
    error({ message: 'Insufficient Balance', type: 'unknown_error', code: 'invalid_request_error' }),
    'quota',
    { type: 'unknown_error', code: 'invalid_request_error' },
  ],
  [429, { error: 'Model too busy', error_type: 'overloaded' }, 'overloaded', { type: 'overloaded' }],
  [200, error({ code: 402 }), 'quota', { code: '402' }],
  [undefined, error({ code: '429' }), 'rate_limit', { code: '429' }],
  [undefined, error({ code: 502 }), 'server_error', { code: '502' }],
  [undefined, error({ type: 'server_overloaded' }), 'overloaded', { type: 'server_overloaded' }],
  [undefined, error({ type: 'invalid_request_error' }), 'invalid_request', { type: 'invalid_request_error' }],
  [undefined, error({ type: 'api_error' }), 'server_error', { type: 'api_error' }],
  [undefined, error({ code: 1305 }), 'server_error', { code: '1305' }],
  [undefined, error({}), 'server_error', {}],
  [undefined, 'maximum context length', 'context_length', {}],
])('%s %j is %s', (status, payload, category, ids) => {
  expect(classifyError({ status, payload })).toEqual({ category, ids });
});

describe('identifiers', () => {
  test.each([
    ['a sentence', 'The model secret does not exist'],
    ['65 characters', 'x'.repeat(65)],
    ['an object', { secret: 1 }],
    ['nothing', ''],
  ])('%s is none', (_name, code) => {
    expect(classifyError({ status: 400, payload: error({ code, type: code, param: code }) }).ids).toEqual({});
  });
});

test.each([null, 5, '', [], [[]], {}, { error: [] }, { error: { message: {} } }, { detail: { error: 5 } }])(
  'the payload %j throws nothing and says nothing',
  (payload) => {
    expect(classifyError({ status: 500, payload })).toEqual({ category: 'server_error', ids: {} });
  },
);

test('no message leaves', () => {
  const payload = { error: { message: 'sesame', code: 'sesame street', nested: 'sesame' }, detail: 'sesame' };
  expect(JSON.stringify(classifyError({ status: 400, payload }))).not.toContain('sesame');
});
