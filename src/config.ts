/**
 * Options and environment variables, with their defaults. A bad value costs one `diag` line: what was expected, what
 * came, what is used instead. The application runs on.
 */
import { types } from 'node:util';
import { diag } from '@opentelemetry/api';
import type { InstrumentationConfig } from '@opentelemetry/instrumentation';
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
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the options: code first, then environment, then default. Never throws. */
export function readSettings(
  config: LlmStreamInstrumentationConfig,
  environment: Environment,
  dialects: readonly DialectName[],
): Settings {
  warnUnknown(config);
  const source: Source = { config: { ...config }, environment };
  return {
    stallThresholdMs: read(source, 'stallThresholdMs', MILLISECONDS, 10_000),
    idleTimeoutMs: read(source, 'idleTimeoutMs', MILLISECONDS, 600_000),
    spanEventLimit: read(source, 'spanEventLimit', COUNT, sdkSpanEventLimit(environment)),
    endpoints: read(source, 'endpoints', endpointList(dialects), []),
    missingDoneEvent: read(source, 'missingDoneEvent', oneOf('finding', 'failure'), 'finding'),
    toolNames: read(source, 'toolNames', BOOLEAN, true),
    exceptionMessages: read(source, 'exceptionMessages', BOOLEAN, false),
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

function endpointList(dialects: readonly DialectName[]): Kind<readonly Endpoint[]> {
  return {
    expected: `a list of strings, RegExps or { url, dialect?, provider? } with dialect one of ${dialects.join(', ')}`,
    accept: (value) => {
      if (!Array.isArray(value)) return undefined;
      const endpoints = value.map((one: unknown) => endpointFrom(one, dialects));
      return endpoints.every((one) => one !== undefined) ? endpoints : undefined;
    },
    fromText: (text) =>
      text
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== ''),
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
] satisfies readonly (keyof LlmStreamInstrumentationConfig)[]);

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
