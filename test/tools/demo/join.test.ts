import { expect, test } from 'vitest';
import type { DemoCall } from '../../../src/tools/demo/calls.js';
import { join } from '../../../src/tools/demo/join.js';
import type { CallReport } from '../../../src/tools/demo/messages.js';
import type { ReceivedSpan } from '../../../src/tools/received-spans.js';

const CALLS: DemoCall[] = ['one', 'two'].map((name) => ({
  name,
  title: name,
  wire: 'refused',
  reading: { through: 'fetch' },
}));

function report(name: string): CallReport {
  return { name, ending: 'ended_normally', chunks: 0, characters: 0, usage: false };
}

function span(model: string): ReceivedSpan {
  const attributes = { 'gen_ai.request.model': model };
  const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', parentSpanId: undefined };
  return { ...ids, name: `chat ${model}`, scope: '', durationMs: 1, status: 'unset', attributes, events: [] };
}

test('puts report and span of one model beside each other, in the order of the calls', () => {
  const { rows, problems } = join(CALLS, [report('two'), report('one')], [span('demo-two'), span('demo-one')]);
  expect(rows.map((row) => [row.call.name, row.report.name, row.span.name])).toEqual([
    ['one', 'one', 'chat demo-one'],
    ['two', 'two', 'chat demo-two'],
  ]);
  expect(problems).toEqual([]);
});

test.each([
  { what: 'a span that is missing', reports: ['one', 'two'], models: ['demo-two'], says: 'one: no span arrived' },
  {
    what: 'a span that came twice',
    reports: ['one', 'two'],
    models: ['demo-one', 'demo-two', 'demo-one'],
    says: 'one: 2 spans arrived, one was expected',
  },
  {
    what: 'a report that is missing',
    reports: ['two'],
    models: ['demo-one', 'demo-two'],
    says: 'one: the application reported nothing',
  },
  {
    what: 'a report that came twice',
    reports: ['one', 'two', 'two'],
    models: ['demo-one', 'demo-two'],
    says: 'two: the application reported 2 times',
  },
  {
    what: 'a span of no call',
    reports: ['one', 'two'],
    models: ['demo-one', 'demo-two', 'demo-three'],
    says: 'a span arrived that belongs to no call: "chat demo-three"',
  },
])('names $what', ({ reports, models, says }) => {
  expect(join(CALLS, reports.map(report), models.map(span)).problems).toEqual([says]);
});
