/**
 * The application's loops: streams read as any application reads them, and what it saw of them.
 */
import type OpenAI from 'openai';
import { instrumentOpenAI } from '../../index.js';
import { load } from './load.js';
import type { CallOrder, CallReport } from './messages.js';

/** Reads one stream to where the application stops; true where it left by itself. */
type Read = (call: CallOrder, notes: Notes, client: OpenAI) => Promise<boolean>;

/** Makes calls, and reports what was seen of each. Clients are built here: after telemetry, as they keep the `fetch` they find. */
export async function createReader(): Promise<(call: CallOrder) => Promise<CallReport>> {
  const { default: Client } = await load('openai', () => import('openai'));
  // Said by hand: an application says it with `--import …/hook`, and not at all where it requires openai.
  instrumentOpenAI(Client);
  return async (call) => {
    const client = new Client({ apiKey: FAKE_KEY, baseURL: call.baseUrl, maxRetries: call.maxRetries ?? 0 });
    const notes = new Notes();
    try {
      const left = await READS[call.through](call, notes, client);
      return { name: call.name, ending: left ? 'left' : 'ended_normally', ...notes.counts() };
    } catch (error) {
      return { name: call.name, ending: 'threw', error: described(error), ...notes.counts() };
    }
  };
}

/**
 * Asks for what is no LLM call, and is not recorded: the first request of a process pays for loading the SDK's and
 * Node's own code, and would look slow on one side only.
 */
export async function warmUp(baseUrl: string): Promise<void> {
  const { default: Client } = await load('openai', () => import('openai'));
  const client = new Client({ apiKey: FAKE_KEY, baseURL: baseUrl, maxRetries: 0 });
  // The provider of the demo has no list of models, and says so.
  await client.models.list().catch(() => undefined);
}

const READS: Readonly<Record<CallOrder['through'], Read>> = { openai: readByOpenAI, fetch: readByFetch };

const FAKE_KEY = 'sk-demo-no-key-at-all';
const PROMPT = 'Write a haiku about a pond.';

async function readByOpenAI(call: CallOrder, notes: Notes, client: OpenAI): Promise<boolean> {
  const stream = await client.chat.completions.create(requestOf(call), signalOf(call));
  for await (const chunk of stream) {
    notes.chunk(chunk);
    if (notes.chunks === call.leaveAfterChunks) return true;
  }
  return false;
}

async function readByFetch(call: CallOrder, notes: Notes): Promise<boolean> {
  const response = await fetch(`${call.baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${FAKE_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(requestOf(call)),
    ...signalOf(call),
  });
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of response.body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data: ') || line === 'data: [DONE]') continue;
      const chunk: Chunk = JSON.parse(line.slice('data: '.length));
      notes.chunk(chunk);
      if (notes.chunks === call.leaveAfterChunks) return true;
    }
  }
  return false;
}

function requestOf({ name, includeUsage }: CallOrder): OpenAI.ChatCompletionCreateParamsStreaming {
  return {
    model: `demo-${name}`,
    messages: [{ role: 'user', content: PROMPT }],
    stream: true,
    ...(includeUsage === true && { stream_options: { include_usage: true } }),
  };
}

function signalOf({ timeoutMs }: CallOrder): { signal?: AbortSignal } {
  return timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) };
}

/** What a loop looks at. Hand-written ones look for nothing else, an error inside the stream for example. */
interface Chunk {
  readonly choices?: readonly { readonly delta?: Delta }[];
  readonly usage?: object | null;
}

interface Delta {
  readonly content?: string | null;
  readonly tool_calls?: readonly unknown[];
}

class Notes {
  readonly #startedMs = performance.now();
  #firstTokenMs: number | undefined;
  #characters = 0;
  #usage = false;
  chunks = 0;

  chunk({ choices, usage }: Chunk): void {
    if (choices === undefined) return;
    this.chunks += 1;
    this.#usage ||= usage !== undefined && usage !== null;
    for (const { delta } of choices) {
      const length = [...(delta?.content ?? '')].length;
      this.#characters += length;
      if (length > 0 || delta?.tool_calls !== undefined) {
        this.#firstTokenMs ??= Math.round(performance.now() - this.#startedMs);
      }
    }
  }

  counts(): Pick<CallReport, 'chunks' | 'characters' | 'usage' | 'firstTokenMs'> {
    const firstTokenMs = this.#firstTokenMs;
    return {
      chunks: this.chunks,
      characters: this.#characters,
      usage: this.#usage,
      ...(firstTokenMs !== undefined && { firstTokenMs }),
    };
  }
}

/** Class and code: what an application can branch on. A message may quote content. */
function described(error: unknown): NonNullable<CallReport['error']> {
  if (!(error instanceof Error)) return { name: typeof error };
  const code = codeOf(error);
  const status: unknown = Reflect.get(error, 'status');
  return {
    // The SDK's classes do not set a name of their own.
    name: error.name === 'Error' ? error.constructor.name : error.name,
    ...(code !== undefined && { code }),
    ...(typeof status === 'number' && { status }),
  };
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : codeOf(error.cause);
}
