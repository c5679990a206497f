/**
 * Answers that are no script: HTTP errors, whole documents, raw payloads, raw bodies.
 */
import type { ChatScript } from './chat-completions.js';

/** Everything a scenario can answer with. */
export type Reply = ChatScript | PayloadsReply | HttpReply;

/** An SSE stream of payloads as they are given. Made by {@link ssePayloads}. */
export interface PayloadsReply {
  readonly type: 'payloads';
  readonly payloads: readonly (string | Readonly<Record<string, unknown>>)[];
  readonly done: boolean;
}

/** A status, headers and a body as they are given. */
export interface HttpReply {
  readonly type: 'http';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as UTF-8; an object is sent as JSON. */
  readonly body: string | Readonly<Record<string, unknown>>;
}

/**
 * A stream out of raw payloads: an object is sent as JSON, a string as it is, each behind `data: ` (a line end inside makes
 * a second `data:` line), then `[DONE]` unless `done` is false. Sent as a stream whatever the request asked for.
 */
export function ssePayloads(
  payloads: PayloadsReply['payloads'],
  options: { readonly done?: boolean } = {},
): PayloadsReply {
  return { type: 'payloads', payloads, done: options.done ?? true };
}

/** The `error` object of OpenAI's error JSON. */
export interface OpenAIError {
  readonly message?: string;
  readonly type?: string | null;
  readonly code?: string | null;
  readonly param?: string | null;
}

/** A status with OpenAI's error JSON. @param headers - such as `retry-after-ms` or `x-should-retry` */
export function httpError(
  status: number,
  error: OpenAIError = {},
  headers: Readonly<Record<string, string>> = {},
): HttpReply {
  return httpReply({ status, headers, body: { error: openAIError(error) } });
}

/** A status with a text, such as a gateway's HTML page. @defaultValue `contentType` is `text/html` */
export function httpText(status: number, text: string, contentType = 'text/html'): HttpReply {
  return httpReply({ status, headers: { 'content-type': contentType }, body: text });
}

/** A whole JSON document with status 200, whatever the request asked for. */
export function chatCompletion(document: Readonly<Record<string, unknown>>): HttpReply {
  return httpReply({ status: 200, body: document });
}

/** Any status, headers and body. An object without a content type is `application/json`, a string `text/plain`. */
export function httpReply(reply: {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpReply['body'];
}): HttpReply {
  return { type: 'http', status: reply.status, headers: reply.headers ?? {}, body: reply.body ?? '' };
}

/** All four fields, in OpenAI's order, as it sends them in a body and inside a stream. */
export function openAIError(error: OpenAIError): Readonly<Record<string, unknown>> {
  return {
    message: error.message ?? 'The scenario says so.',
    type: error.type ?? null,
    param: error.param ?? null,
    code: error.code ?? null,
  };
}
