/**
 * What a model says, as a script: builders for chat completions, and the one place that knows OpenAI's chunk format.
 * The same script is a stream of `chat.completion.chunk` or one `chat.completion`.
 */

/** One piece of an answer: each becomes one chunk. An empty text is sent as it is. */
export type ChatPiece =
  | { readonly type: 'text'; readonly text: string }
  /** `delta.reasoning_content`, as DeepSeek, vLLM and llama.cpp send it. */
  | { readonly type: 'reasoning'; readonly text: string }
  | { readonly type: 'refusal'; readonly text: string }
  /** Opens a tool call: `index`, `id`, `type`, name and empty arguments. */
  | { readonly type: 'tool_call'; readonly index: number; readonly id: string; readonly name: string }
  | { readonly type: 'tool_arguments'; readonly index: number; readonly fragment: string };

export interface ChatChoice {
  readonly pieces: readonly ChatPiece[];
  /** As the provider would write it; null: the choice never finishes. */
  readonly finishReason: string | null;
}

/** OpenAI's `usage` object, as it goes out. */
export interface ChatUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly [detail: string]: unknown;
}

export interface ChatOptions {
  /** @defaultValue `chatcmpl-faulty` */
  readonly id?: string;
  /** The model that answers. @defaultValue the request's own */
  readonly model?: string;
  /** Seconds since the epoch. @defaultValue 1767225600 */
  readonly created?: number;
  /** @defaultValue `fp_faulty`; null leaves the field out */
  readonly systemFingerprint?: string | null;
  readonly serviceTier?: string;
  /** @defaultValue 10 prompt tokens and one completion token per piece; `none`: the provider reports nothing */
  readonly usage?: ChatUsage | 'none';
  /**
   * When a stream reports usage: `as_requested`, a last chunk with `choices: []` where `stream_options.include_usage` asked
   * for it; `always`, that chunk unasked; `with_choice`, unasked and with `choices: [{index: 0, delta: {}}]`, as gateways
   * send it; `with_finish`, unasked, on the finish chunk.
   *
   * @defaultValue `as_requested`
   */
  readonly usageWhen?: 'as_requested' | 'always' | 'with_choice' | 'with_finish';
  /** The delta that opens each choice. @defaultValue `{role: 'assistant', content: ''}`, content null before tool calls; null: no such chunk */
  readonly opening?: Readonly<Record<string, unknown>> | null;
  /** @defaultValue `stop`, or `tool_calls` for `chatToolCalls`; null: never finishes */
  readonly finishReason?: string | null;
}

/** A chat completion as a script. Made by {@link chatText}, {@link chatToolCalls}, {@link chatChoices}. */
export interface ChatScript {
  readonly type: 'chat';
  readonly choices: readonly ChatChoice[];
  readonly options: ChatOptions;
}

/** An answer in text: one chunk per string, between the opening chunk and the finish chunk. */
export function chatText(texts: readonly string[], options: ChatOptions = {}): ChatScript {
  return chatPieces(
    texts.map((text) => ({ type: 'text', text })),
    options,
  );
}

/** One choice out of any pieces: reasoning before text, a refusal, text before a tool call. */
export function chatPieces(pieces: readonly ChatPiece[], options: ChatOptions = {}): ChatScript {
  const finishReason = options.finishReason === undefined ? 'stop' : options.finishReason;
  return chatChoices([{ pieces, finishReason }], options);
}

export interface ToolCallScript {
  readonly name: string;
  /** @defaultValue `call_0`, `call_1` … by position */
  readonly id?: string;
  /** The arguments as they arrive; one chunk each. */
  readonly fragments: readonly string[];
}

/** One choice that calls tools, one after the other as OpenAI sends them, or with `interleaved` fragments as others do. */
export function chatToolCalls(
  calls: readonly ToolCallScript[],
  options: ChatOptions & { readonly interleaved?: boolean } = {},
): ChatScript {
  const { interleaved = false, ...chatOptions } = options;
  const perCall = calls.map(({ name, id, fragments }, index): ChatPiece[] => [
    { type: 'tool_call', index, id: id ?? `call_${index}`, name },
    ...fragments.map((fragment): ChatPiece => ({ type: 'tool_arguments', index, fragment })),
  ]);
  return chatPieces(interleaved ? takeTurns(perCall) : perCall.flat(), { finishReason: 'tool_calls', ...chatOptions });
}

/** Several choices (`n`), their chunks taking turns. `options.finishReason` is not looked at: each choice has its own. */
export function chatChoices(choices: readonly ChatChoice[], options: ChatOptions = {}): ChatScript {
  return { type: 'chat', choices, options };
}

