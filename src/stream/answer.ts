/** What one chunk adds to a call: output, tool calls, finish reasons, usage. */
import { isFailedFinish } from './finish-reason.js';
import type { Milestone } from './milestone.js';
import type { Usage } from './outcome.js';
import type { Chunk, ChunkPart, ToolCallFragment, ToolCallStarted } from './signal.js';
import {
  type CallState,
  isToolCallComplete,
  MAX_CHOICES,
  MAX_TOOL_CALLS,
  progressOf,
  type ToolCallState,
} from './state.js';

/** Takes one chunk in; what is worth recording goes to `out`. */
export function takeChunk(state: CallState, chunk: Chunk, out: Milestone[]): void {
  const { atMs } = chunk;
  state.lastMessageInvalid = false;
  state.lastActivityMs = atMs;
  state.lastChunkMs = atMs;
  state.chunks += 1;
  if (state.chunks === 1) out.push({ type: 'first_chunk', atMs });
  state.id ??= chunk.id;
  state.model ??= chunk.model;
  state.serviceTier ??= chunk.serviceTier;
  state.systemFingerprint ??= chunk.systemFingerprint;

  if (carriesFailedFinish(chunk)) state.failedFinish ??= progressOf(state);
  let output = false;
  for (const part of chunk.parts) output = onPart(state, part, atMs, out) || output;
  if (output) state.outputChunks += 1;
  if (state.watched) out.push({ type: 'chunk', atMs, hasOutput: output });
}

function carriesFailedFinish(chunk: Chunk): boolean {
  for (const part of chunk.parts) if (part.type === 'finish' && isFailedFinish(part.reason)) return true;
  return false;
}

/** Records one part; true where it is generated output. */
function onPart(state: CallState, part: ChunkPart, atMs: number, out: Milestone[]): boolean {
  switch (part.type) {
    case 'choice':
      choiceOf(state, part.choice);
      return false;
    case 'output':
      choiceOf(state, part.choice);
      if (part.characters === 0) return false;
      onFirstToken(state, part.channel, atMs, out);
      if (part.channel === 'reasoning') state.reasoningCharacters += part.characters;
      else if (part.channel !== 'audio') state.outputCharacters += part.characters;
      if (part.channel === 'text') passToolCalls(state, part.choice);
      return true;
    case 'tool_call_started':
      onToolCallStarted(state, part, atMs, out);
      return true;
    case 'tool_call_fragment':
      return onToolCallFragment(state, part, atMs, out);
    case 'tool_call_closed': {
      const call = findToolCall(state, part.choice, part.index);
      if (call) {
        call.doneMessage = true;
        announceCompleted(state, call, atMs, out);
      }
      return false;
    }
    case 'finish':
      onFinish(state, part.choice, part.reason, atMs, out);
      return false;
    case 'usage':
      state.usage = mergedUsage(state.usage, part.usage);
      if (part.final && !state.usageFinal) {
        state.usageFinal = true;
        out.push({ type: 'usage', atMs, usage: state.usage });
      }
      return false;
  }
}

/** The last number reported counts; a report that leaves one out takes none back. */
function mergedUsage(known: Usage = {}, reported: Usage): Usage {
  return {
    inputTokens: reported.inputTokens ?? known.inputTokens,
    outputTokens: reported.outputTokens ?? known.outputTokens,
    cacheReadInputTokens: reported.cacheReadInputTokens ?? known.cacheReadInputTokens,
    reasoningOutputTokens: reported.reasoningOutputTokens ?? known.reasoningOutputTokens,
  };
}

function choiceOf(state: CallState, choice: number): CallState['choices'][number] | undefined {
  for (const known of state.choices) if (known.choice === choice) return known;
  if (state.choices.length >= MAX_CHOICES) return undefined;
  const begun = { choice, reason: undefined };
  state.choices.push(begun);
  return begun;
}

function onFirstToken(
  state: CallState,
  channel: NonNullable<CallState['firstTokenChannel']>,
  atMs: number,
  out: Milestone[],
): void {
  if (state.firstTokenMs !== undefined) return;
  state.firstTokenMs = atMs;
  state.firstTokenChannel = channel;
  out.push({ type: 'first_token', atMs, channel });
}

function passToolCalls(state: CallState, choice: number): void {
  for (const call of state.toolCalls) if (call.choice === choice && call.argumentsClosed) call.passed = true;
}

function onToolCallStarted(state: CallState, part: ToolCallStarted, atMs: number, out: Milestone[]): void {
  choiceOf(state, part.choice);
  onFirstToken(state, 'tool_call', atMs, out);
  state.toolCallCount += 1;
  if (state.toolCalls.length < MAX_TOOL_CALLS) {
    state.toolCalls.push({
      choice: part.choice,
      index: part.index,
      name: part.name,
      id: part.id,
      fragments: 0,
      argumentsClosed: true,
      doneMessage: false,
      passed: false,
    });
  }
  const { choice, index, name, id } = part;
  out.push({ type: 'tool_call_started', atMs, choice, index, name, id });
}

function onToolCallFragment(state: CallState, part: ToolCallFragment, atMs: number, out: Milestone[]): boolean {
  state.toolCallFragments += 1;
  state.argumentCharacters += part.characters;
  if (part.characters > 0) onFirstToken(state, 'tool_call', atMs, out);
  const call = findToolCall(state, part.choice, part.index);
  if (call) {
    call.argumentsClosed = part.argumentsClosed;
    call.passed = false;
    const { choice, index, characters } = part;
    out.push({ type: 'tool_call_fragment', atMs, choice, index, fragment: call.fragments, characters });
    call.fragments += 1;
  }
  return part.characters > 0;
}

function findToolCall(state: CallState, choice: number, index: number): ToolCallState | undefined {
  // The newest first: fragments nearly always belong to it.
  for (let at = state.toolCalls.length - 1; at >= 0; at -= 1) {
    const call = state.toolCalls[at];
    if (call !== undefined && call.index === index && call.choice === choice) return call;
  }
  return undefined;
}

function onFinish(state: CallState, choice: number, reason: string, atMs: number, out: Milestone[]): void {
  const finished = choiceOf(state, choice);
  if (finished?.reason !== undefined) return;
  if (finished) finished.reason = reason;
  for (const call of state.toolCalls) if (call.choice === choice) announceCompleted(state, call, atMs, out);
  out.push({ type: 'finish', atMs, choice, reason });
}

function announceCompleted(state: CallState, call: ToolCallState, atMs: number, out: Milestone[]): void {
  if (!isToolCallComplete(state, call)) return;
  out.push({ type: 'tool_call_completed', atMs, choice: call.choice, index: call.index });
}
