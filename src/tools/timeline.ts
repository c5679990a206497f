/**
 * Draws one stream as a line, out of the span events that arrived: what happened when, between the span's start and end.
 */
import {
  ATTR_EXCEPTION_TYPE,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_LLM_STREAM_CHUNK_GAP_MS,
  ATTR_LLM_STREAM_FINISH_REASON,
  ATTR_LLM_STREAM_FIRST_TOKEN_CHANNEL,
  ATTR_LLM_STREAM_MAX_CHUNK_GAP_MS,
  ATTR_LLM_STREAM_TERMINATION_KIND,
  EVENT_EXCEPTION,
  EVENT_LLM_STREAM_CANCELLED,
  EVENT_LLM_STREAM_DONE,
  EVENT_LLM_STREAM_FINISH,
  EVENT_LLM_STREAM_FIRST_CHUNK,
  EVENT_LLM_STREAM_FIRST_TOKEN,
  EVENT_LLM_STREAM_INVALID_CHUNK,
  EVENT_LLM_STREAM_RESPONSE_HEADERS,
  EVENT_LLM_STREAM_STALL,
  EVENT_LLM_STREAM_TOOL_CALL_COMPLETED,
  EVENT_LLM_STREAM_TOOL_CALL_FRAGMENT,
  EVENT_LLM_STREAM_TOOL_CALL_STARTED,
  EVENT_LLM_STREAM_USAGE,
} from '../telemetry/semconv.js';
import { type Colour, type Paint, paintNothing } from './paint.js';
import type { ReceivedAttributes, ReceivedSpan, ReceivedSpanEvent } from './received-spans.js';

export interface TimelineOptions {
  /** Columns of the terminal; at least 40 are used. @defaultValue 96 */
  readonly width?: number;
  /** @defaultValue no colours */
  readonly paint?: Paint;
}

/** The line, then the captions of its marks in as many lines as they need. */
export function drawTimeline(
  span: Pick<ReceivedSpan, 'durationMs' | 'attributes' | 'events'>,
  { width = 96, paint = paintNothing }: TimelineOptions = {},
): string[] {
  const room = Math.max(LEAST_WIDTH, width);
  const columns = room - FRAME_WIDTH;
  const marked = span.events.flatMap(markedOf).sort((one, other) => one.atMs - other.atMs);
  const end = `${Math.round(span.durationMs)} ms`;
  const axis = axisOf(withWholeStall(marked, span.attributes), columns, span.durationMs);
  return [
    `0 ├${axis.map((cell) => painted(cell, paint)).join('')}┤ ${end}`,
    ...captionLines([...captionsOf(marked, paint), ...endCaption(span.attributes)], room - INDENT.length),
  ];
}

const LEAST_WIDTH = 40;
/** `0 ├`, `┤ 12345 ms`. */
const FRAME_WIDTH = 13;
const INDENT = '   ';

interface Mark {
  readonly glyph: string;
  readonly colour: Colour;
  readonly label: string;
  /** The attribute that says more, and its unit. */
  readonly detail?: readonly [attribute: string, unit: string];
}

const MARKS: Readonly<Record<string, Mark>> = {
  [EVENT_LLM_STREAM_RESPONSE_HEADERS]: {
    glyph: '○',
    colour: 'cyan',
    label: 'headers',
    detail: [ATTR_HTTP_RESPONSE_STATUS_CODE, ''],
  },
  [EVENT_LLM_STREAM_FIRST_CHUNK]: { glyph: '◇', colour: 'cyan', label: 'first chunk' },
  [EVENT_LLM_STREAM_FIRST_TOKEN]: {
    glyph: '◆',
    colour: 'green',
    label: 'first token',
    detail: [ATTR_LLM_STREAM_FIRST_TOKEN_CHANNEL, ''],
  },
  [EVENT_LLM_STREAM_TOOL_CALL_STARTED]: { glyph: '{', colour: 'cyan', label: 'tool call' },
  [EVENT_LLM_STREAM_TOOL_CALL_FRAGMENT]: { glyph: '·', colour: 'cyan', label: 'fragment' },
  [EVENT_LLM_STREAM_TOOL_CALL_COMPLETED]: { glyph: '}', colour: 'green', label: 'tool call complete' },
  [EVENT_LLM_STREAM_INVALID_CHUNK]: { glyph: '?', colour: 'red', label: 'malformed chunk' },
  [EVENT_LLM_STREAM_STALL]: {
    glyph: '░',
    colour: 'yellow',
    label: 'stall found after',
    detail: [ATTR_LLM_STREAM_CHUNK_GAP_MS, ' ms'],
  },
  [EVENT_LLM_STREAM_USAGE]: { glyph: 'Σ', colour: 'cyan', label: 'usage' },
  [EVENT_LLM_STREAM_FINISH]: {
    glyph: '●',
    colour: 'green',
    label: 'finish',
    detail: [ATTR_LLM_STREAM_FINISH_REASON, ''],
  },
  [EVENT_LLM_STREAM_DONE]: { glyph: '■', colour: 'green', label: 'done' },
  [EVENT_LLM_STREAM_CANCELLED]: { glyph: '◁', colour: 'yellow', label: 'cancelled' },
  [EVENT_EXCEPTION]: { glyph: '✖', colour: 'red', label: 'exception', detail: [ATTR_EXCEPTION_TYPE, ''] },
};

