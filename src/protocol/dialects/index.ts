/** The registry of dialects: a format is one file beside this one, its name in `dialect.ts`, and one line here. */
import { chatCompletions } from './chat-completions.js';
import type { Dialect, DialectName } from './dialect.js';

/** Every dialect by its name, in order of recognition. */
export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  'openai-chat-completions': chatCompletions,
};

/** Every name of a dialect. */
// `Object.keys` forgets the key type; the record's type is closed.
export const DIALECT_NAMES = Object.keys(DIALECTS) as readonly DialectName[];
