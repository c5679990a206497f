/**
 * Options and environment variables, with their defaults. A bad value costs one `diag` line: what was expected, what
 * came, what is used instead. The application runs on.
 */
import { types } from 'node:util';
import { diag, type Span } from '@opentelemetry/api';
import type { InstrumentationConfig } from '@opentelemetry/instrumentation';
import type { CallOutcome } from './app/call-outcome.js';
import type { DialectName } from './protocol/dialects/dialect.js';
import type { Endpoint } from './protocol/request.js';

/**
 * Options of {@link LlmStreamInstrumentation}. Each can also be set by an environment variable, `LLM_STREAM_` and the
 * name in upper snake case; what is given in code wins. A bad value costs one `diag` warning, and the default is used.
 */
export interface LlmStreamInstrumentationConfig extends InstrumentationConfig {
  /**
   * Silence between two chunks, while a read is pending, from which on it counts as a stall; milliseconds.
   * @defaultValue 10000
   */
  stallThresholdMs?: number;
  /**
   * A call on which nothing happens for this long, neither chunk nor consumer, is ended; milliseconds.
   * The stream itself is not touched. @defaultValue 600000
   */
  idleTimeoutMs?: number;
  /**
   * The span-event limit of the SDK in use; tool-call fragments fill what the milestones leave of it.
   * @defaultValue `OTEL_SPAN_EVENT_COUNT_LIMIT`, else 128
   */
  spanEventLimit?: number;
  /** LLM endpoints beside the known ones; a RegExp that matches everything observes every fetch. In the environment: strings, by commas. @defaultValue none */
  endpoints?: readonly (string | RegExp | Endpoint)[];
  /**
   * What an answer with a finish reason and without the dialect's own end (`[DONE]`) is: completed with a soft
   * finding, or failed. @defaultValue `'finding'`
   */
  missingDoneEvent?: 'finding' | 'failure';
  /** Whether names of called tools are recorded. @defaultValue true */
  toolNames?: boolean;
  /** Whether messages of thrown errors are recorded; they may quote content. @defaultValue false */
  exceptionMessages?: boolean;
  /**
   * What the timeline of a call is written as: span events, log records (which have no cap), or both.
   * @defaultValue `'span-events'`
   */
  signal?: 'span-events' | 'logs' | 'both';
  /** Whether metrics are recorded, where a meter provider is registered. @defaultValue true */
  metrics?: boolean;
  /**
   * The names of the conventions' own metrics: those of version 1.41, `gen_ai.client.operation.*`, those that follow
   * them, `gen_ai.client.inference.*`, or both. @defaultValue `'v1.41'`
   */
  metricNames?: 'v1.41' | 'current' | 'both';
  /** What of the call context is a dimension of our metrics. @defaultValue none */
  metricDimensions?: readonly ('feature' | 'route')[];
  /** Whether a log record `llm_stream.call` says of each call what its span says. @defaultValue false */
  logRecord?: boolean;
  /**
   * True, or what counts as true: the request is not observed. Asked of what looks like an LLM request, of each attempt
   * anew. It has to answer at once: a promise, as what it throws, costs one `diag` line, and the request is observed.
   */
  ignoreRequest?: (request: OutgoingRequest) => boolean;
  /**
   * Called with the span of each call that is recorded, right after its start; of a call that failed before there was a
   * request, not. What it throws, or rejects with, costs one `diag` line, and so does ending the span: nothing more is
   * written on it then, and `outcomeHook` is not called with it.
   */
  requestHook?: (span: Span, request: CallInfo) => void;
  /**
   * Called with the span of each call that is recorded, right before its end. It has to be done when it returns: nobody
   * waits for a promise. What it throws, or rejects with, costs one `diag` line, and so does ending the span itself.
   */
  outcomeHook?: (span: Span, outcome: CallOutcome) => void;
  /**
   * Says what the reason of the caller's own abort means: a time limit, or that somebody left. Undefined: it is known by
   * its name and message. May be asked of one abort more than once. Anything else that it answers, such as a promise, and
   * what it throws, costs one `diag` line and counts as undefined.
   */
  classifyAbort?: (reason: unknown) => 'timeout' | 'abort' | undefined;
}

/** A request as {@link LlmStreamInstrumentationConfig.ignoreRequest} is told of it; the URL is a copy, with its query. */
export interface OutgoingRequest {
  readonly url: URL;
  readonly method: string;
}

/** A call as {@link LlmStreamInstrumentationConfig.requestHook} is told of it. */
export interface CallInfo {
  /** Without user, query and fragment. */
  readonly url: string;
  readonly dialect: DialectName;
  readonly operation: string;
}

