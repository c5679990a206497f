/**
 * Is this request an LLM call, and what does it say of itself before it starts? Reads URL, body and the presence of a
 * key; keeps no content, no query, no key.
 *
 * describeRequest({ url, method, header, body }, endpoints, start) → DescribedRequest { dialect, description, estimatedInputTokens } | undefined
 */
import type { CallDescription, RequestParameters } from '../stream/call-description.js';
import type { DialectName } from './dialects/dialect.js';
import { DIALECT_NAMES, DIALECTS } from './dialects/index.js';
import { copyOf, countOf, numberOf, textOf } from './narrow.js';
import { DEFAULT_PROVIDER, isAzureHost, providerOf } from './provider.js';
import { memberOf, type RequestBody, readPayload, scanRequestBody } from './request-body.js';

/** A request as `intercept/` tells it, as far as it is needed here. */
export interface RequestToDescribe {
  /** As given: may be relative, or no URL at all. */
  readonly url: string;
  /** The six standard ones in upper case. */
  readonly method: string;
  /** Value of a header by its lower-case name; undefined itself where the headers cannot be read. */
  readonly header: ((name: string) => string | undefined) | undefined;
  readonly body?: string | Uint8Array | undefined;
  /** The body as an object, where it was never serialised. */
  readonly payload?: unknown;
}

/** A configured endpoint: observed with any method and any scheme. */
export interface Endpoint {
  /**
   * A string matches where the URL starts with it, up to the end of a host or path segment, or where the path ends with
   * it; a RegExp is tested against the whole URL.
   */
  readonly url: string | RegExp;
  /** @defaultValue the one whose path it is, else `'openai-chat-completions'` */
  readonly dialect?: DialectName | undefined;
  /** @defaultValue the one whose host it is, else `'openai'` */
  readonly provider?: string | undefined;
}

export interface DescribedRequest {
  readonly dialect: DialectName;
  readonly description: CallDescription;
  /** A quarter of the characters of the messages, rounded up; absent where they hold more than text. */
  readonly estimatedInputTokens?: number | undefined;
}

/** When a call starts: not the request's to say. */
export type CallStart = Pick<CallDescription, 'startEpochMs'>;

const MAX_NAME_LENGTH = 256;
const DEFAULT_DIALECT: DialectName = 'openai-chat-completions';
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80 };
const KEY_HEADERS = ['authorization', 'api-key', 'x-api-key', 'x-goog-api-key'];

/** Recognizes an LLM call; undefined: not one of ours. Cheap for all others: one comparison of the path's end. Never throws. */
export function describeRequest(
  request: RequestToDescribe,
  endpoints: readonly Endpoint[],
  { startEpochMs }: CallStart,
): DescribedRequest | undefined {
  const path = withoutQuery(request.url);
  const endpoint = endpoints.find((one) => matches(one, request.url, path));
  const byPath = dialectOfPath(path);
  if (!endpoint && !(byPath && request.method === 'POST')) return undefined;

  const dialect = endpoint?.dialect ?? byPath ?? DEFAULT_DIALECT;
  const url = parseUrl(request.url);
  const hostname = url?.hostname ?? '';
  const deployment = deploymentOf(path);
  const azure = deployment !== undefined || isAzureHost(hostname);
  const body = request.body === undefined ? readPayload(request.payload, KEYS) : scanRequestBody(request.body, KEYS);
  const model = textOf(body?.values.get('model')) ?? deployment;
  return {
    dialect,
    estimatedInputTokens: body?.messageCharacters === undefined ? undefined : Math.ceil(body.messageCharacters / 4),
    // One literal: with a spread, Node 20 makes a slow object of so many keys, and reading it costs 6 µs a call more.
    description: {
      startEpochMs,
      operation: DIALECTS[dialect].operation,
      apiType: DIALECTS[dialect].apiType,
      provider: endpoint?.provider ?? (providerOfCall(hostname, azure, deployment) || DEFAULT_PROVIDER),
      model: model === undefined ? undefined : copyOf(model, MAX_NAME_LENGTH),
      serverAddress: hostname === '' ? undefined : bareHost(hostname),
      serverPort: url && portOf(url),
      stream: streamOf(body),
      parameters: body ? parametersOf(body.values) : {},
      bodySize: body?.size,
      messageCount: body?.messageCount,
      toolCount: body?.toolCount,
      apiKeyPresent: request.header && hasKey(request.header),
      azure,
    },
  };
}

/** Whether it is an LLM call by its path, as the known providers have it. */
export function isLlmRequest(url: string, method: string): boolean {
  return method === 'POST' && dialectOfPath(withoutQuery(url)) !== undefined;
}

