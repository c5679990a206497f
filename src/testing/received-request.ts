/**
 * What arrived at the provider, and how its answer went. Prompts are not kept.
 */
import type { IncomingMessage } from 'node:http';

/** One HTTP request. The object is live: it goes on changing until `closed` resolves. */
export interface ReceivedRequest {
  /** Position among all requests of this provider, from 0. */
  readonly index: number;
  readonly method: string;
  readonly path: string;
  /** Names in lower case, values as they came: a key too. */
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the request body. */
  readonly bodySize: number;
  readonly model: string | undefined;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** The scenario that answers; undefined: none was found (404), or the client left before it could be chosen. */
  readonly scenario: string | undefined;
  /** 1 for the first request of a scenario. */
  readonly attempt: number;
  /** Status sent; undefined until the headers are. */
  readonly status: number | undefined;
  /** Chunks handed to the connection. */
  readonly chunksWritten: number;
  /** Bytes of the body handed to the connection: after gzip, without the chunked encoding. */
  readonly bytesWritten: number;
  /** Of these, bytes that the kernel took. A reader that is slow, or gone, keeps it back. */
  readonly bytesAccepted: number;
  /** How the server ended the answer; undefined: it has not, or the client was first. */
  readonly ending: 'clean' | 'close' | 'reset' | undefined;
  /** Who ended the exchange first; undefined while it is open. `shutdown`: `provider.close()`. */
  readonly closedBy: 'server' | 'client' | 'shutdown' | undefined;
  /** Resolves when the answer is over, whoever ended it. */
  readonly closed: Promise<void>;
}

/** The same, written to. */
export type RequestRecord = { -readonly [Field in keyof ReceivedRequest]: ReceivedRequest[Field] };

/** The last requests of a provider. */
export interface RequestLog {
  /** Oldest first; beyond {@link MOST_REQUESTS} the oldest are gone. */
  readonly requests: readonly ReceivedRequest[];
  add(record: Omit<RequestRecord, 'index'>): RequestRecord;
  /** The request with this index, when it has come. */
  request(index: number): Promise<ReceivedRequest>;
}

export const MOST_REQUESTS = 1_000;

export function createRequestLog(): RequestLog {
  const requests: RequestRecord[] = [];
  const awaited = new Map<number, ((record: ReceivedRequest) => void)[]>();
  let total = 0;
  return {
    requests,
    add(fields) {
      const record: RequestRecord = { index: total, ...fields };
      total += 1;
      requests.push(record);
      if (requests.length > MOST_REQUESTS) requests.shift();
      for (const tell of awaited.get(record.index) ?? []) tell(record);
      awaited.delete(record.index);
      return record;
    },
    request(index) {
      const known = requests.find((record) => record.index === index);
      if (known !== undefined) return Promise.resolve(known);
      if (index < total)
        return Promise.reject(new RangeError(`request ${index} is no longer kept, only the last ${MOST_REQUESTS}`));
      return new Promise((resolve) => awaited.set(index, [...(awaited.get(index) ?? []), resolve]));
    },
  };
}

/** What a request body says that matters here. */
export interface RequestBody {
  readonly bodySize: number;
  readonly model: string | undefined;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** The client left before the end of it. */
  readonly cut: boolean;
}

/** Bodies beyond this are read and not looked at. */
const LARGEST_BODY = 16 * 1024 * 1024;

/** Reads a request body to its end and keeps three facts of it. Never rejects. */
export async function readBody(request: IncomingMessage): Promise<RequestBody> {
  const parts: Buffer[] = [];
  let bodySize = 0;
  let cut = false;
  try {
    for await (const part of request) {
      if (!Buffer.isBuffer(part)) continue;
      bodySize += part.length;
      if (bodySize <= LARGEST_BODY) parts.push(part);
    }
  } catch {
    cut = true;
  }
  const body: unknown = bodySize <= LARGEST_BODY ? parsed(Buffer.concat(parts).toString()) : undefined;
  const model = property(body, 'model');
  return {
    bodySize,
    model: typeof model === 'string' ? model : undefined,
    stream: property(body, 'stream') === true,
    includeUsage: property(property(body, 'stream_options'), 'include_usage') === true,
    cut,
  };
}

export function headersOf(request: IncomingMessage): Record<string, string> {
  const headers = Object.entries(request.headers);
  return Object.fromEntries(
    headers.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
