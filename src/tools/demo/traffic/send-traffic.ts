/**
 * `--rounds` and `--forever`: how fast the traffic is, what is said of it, and how it is ended.
 */
import type { TrafficOptions } from '../options.js';
import type { Rhythm } from './messages.js';
import { problemsOf, roundLine, totalLine, trafficJson } from './report.js';
import { runTraffic } from './run-traffic.js';

/** A round for a test: all at once, nearly. */
const FAST: Rhythm = { paceMs: 15, atOnce: 40, patienceMs: 1_500 };
/** A round for a dashboard: about a call a second; a stream that is silent is so for some scrapes. */
const GENTLE: Rhythm = { paceMs: 800, atOnce: 64, patienceMs: 25_000 };
/** A gentle round takes three minutes, a fast one about fifteen seconds; a busy machine some more. */
const ROUND_LIMIT_MS = { fast: 120_000, gentle: 420_000 };

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export async function sendTraffic({ rounds, tracesUrl, metricsUrl, json }: TrafficOptions): Promise<void> {
  const isGentle = rounds === Number.POSITIVE_INFINITY;
  const stop = new AbortController();
  // Once: the second one ends the process as it would without us.
  const end = (): void => stop.abort();
  for (const signal of SIGNALS) process.once(signal, end);
  const run = await runTraffic({
    tracesUrl,
    metricsUrl,
    rounds,
    rhythm: isGentle ? GENTLE : FAST,
    roundLimitMs: isGentle ? ROUND_LIMIT_MS.gentle : ROUND_LIMIT_MS.fast,
    stop: stop.signal,
    onRound: (round, ended) => {
      if (!json) console.log(roundLine(round, ended));
    },
    onBackend: (url, problem) => {
      const said =
        problem === undefined ? 'takes what is sent again' : `does not take what is sent: ${problem}; going on`;
      console.error(`demo: ${url} ${said}`);
    },
  });
  for (const signal of SIGNALS) process.off(signal, end);
  console.log(json ? JSON.stringify(trafficJson(run), undefined, 2) : totalLine(run));
  const problems = problemsOf(run);
  for (const problem of problems) console.error(`demo: ${problem}`);
  // For ever is longer than backends live: what they missed was said.
  if (run.problem !== undefined || (problems.length > 0 && !isGentle)) process.exitCode = 1;
}
