/** Where meters and loggers are from: what the application gave us, else what is registered at the moment of a call. */
import * as api from '@opentelemetry/api';
import { type Logger, type LoggerProvider, logs } from '@opentelemetry/api-logs';
import { type Instruments, instrumentsOf } from './telemetry/instruments.js';
import { SCHEMA_URL } from './telemetry/semconv.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from './version.js';

/** What the application gave; may be a stand-in for what is registered later, and nothing where it gave none. */
export interface GivenProviders {
  meterProvider?: api.MeterProvider | undefined;
  loggerProvider?: LoggerProvider | undefined;
}

/** Undefined where nobody records metrics. */
export function findInstruments({ meterProvider }: GivenProviders): Instruments | undefined {
  const given = meterProvider && instrumentsOf(meterProvider, SCOPE);
  return given ?? instrumentsOf(api.metrics.getMeterProvider(), SCOPE);
}

/** Undefined where nobody takes log records. */
export function findLogger({ loggerProvider }: GivenProviders): Logger | undefined {
  for (const provider of [loggerProvider, logs.getLoggerProvider(), newerLoggerProvider()]) {
    const logger = provider && loggerOf(provider);
    if (logger) return logger;
  }
  return undefined;
}

/** What is recorded in `context` is not to be traced: an exporter's own request, for instance. */
export function isSuppressed(context: api.Context): boolean {
  return context.getValue(SUPPRESS_TRACING) === true;
}

// Of `@opentelemetry/core`, which is the SDK's: keys are `Symbol.for`, so that the same words are the same key.
const SUPPRESS_TRACING = api.createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

const SCOPE = { name: PACKAGE_NAME, version: PACKAGE_VERSION };

/** SDK 3.x registers its logger provider with `@opentelemetry/api` 1.10; the versions before have no `logs`. */
function newerLoggerProvider(): LoggerProvider | undefined {
  const newer: unknown = Reflect.get(api, 'logs');
  if (typeof newer !== 'object' || newer === null || !('getLoggerProvider' in newer)) return undefined;
  if (typeof newer.getLoggerProvider !== 'function') return undefined;
  const provider: unknown = newer.getLoggerProvider();
  return isLoggerProvider(provider) ? provider : undefined;
}

function isLoggerProvider(value: unknown): value is LoggerProvider {
  return typeof value === 'object' && value !== null && 'getLogger' in value && typeof value.getLogger === 'function';
}

function loggerOf(provider: LoggerProvider): Logger | undefined {
  const known = loggers.get(provider);
  if (known) return known;
  if (isStandIn(provider)) return undefined;
  const logger = provider.getLogger(PACKAGE_NAME, PACKAGE_VERSION, { schemaUrl: SCHEMA_URL });
  loggers.set(provider, logger);
  return logger;
}

const loggers = new WeakMap<LoggerProvider, Logger>();

/** What the APIs give out before a provider is registered. By its methods, as it may be of another copy, or version. */
function isStandIn(provider: LoggerProvider): boolean {
  for (const name of ['_getDelegateLogger', 'getDelegateLogger']) {
    const delegateLogger: unknown = Reflect.get(provider, name);
    if (typeof delegateLogger === 'function') {
      return Reflect.apply(delegateLogger, provider, [PACKAGE_NAME, PACKAGE_VERSION]) === undefined;
    }
  }
  return false;
}
