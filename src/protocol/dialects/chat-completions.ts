/**
 * OpenAI chat completions, and what servers that speak it really send: payloads become chunks.
 * Streamed `delta` and whole `message` are read alike. Keeps per call: which choices began and finished, and for each
 * tool call whether its arguments close; no text.
 * Format: https://platform.openai.com/docs/api-reference/chat-streaming
 */
import type { Usage } from '../../stream/outcome.js';
import type { Chunk, ChunkPart } from '../../stream/signal.js';
import { classifyError, isErrorPayload } from '../error-body.js';
import { JsonCompleteness } from '../json-completeness.js';
import { codePointCount, copyOf, countOf, isRecord, nameOf, textOf } from '../narrow.js';
import type { Dialect, ErrorPayload, PayloadReader, Repeatable } from './dialect.js';

/** Choices that are followed. Of further ones the output is counted; they neither begin nor finish. */
export const MAX_CHOICES = 64;
/** Tool calls that are followed, over all choices. Of further ones start and fragments are told; their arguments never close. */
export const MAX_TOOL_CALLS = 128;

const BRACE = 0x7b;
const MAX_ID_LENGTH = 256;
/** Of a choice that finished with something that is no word. */
const UNNAMED_FINISH_REASON = '_OTHER';
const MAX_FINISH_REASON_LENGTH = 64;
const MAX_TOOL_NAME_LENGTH = 128;

export const chatCompletions: Dialect = {
  operation: 'chat',
  apiType: 'chat_completions',
  pathSuffixes: ['/chat/completions'],
  kindOf(data, event) {
    if (event === 'ping') return 'keep_alive';
    // Nearly all begin with a brace: nothing else is asked of them.
    if (data.charCodeAt(0) === BRACE) return 'payload';
    if (data.startsWith('[DONE]')) return 'terminal';
    return data.trim() === '' ? 'keep_alive' : 'payload';
  },
  isAnswer(document) {
    return isRecord(document) && Array.isArray(document['choices']);
  },
  createReader() {
    return new ChatPayloadReader();
  },
};

interface FollowedChoice {
  /** Goes into every chunk of the choice. */
  readonly part: Extract<ChunkPart, { type: 'choice' }>;
  finished: boolean;
  /** Those that are followed, in order of appearance. */
  readonly calls: FollowedCall[];
  /** All tool calls, followed or not. */
  callCount: number;
}

interface FollowedCall {
  /** The wire's own index; -1 for the legacy `function_call`; undefined where the server sends none. */
  readonly wireIndex: number | undefined;
  /** Position among the calls of the choice. */
  readonly index: number;
  readonly id: string | undefined;
  named: boolean;
  readonly arguments: JsonCompleteness;
}

/** One entry of `tool_calls`, or a `function_call`, narrowed. */
interface ToolCallEntry {
  readonly wireIndex: number | undefined;
  readonly id: string | undefined;
  readonly name: string | undefined;
  /** Argument text, a fragment or the whole; undefined where there is none. */
  readonly text: string | undefined;
  /** Free text (custom tools), or arguments that came as an object: nothing has to close. */
  readonly alwaysCloses: boolean;
}

const LEGACY_INDEX = -1;
const NO_CHOICES: readonly unknown[] = [];

class ChatPayloadReader implements PayloadReader {
  readonly #choices: FollowedChoice[] = [];
  #unfinishedCount = 0;
  #callCount = 0;
  // The last ones told: equal strings of later chunks are not copied again.
  #id: string | undefined;
  #model: string | undefined;
  #serviceTier: string | undefined;
  #systemFingerprint: string | undefined;

