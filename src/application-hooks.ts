/** The application's own functions among the options, each behind the guard: what they throw costs telemetry. */
import { diag, isSpanContextValid, type Span } from '@opentelemetry/api';
import { callOutcome } from './app/call-outcome.js';
import { propertyOf } from './app/find-call.js';
import { warn } from './app/warn.js';
import type { CallOptions, RecordedCall } from './call/call.js';
import type { Settings } from './config.js';
import { guardHook } from './guard.js';
import type { SpanHooks } from './telemetry/span-sink.js';
import { PACKAGE_NAME } from './version.js';

/** The functions among the options as the rest calls them: none throws, none gives what its type does not say. */
export interface GuardedHooks extends Pick<CallOptions, 'ignores' | 'classifyAbort'> {
  /** The span of a call was begun. */
  started(span: Span, call: RecordedCall): void;
  readonly ofSpan: SpanHooks;
}

type Hooks = Pick<Settings, 'ignoreRequest' | 'requestHook' | 'outcomeHook' | 'classifyAbort'>;

/** Guards those of them that are there. An answer that does not fit costs one `diag` line, and counts as none. */
export function guardedHooks({ ignoreRequest, requestHook, outcomeHook, classifyAbort }: Hooks): GuardedHooks {
  return {
    ignores:
      ignoreRequest &&
      ((url, method) =>
        URL.canParse(url) && isYes(guardHook('ignoreRequest', () => ignoreRequest({ url: new URL(url), method })))),
    classifyAbort: classifyAbort && ((reason) => wordOf(guardHook('classifyAbort', () => classifyAbort(reason)))),
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

/** JavaScript has more yeses than `true`. A promise is one of them whatever it comes to. */
function isYes(answer: unknown): boolean {
  if (!isThenable(answer)) return Boolean(answer);
  warn('`ignoreRequest` is expected to answer at once, got a Promise; the request is observed');
  return false;
}

function wordOf(answer: unknown): 'timeout' | 'abort' | undefined {
  if (answer === 'timeout' || answer === 'abort') return answer;
  if (answer === undefined || answer === null) return undefined;
  const got = isThenable(answer) ? 'a Promise' : typeof answer === 'string' ? 'another string' : typeof answer;
  warn(
    `\`classifyAbort\` is expected to say \`timeout\`, \`abort\` or undefined at once, got ${got}; it counts as undefined`,
  );
  return undefined;
}

function isThenable(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && typeof propertyOf(answer, 'then') === 'function';
}

let isSaid = false;

function sayEndedEarly(): void {
  if (isSaid) return;
  isSaid = true;
  diag.error(
    `${PACKAGE_NAME}: \`requestHook\` and \`outcomeHook\` must leave the span of a call open, and it was ended; it keeps what ` +
      'it had by then, `outcomeHook` is not called where the span is over before the call, and metrics, log records and ' +
      '`outcomeOf` go on (said once)',
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