/** The options in force. */
export interface Settings {
  readonly stallThresholdMs: number;
  readonly idleTimeoutMs: number;
  readonly spanEventLimit: number;
  readonly endpoints: readonly Endpoint[];
  readonly missingDoneEvent: 'finding' | 'failure';
  readonly toolNames: boolean;
  readonly exceptionMessages: boolean;
  readonly signal: 'span-events' | 'logs' | 'both';
  readonly metrics: boolean;
  readonly metricNames: 'v1.41' | 'current' | 'both';
  readonly metricDimensions: readonly ('feature' | 'route')[];
  readonly logRecord: boolean;
  readonly ignoreRequest: LlmStreamInstrumentationConfig['ignoreRequest'];
  readonly requestHook: LlmStreamInstrumentationConfig['requestHook'];
  readonly outcomeHook: LlmStreamInstrumentationConfig['outcomeHook'];
  readonly classifyAbort: LlmStreamInstrumentationConfig['classifyAbort'];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the options: code first, then environment, then default. Never throws. */
export function readSettings(
  config: LlmStreamInstrumentationConfig,
  environment: Environment,
  dialects: readonly DialectName[],
): Settings {
  warnUnknown(config);
  warnOfContent(environment);
  const source: Source = { config: { ...config }, environment };
  return {
    stallThresholdMs: read(source, 'stallThresholdMs', MILLISECONDS, 10_000),
    idleTimeoutMs: read(source, 'idleTimeoutMs', MILLISECONDS, 600_000),
    spanEventLimit: read(source, 'spanEventLimit', COUNT, sdkSpanEventLimit(environment)),
    endpoints: read(source, 'endpoints', endpointList(dialects), []),
    missingDoneEvent: read(source, 'missingDoneEvent', oneOf('finding', 'failure'), 'finding'),
    toolNames: read(source, 'toolNames', BOOLEAN, true),
    exceptionMessages: read(source, 'exceptionMessages', BOOLEAN, false),
    signal: read(source, 'signal', oneOf('span-events', 'logs', 'both'), 'span-events'),
    metrics: read(source, 'metrics', BOOLEAN, true),
    metricNames: read(source, 'metricNames', oneOf('v1.41', 'current', 'both'), 'v1.41'),
    metricDimensions: read(source, 'metricDimensions', listOf('feature', 'route'), []),
    logRecord: read(source, 'logRecord', BOOLEAN, false),
    ignoreRequest: hook(config, 'ignoreRequest'),
    requestHook: hook(config, 'requestHook'),
    outcomeHook: hook(config, 'outcomeHook'),
    classifyAbort: hook(config, 'classifyAbort'),
  };
}

interface Source {
  readonly config: Readonly<Record<string, unknown>>;
  readonly environment: Environment;
}

/** One kind of value: what it must be, and how it is told from what came. */
interface Kind<T> {
  readonly expected: string;
  accept(value: unknown): T | undefined;
  fromText(text: string): unknown;
}

const MILLISECONDS: Kind<number> = {
  expected: 'a positive number of milliseconds',
  accept: (value) => (typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined),
  fromText: numberFrom,
};

const COUNT: Kind<number> = {
  expected: 'a whole number, 0 or more',
  accept: (value) => (typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined),
  fromText: numberFrom,
};

const BOOLEAN: Kind<boolean> = {
  expected: 'true or false',
  accept: (value) => (typeof value === 'boolean' ? value : undefined),
  fromText: (text) => ({ true: true, false: false })[text.toLowerCase()] ?? text,
};

function oneOf<T extends string>(...words: readonly T[]): Kind<T> {
  return {
    expected: words.map((word) => `'${word}'`).join(' or '),
    accept: (value) => words.find((word) => word === value),
    fromText: (text) => text,
  };
}

function listOf<T extends string>(...words: readonly T[]): Kind<readonly T[]> {
  const { expected, accept } = oneOf(...words);
  return {
    expected: `a list of ${expected}`,
    accept: (value) => {
      if (!Array.isArray(value)) return undefined;
      const found = value.map((one: unknown) => accept(one));
      return found.every((one) => one !== undefined) ? found : undefined;
    },
    fromText: textList,
  };
}

function textList(text: string): readonly string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

function endpointList(dialects: readonly DialectName[]): Kind<readonly Endpoint[]> {
  return {
    expected: `a list of strings, RegExps or { url, dialect?, provider? } with dialect one of ${dialects.join(', ')}`,
    accept: (value) => {
      if (!Array.isArray(value)) return undefined;
      const endpoints = value.map((one: unknown) => endpointFrom(one, dialects));
      return endpoints.every((one) => one !== undefined) ? endpoints : undefined;
    },
    fromText: textList,
  };
}

function endpointFrom(value: unknown, dialects: readonly DialectName[]): Endpoint | undefined {
  if (isPattern(value)) return { url: ownPattern(value) };
  if (typeof value !== 'object' || value === null || !('url' in value) || !isPattern(value.url)) return undefined;
  const dialect = 'dialect' in value ? dialects.find((name) => name === value.dialect) : undefined;
  if ('dialect' in value && value.dialect !== undefined && dialect === undefined) return undefined;
  const provider = 'provider' in value ? value.provider : undefined;
  if (provider !== undefined && typeof provider !== 'string') return undefined;
  return { url: ownPattern(value.url), ...(dialect && { dialect }), ...(provider !== undefined && { provider }) };
}

function isPattern(value: unknown): value is string | RegExp {
  // Also of another realm, as in a test runner's.
  return (typeof value === 'string' && value !== '') || types.isRegExp(value);
}

/** A RegExp of our own: with the flag `g` or `y` the application's would remember where it stopped. */
function ownPattern(pattern: string | RegExp): string | RegExp {
  return typeof pattern === 'string' ? pattern : new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
}

/** A function of the application's; there is no variable for it. */
function hook<Name extends HookName>(config: LlmStreamInstrumentationConfig, name: Name): Settings[Name] {
  const given: unknown = config[name];
  if (given === undefined) return undefined;
  // What it takes is its own affair; what it throws is contained.
  if (typeof given === 'function') return given as Settings[Name];
  warn(`\`${name}\` must be a function, got ${quote(given)}; there is none`);
  return undefined;
}

type HookName = 'ignoreRequest' | 'requestHook' | 'outcomeHook' | 'classifyAbort';

function read<T>({ config, environment }: Source, name: string, kind: Kind<T>, fallback: T): T {
  const given = config[name];
  if (given !== undefined) {
    const value = kind.accept(given);
    if (value !== undefined) return value;
    warn(`\`${name}\` must be ${kind.expected}, got ${quote(given)}; using ${quote(fallback)}`);
    return fallback;
  }
  const variable = `LLM_STREAM_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
  const text = environment[variable]?.trim();
  if (text === undefined || text === '') return fallback;
  const value = kind.accept(kind.fromText(text));
  if (value !== undefined) return value;
  warn(`\`${variable}\` must be ${kind.expected}, got ${quote(text)}; using ${quote(fallback)}`);
  return fallback;
}

