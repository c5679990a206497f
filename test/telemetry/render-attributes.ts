/** Writes `docs/attributes.md` out of the comments in `semconv.ts`. */
import { readFileSync } from 'node:fs';
import * as semconv from '../../src/telemetry/semconv.js';

/** One name as `semconv.ts` describes it. */
export interface DescribedName {
  readonly constant: string;
  readonly name: string;
  readonly meaning: string;
  /** `type`, `unit`, `on`, `present`, `example`, `source`. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Every described constant of `semconv.ts`, in its order. */
export function describedNames(): DescribedName[] {
  const source = readFileSync(new URL('../../src/telemetry/semconv.ts', import.meta.url), 'utf8');
  const values: Readonly<Record<string, string>> = semconv;
  return [...source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export const ((?:ATTR|EVENT)_\w+) =/g)].map(
    ([, comment = '', constant = '']) => {
      const [meaning = '', ...items] = unwrap(comment).split(/(?:^| )- (?=(?:type|unit|on|present|example|source): )/);
      const facts = Object.fromEntries(items.map((item) => item.trim().split(/: (.*)/s, 2)));
      return { constant, name: values[constant] ?? '', meaning: meaning.trim(), facts };
    },
  );
}

/** The document, whole. */
export function renderAttributes(): string {
  const names = describedNames();
  const attributes = names.filter(({ constant }) => constant.startsWith('ATTR_'));
  const onSpan = attributes.filter(({ facts }) => places(facts['on']).includes('span'));
  const onSpanEvents = attributes.filter(({ facts }) => places(facts['on']).some((place) => place !== 'span'));
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

const HEAD = `# Attributes and span events

Every name that a span of this package can carry. Written out of \`src/telemetry/semconv.ts\` by
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
