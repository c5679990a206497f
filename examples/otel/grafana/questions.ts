/** Writes `docs/queries.md`: for each question of the dashboard what to ask Prometheus, Tempo and Jaeger by hand. */
import {
  ATTR_LLM_STREAM_ELAPSED_MS,
  ATTR_LLM_STREAM_FAILURE_STAGE,
  ATTR_LLM_STREAM_REQUEST_ID,
  EVENT_LLM_STREAM_FIRST_TOKEN,
} from '../../../src/telemetry/semconv.js';
import { DECIDED, FAILED } from './conditions.js';
import { JOB } from './metrics.js';
import type { Panel } from './panel.js';
import { PLAIN, Promql, share } from './promql.js';
import { CALLS_RATE } from './records.js';
import { ERROR_BUDGET } from './rows/is-it-broken.js';
import { ROWS } from './rows.js';
import { jaegerTags, logfmt, traceql, traceqlSearches } from './traces.js';

export function renderQuestions(): string {
  const rows = ROWS.flatMap(({ question, panels }) => [`## ${question}`, ...panels.map(section)]);
  return `${[HEAD, ...rows, BY_HAND].join('\n\n')}\n`;
}

const HEAD = `# Queries

Each question of the dashboard, as one asks it by hand: PromQL for numbers, TraceQL (Tempo) and a tag search (Jaeger) for the calls
behind them. Written out of \`examples/otel/grafana\` by \`npm run otel:generate\`, and tested: the names are those of
[attributes.md](attributes.md), and every PromQL query is run against a real Prometheus after the demo.

- **Whose numbers.** Calls are counted twice: by the applications' own metrics (\`llm_stream_stream_outcomes_total\`), sampled or not, and out of spans, by the
  collector (\`llm_stream_calls_total\`), fewer by what head sampling left out. Queries take of each service whichever is more, so that one
  without metrics, as under \`/register\`, is counted, and one that samples is counted in full. Both have to arrive under one \`job\`: the runbook says
  [how](runbook.md#before-you-rely-on-them). Where you know which of the two a service has, ask that line alone.
- **Times, gaps, tokens, attempts, open streams** are the own metrics alone. By route, by feature, and how long calls take are the collector's numbers
  alone, which have exemplars.
- **Route and feature** are on the application's own metrics with the option \`metricDimensions\` (\`LLM_STREAM_METRIC_DIMENSIONS=route,feature\`).
- **Ratios are PromQL's.** After tail sampling all failures are kept and good calls are thinned: a failure ratio in TraceQL is too high, its counts of
  failures are right. Its quantiles, averages and sums over all calls are off as well, towards the slow and the broken ones that are kept; and its
  quantiles guess between powers of two, so that a p95 of 9 s may read 16 s. Use them to compare models, and PromQL for the number.
- **TraceQL, how far it is proven.** Every query below, and every link of the dashboard, was run by hand against a Tempo 3 built of its source. Tempo
  cannot be had as a package, so CI holds them against a list of operators, functions and attributes only.
- **Counts are estimates.** \`increase()\` extends what lies between two scrapes to the ends of the window: 334 calls may read 360. Shares do not suffer.
- **No traffic is no answer.** Ratios have no series where nothing happened: no NaN that is drawn, no alert on one call of one.
- **A new series and \`rate()\`.** What is counted before the first scrape of a series is not in its rate: the first failure of a kind, in each
  process. The Prometheus flag \`--enable-feature=created-timestamp-zero-ingestion\` puts a 0 where the series began, which the collector's exporter says.
  Panels and alerts rely on it: see the [runbook](runbook.md#before-you-rely-on-them).
- **The names of other exporters.** Prometheus's own OTLP receiver gives the same names (its default, \`UnderscoreEscapingWithSuffixes\`). With the
  option \`metricNames: 'current'\` the two metrics of the conventions are called otherwise: \`gen_ai_client_inference_time_per_output_chunk_seconds\` for the
  time between chunks; its token counters replace the histogram.
- **Jaeger** finds what is equal, as text, and nothing else: no "greater than", no "or". \`error=true\` finds nothing in its memory store: ask for the outcome.
- **Exemplars** are of the spans (\`llm_stream_duration_seconds\`): the JavaScript metrics SDK does not write its own yet. Panels ask for them already.`;

function section({ title, description, queries, traces }: Panel): string {
  const at = new Promql(PLAIN);
  const searches = [...traceqlSearches(traces), ...queries.flatMap(({ where }) => (where ? [traceql(where)] : []))];
  const tags = jaegerTags(traces)
    .map(logfmt)
    .filter((text) => text !== '');
  return [
    `### ${title}`,
    description,
    ...queries.map(({ expr }) => block('promql', [expr(at)])),
    ...searches.map((search) => block('traceql', [search])),
    tags.length === 0 ? 'Jaeger cannot compare: search the service, and sort by duration.' : block('logfmt', tags),
  ].join('\n\n');
}

function block(language: string, lines: readonly string[]): string {
  return `\`\`\`${language}\n${lines.join('\n')}\n\`\`\``;
}

const BUDGET_LEFT = `1 - (
${share(over30Days(`{${FAILED.text}}`), over30Days(`{${DECIDED.text}}`))}
) / ${ERROR_BUDGET}`;

function over30Days(matchers: string): string {
  return `sum by (${JOB}) (sum_over_time(${CALLS_RATE.record}${matchers}[30d]))`;
}

const BY_HAND = `## Without a panel

### What is left of the month's error budget

By the recording rule, as a range of 30 days over all processes is slow; of the nine days that the Compose file keeps it is the budget of those. 1 is all of it, 0 none; below 0 it is overspent: −13.5 is what fourteen and a half budgets, failures of 14.5 % over the month, leave.

${block('promql', [BUDGET_LEFT])}

### Which calls of one request

The application's own id, given with \`withCallContext\`: its retries and fallbacks are one search.

${block('traceql', [`{ span.${ATTR_LLM_STREAM_REQUEST_ID} = "req-1234" }`])}

${block('logfmt', [`${ATTR_LLM_STREAM_REQUEST_ID}=req-1234`])}

### Which calls said something late

By the span event. Times of span events are counted from the start of the call.

${block('traceql', [`{ event:name = "${EVENT_LLM_STREAM_FIRST_TOKEN}" && event.${ATTR_LLM_STREAM_ELAPSED_MS} > 5000 }`])}

### Which stages there were

${block('traceql', [`{ span.${ATTR_LLM_STREAM_FAILURE_STAGE} != nil } | count_over_time() by (span.${ATTR_LLM_STREAM_FAILURE_STAGE})`])}`;