  read(payload: unknown, atMs: number, event?: string): Chunk | ErrorPayload {
    if (isErrorPayload(payload, event)) {
      return { type: 'error_payload', atMs, error: classifyError({ payload }) };
    }
    const parts: ChunkPart[] = [];
    if (!isRecord(payload)) return chunkOf(atMs, undefined, undefined, undefined, undefined, parts);
    const choices: readonly unknown[] = Array.isArray(payload['choices']) ? payload['choices'] : NO_CHOICES;
    let isWhole = false;
    for (let position = 0; position < choices.length; position++) {
      const choice = choices[position];
      if (!isRecord(choice)) continue;
      isWhole ||= isRecord(choice['message']);
      this.#readChoice(choice, position, parts);
    }
    const usage = usageIn(payload);
    // Some servers put usage on every chunk: it is final on a whole answer, or once all choices that began have finished.
    if (usage) parts.push({ type: 'usage', usage, final: isWhole || this.#allFinished });
    this.#id = kept(payload['id'], this.#id);
    this.#model = kept(payload['model'], this.#model);
    this.#serviceTier = kept(payload['service_tier'], this.#serviceTier);
    this.#systemFingerprint = kept(payload['system_fingerprint'], this.#systemFingerprint);
    return chunkOf(
      atMs,
      textOf(payload['id']) && this.#id,
      textOf(payload['model']) && this.#model,
      textOf(payload['service_tier']) && this.#serviceTier,
      textOf(payload['system_fingerprint']) && this.#systemFingerprint,
      parts,
    );
  }

  repeatable(payload: unknown, chunk: Chunk): Repeatable | undefined {
    const [begun, counted] = chunk.parts;
    if (begun?.type !== 'choice' || counted === undefined || chunk.parts.length !== 2) return undefined;
    const choice = onlyChoiceOf(payload);
    const output = choice && outputOf(choice);
    if (output === undefined) return undefined;
    if (counted.type === 'output') {
      if (counted.channel !== 'text' && counted.channel !== 'reasoning') return undefined;
      const key = counted.channel === 'text' ? 'content' : reasoningKeyOf(output);
      const value = key && textOf(output[key]);
      return key && value ? { key, value, again: repeatOutput(chunk, begun, counted.channel) } : undefined;
    }
    if (counted.type !== 'tool_call_fragment') return undefined;
    const followed = this.#find(begun.choice);
    const entry = onlyToolCallOf(output);
    if (followed === undefined || entry?.text === undefined || entry.alwaysCloses || entry.name) return undefined;
    return { key: 'arguments', value: entry.text, again: repeatFragment(chunk, begun, followed, identityOf(entry)) };
  }

  #readChoice(choice: Record<string, unknown>, position: number, parts: ChunkPart[]): void {
    const number = countOf(choice['index']) ?? position;
    const followed = this.#follow(number);
    if (followed) parts.push(followed.part);
    const output = outputOf(choice);
    if (output) {
      pushReasoning(output, number, parts);
      pushContent(output['content'], number, parts);
      pushOutput('refusal', output['refusal'], number, parts);
      pushAudio(output['audio'], number, parts);
      this.#readToolCalls(output, number, followed, parts);
    }
    const reason = textOf(choice['finish_reason']);
    if (reason === undefined || followed === undefined) return;
    parts.push({
      type: 'finish',
      choice: number,
      reason: nameOf(reason, MAX_FINISH_REASON_LENGTH) ?? UNNAMED_FINISH_REASON,
    });
    if (!followed.finished) this.#unfinishedCount -= 1;
    followed.finished = true;
  }

  get #allFinished(): boolean {
    return this.#choices.length > 0 && this.#unfinishedCount === 0;
  }

  #follow(number: number): FollowedChoice | undefined {
    const followed = this.#find(number);
    if (followed || this.#choices.length >= MAX_CHOICES) return followed;
    const begun: FollowedChoice = {
      part: { type: 'choice', choice: number },
      finished: false,
      calls: [],
      callCount: 0,
    };
    this.#choices.push(begun);
    this.#unfinishedCount += 1;
    return begun;
  }

  #find(number: number): FollowedChoice | undefined {
    for (const followed of this.#choices) if (followed.part.choice === number) return followed;
    return undefined;
  }

  #readToolCalls(
    output: Record<string, unknown>,
    choice: number,
    followed: FollowedChoice | undefined,
    parts: ChunkPart[],
  ): void {
    const calls = output['tool_calls'];
    if (Array.isArray(calls)) {
      for (const call of calls) {
        const entry = toolCallEntryOf(call);
        if (entry) this.#readToolCall(entry, choice, followed, parts);
      }
    }
    const legacy = output['function_call'];
    if (isRecord(legacy)) this.#readToolCall(entryOf(LEGACY_INDEX, undefined, legacy), choice, followed, parts);
  }

  #readToolCall(entry: ToolCallEntry, choice: number, followed: FollowedChoice | undefined, parts: ChunkPart[]): void {
    let call = followed && callOf(followed, entry);
    let index = call?.index ?? Math.max(0, (followed?.callCount ?? 0) - 1);
    if (call === undefined && (this.#callCount < MAX_TOOL_CALLS || entry.name !== undefined)) {
      index = followed?.callCount ?? 0;
      const id = nameOf(entry.id, MAX_ID_LENGTH);
      const name = nameOf(entry.name, MAX_TOOL_NAME_LENGTH);
      parts.push({ type: 'tool_call_started', choice, index, name, id });
      call = followed && this.#followCall(followed, entry, id);
    } else if (call && entry.name !== undefined) call.named = true;
    if (entry.text === undefined) return;
    call?.arguments.push(entry.text);
    parts.push({
      type: 'tool_call_fragment',
      choice,
      index,
      characters: codePointCount(entry.text),
      argumentsClosed: call !== undefined && (entry.alwaysCloses || call.arguments.closed),
    });
  }

  #followCall(followed: FollowedChoice, entry: ToolCallEntry, id: string | undefined): FollowedCall | undefined {
    const index = followed.callCount;
    followed.callCount += 1;
    if (this.#callCount >= MAX_TOOL_CALLS) return undefined;
    this.#callCount += 1;
    const call: FollowedCall = {
      wireIndex: entry.wireIndex,
      index,
      id,
      named: entry.name !== undefined,
      arguments: new JsonCompleteness(),
    };
    followed.calls.push(call);
    return call;
  }
}

