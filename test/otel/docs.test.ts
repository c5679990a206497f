import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  foreignLabels,
  unknownAttributes,
  unknownInTraceql,
  unknownLabels,
  unknownSeries,
  unknownTraceql,
} from './names.js';

const FILES = [
  'docs/queries.md',
  'docs/runbook.md',
  'docs/scaling.md',
  'examples/otel/collector.yaml',
  'examples/otel/gateway/gateway.yaml',
  'examples/otel/prometheus/rules.yaml',
  'examples/otel/prometheus/rules.test.yaml',
  'examples/otel/prometheus/rules-silent.test.yaml',
  'examples/otel/prometheus/rules-spans.test.yaml',
  'examples/otel/grafana/dashboards/llm-streams.json',
  'examples/otel/grafana/provisioning/alerting/llm-streams.yaml',
  'examples/otel/grafana/provisioning/alerting/contact-points.yaml',
  'examples/otel/grafana/provisioning/datasources/datasources.yaml',
];

const STAGES = [
  'before_request',
  'request_rejected',
  'before_first_token',
  'after_first_token',
  'during_tool_call',
  'after_finish_reason',
  'client_aborted',
  'unknown',
];

/** What people search for. */
const MESSAGES = [
  'Error occurred during streaming',
  'terminated',
  'Premature close',
  'missing [DONE]',
  'Unexpected end of JSON input',
  'Proxies: read time-outs and buffering',
  'Answers that end too early: max_tokens',
];

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

function headings(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
}

