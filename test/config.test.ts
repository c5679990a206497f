import { DiagLogLevel, diag } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type LlmStreamInstrumentationConfig, readSettings } from '../src/config.js';

let lines: string[];
beforeEach(() => {
  lines = [];
  const keep = (line: string) => void lines.push(line);
  diag.setLogger({ error: keep, warn: keep, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
});
afterEach(() => diag.disable());

/** Options as JavaScript may give them. */
function read(config: object, environment: Record<string, string> = {}) {
  return readSettings(config as LlmStreamInstrumentationConfig, environment, ['openai-chat-completions']);
}

describe('options', () => {
  test('the defaults', () => {
    expect(read({})).toEqual({
      stallThresholdMs: 10_000,
      idleTimeoutMs: 600_000,
      spanEventLimit: 128,
      endpoints: [],
      missingDoneEvent: 'finding',
      toolNames: true,
      exceptionMessages: false,
      signal: 'span-events',
      metrics: true,
      metricNames: 'v1.41',
      metricDimensions: [],
      logRecord: false,
    });
    expect(lines).toEqual([]);
  });

  test('code wins over environment, environment over default', () => {
    const environment = {
      LLM_STREAM_STALL_THRESHOLD_MS: '5000',
      LLM_STREAM_IDLE_TIMEOUT_MS: '7000',
      LLM_STREAM_MISSING_DONE_EVENT: 'failure',
      LLM_STREAM_TOOL_NAMES: 'False',
      LLM_STREAM_EXCEPTION_MESSAGES: 'true',
      LLM_STREAM_ENDPOINTS: ' https://llm.internal/ , /generate ',
      LLM_STREAM_SPAN_EVENT_LIMIT: '512',
      LLM_STREAM_SIGNAL: 'both',
      LLM_STREAM_METRICS: 'false',
      LLM_STREAM_METRIC_NAMES: 'current',
      LLM_STREAM_METRIC_DIMENSIONS: 'feature, route',
      LLM_STREAM_LOG_RECORD: 'true',
      OTEL_SPAN_EVENT_COUNT_LIMIT: '64',
    };
    expect(read({ stallThresholdMs: 1 }, environment)).toEqual({
      stallThresholdMs: 1,
      idleTimeoutMs: 7000,
      spanEventLimit: 512,
      endpoints: [{ url: 'https://llm.internal/' }, { url: '/generate' }],
      missingDoneEvent: 'failure',
      toolNames: false,
      exceptionMessages: true,
      signal: 'both',
      metrics: false,
      metricNames: 'current',
      metricDimensions: ['feature', 'route'],
      logRecord: true,
    });
    expect(lines).toEqual([]);
  });

  test('a function is taken as it is, and has no variable', () => {
    const functions = { ignoreRequest() {}, requestHook() {}, outcomeHook() {}, classifyAbort() {} };
    expect(read(functions)).toMatchObject(functions);
    expect(read({}, { LLM_STREAM_REQUEST_HOOK: 'hook.js' }).requestHook).toBeUndefined();
    expect(lines).toEqual([]);
  });

  test('the SDK’s own span-event limit is followed', () => {
    expect(read({}, { OTEL_SPAN_EVENT_COUNT_LIMIT: '64' }).spanEventLimit).toBe(64);
    expect(read({}, { OTEL_SPAN_EVENT_COUNT_LIMIT: 'many' }).spanEventLimit).toBe(128);
  });

  test('an endpoint is a string, a RegExp or a record', () => {
    const regExp = /\/llm\//gi;
    const endpoints = ['/chat', regExp, { url: /x/, dialect: 'openai-chat-completions', provider: 'acme' }];
    expect(read({ endpoints }).endpoints).toEqual([{ url: '/chat' }, { url: /\/llm\//i }, endpoints[2]]);
  });

  test.each([
    [{ idleTimeoutMs: '5s' }, {}, '`idleTimeoutMs` must be a positive number of milliseconds, got "5s"; using 600000'],
    [{ stallThresholdMs: 0 }, {}, '`stallThresholdMs` must be a positive number of milliseconds, got 0; using 10000'],
    [{ spanEventLimit: 1.5 }, {}, '`spanEventLimit` must be a whole number, 0 or more, got 1.5; using 128'],
    [{ toolNames: 'no' }, {}, '`toolNames` must be true or false, got "no"; using true'],
    [
      { missingDoneEvent: 'ignore' },
      {},
      '`missingDoneEvent` must be \'finding\' or \'failure\', got "ignore"; using "finding"',
    ],
    [
      { endpoints: [{ url: 'x', dialect: 'smoke-signals' }] },
      {},
      '`endpoints` must be a list of strings, RegExps or { url, dialect?, provider? } with dialect one of openai-chat-completions, got a list with an entry that does not fit; using none',
    ],
    [
      { idleTimeoutMs: Object.create(null) },
      {},
      '`idleTimeoutMs` must be a positive number of milliseconds, got an object; using 600000',
    ],
    [
      {},
      { LLM_STREAM_STALL_THRESHOLD_MS: 'soon' },
      '`LLM_STREAM_STALL_THRESHOLD_MS` must be a positive number of milliseconds, got "soon"; using 10000',
    ],
    [
      { signal: 'events' },
      {},
      "`signal` must be 'span-events' or 'logs' or 'both', got \"events\"; using \"span-events\"",
    ],
    [
      { metricNames: '1.41' },
      {},
      "`metricNames` must be 'v1.41' or 'current' or 'both', got \"1.41\"; using \"v1.41\"",
    ],
    [
      { metricDimensions: ['feature', 'user'] },
      {},
      "`metricDimensions` must be a list of 'feature' or 'route', got a list with an entry that does not fit; using none",
    ],
    [
      {},
      { LLM_STREAM_METRIC_DIMENSIONS: 'user' },
      "`LLM_STREAM_METRIC_DIMENSIONS` must be a list of 'feature' or 'route', got \"user\"; using none",
    ],
    [{ logRecord: 1 }, {}, '`logRecord` must be true or false, got 1; using false'],
    [{ requestHook: 'log' }, {}, '`requestHook` must be a function, got "log"; there is none'],
    [{ outcomeHook: null }, {}, '`outcomeHook` must be a function, got null; there is none'],
    [{ ignoreRequest: true }, {}, '`ignoreRequest` must be a function, got true; there is none'],
    [{ classifyAbort: {} }, {}, '`classifyAbort` must be a function, got an object; there is none'],
    [{ stallTresholdMs: 5 }, {}, 'there is no option `stallTresholdMs`; it is ignored'],
  ])('%j %j costs one line', (config, environment, line) => {
    read(config, environment as Record<string, string>);
    expect(lines).toEqual([`opentelemetry-instrumentation-llm-stream: ${line}`]);
  });
});

describe('`OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`', () => {
  const LINE =
    'opentelemetry-instrumentation-llm-stream: `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` asks for content of prompts ' +
    'and answers, which is never recorded here; it is ignored';

  test.each([
    ['true', [LINE]],
    ['True', [LINE]],
    ['SPAN_ONLY', [LINE]],
    ['EVENT_ONLY', [LINE]],
    ['SPAN_AND_EVENT', [LINE]],
    ['', []],
    [' ', []],
    ['false', []],
    ['False', []],
    ['NO_CONTENT', []],
  ])('of "%s" costs one line for all who read options, or none', async (value, expected) => {
    vi.resetModules();
    const { readSettings: readAnew } = await import('../src/config.js');
    const environment = { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: value };
    for (let reader = 0; reader < 3; reader += 1) readAnew({}, environment, ['openai-chat-completions']);
    expect(lines).toEqual(expected);
  });
});