/** `canParse` before it would parse twice. */
function parseUrl(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

function withoutQuery(url: string): string {
  const end = url.search(/[?#]/);
  const path = end === -1 ? url : url.slice(0, end);
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

function dialectOfPath(path: string): DialectName | undefined {
  return DIALECT_NAMES.find((name) => DIALECTS[name].pathSuffixes.some((suffix) => path.endsWith(suffix)));
}

function matches({ url: pattern }: Endpoint, url: string, path: string): boolean {
  if (typeof pattern !== 'string') {
    return pattern.test(url);
  }
  if (path.endsWith(pattern)) return true;
  if (!url.startsWith(pattern)) return false;
  // `https://llm.example` is not `https://llm.example.com`.
  const next = url.charAt(pattern.length);
  return next === '' || '/?#:,;'.includes(next) || /[^\w.-]$/.test(pattern);
}

/** Azure names the model's deployment in the path: `/openai/deployments/{name}/chat/completions`. */
function deploymentOf(path: string): string | undefined {
  const name = /\/openai\/deployments\/([^/]+)\//.exec(path)?.[1];
  try {
    return name && decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Azure's AI services speak both of its flavours: the path says which. */
function providerOfCall(hostname: string, azure: boolean, deployment: string | undefined): string | undefined {
  if (deployment !== undefined) return 'azure.ai.openai';
  return providerOf(hostname) ?? (azure ? 'azure.ai.inference' : undefined);
}

/** An IPv6 address without its brackets, as `server.address` has it. */
function bareHost(hostname: string): string {
  return copyOf(hostname.replace(/^\[|\]$/g, ''), MAX_NAME_LENGTH);
}

function portOf(url: URL): number | undefined {
  return url.port === '' ? DEFAULT_PORTS[url.protocol] : Number(url.port);
}

/** A body that was read and does not say `stream: true` asks for a whole answer; a body that broke off says nothing. */
function streamOf(body: RequestBody | undefined): boolean | undefined {
  if (body === undefined) return undefined;
  const stream = body.values.get('stream');
  if (typeof stream === 'boolean') return stream;
  return body.isWhole ? false : undefined;
}

/** `Bearer` alone is what an empty variable leaves behind. */
function hasKey(header: (name: string) => string | undefined): boolean {
  return KEY_HEADERS.some((name) => {
    const value = header(name);
    return value !== undefined && !/^(?:bearer|basic)?\s*$/i.test(value);
  });
}

const KEYS: ReadonlySet<string> = new Set([
  'model',
  'stream',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'top_k',
  'seed',
  'n',
  'frequency_penalty',
  'presence_penalty',
  'stop',
  'reasoning_effort',
  'reasoning',
  'response_format',
  'service_tier',
]);

function parametersOf(values: ReadonlyMap<string, unknown>): RequestParameters {
  const choiceCount = countOf(values.get('n'));
  return {
    maxTokens: countOf(values.get('max_completion_tokens')) ?? countOf(values.get('max_tokens')),
    temperature: numberOf(values.get('temperature')),
    topP: numberOf(values.get('top_p')),
    topK: countOf(values.get('top_k')),
    seed: integerOf(values.get('seed')),
    choiceCount: choiceCount === 1 ? undefined : choiceCount,
    frequencyPenalty: numberOf(values.get('frequency_penalty')),
    presencePenalty: numberOf(values.get('presence_penalty')),
    stopSequences: stopSequencesOf(values.get('stop')),
    reasoningLevel: wordOf(values.get('reasoning_effort')) ?? wordOf(memberOf(values.get('reasoning'), 'effort')),
    outputType: outputTypeOf(memberOf(values.get('response_format'), 'type')),
    serviceTier: serviceTierOf(values.get('service_tier')),
  };
}

function integerOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** OpenAI takes four. */
function stopSequencesOf(value: unknown): readonly string[] | undefined {
  const sequences: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = sequences.filter((one) => typeof one === 'string' && one !== '').slice(0, 4);
  return texts.length === 0 ? undefined : texts.map((one) => copyOf(String(one), 64));
}

function wordOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text && copyOf(text, 64);
}

/** `json_object` and `json_schema` are `json` to the conventions. */
function outputTypeOf(value: unknown): string | undefined {
  const type = textOf(value);
  if (type === undefined) return undefined;
  if (type === 'text') return 'text';
  return type.startsWith('json') ? 'json' : undefined;
}

function serviceTierOf(value: unknown): string | undefined {
  const tier = wordOf(value);
  return tier === 'auto' ? undefined : tier;
}
