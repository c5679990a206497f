/** Reads bodies the way `call/attempt.ts` does, for tests: bytes in, signals out. */
import { readdirSync, readFileSync } from 'node:fs';
import { createChunkReader } from '../../src/protocol/chunk-reader.js';
import type { ChunkPart, Signal } from '../../src/stream/signal.js';

const FIXTURES = new URL('../fixtures/chat-completions/', import.meta.url);

export const FIXTURE_NAMES = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.sse'))
  .map((name) => name.slice(0, -'.sse'.length));

export function fixture(name: string): string {
  return readFileSync(new URL(`${name}.sse`, FIXTURES), 'utf8');
}

/** Signals of a body given in pieces, all at the same time. */
export function signalsOf(pieces: readonly (string | Uint8Array)[], status = 200): Signal[] {
  const signals: Signal[] = [];
  const reader = createChunkReader({ dialect: 'openai-chat-completions', status }, (signal) => signals.push(signal));
  for (const piece of pieces) reader.feed(typeof piece === 'string' ? Buffer.from(piece) : piece, 0);
  reader.end(0);
  return signals;
}

/** A signal in one line, for rows that can be read: `chunk: choice 0, text 5`. */
export function inWords(signal: Signal): string {
  if (signal.type === 'chunk') return ['chunk', signal.parts.map(partInWords).join(', ')].filter(Boolean).join(': ');
  if (signal.type === 'document') return `document: ${signal.state}`;
  if (signal.type !== 'error_payload') return signal.type;
  const { type, code, param } = signal.error.ids;
  return `error: ${signal.error.category} type=${type} code=${code} param=${param}`;
}

function partInWords(part: ChunkPart): string {
  switch (part.type) {
    case 'choice':
      return `choice ${part.choice}`;
    case 'output':
      return `${part.channel} ${part.characters}`;
    case 'tool_call_started':
      return `call ${part.index} starts ${part.name} ${part.id}`;
    case 'tool_call_fragment':
      return `call ${part.index} +${part.characters} ${part.argumentsClosed ? 'closed' : 'open'}`;
    case 'tool_call_closed':
      return `call ${part.index} closes`;
    case 'finish':
      return `finish ${part.reason}`;
    case 'usage': {
      const { inputTokens, outputTokens, cacheReadInputTokens, reasoningOutputTokens } = part.usage;
      const counts = [inputTokens, outputTokens, cacheReadInputTokens, reasoningOutputTokens].map((one) => one ?? '-');
      return `${part.final ? 'usage' : 'partial usage'} ${counts.join('/')}`;
    }
  }
}