/** What of a request decides how a script is rendered. */
export interface ChatRequest {
  readonly model: string | undefined;
  readonly includeUsage: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** The payloads of the stream, in order, `[DONE]` not among them. */
export function renderChunks(script: ChatScript, request: ChatRequest): Json[] {
  const { usageWhen = 'as_requested' } = script.options;
  const usage = usageOf(script);
  const asked = usageWhen === 'as_requested' && request.includeUsage;
  // With `include_usage`, OpenAI writes `usage: null` on every chunk but the last.
  const noUsage = asked ? { usage: null } : {};
  const envelope = envelopeOf(script, request, 'chat.completion.chunk');
  const chunkOf = (index: number, delta: Json, finish_reason: string | null): Json => {
    const choices = [{ index, delta, logprobs: null, finish_reason }];
    const last = finish_reason !== null && usageWhen === 'with_finish' && usage !== undefined;
    return { ...envelope, choices, ...(last ? { usage } : noUsage) };
  };
  const body = takeTurns(
    script.choices.map(({ pieces, finishReason }, index) => [
      ...openingOf(script.options, pieces).map((delta) => chunkOf(index, delta, null)),
      ...pieces.map((piece) => chunkOf(index, deltaOf(piece), null)),
      ...(finishReason === null ? [] : [chunkOf(index, {}, finishReason)]),
    ]),
  );
  if (usage === undefined) return body;
  if (asked || usageWhen === 'always') return [...body, { ...envelope, choices: [], usage }];
  if (usageWhen === 'with_choice') return [...body, { ...envelope, choices: [{ index: 0, delta: {} }], usage }];
  return body;
}

/** The same script as one `chat.completion` document. */
export function renderDocument(script: ChatScript, request: ChatRequest): Json {
  const usage = usageOf(script);
  return {
    ...envelopeOf(script, request, 'chat.completion'),
    choices: script.choices.map(({ pieces, finishReason }, index) => ({
      index,
      message: messageOf(pieces),
      logprobs: null,
      finish_reason: finishReason,
    })),
    ...(usage !== undefined && { usage }),
  };
}

function envelopeOf({ options }: ChatScript, request: ChatRequest, object: string): Json {
  const { id = 'chatcmpl-faulty', created = 1_767_225_600, systemFingerprint = 'fp_faulty', serviceTier } = options;
  return {
    id,
    object,
    created,
    model: options.model ?? request.model ?? 'faulty',
    ...(serviceTier !== undefined && { service_tier: serviceTier }),
    ...(systemFingerprint !== null && { system_fingerprint: systemFingerprint }),
  };
}

function openingOf({ opening }: ChatOptions, pieces: readonly ChatPiece[]): Json[] {
  if (opening === null) return [];
  return [opening ?? { role: 'assistant', content: pieces[0]?.type === 'tool_call' ? null : '' }];
}

function deltaOf(piece: ChatPiece): Json {
  switch (piece.type) {
    case 'text':
      return { content: piece.text };
    case 'reasoning':
      return { reasoning_content: piece.text };
    case 'refusal':
      return { refusal: piece.text };
    case 'tool_call':
      return {
        tool_calls: [
          { index: piece.index, id: piece.id, type: 'function', function: { name: piece.name, arguments: '' } },
        ],
      };
    case 'tool_arguments':
      return { tool_calls: [{ index: piece.index, function: { arguments: piece.fragment } }] };
  }
}

function messageOf(pieces: readonly ChatPiece[]): Json {
  const said = (type: 'text' | 'reasoning' | 'refusal'): string | null => {
    const texts = pieces.flatMap((piece) => (piece.type === type ? [piece.text] : []));
    return texts.length === 0 ? null : texts.join('');
  };
  const reasoning = said('reasoning');
  const calls = pieces.flatMap((piece) => (piece.type === 'tool_call' ? [piece] : []));
  return {
    role: 'assistant',
    content: said('text'),
    refusal: said('refusal'),
    ...(reasoning !== null && { reasoning_content: reasoning }),
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ index, id, name }) => ({
        id,
        type: 'function',
        function: { name, arguments: argumentsOf(pieces, index) },
      })),
    }),
  };
}

function argumentsOf(pieces: readonly ChatPiece[], index: number): string {
  return pieces
    .flatMap((piece) => (piece.type === 'tool_arguments' && piece.index === index ? [piece.fragment] : []))
    .join('');
}

const DEFAULT_PROMPT_TOKENS = 10;

function usageOf({ choices, options }: ChatScript): ChatUsage | undefined {
  if (options.usage === 'none') return undefined;
  if (options.usage !== undefined) return options.usage;
  const completion = choices.reduce((sum, { pieces }) => sum + pieces.length, 0);
  return {
    prompt_tokens: DEFAULT_PROMPT_TOKENS,
    completion_tokens: completion,
    total_tokens: DEFAULT_PROMPT_TOKENS + completion,
  };
}

function takeTurns<T>(lists: readonly (readonly T[])[]): T[] {
  const rounds = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: rounds }, (_, round) => lists.flatMap((list) => list.slice(round, round + 1))).flat();
}
