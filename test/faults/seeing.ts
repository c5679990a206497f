/** How an application says what it saw: plain data, equal with and without us. */
import { createHash } from 'node:crypto';
import { types } from 'node:util';
import type { ReceivedRequest } from '../../src/testing/index.js';
import { CANARY, type Place } from './place.js';

/** What an application says of an error; of its message nothing that names a port. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly code: unknown;
  readonly isReason: boolean;
  /** The application's functions that its stack names. */
  readonly frames: readonly string[];
}

export async function drain(
  taken: ReadableStreamDefaultReader<Uint8Array>,
  reason?: unknown,
): Promise<{ readonly digest?: string; readonly error?: Thrown }> {
  const parts: Uint8Array[] = [];
  try {
    for (;;) {
      const { done, value } = await taken.read();
      if (done) return { digest: digest(Buffer.concat(parts)) };
      parts.push(value);
    }
  } catch (error) {
    return { error: said(error, reason) };
  }
}

export async function iterate(stream: ReadableStream<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const bytes of stream) parts.push(bytes);
  return digest(Buffer.concat(parts));
}

/** Reads until so many chunks have come, in however many packets. */
export async function readChunks(taken: ReadableStreamDefaultReader<Uint8Array>, count: number): Promise<string> {
  const parts: Uint8Array[] = [];
  while (chunksIn(Buffer.concat(parts)) < count) {
    const { done, value } = await taken.read();
    if (done) break;
    parts.push(value);
  }
  return digest(Buffer.concat(parts));
}

export function chunksIn(bytes: Buffer): number {
  return bytes.toString().split('\n\n').length - 1;
}

export function digest(content: string | ArrayBuffer | Uint8Array): string {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content as Uint8Array);
  return `${bytes.length} bytes, ${createHash('sha1').update(bytes).digest('hex').slice(0, 12)}`;
}

export async function thrown(
  promise: Promise<unknown>,
  reason?: unknown,
): Promise<Thrown | { readonly resolved: string }> {
  try {
    return { resolved: String(await promise) };
  } catch (error) {
    return said(error, reason);
  }
}

/** What a scenario says that proves nothing. */
export const NOT_COLLECTED = 'not collected';

/** Resolves when `target` was collected as garbage. */
export function collected(target: object): Promise<void> {
  return new Promise((resolve) => registry.register(target, resolve));
}

const registry = new FinalizationRegistry<() => void>((resolve) => resolve());

export async function capture(run: () => unknown): Promise<Thrown | { readonly resolved: string }> {
  return thrown(new Promise((resolve) => resolve(run())));
}

export function said(error: unknown, reason: unknown): Thrown {
  const isReason = reason !== undefined && error === reason;
  // Some reasons must not be looked at.
  if (isReason && typeof error === 'object' && !types.isNativeError(error)) return NOT_LOOKED_AT;
  if (!(error instanceof Error)) return { name: typeof error, message: '', code: undefined, isReason, frames: [] };
  const { cause } = error;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  const message = error.message.replace(/127\.0\.0\.1:\d+/, 'the provider');
  return { name: `${error.constructor.name} ${error.name}`, message, code, isReason, frames: framesOf(error) };
}

const NOT_LOOKED_AT: Thrown = { name: '', message: '', code: undefined, isReason: true, frames: [] };

/** The application is this bundle; what lies around its frames may be others' business, and ours. */
function framesOf({ stack = '' }: Error): readonly string[] {
  const here = import.meta.url;
  const lines = stack.split('\n').filter((line) => line.includes(here));
  return lines.map((line) => line.trim().replace(here, 'the application'));
}

export async function closedBy(place: Place): Promise<ReceivedRequest['closedBy']> {
  const request = await place.request();
  await request.closed;
  return request.closedBy;
}

/** An object that nobody can look at; Node itself looks at its `stack`. */
export function hostile(): object {
  const get = () => {
    throw new RangeError(CANARY);
  };
  const keys = ['name', 'message', 'code', 'cause', 'errors', 'constructor', 'toString', Symbol.toPrimitive];
  return Object.defineProperties({}, Object.fromEntries(keys.map((key) => [key, { get }])));
}
