import { describe, expect, test } from 'vitest';
import { paintAnsi, paintFor, paintNothing } from '../../src/tools/paint.js';
import type { ReceivedAttributes, ReceivedSpanEvent } from '../../src/tools/received-spans.js';
import { drawTimeline } from '../../src/tools/timeline.js';

function event(name: string, atMs: number, attributes: ReceivedAttributes = {}): ReceivedSpanEvent {
  return { name, atMs, attributes };
}

/** 60 columns of terminal: 47 of axis. */
function draw(durationMs: number, events: ReceivedSpanEvent[], attributes: ReceivedAttributes = {}): string[] {
  return drawTimeline({ durationMs, events, attributes }, { width: 60 });
}

const HEADERS = event('llm_stream.response_headers', 0, { 'http.response.status_code': 200 });

describe('drawTimeline', () => {
  test('draws a good answer', () => {
    const events = [
      event('llm_stream.attempt', 0),
      event('llm_stream.response_headers', 100.4, { 'http.response.status_code': 200 }),
      event('llm_stream.first_chunk', 120),
      event('llm_stream.first_token', 200, { 'llm_stream.first_token_channel': 'text' }),
      event('llm_stream.finish', 400, { 'llm_stream.finish_reason': 'stop' }),
      event('llm_stream.usage', 430, { 'gen_ai.usage.output_tokens': 9 }),
      event('llm_stream.done', 460),
    ];
    expect(draw(460, events, { 'llm_stream.termination_kind': 'done_event' })).toEqual([
      '0 ├──────────○─◇───────◆───────────────────●──Σ──■┤ 460 ms',
      '   ○ headers 200 @100  ◇ first chunk @120',
      '   ◆ first token text @200  ● finish stop @400  Σ usage @430',
      '   ■ done @460  ┤ done_event',
    ]);
  });

  test('draws the fragments of a tool call, and says how many there were', () => {
    const events = [
      HEADERS,
      event('llm_stream.tool_call.started', 10),
      event('llm_stream.tool_call.fragment', 20),
      event('llm_stream.tool_call.fragment', 30),
      event('llm_stream.tool_call.fragment', 40),
      event('llm_stream.tool_call.completed', 46),
    ];
    expect(draw(46, events)).toEqual([
      '0 ├○─────────{─────────·─────────·─────────·─────}┤ 46 ms',
      '   ○ headers 200 @0  { tool call @10  · 3× fragment @20…40',
      '   } tool call complete @46',
    ]);
  });

  test('draws a stall as long as the silence was', () => {
    const events = [HEADERS, event('llm_stream.stall', 300, { 'llm_stream.chunk_gap_ms': 200 })];
    expect(draw(460, events)).toEqual([
      '0 ├○─────────░░░░░░░░░░░░░░░░░░░░░────────────────┤ 460 ms',
      '   ○ headers 200 @0  ░ stall found after 200 ms @300',
    ]);
  });

  test('draws a stall that went on after it was found to its end, where it was the only one', () => {
    const stall = event('llm_stream.stall', 300, { 'llm_stream.chunk_gap_ms': 200 });
    expect(draw(460, [stall], { 'llm_stream.max_chunk_gap_ms': 300 })[0]).toBe(
      '0 ├──────────░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░──────┤ 460 ms',
    );
    const second = event('llm_stream.stall', 460, { 'llm_stream.chunk_gap_ms': 50 });
    expect(draw(460, [stall, second], { 'llm_stream.max_chunk_gap_ms': 300 })).toEqual([
      '0 ├──────────░░░░░░░░░░░░░░░░░░░░░──────────░░░░░░┤ 460 ms',
      '   ░ 2× stall found after @300…460',
    ]);
  });

  test.each([
    {
      name: 'exception',
      attributes: { 'exception.type': 'TypeError' },
      mark: '✖',
      caption: '✖ exception TypeError @46',
    },
    { name: 'llm_stream.cancelled', attributes: {}, mark: '◁', caption: '◁ cancelled @46' },
    { name: 'llm_stream.invalid_chunk', attributes: {}, mark: '?', caption: '? malformed chunk @46' },
  ])('marks $name', ({ name, attributes, mark, caption }) => {
    expect(draw(46, [event(name, 46, attributes)])).toEqual([
      `0 ├──────────────────────────────────────────────${mark}┤ 46 ms`,
      `   ${caption}`,
    ]);
  });

  test('stands what happened at once side by side, at either end', () => {
    const events = [
      HEADERS,
      event('llm_stream.first_chunk', 0),
      event('llm_stream.first_token', 0),
      event('llm_stream.finish', 46),
      event('llm_stream.usage', 46),
      event('llm_stream.done', 46),
    ];
    expect(draw(46, events)[0]).toBe('0 ├○◇◆─────────────────────────────────────────●Σ■┤ 46 ms');
  });

  test('leaves out fragments rather than milestones where there is no room', () => {
    const fragments = Array.from({ length: 200 }, (_, index) => event('llm_stream.tool_call.fragment', index));
    expect(draw(200, [HEADERS, ...fragments, event('llm_stream.done', 200)])).toEqual([
      '0 ├○·············································■┤ 200 ms',
      '   ○ headers 200 @0  · 200× fragment @0…199  ■ done @200',
    ]);
  });

  test('draws a span without span events, and one without duration', () => {
    expect(draw(12.4, [])).toEqual(['0 ├───────────────────────────────────────────────┤ 12 ms']);
    expect(draw(0, [HEADERS])[0]).toBe('0 ├○──────────────────────────────────────────────┤ 0 ms');
  });

  test('passes over span events of others', () => {
    expect(draw(10, [event('somebody.elses', 5)])).toEqual([
      '0 ├───────────────────────────────────────────────┤ 10 ms',
    ]);
  });

  test('shows no text of a prompt, an answer or an error', () => {
    const secret = { 'exception.message': 'canary', 'gen_ai.output.messages': 'canary', 'gen_ai.tool.name': 'canary' };
    const events = ['exception', 'llm_stream.tool_call.started', 'llm_stream.finish'].map((name) =>
      event(name, 1, secret),
    );
    expect(draw(2, events, secret).join('\n')).not.toContain('canary');
  });

  test('colours marks, at the same width', () => {
    const span = { durationMs: 46, events: [event('exception', 46)], attributes: {} };
    const lines = drawTimeline(span, { width: 60, paint: paintAnsi });
    expect(lines[0]).toContain('\u001B[31m✖\u001B[39m');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences start with one
    expect(lines.map((line) => line.replaceAll(/\u001B\[\d+m/g, ''))).toEqual(draw(46, span.events));
  });
});

describe('paintFor', () => {
  test.each([
    { isTTY: true, environment: {}, colours: true },
    { isTTY: true, environment: { NO_COLOR: '' }, colours: true },
    { isTTY: true, environment: { NO_COLOR: '1' }, colours: false },
    { isTTY: false, environment: {}, colours: false },
  ])('colours a terminal that did not ask for none: $isTTY, $environment', ({ isTTY, environment, colours }) => {
    expect(paintFor({ isTTY }, environment)).toBe(colours ? paintAnsi : paintNothing);
  });
});
