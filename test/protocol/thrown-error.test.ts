import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { describeThrown } from '../../src/protocol/thrown-error.js';
import type { ThrownError, ThrownKind } from '../../src/stream/signal.js';

function failed(message: string, cause: unknown): TypeError {
  return new TypeError(message, { cause });
}

function coded(code: string, fields: Record<string, unknown> = {}): Error {
  return Object.assign(new Error('secret'), { code, ...fields });
}

describe('codes', () => {
  test.each<[string, ThrownKind]>([
    ['ECONNREFUSED', 'connect'],
    ['ENOTFOUND', 'connect'],
    ['EAI_AGAIN', 'connect'],
    ['EHOSTUNREACH', 'connect'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'connect'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'connect'],
    ['CERT_HAS_EXPIRED', 'connect'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'connect'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'connect'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'connect'],
    ['UND_ERR_CONNECT_TIMEOUT', 'connect_timeout'],
    ['UND_ERR_HEADERS_TIMEOUT', 'headers_timeout'],
    ['UND_ERR_BODY_TIMEOUT', 'body_timeout'],
    ['UND_ERR_SOCKET', 'network'],
    ['ECONNRESET', 'network'],
    ['EPIPE', 'network'],
    ['ETIMEDOUT', 'network'],
    ['ERR_HTTP2_SESSION_ERROR', 'network'],
    ['HPE_INVALID_CONSTANT', 'decode'],
    ['Z_DATA_ERROR', 'decode'],
    ['ERR_INVALID_URL', 'local'],
    ['UND_ERR_INVALID_ARG', 'local'],
  ])('%s is %s', (code, kind) => {
    const expected = { kind, errorType: 'TypeError', networkErrorCode: code };
    expect(describeThrown(failed('fetch failed', coded(code)), undefined)).toEqual(expected);
    expect(describeThrown(failed('x', failed('y', coded(code))), undefined)).toEqual(expected);
    expect(describeThrown(coded(code), undefined)).toEqual({ ...expected, errorType: 'Error' });
  });

  test('a timeout while connecting is the connect timeout, of one address or of several', () => {
    const one = coded('ETIMEDOUT', { syscall: 'connect' });
    expect(describeThrown(failed('fetch failed', one), undefined).kind).toBe('connect_timeout');
    const several = Object.assign(new AggregateError([one, one]), { code: 'ETIMEDOUT' });
    expect(describeThrown(failed('fetch failed', several), undefined).kind).toBe('connect_timeout');
  });

  test('several refused addresses are one refusal', () => {
    const errors = [coded('ECONNREFUSED'), coded('ECONNREFUSED')];
    expect(describeThrown(failed('fetch failed', new AggregateError(errors)), undefined)).toMatchObject({
      kind: 'connect',
      networkErrorCode: 'ECONNREFUSED',
    });
  });

  test('HTTP that breaks off inside a body is the network, with a code or without', () => {
    class HTTPParserError extends Error {}
    expect(describeThrown(failed('fetch failed', new HTTPParserError('x')), undefined).kind).toBe('decode');
    expect(describeThrown(failed('terminated', new HTTPParserError('x')), undefined).kind).toBe('network');
    expect(describeThrown(failed('terminated', coded('HPE_INVALID_CHUNK_SIZE')), undefined).kind).toBe('network');
  });

  test("a provider's code is no network code", () => {
    class RateLimitError extends Error {
      code = 'rate_limit_exceeded';
    }
    expect(describeThrown(new RateLimitError('secret'), undefined)).toEqual({
      kind: 'unknown',
      errorType: 'RateLimitError',
    });
  });
});

describe('aborts', () => {
  function aborted(reason?: unknown): AbortSignal {
    return reason === undefined ? AbortSignal.abort() : AbortSignal.abort(reason);
  }
  const timeUp = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
  class APIUserAbortError extends Error {}
  class APIConnectionTimeoutError extends Error {}

  test.each<[string, unknown, AbortSignal | undefined, Partial<ThrownError>]>([
    ['the default reason', aborted().reason, undefined, { kind: 'abort', errorType: 'AbortError' }],
    ['a string', 'secret', aborted('secret'), { kind: 'abort', errorType: undefined }],
    ['an error', failed('x', coded('ECONNRESET')), undefined, { kind: 'network' }],
    ['a timeout signal', timeUp, aborted(timeUp), { kind: 'timeout', errorType: 'TimeoutError' }],
    ['a timeout by name, without a signal', timeUp, undefined, { kind: 'timeout' }],
    ['a timeout in words', 'request timed out', aborted('request timed out'), { kind: 'timeout' }],
    ["the SDK's abort", new APIUserAbortError('x'), undefined, { kind: 'abort', errorType: 'APIUserAbortError' }],
    ["the SDK's abort for a timeout", new APIUserAbortError('x'), aborted(timeUp), { kind: 'timeout' }],
    ["the SDK's timeout", new APIConnectionTimeoutError('x'), undefined, { kind: 'headers_timeout' }],
    ['an unknown error under an aborted signal', { odd: true }, aborted(), { kind: 'abort' }],
    ['a reset under an aborted signal', failed('terminated', coded('ECONNRESET')), aborted(), { kind: 'network' }],
  ])('%s', (_name, error, signal, expected) => {
    expect(describeThrown(error, signal)).toMatchObject(expected);
  });

  test('the reason itself is an abort, whatever code it has', () => {
    const reason = coded('ECONNRESET');
    expect(describeThrown(reason, aborted(reason))).toEqual({ kind: 'abort', errorType: 'Error' });
  });
});

