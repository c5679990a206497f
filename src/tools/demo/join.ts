/**
 * Puts beside each other what the application reported and what arrived by OTLP, by the model that was asked for.
 */
import { ATTR_GEN_AI_REQUEST_MODEL } from '../../telemetry/semconv.js';
import type { ReceivedSpan } from '../received-spans.js';
import type { DemoCall } from './calls.js';
import type { CallReport } from './messages.js';

export interface DemoRow {
  readonly call: DemoCall;
  /** The application's side. */
  readonly report: CallReport;
  /** The span's side. */
  readonly span: ReceivedSpan;
}

export interface Joined {
  readonly rows: readonly DemoRow[];
  /** Lines that say what is missing, or too much. */
  readonly problems: readonly string[];
}

export function join(
  calls: readonly DemoCall[],
  reports: readonly CallReport[],
  spans: readonly ReceivedSpan[],
): Joined {
  const rows: DemoRow[] = [];
  const problems: string[] = [];
  for (const call of calls) {
    const [report, ...moreReports] = reports.filter(({ name }) => name === call.name);
    const [span, ...moreSpans] = spans.filter((each) => modelOf(each) === modelFor(call));
    if (report === undefined) problems.push(`${call.name}: the application reported nothing`);
    if (moreReports.length > 0) problems.push(`${call.name}: the application reported ${moreReports.length + 1} times`);
    if (span === undefined) problems.push(`${call.name}: no span arrived`);
    if (moreSpans.length > 0) problems.push(`${call.name}: ${moreSpans.length + 1} spans arrived, one was expected`);
    if (report !== undefined && span !== undefined) rows.push({ call, report, span });
  }
  const known = new Set<unknown>(calls.map(modelFor));
  const foreign = spans.filter((span) => !known.has(modelOf(span)));
  problems.push(...foreign.map(({ name }) => `a span arrived that belongs to no call: "${name}"`));
  return { rows, problems };
}

function modelFor({ name }: DemoCall): string {
  return `demo-${name}`;
}

function modelOf({ attributes }: ReceivedSpan): unknown {
  return attributes[ATTR_GEN_AI_REQUEST_MODEL];
}
