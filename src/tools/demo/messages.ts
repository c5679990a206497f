/**
 * What parent and application of the demo say to each other. All that they share: one gives the work, one reports it.
 */

/** How the application reads one stream. */
export interface Reading {
  /** The OpenAI SDK, or `fetch` and a loop written by hand. */
  readonly through: 'openai' | 'fetch';
  /** Asks for usage. */
  readonly includeUsage?: boolean;
  /** Breaks out of the loop after so many chunks. */
  readonly leaveAfterChunks?: number;
  /** Gives the call an `AbortSignal.timeout`. */
  readonly timeoutMs?: number;
  /** How often the SDK may try again. @defaultValue 0 */
  readonly maxRetries?: number;
}

export interface CallOrder extends Reading {
  readonly name: string;
  /** Ends in `/v1`. */
  readonly baseUrl: string;
}

/** Given to the application as its only argument, in JSON. */
export interface Job {
  readonly calls: readonly CallOrder[];
  readonly receiverUrl: string;
  /** Where the same spans go too: a URL of `/v1/traces`. */
  readonly backendUrl?: string | undefined;
  readonly stallThresholdMs: number;
}

/** What the application saw of one call, by its own counting. No text. */
export interface CallReport {
  readonly name: string;
  readonly ending: 'ended_normally' | 'left' | 'threw';
  readonly error?: { readonly name: string; readonly code?: string; readonly status?: number };
  readonly chunks: number;
  readonly characters: number;
  readonly usage: boolean;
  readonly firstTokenMs?: number;
}

export type ApplicationMessage =
  | { readonly type: 'call'; readonly report: CallReport }
  /** How the export to the backend went; sent where there is one. */
  | { readonly type: 'backend'; readonly sent: number; readonly problem?: string }
  /** The application could not do its work. */
  | { readonly type: 'stopped'; readonly problem: string };

const TYPES: ReadonlySet<unknown> = new Set(['call', 'backend', 'stopped'] satisfies ApplicationMessage['type'][]);

/** Both sides are built together: the type of a message is all that is looked at. */
export function isApplicationMessage(value: unknown): value is ApplicationMessage {
  return typeof value === 'object' && value !== null && 'type' in value && TYPES.has(value.type);
}
