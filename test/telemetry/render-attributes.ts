/** Writes `docs/attributes.md` out of the comments in `semconv.ts`. */
import { readFileSync } from 'node:fs';
import * as semconv from '../../src/telemetry/semconv.js';

/** One name as `semconv.ts` describes it. */
export interface DescribedName {
  readonly constant: string;
  readonly name: string;
  readonly meaning: string;
  /** `type`, `unit`, `on`, `present`, `example`, `source`; of metrics and log records `instrument`, `attributes`. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Every described constant of `semconv.ts`, in its order. */
export function describedNames(): DescribedName[] {
  const source = readFileSync(new URL('../../src/telemetry/semconv.ts', import.meta.url), 'utf8');
  const values: Readonly<Record<string, string>> = semconv;
  return [...source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export const ((?:ATTR|EVENT|LOG|METRIC)_\w+) =/g)].map(
    ([, comment = '', constant = '']) => {
      const [meaning = '', ...items] = unwrap(comment).split(FACT);
      const facts = Object.fromEntries(items.map((item) => item.trim().split(/: (.*)/s, 2)));
      return { constant, name: values[constant] ?? '', meaning: meaning.trim(), facts };
    },
  );
}

const FACT = /(?:^| )- (?=(?:type|instrument|unit|attributes|on|present|example|source): )/;

/** The document, whole. */
export function renderAttributes(): string {
  const names = describedNames();
  const attributes = names.filter(({ constant }) => constant.startsWith('ATTR_'));
  const onSpan = attributes.filter(({ facts }) => places(facts['on']).includes('span'));
  const metrics = names.filter(({ constant }) => constant.startsWith('METRIC_'));
  const isMetric = (place: string) => metrics.some(({ name }) => name === place);
  const onMetrics = attributes.filter(({ facts }) => places(facts['on']).some(isMetric));
  const onSpanEvents = attributes.filter(({ facts }) =>
    places(facts['on']).some((place) => place !== 'span' && !isMetric(place)),
  );
  const isOurs = ({ facts }: DescribedName) => facts['source'] === 'ours';
  return [
    HEAD,
    '## Standard attributes of the span\n',
    attributeTable(onSpan.filter((name) => !isOurs(name))),
    '## Our own attributes of the span\n',
    attributeTable(onSpan.filter(isOurs)),
    SPAN_EVENTS,
    table(
      ['span event', 'when', 'how many', 'attributes', 'source'],
      names
        .filter(({ constant }) => constant.startsWith('EVENT_'))
        .map(({ name, meaning, facts }) => [
          code(name),
          meaning,
          facts['present'] ?? '',
          attributesOf(name, onSpanEvents).map(code).join(', '),
          facts['source'] ?? '',
        ]),
    ),
    '## Attributes of span events\n',
    attributeTable(onSpanEvents),
    METRICS,
    table(
      ['metric', 'meaning', 'instrument', 'unit', 'recorded for', 'attributes', 'source'],
      metrics.map(({ name, meaning, facts }) => [
        code(name),
        meaning,
        facts['instrument'] ?? '',
        code(facts['unit'] ?? ''),
        facts['present'] ?? '',
        places(facts['attributes']).map(code).join(', '),
        facts['source'] ?? '',
      ]),
    ),
    '## Attributes of metrics alone\n',
    attributeTable(onMetrics),
    LOG_RECORDS,
    table(
      ['log record', 'meaning', 'attributes', 'present', 'source'],
      names
        .filter(({ constant }) => constant.startsWith('LOG_'))
        .map(({ name, meaning, facts }) => [
          code(name),
          meaning,
          facts['attributes'] ?? '',
          facts['present'] ?? '',
          facts['source'] ?? '',
        ]),
    ),
  ].join('\n');
}

/** The attributes that a span event has, `elapsed_ms` aside: all have that one. */
export function attributesOf(spanEvent: string, onSpanEvents: readonly DescribedName[] = describedNames()): string[] {
  return onSpanEvents.filter(({ facts }) => places(facts['on']).includes(spanEvent)).map(({ name }) => name);
}