describe('anything may be thrown', () => {
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('no');
      },
      getPrototypeOf() {
        throw new Error('no');
      },
    },
  );
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const circular = new Error('x');
  circular.cause = circular;

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'secret'],
    ['a number', 5],
    ['a symbol', Symbol('secret')],
    ['a function', () => 1],
    ['a hostile proxy', hostile],
    ['a revoked proxy', revoked.proxy],
    ['errors that are a revoked proxy', { errors: revoked.proxy }],
    ['a hostile cause', failed('x', hostile)],
    ['a circle', circular],
    ['a plain object', { name: 'x y', message: 5, code: {} }],
  ])('%s', (_name, thrown) => {
    const described = describeThrown(thrown, undefined, { messages: false });
    expect(described.kind).toBe('unknown');
    expect(JSON.stringify(described)).not.toContain('secret');
  });
});

test('a message is told only where that is asked for, and cut', () => {
  expect(describeThrown(new Error('secret'), undefined).message).toBeUndefined();
  expect(describeThrown(new Error('m'.repeat(5_000)), undefined, { messages: true }).message).toBe('m'.repeat(1_024));
});

describe('what fetch throws on this Node', () => {
  let server: Server | undefined;

  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((done) => (server ? server.close(done) : done(undefined)));
    server = undefined;
  });

  async function origin(answer: Parameters<typeof createServer>[1]): Promise<string> {
    const listening = createServer(answer as Parameters<typeof createServer>[0] & object);
    server = listening;
    await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  }

  async function thrownBy(run: () => Promise<unknown>): Promise<unknown> {
    return run().then(
      () => expect.fail('nothing was thrown'),
      (error: unknown) => error,
    );
  }

  test('a refused connection', async () => {
    const url = await origin(() => {});
    await new Promise((done) => server?.close(done));
    expect(describeThrown(await thrownBy(() => fetch(url)), undefined)).toMatchObject({
      kind: 'connect',
      networkErrorCode: 'ECONNREFUSED',
    });
  });

  test('a reset before headers', async () => {
    const url = await origin((request) => request.socket.resetAndDestroy());
    expect(describeThrown(await thrownBy(() => fetch(url)), undefined)).toMatchObject({ kind: 'network' });
  });

  test('a connection that closes inside a body', async () => {
    const url = await origin((_request, response) => {
      response.write('data: ', () => response.socket?.end());
    });
    const response = await fetch(url);
    expect(describeThrown(await thrownBy(() => response.text()), undefined)).toMatchObject({
      kind: 'network',
      errorType: 'TypeError',
      networkErrorCode: 'UND_ERR_SOCKET',
    });
  });

  test('bytes that are no HTTP', async () => {
    const url = await origin((request) => request.socket.end('220 mail.example\r\n'));
    expect(describeThrown(await thrownBy(() => fetch(url)), undefined).kind).toBe('decode');
  });

  test('an abort with a reason, and a timeout', async () => {
    const url = await origin(() => {});
    const controller = new AbortController();
    const pending = thrownBy(() => fetch(url, { signal: controller.signal }));
    controller.abort('secret');
    expect(describeThrown(await pending, controller.signal)).toEqual({ kind: 'abort' });
    const signal = AbortSignal.timeout(1);
    expect(describeThrown(await thrownBy(() => fetch(url, { signal })), signal).kind).toBe('timeout');
  });

  test.each([
    ['http://127.0.0.1:1/', 'bad port'],
    ['nope://x/', 'unknown scheme'],
    ['http://', 'no URL'],
  ])('%s: %s', async (url) => {
    expect(describeThrown(await thrownBy(() => fetch(url)), undefined).kind).toBe('local');
  });

  test('options that are none', async () => {
    const error = await thrownBy(() => fetch('http://127.0.0.1', { method: 'GET', body: 'x' }));
    expect(describeThrown(error, undefined)).toEqual({ kind: 'local', errorType: 'TypeError' });
  });
});