/** One literal for all chunks: the same hidden class, and no missing keys. */
function chunkOf(
  atMs: number,
  id: string | undefined,
  model: string | undefined,
  serviceTier: string | undefined,
  systemFingerprint: string | undefined,
  parts: readonly ChunkPart[],
): Chunk {
  return { type: 'chunk', atMs, id, model, serviceTier, systemFingerprint, parts };
}

/** What is kept of a short string: the copy there is already, or a new one. */
function kept(value: unknown, last: string | undefined): string | undefined {
  const text = textOf(value);
  return text === undefined || text === last ? last : (nameOf(text, MAX_ID_LENGTH) ?? last);
}

function outputOf(choice: Record<string, unknown>): Record<string, unknown> | undefined {
  if (isRecord(choice['delta'])) return choice['delta'];
  return isRecord(choice['message']) ? choice['message'] : undefined;
}

function pushOutput(
  channel: 'text' | 'reasoning' | 'refusal',
  value: unknown,
  choice: number,
  parts: ChunkPart[],
): void {
  const text = textOf(value);
  if (text !== undefined) parts.push({ type: 'output', choice, channel, characters: codePointCount(text) });
}

/** Servers that know several names for reasoning send the same text under each: one of them counts. */
function pushReasoning(output: Record<string, unknown>, choice: number, parts: ChunkPart[]): void {
  const key = reasoningKeyOf(output);
  if (key !== undefined) pushOutput('reasoning', output[key], choice, parts);
  else if (Array.isArray(output['reasoning_details'])) {
    const characters = charactersIn(output['reasoning_details'], ['text', 'summary']);
    if (characters > 0) parts.push({ type: 'output', choice, channel: 'reasoning', characters });
  }
}

function reasoningKeyOf(output: Record<string, unknown>): 'reasoning_content' | 'reasoning' | undefined {
  if (textOf(output['reasoning_content'])) return 'reasoning_content';
  return textOf(output['reasoning']) ? 'reasoning' : undefined;
}

/** A string, or text parts as some servers send them; Mistral puts reasoning among them (`thinking`, parts of its own). */
function pushContent(content: unknown, choice: number, parts: ChunkPart[]): void {
  if (!Array.isArray(content)) {
    pushOutput('text', content, choice, parts);
    return;
  }
  let reasoning = 0;
  for (const part of content) {
    if (isRecord(part) && Array.isArray(part['thinking'])) reasoning += charactersIn(part['thinking'], ['text']);
  }
  if (reasoning > 0) parts.push({ type: 'output', choice, channel: 'reasoning', characters: reasoning });
  const text = charactersIn(content, ['text']);
  if (text > 0) parts.push({ type: 'output', choice, channel: 'text', characters: text });
  const refusal = charactersIn(content, ['refusal']);
  if (refusal > 0) parts.push({ type: 'output', choice, channel: 'refusal', characters: refusal });
}

/** Code points of the first of `keys` that each entry has; an entry that is a string counts as it is. */
function charactersIn(entries: readonly unknown[], keys: readonly string[]): number {
  let characters = 0;
  for (const entry of entries) {
    if (typeof entry === 'string' && keys[0] === 'text') characters += codePointCount(entry);
    if (!isRecord(entry)) continue;
    const key = keys.find((name) => textOf(entry[name]) !== undefined);
    if (key !== undefined) characters += codePointCount(textOf(entry[key]) ?? '');
  }
  return characters;
}

/** Sound is output, but no text: `characters` are those of the transcript and of the base64 data, as they came. */
function pushAudio(audio: unknown, choice: number, parts: ChunkPart[]): void {
  if (!isRecord(audio)) return;
  const characters = codePointCount(textOf(audio['transcript']) ?? '') + (textOf(audio['data'])?.length ?? 0);
  if (characters > 0) parts.push({ type: 'output', choice, channel: 'audio', characters });
}

function toolCallEntryOf(call: unknown): ToolCallEntry | undefined {
  if (!isRecord(call)) return undefined;
  const called = isRecord(call['function']) ? call['function'] : call['custom'];
  return entryOf(countOf(call['index']), textOf(call['id']), isRecord(called) ? called : {});
}