/** The SDK's own variable and default: our budget follows it, silently, as the SDK reports a bad value itself. */
function sdkSpanEventLimit(environment: Environment): number {
  const text = environment['OTEL_SPAN_EVENT_COUNT_LIMIT']?.trim();
  return (text ? COUNT.accept(numberFrom(text)) : undefined) ?? 128;
}

/**
 * What OpenTelemetry's own switch says of errors: `logs` makes them log records instead of span events, `logs/dup` both.
 * Anything else is what every instrumentation does with it: span events.
 */
export function exceptionSignal(environment: Environment): 'span-events' | 'logs' | 'both' {
  const words = textList(environment['OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN'] ?? '');
  if (words.includes('logs/dup')) return 'both';
  return words.includes('logs') ? 'logs' : 'span-events';
}

function numberFrom(text: string): unknown {
  const value = Number(text);
  return Number.isNaN(value) ? text : value;
}

const KNOWN = new Set<string>([
  'enabled',
  'stallThresholdMs',
  'idleTimeoutMs',
  'spanEventLimit',
  'endpoints',
  'missingDoneEvent',
  'toolNames',
  'exceptionMessages',
  'signal',
  'metrics',
  'metricNames',
  'metricDimensions',
  'logRecord',
  'ignoreRequest',
  'requestHook',
  'outcomeHook',
  'classifyAbort',
] satisfies readonly (keyof LlmStreamInstrumentationConfig)[]);

const CONTENT = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT';
let isContentSaid = false;

/** Whoever asks every instrumentation for content is told, once, that this one has none to give. */
function warnOfContent(environment: Environment): void {
  const asked = environment[CONTENT]?.trim().toLowerCase() ?? '';
  if (isContentSaid || ['', 'false', 'no_content'].includes(asked)) return;
  isContentSaid = true;
  warn(`\`${CONTENT}\` asks for content of prompts and answers, which is never recorded here; it is ignored`);
}

function warnUnknown(config: object): void {
  for (const name of Object.keys(config)) {
    if (!KNOWN.has(name)) warn(`there is no option \`${name.slice(0, 64)}\`; it is ignored`);
  }
}

function warn(message: string): void {
  diag.warn(`opentelemetry-instrumentation-llm-stream: ${message}`);
}

function quote(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : 'a list with an entry that does not fit';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = typeof value === 'string' ? `"${value}"` : String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