/** As GitHub makes them. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

describe('names', () => {
  test.each(FILES)('%s names only attributes, span events and metrics that semconv.ts has', (path) => {
    const text = read(path);
    expect(text).toMatch(/llm_stream|gen_ai/);
    expect(unknownAttributes(text)).toEqual([]);
    // What the collector says of itself is no name of ours; queries that ask for it are tested beside the dashboard.
    expect(unknownSeries(text).filter((name) => !name.startsWith('otelcol_'))).toEqual([]);
  });

  test('a name that nothing has is found, in any language', () => {
    expect(unknownAttributes('`llm_stream.outcome` and `llm_stream.blame`')).toEqual(['llm_stream.blame']);
    expect(unknownSeries('sum(rate(llm_stream_stream_outcomes_total[5m])) / llm_stream_stream_endings_total')).toEqual([
      'llm_stream_stream_endings_total',
    ]);
    expect(unknownLabels('sum by (job, gen_ai_provider) (x{llm_stream_outcome="failed", stage=~"a"})')).toEqual([
      'stage',
      'gen_ai_provider',
    ]);
    expect(unknownInTraceql('{ span.llm_stream.outcome = "failed" && span.llm_stream.blame != nil }')).toEqual([
      'llm_stream.blame',
    ]);
  });

  test.each([
    [
      'sum by (llm_stream_usage_source) (rate(llm_stream_stream_outcomes_total[5m]))',
      ['llm_stream_usage_source of llm_stream_stream_outcomes_total'],
    ],
    [
      'rate(llm_stream_stream_idle{job=~"(.+/)?shop", llm_stream_fault="network"}[5m])',
      ['llm_stream_fault of llm_stream_stream_idle'],
    ],
    ['sum by (le) (rate(llm_stream_stream_chunks_count[5m]))', ['le of llm_stream_stream_chunks_count']],
    [
      'sum by (job, lost) (\nlabel_replace(rate(otelcol_receiver_refused_spans_total[5m]), "lost", "spans", "", ""))',
      [],
    ],
    [
      'sum by (job, lost) (rate(otelcol_receiver_refused_spans_total[5m]))',
      ['lost of otelcol_receiver_refused_spans_total'],
    ],
    ['sum by (job, llm_stream_route) (llm_stream:calls:rate5m)', ['llm_stream_route of llm_stream:calls:rate5m']],
  ])('a label that another metric has is found in %s', (promql, found) => {
    expect(foreignLabels(promql)).toEqual(found);
  });

  test.each([
    ['{ span.llm_stream.outcome = "a" } | average_over_time((', ['average_over_time((']],
    [
      '{ span.llm_stream.outcome = "a" } | max_over_time(span.llm_stream.chunk_count)',
      ['max_over_time(span.llm_stream.chunk_count)'],
    ],
    ['{ span.llm_stream.outcome == "a" }', ['span.llm_stream.outcome == "a"']],
    [
      '{ (span.llm_stream.outcome = "a" && span.llm_stream.fault = nil }',
      ['(span.llm_stream.outcome = "a" && span.llm_stream.fault = nil'],
    ],
    [
      '{ span.llm_stream.outcome = "a" and span.llm_stream.fault = nil }',
      ['span.llm_stream.outcome = "a" and span.llm_stream.fault = nil'],
    ],
    ['span.llm_stream.outcome = "a"', ['span.llm_stream.outcome = "a"']],
    ['{ span.llm_stream.outcome = "a && b" } | count_over_time() by (span.llm_stream.fault) | topk(10)', []],
  ])('what TraceQL is not known to have is found in %s', (query, found) => {
    expect(unknownTraceql(query)).toEqual(found);
  });
});

describe('the queries in the docs', () => {
  const blocks = (language: string) =>
    ['docs/queries.md', 'docs/runbook.md', 'docs/scaling.md'].flatMap((path) =>
      [...read(path).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)\\n\`\`\`$`, 'gm'))].map(
        ([, text = '']) => text,
      ),
    );

  test('in PromQL select and group by labels of the metric that they ask', () => {
    expect(blocks('promql').length).toBeGreaterThan(30);
    expect(blocks('promql').flatMap(foreignLabels)).toEqual([]);
  });

  test('in TraceQL are made of what Tempo was seen to take', () => {
    const inText = [...read('docs/runbook.md').matchAll(/`(\{ [^`]+ \})`/g)].map(([, query = '']) => query);
    expect(blocks('traceql').length).toBeGreaterThan(50);
    expect(inText.length).toBeGreaterThan(3);
    expect([...blocks('traceql'), ...inText].flatMap(unknownTraceql)).toEqual([]);
  });

  test('say how far TraceQL is proven', () => {
    expect(read('docs/queries.md')).toMatch(/run by hand against a Tempo 3/);
  });
});

describe('docs/runbook.md', () => {
  const text = read('docs/runbook.md');

  test('has a section for each failure stage', () => {
    expect(headings(text).filter((heading) => STAGES.includes(heading))).toEqual(STAGES);
  });

  test('has a section for each message that people search for', () => {
    expect(headings(text).filter((heading) => MESSAGES.includes(heading))).toEqual(MESSAGES);
  });

  test.each(MESSAGES)('"%s" is mapped to attributes of the span', (message) => {
    const section = text.slice(text.indexOf(`## ${message}\n`)).split(/\n## /)[0] ?? '';
    expect(section.match(/`(?:llm_stream|gen_ai)\.[a-z_.]+`/g)?.length).toBeGreaterThan(1);
  });

  test('says of each alert what it means, where to look, what to do and what it is weighed against', () => {
    const sections = text.split(/\n(?=## )/).filter((section) => section.startsWith('## LlmStream'));
    expect(sections).toHaveLength(8);
    for (const section of sections) {
      expect(section).toMatch(/\*\*Means\*\* [\s\S]+\*\*Look\*\* [\s\S]+\*\*Do\*\*[\s\S]+\*\*Weigh\*\* /);
    }
  });
});

describe('links within docs', () => {
  test.each(['docs/runbook.md', 'docs/queries.md'])('of %s lead to sections that there are', (path) => {
    const links = [...read(path).matchAll(/\]\(([\w-]+\.md)?(?:#([\w-]+))?\)/g)];
    expect(links.length).toBeGreaterThan(0);
    for (const [, file, anchor] of links) {
      const target = read(file === undefined ? path : `docs/${file}`);
      if (anchor !== undefined) expect(headings(target).map(anchorOf)).toContain(anchor);
    }
  });
});