interface Marked {
  readonly name: string;
  readonly mark: Mark;
  readonly atMs: number;
  readonly detail: string | undefined;
  /** Stalls only: when the silence began, and when it ended or was found. */
  readonly silence: readonly [fromMs: number, toMs: number] | undefined;
}

function markedOf({ name, atMs, attributes }: ReceivedSpanEvent): Marked[] {
  const mark = MARKS[name];
  if (mark === undefined) return [];
  const [attribute = '', unit = ''] = mark.detail ?? [];
  const value = attributes[attribute];
  const known = typeof value === 'string' || typeof value === 'number';
  const gapMs = name === EVENT_LLM_STREAM_STALL ? attributes[ATTR_LLM_STREAM_CHUNK_GAP_MS] : undefined;
  return [
    {
      name,
      mark,
      atMs,
      detail: known ? `${value}${unit}` : undefined,
      silence: typeof gapMs === 'number' ? [atMs - gapMs, atMs] : undefined,
    },
  ];
}

/** A stall may be found while it lasts. Where there was one only, the largest gap between two chunks is the whole of it. */
function withWholeStall(marked: readonly Marked[], attributes: ReceivedAttributes): readonly Marked[] {
  const largestGapMs = attributes[ATTR_LLM_STREAM_MAX_CHUNK_GAP_MS];
  if (typeof largestGapMs !== 'number' || marked.filter(({ silence }) => silence !== undefined).length !== 1)
    return marked;
  return marked.map((each) => {
    if (each.silence === undefined) return each;
    const [fromMs, toMs] = each.silence;
    return { ...each, silence: [fromMs, Math.max(toMs, fromMs + largestGapMs)] };
  });
}

/** A cell of the axis: a mark, the silence of a stall, or undefined. */
type Cell = Mark | undefined;

function axisOf(marked: readonly Marked[], columns: number, durationMs: number): Cell[] {
  const columnAt = (ms: number): number => {
    const share = durationMs > 0 ? ms / durationMs : 0;
    return Math.min(columns - 1, Math.max(0, Math.round(share * (columns - 1))));
  };
  const cells: Cell[] = Array.from({ length: columns }, () => undefined);
  for (const { mark, silence } of marked) {
    if (silence !== undefined) cells.fill(mark, columnAt(silence[0]), columnAt(silence[1]) + 1);
  }
  const points = withinRoom(
    marked.filter(({ silence }) => silence === undefined),
    columns,
  );
  for (const [column, { mark }] of placed(points, columns, columnAt)) cells[column] = mark;
  return cells;
}

/** Each milestone has a column of its own; fragments share what these leave, the first ones of them. */
function withinRoom(points: readonly Marked[], columns: number): Marked[] {
  let fragments = columns - points.filter(({ name }) => name !== EVENT_LLM_STREAM_TOOL_CALL_FRAGMENT).length;
  return points.filter(({ name }) => name !== EVENT_LLM_STREAM_TOOL_CALL_FRAGMENT || fragments-- > 0).slice(0, columns);
}

/** In order, true to scale as far as each can be seen: what happened at once stands side by side. */
function placed(points: readonly Marked[], columns: number, columnAt: (ms: number) => number): [number, Marked][] {
  const wanted: number[] = [];
  for (const { atMs } of points) wanted.push(Math.max(columnAt(atMs), (wanted.at(-1) ?? -1) + 1));
  return points.map((point, index) => [Math.min(wanted[index] ?? 0, columns - (points.length - index)), point]);
}

function painted(cell: Cell, paint: Paint): string {
  return cell === undefined ? paint('dim', '─') : paint(cell.colour, cell.glyph);
}

interface Caption {
  readonly text: string;
  readonly length: number;
}

/** One caption for each kind of mark, where its first one stands. */
function captionsOf(marked: readonly Marked[], paint: Paint): Caption[] {
  const kinds = new Map<string, Marked[]>();
  for (const each of marked) kinds.set(each.name, [...(kinds.get(each.name) ?? []), each]);
  return [...kinds.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const { mark } = first;
    const rest = ` ${wordsFor(same, first)}`;
    return [{ text: paint(mark.colour, mark.glyph) + paint('dim', rest), length: mark.glyph.length + rest.length }];
  });
}

/** Many ends leave no span event: a body that just stops is one. */
function endCaption({ [ATTR_LLM_STREAM_TERMINATION_KIND]: kind }: ReceivedAttributes): Caption[] {
  return typeof kind === 'string' ? [{ text: `┤ ${kind}`, length: kind.length + 2 }] : [];
}

function wordsFor(same: readonly Marked[], first: Marked): string {
  const last = same.at(-1) ?? first;
  const span = same.length === 1 ? `${Math.round(first.atMs)}` : `${Math.round(first.atMs)}…${Math.round(last.atMs)}`;
  const times = same.length === 1 ? '' : `${same.length}× `;
  const detail = same.length === 1 && first.detail !== undefined ? ` ${first.detail}` : '';
  return `${times}${first.mark.label}${detail} @${span}`;
}

function captionLines(captions: readonly Caption[], width: number): string[] {
  const lines: Caption[] = [];
  for (const caption of captions) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 2 + caption.length > width) lines.push(caption);
    else lines[lines.length - 1] = { text: `${line.text}  ${caption.text}`, length: line.length + 2 + caption.length };
  }
  return lines.map(({ text }) => INDENT + text);
}
