/**
 * The lines of the traffic, and its sum as JSON.
 */
import type { EndedAlike, Exported } from './messages.js';
import type { TrafficRun } from './run-traffic.js';

/** `round 2: 163 calls, 134 completed, 7 cancelled, 22 failed (5 request_rejected, 4 after_first_token, …)`. */
export function roundLine(round: number, ended: readonly EndedAlike[]): string {
  return `round ${round}: ${endedWords(ended)}`;
}

export function totalLine({ result }: TrafficRun): string {
  if (result === undefined) return 'in all: the application did not say';
  const { ended, spans, metrics } = result;
  const taken = ({ accepted, lost }: Exported): string => `${accepted} of ${accepted + lost}`;
  return `in all: ${endedWords(ended)}; taken: ${taken(spans)} spans, ${taken(metrics)} collections of metrics`;
}

function endedWords(ended: readonly EndedAlike[]): string {
  const outcomes = ['completed', 'cancelled', 'failed'].map((outcome) => {
    const alike = ended.filter((each) => each.outcome === outcome);
    return `${callsOf(alike)} ${outcome}${outcome === 'failed' ? stages(alike) : ''}`;
  });
  return [`${callsOf(ended)} calls`, ...outcomes].join(', ');
}

function stages(failed: readonly EndedAlike[]): string {
  if (failed.length === 0) return '';
  const sorted = [...failed].sort((one, other) => other.calls - one.calls);
  return ` (${sorted.map(({ failureStage, calls }) => `${calls} ${failureStage}`).join(', ')})`;
}

/** Where a backend may not have what was recorded; empty where it has. */
export function problemsOf({ result, problem }: TrafficRun): string[] {
  if (problem !== undefined) return [problem];
  const { spans, metrics } = result ?? {};
  return [
    ...(spans !== undefined && spans.lost > 0
      ? [`${spans.lost} spans were not taken: ${spans.problem ?? 'the backend was away for a while'}`]
      : []),
    // A later collection has all that an earlier one had.
    ...(metrics?.problem !== undefined ? [`the last metrics were not taken: ${metrics.problem}`] : []),
  ];
}

export function trafficJson(run: TrafficRun): unknown {
  const { instanceId, rounds, result } = run;
  return {
    service: { name: 'llm-stream-demo', instanceId },
    rounds,
    calls: callsOf(result?.ended ?? []),
    ...result,
    problems: problemsOf(run),
  };
}

function callsOf(ended: readonly EndedAlike[]): number {
  return ended.reduce((sum, { calls }) => sum + calls, 0);
}