function attributeTable(names: readonly DescribedName[]): string {
  return table(
    ['attribute', 'meaning', 'type', 'unit', 'present', 'example', 'source'],
    names.map(({ name, meaning, facts }) => [
      code(name),
      meaning,
      ...['type', 'unit', 'present', 'example', 'source'].map((fact) => facts[fact] ?? ''),
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function places(on = 'span'): string[] {
  return on.split(', ');
}

function code(text: string): string {
  return `\`${text}\``;
}

function unwrap(comment: string): string {
  return comment.replace(/\s*\n\s*\* ?/g, ' ').replace(/\s+/g, ' ');
}

const HEAD = `# Attributes, span events, metrics, log records

Every name that this package writes. Written out of \`src/telemetry/semconv.ts\` by
\`npx vitest run test/telemetry/semconv.test.ts -u\`; a test fails where the two differ. The names are constants of the entry
\`opentelemetry-instrumentation-llm-stream/semconv\`.

- **Absent means unknown**: never a zero, a guess or an invented value. \`present\` says when to expect a value; "at start" means
  that a sampler sees it.
- **Durations** of our own are whole milliseconds with the unit in the name (TraceQL quantiles and the collector's numeric
  sampling take integers only); \`gen_ai.response.time_to_first_chunk\` is the convention's, in seconds.
- **Body visible**: where something read the body unseen (for instance \`structuredClone\` of a stream), what was counted is not
  the whole, so counts and "no"s are left out.
- **source**: \`stable\` is a stable OpenTelemetry convention; \`GenAI 1.41\` and \`GenAI 1.42-dev\` are the GenAI conventions, in
  development, and the first version that has the name in this form; \`ours\` has no convention yet.
- The span is named \`chat gpt-5.1\` (operation and model), its kind is CLIENT, its status ERROR without a description when
  \`llm_stream.outcome\` is \`failed\`, and UNSET otherwise.
`;

const SPAN_EVENTS = `## Span events

The timeline. Each has \`llm_stream.elapsed_ms\` and its own time. Whatever alerts need is an attribute of the span.

A span keeps a limited number of span events (128 by default) and drops the **oldest** beyond that, so this package never writes
more: the milestones have 48 places, and fragments of tool calls have the rest. Of those, the last 16 go to the newest fragments.
With 128, each of 80 fragments is there; of more, the first 64 and the last 16. With a limit below 48 there are no fragments, and
then each type of milestone keeps one before any keeps two; the last to go are \`exception\`, \`cancelled\`, \`finish\`, \`first_token\`
and \`response_headers\`. What was left out is counted in \`llm_stream.span_events.suppressed_count\`.

The newest fragments are written when the call ends: they stand last in the span's list, with the times they came at.
`;

const METRICS = `## Metrics

Recorded where a meter provider is registered, at the end of a call, for calls that are not sampled, too (the option \`metrics\`
switches them off). \`metricNames\` says which of the conventions' own are recorded: those of 1.41 (the default), those that follow
them (\`current\`, GenAI 1.42-dev), or \`both\`. Times are seconds, as metrics are.

- Of a failure that only the application told (\`recordFailure\`, \`withCallContext\` before any call), \`llm_stream.stream.outcomes\` alone is
  recorded: there was nothing to measure.
- An attribute is absent where the span's is. \`llm_stream.feature\` and \`llm_stream.route\` are there with the option \`metricDimensions\`.
- Of each attribute the first 100 values of a process are kept; the others are \`_OTHER\`, a port or a number of tries absent.
- The two with a stage are counted when metrics are collected: calls that are open then, and those of them whose consumer
  waits for a chunk; a live stall shows nowhere else, as an open span is not exported.
- Records are made in the context of the call's span, so that an SDK that has exemplars can keep them.
- \`time_per_output_chunk\` is recorded for each chunk, and the JavaScript SDK's price for that is about 1 µs a chunk; a View that drops
  the metric does not make it cheaper.
`;

const LOG_RECORDS = `## Log records

Written where a logger provider is registered and options ask for them, in the context of the call's span, while it is still
recording. With the option \`signal\` the timeline is log records instead of span events (\`logs\`), or both (\`both\`): one for each
milestone, without a cap, named as the span event is, with its attributes and its time; severity INFO, of fragments DEBUG. A call that
is sampled out has no timeline.
`;
