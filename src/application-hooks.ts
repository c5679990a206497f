/** The application's own functions among the options, each behind the guard: what they throw costs telemetry. */
import { diag, isSpanContextValid, type Span } from '@opentelemetry/api';
import { callOutcome } from './app/call-outcome.js';
import type { CallOptions, RecordedCall } from './call/call.js';
import type { Settings } from './config.js';
import { guardHook } from './guard.js';
import type { SpanHooks } from './telemetry/span-sink.js';
import { PACKAGE_NAME } from './version.js';

export interface GuardedHooks extends Pick<CallOptions, 'ignores' | 'classifyAbort'> {
  /** The span of a call was begun. */
  started(span: Span, call: RecordedCall): void;
  readonly ofSpan: SpanHooks;
}

type Hooks = Pick<Settings, 'ignoreRequest' | 'requestHook' | 'outcomeHook' | 'classifyAbort'>;

export function guardedHooks({ ignoreRequest, requestHook, outcomeHook, classifyAbort }: Hooks): GuardedHooks {
  return {
    ignores:
      ignoreRequest &&
      ((url, method) =>
        URL.canParse(url) && guardHook('ignoreRequest', () => ignoreRequest({ url: new URL(url), method })) === true),
    classifyAbort: classifyAbort && ((reason) => guardHook('classifyAbort', () => classifyAbort(reason))),
    started(span, { url, dialect, description }) {
      const { operation } = description;
      if (requestHook === undefined || url === undefined || operation === undefined) return;
      guardHook('requestHook', () => requestHook(span, { url: bare(url), dialect, operation }));
    },
    ofSpan: {
      beforeEnd:
        outcomeHook &&
        ((span, outcome) => {
          guardHook('outcomeHook', () => outcomeHook(span, callOutcome({ ...idsOf(span), outcome })));
        }),
      // Without them nobody has the span to end it.
      endedEarly: (requestHook ?? outcomeHook) && sayEndedEarly,
    },
  };
}

let isSaid = false;

function sayEndedEarly(): void {
  if (isSaid) return;
  isSaid = true;
  diag.error(
    `${PACKAGE_NAME}: \`requestHook\` and \`outcomeHook\` must leave the span of a call open, and it was ended; it keeps what ` +
      'it had by then, and metrics, log records and outcomes go on (said once)',
  );
}

function idsOf(span: Span) {
  const { traceId, spanId } = span.spanContext();
  return isSpanContextValid(span.spanContext()) ? { traceId, spanId } : { traceId: undefined, spanId: undefined };
}

/** Where keys may stand is left out. */
function bare(given: string): string {
  if (!URL.canParse(given)) return '';
  const url = new URL(given);
  return url.origin === 'null' ? `${url.protocol}//${url.host}${url.pathname}` : url.origin + url.pathname;
}