function entryOf(
  wireIndex: number | undefined,
  id: string | undefined,
  called: Record<string, unknown>,
): ToolCallEntry {
  const { arguments: text, input, name } = called;
  const whole = isRecord(text) ? JSON.stringify(text) : textOf(input);
  return { wireIndex, id, name: textOf(name), text: whole ?? textOf(text), alwaysCloses: whole !== undefined };
}

/** The call that an entry goes on with; undefined where it begins one. */
function callOf(followed: FollowedChoice, entry: ToolCallEntry): FollowedCall | undefined {
  if (entry.wireIndex === undefined) return callWithoutIndex(followed, entry);
  const call = followed.calls.findLast((known) => known.wireIndex === entry.wireIndex);
  // Gateways send parallel calls all with index 0: an id and a name of its own make a new one.
  const isAnother = call && entry.id !== undefined && entry.name !== undefined && entry.id !== call.id;
  return isAnother ? undefined : call;
}

/** Without an index a known id goes on with its call, no id with the last one; another id, or another name, begins a call. */
function callWithoutIndex(followed: FollowedChoice, entry: ToolCallEntry): FollowedCall | undefined {
  if (entry.id !== undefined) return followed.calls.findLast((known) => known.id === entry.id);
  const last = followed.calls.at(-1);
  return entry.name !== undefined && last?.named ? undefined : last;
}

/** Usage where OpenAI has it, or Groq; zeros that the provider sent are passed on. */
function usageIn(payload: Record<string, unknown>): Usage | undefined {
  const groq = payload['x_groq'];
  const reported = isRecord(payload['usage']) ? payload['usage'] : isRecord(groq) ? groq['usage'] : undefined;
  if (!isRecord(reported)) return undefined;
  const promptDetails = reported['prompt_tokens_details'];
  const completionDetails = reported['completion_tokens_details'];
  const usage: Usage = {
    inputTokens: countOf(reported['prompt_tokens']),
    outputTokens: countOf(reported['completion_tokens']),
    cacheReadInputTokens:
      (isRecord(promptDetails) ? countOf(promptDetails['cached_tokens']) : undefined) ??
      countOf(reported['prompt_cache_hit_tokens']),
    reasoningOutputTokens: isRecord(completionDetails) ? countOf(completionDetails['reasoning_tokens']) : undefined,
  };
  return usage.inputTokens === undefined && usage.outputTokens === undefined ? undefined : usage;
}

function onlyChoiceOf(payload: unknown): Record<string, unknown> | undefined {
  const choices = isRecord(payload) ? payload['choices'] : undefined;
  if (!Array.isArray(choices) || choices.length !== 1) return undefined;
  const choice: unknown = choices[0];
  return isRecord(choice) ? choice : undefined;
}

function onlyToolCallOf(output: Record<string, unknown>): ToolCallEntry | undefined {
  const calls = output['tool_calls'];
  if (isRecord(output['function_call']) || !Array.isArray(calls) || calls.length !== 1) return undefined;
  return toolCallEntryOf(calls[0]);
}

function repeatOutput(
  chunk: Chunk,
  begun: Extract<ChunkPart, { type: 'choice' }>,
  channel: 'text' | 'reasoning',
): Repeatable['again'] {
  const { id, model, serviceTier, systemFingerprint } = chunk;
  const { choice } = begun;
  return (_text, _start, _end, characters, atMs) =>
    chunkOf(atMs, id, model, serviceTier, systemFingerprint, [begun, { type: 'output', choice, channel, characters }]);
}

/** An entry without its argument text, which must not be kept. */
function identityOf({ wireIndex, id }: ToolCallEntry): ToolCallEntry {
  return { wireIndex, id: id && copyOf(id, MAX_ID_LENGTH), name: undefined, text: undefined, alwaysCloses: false };
}

function repeatFragment(
  chunk: Chunk,
  begun: Extract<ChunkPart, { type: 'choice' }>,
  followed: FollowedChoice,
  identity: ToolCallEntry,
): Repeatable['again'] {
  const { id, model, serviceTier, systemFingerprint } = chunk;
  const { choice } = begun;
  return (text, start, end, characters, atMs) => {
    // Looked up each time: another call may have begun at the same index.
    const call = callOf(followed, identity);
    if (call === undefined) return undefined;
    call.arguments.push(text, start, end);
    const argumentsClosed = call.arguments.closed;
    return chunkOf(atMs, id, model, serviceTier, systemFingerprint, [
      begun,
      { type: 'tool_call_fragment', choice, index: call.index, characters, argumentsClosed },
    ]);
  };
}
