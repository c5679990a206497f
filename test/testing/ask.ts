/**
 * A prompt raw client: what a reader of the wire literally gets, in the order it gets it.
 */

export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  /** One entry per read. */
  readonly reads: readonly string[];
  readonly body: string;
  readonly bytes: Uint8Array;
  /** `clean`, or name and cause of the error: `TypeError: terminated (ECONNRESET)`. */
  readonly end: string;
}

export interface AskOptions {
  readonly stream?: boolean;
  readonly includeUsage?: boolean;
  readonly signal?: AbortSignal;
  readonly headers?: Record<string, string>;
  readonly path?: string;
}

/** Status 0: no headers came. */
export async function ask(url: string, model: string, options: AskOptions = {}): Promise<Asked> {
  const { stream = true, includeUsage = false, path = '/v1/chat/completions' } = options;
  const reads: Uint8Array[] = [];
  let status = 0;
  let headers = new Headers();
  let end = 'clean';
  try {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...options.headers },
      body: JSON.stringify({ model, stream, ...(includeUsage && { stream_options: { include_usage: true } }) }),
      ...(options.signal && { signal: options.signal }),
    });
    ({ status, headers } = response);
    for await (const bytes of response.body ?? []) reads.push(bytes);
  } catch (error) {
    end = named(error);
  }
  const bytes = Buffer.concat(reads);
  return {
    status,
    headers,
    reads: reads.map((read) => Buffer.from(read).toString()),
    body: bytes.toString(),
    bytes,
    end,
  };
}

function named(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause: unknown = error.cause;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return `${error.name}: ${error.message}${cause instanceof Error ? ` (${code ?? cause.name})` : ''}`;
}
