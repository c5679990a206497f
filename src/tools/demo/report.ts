/**
 * Prints the rows of the demo: what the application saw, what the span says, the timeline, and all of it at a glance.
 */
import {
  ATTR_LLM_STREAM_ATTEMPT_COUNT,
  ATTR_LLM_STREAM_CHUNK_COUNT,
  ATTR_LLM_STREAM_COMPLETION,
  ATTR_LLM_STREAM_ERROR_CATEGORY,
  ATTR_LLM_STREAM_FAILURE_STAGE,
  ATTR_LLM_STREAM_FAULT,
  ATTR_LLM_STREAM_OUTCOME,
  ATTR_LLM_STREAM_RETRYABLE,
  ATTR_LLM_STREAM_STAGE,
  ATTR_LLM_STREAM_STALL_COUNT,
  ATTR_LLM_STREAM_TIME_TO_FIRST_TOKEN_MS,
  ATTR_LLM_STREAM_USAGE_AVAILABLE,
} from '../../telemetry/semconv.js';
import type { Colour, Paint } from '../paint.js';
import type { ReceivedSpan } from '../received-spans.js';
import { drawTimeline } from '../timeline.js';
import type { DemoRow } from './join.js';
import type { CallReport } from './messages.js';

export interface ReportStyle {
  readonly width: number;
  readonly paint: Paint;
}

/** One block per call: both sides, and the timeline under them. */
export function rowLines({ call, report, span }: DemoRow, number: number, { width, paint }: ReportStyle): string[] {
  const heading = `${String(number).padStart(2)}  ${call.title}`;
  const through = call.reading.through === 'openai' ? 'OpenAI SDK' : 'raw fetch';
  const [seen, said] = [seenLines(report), saidLines(span)];
  const sides = Array.from({ length: Math.max(seen.length, said.length) }, (_, line) => {
    const left = (seen[line] ?? '').padEnd(SIDE_WIDTH);
    const right = said[line] ?? '';
    return MARGIN + left + (line === 0 ? paint(colourOf(span), right) : right);
  });
  return [
    paint('bold', heading) + paint('dim', `${through}, demo-${call.name}`.padStart(width - heading.length)),
    paint('dim', `${MARGIN}${'the application saw'.padEnd(SIDE_WIDTH)}the span says`),
    ...sides,
    ...drawTimeline(span, { width: width - MARGIN.length, paint }).map((line) => MARGIN + line),
  ];
}

const MARGIN = '    ';
const SIDE_WIDTH = 40;

function seenLines({ chunks, characters, usage, firstTokenMs, ...report }: CallReport): string[] {
  return [
    endingOf(report),
    `${counted(chunks, 'chunk')}, ${counted(characters, 'character')}`,
    `${firstTokenMs === undefined ? 'no token' : `first token after ${firstTokenMs} ms`}, ${usage ? 'usage' : 'no usage'}`,
  ];
}

function endingOf({ ending, error }: Pick<CallReport, 'ending' | 'error'>): string {
  if (ending === 'ended_normally') return 'loop ended normally';
  if (ending === 'left') return 'left the loop';
  return ['threw', error?.name, error?.status ?? error?.code].filter((word) => word !== undefined).join(' ');
}

function saidLines(span: ReceivedSpan): string[] {
  const { attributes: said } = span;
  const firstTokenMs = said[ATTR_LLM_STREAM_TIME_TO_FIRST_TOKEN_MS];
  const chunks = said[ATTR_LLM_STREAM_CHUNK_COUNT];
  const stalls = said[ATTR_LLM_STREAM_STALL_COUNT];
  const attempts = said[ATTR_LLM_STREAM_ATTEMPT_COUNT];
  const retryable = said[ATTR_LLM_STREAM_RETRYABLE];
  return [
    verdictOf(span),
    words(
      typeof chunks === 'number' && counted(chunks, 'chunk'),
      typeof attempts === 'number' && attempts > 1 && counted(attempts, 'attempt'),
      typeof stalls === 'number' && stalls > 0 && counted(stalls, 'stall'),
      said[ATTR_LLM_STREAM_FAULT] !== undefined && `fault ${said[ATTR_LLM_STREAM_FAULT]}`,
      retryable !== undefined && (retryable === true ? 'retryable' : 'not retryable'),
    ),
    words(
      firstTokenMs === undefined ? 'no token' : `first token after ${firstTokenMs} ms`,
      said[ATTR_LLM_STREAM_USAGE_AVAILABLE] === true ? 'usage available' : 'usage not available',
    ),
  ];
}

/** Outcome, where it failed or how it completed, category; how far it got, where the failure stage does not say it. */
function verdictOf({ attributes: said }: ReceivedSpan): string {
  const failureStage = said[ATTR_LLM_STREAM_FAILURE_STAGE];
  const stage = said[ATTR_LLM_STREAM_STAGE];
  const where = failureStage ?? said[ATTR_LLM_STREAM_COMPLETION];
  const howFar = failureStage === 'client_aborted' && `(${stage})`;
  return words(
    said[ATTR_LLM_STREAM_OUTCOME],
    where !== undefined && [where, howFar].filter(Boolean).join(' '),
    said[ATTR_LLM_STREAM_ERROR_CATEGORY],
  );
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function words(...parts: readonly unknown[]): string {
  return parts.filter((part) => part !== undefined && part !== false).join(' · ');
}

const OUTCOME_COLOURS: Readonly<Record<string, Colour>> = { completed: 'green', cancelled: 'yellow', failed: 'red' };

function colourOf({ attributes: said }: ReceivedSpan): Colour {
  return OUTCOME_COLOURS[String(said[ATTR_LLM_STREAM_OUTCOME])] ?? 'dim';
}

/** One line per call, marked where the loop ended well over a stream that failed. */
export function summaryLines(rows: readonly DemoRow[], { paint }: ReportStyle): string[] {
  const line = (name: string, seen: string, mark: string, said: string): string =>
    name.padEnd(NAME_WIDTH) + seen.padEnd(SEEN_WIDTH) + mark + said;
  const lines = rows.map(({ call, report, span }) => {
    const unnoticed = report.ending === 'ended_normally' && span.status === 'error';
    const seen = report.ending === 'threw' ? `threw ${report.error?.name ?? ''}` : endingOf(report);
    return line(call.name, seen, unnoticed ? paint('yellow', UNNOTICED) : '  ', paint(colourOf(span), verdictOf(span)));
  });
  return [
    paint('dim', line('call', 'the application saw', '  ', 'the span says')),
    ...lines,
    `${' '.repeat(NAME_WIDTH)}${paint('yellow', UNNOTICED)}an answer that was cut, and an application that noticed nothing`,
  ];
}

const NAME_WIDTH = 20;
const SEEN_WIDTH = 26;
const UNNOTICED = '≠ ';
