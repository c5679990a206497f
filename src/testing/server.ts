/**
 * The faulty provider: an HTTP server on loopback that answers chat completions out of scenarios, and goes wrong on purpose.
 * For tests of applications and of this package. Knows nothing of telemetry.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { checkFields, fail, isObject, isWhole } from './checks.js';
import { createGate, type Gate, type GateKeeper } from './gate.js';
import { type Exchange, play } from './player.js';
import {
  createRequestLog,
  headersOf,
  type ReceivedRequest,
  type RequestBody,
  type RequestRecord,
  readBody,
} from './received-request.js';
import { checkScenario, planAnswer, type Scenario } from './scenario.js';
import { chatText } from './scripts/chat-completions.js';
import { httpError } from './scripts/replies.js';

/** One scenario, or one per attempt: the first request gets the first, the last one repeats. */
export type ScenarioOrList = Scenario | readonly Scenario[];

export interface FaultyProviderOptions {
  /** By name; see {@link FaultyProvider.define}. */
  readonly scenarios?: Readonly<Record<string, ScenarioOrList>>;
  /** @defaultValue 0, any free one */
  readonly port?: number;
}

/**
 * A running provider.
 *
 * The scenario of a request is the one named like the `model` in its body, else the one named by its header
 * `x-faulty-scenario`, else, on a path that ends in `/chat/completions`, the one named `default` (a good answer, unless it
 * was defined otherwise). A `model` that is no scenario's, without a `default`, is answered with OpenAI's 404 `model_not_found`.
 */
export interface FaultyProvider {
  /** `http://127.0.0.1:PORT`; the `baseURL` of an OpenAI client is this and `/v1`. */
  readonly url: string;
  /** Adds or replaces a scenario; its attempts start anew. Throws a TypeError that says what is wrong with it. */
  define(name: string, scenario: ScenarioOrList): void;
  /** Takes a scenario away, `default` too. */
  remove(name: string): void;
  /** What arrived, oldest first; the last 1,000. */
  readonly requests: readonly ReceivedRequest[];
  /** The request with this index, counted from 0; waits until it has come. */
  request(index: number): Promise<ReceivedRequest>;
  /** The gate of this name, for scenarios with `hold: { …, until: 'released', gate: name }`. */
  gate(name: string): Gate;
  /** Ends all connections and stops to listen; may be called twice. After it, nothing of the provider is left in the process. */
  close(): Promise<void>;
}

/**
 * Starts a provider on 127.0.0.1. Rejects with a TypeError for a scenario that is none, and when the port is taken.
 *
 * @example
 * ```ts
 * const provider = await startFaultyProvider({
 *   scenarios: {
 *     'breaks-off': { reply: chatText(['Hel', 'lo']), faults: [{ type: 'reset', afterChunks: 2 }] },
 *     'retried': [{ reply: httpError(429, {}, { 'retry-after-ms': '1' }) }, { reply: chatText(['ok']) }],
 *   },
 * });
 * const client = new OpenAI({ baseURL: `${provider.url}/v1`, apiKey: 'any' });
 * await client.chat.completions.create({ model: 'breaks-off', messages, stream: true });
 * ```
 */
export async function startFaultyProvider(options: FaultyProviderOptions = {}): Promise<FaultyProvider> {
  checkFields('the options', options, { scenarios: isObject, port: isWhole('', 0, 65_535) });
  const scenarios = new Map<string, Entry>();
  const gates = new Map<string, GateKeeper>();
  const log = createRequestLog();
  const open = new Set<RequestRecord>();
  const define = (name: string, scenario: ScenarioOrList): void => void scenarios.set(name, entryOf(name, scenario));
  const gate = (name: string): GateKeeper => {
    const known = gates.get(name) ?? createGate();
    gates.set(name, known);
    return known;
  };

  define('default', { reply: chatText(['Hello', ' there', '.']) });
  for (const [name, scenario] of Object.entries(options.scenarios ?? {})) define(name, scenario);

  // Idle connections stay: closing them races with a request that reuses one, which then fails with nobody's fault in it.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    void answer(request, response);
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    let close = (): void => {};
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    response.once('close', () => gone.abort());
    response.on('error', () => gone.abort());
    const body = await readBody(request);
    const chosen = body.cut ? NONE : choose(scenarios, request, body);
    const record = log.add({ ...recordOf(request, body), scenario: chosen.name, attempt: chosen.attempt, closed });
    open.add(record);
    const over = (): void => {
      record.closedBy ??= 'client';
      open.delete(record);
      close();
    };
    if (body.cut || gone.signal.aborted) return over();
    gone.signal.addEventListener('abort', over);
    const exchange: Exchange = { response, socket: request.socket, record, gone: gone.signal, gate };
    await play(planAnswer(chosen.scenario, record), chosen.scenario.delivery ?? {}, exchange);
  };

  const port = await listen(server, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${port}`,
    define,
    remove: (name) => void scenarios.delete(name),
    requests: log.requests,
    request: log.request,
    gate,
    close: () =>
      new Promise((resolve) => {
        for (const record of open) record.closedBy ??= 'shutdown';
        // An error says that it was closed before.
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A defined scenario and how often it was asked for. */
interface Entry {
  readonly attempts: readonly [Scenario, ...Scenario[]];
  asked: number;
}

function entryOf(name: string, scenario: ScenarioOrList): Entry {
  const [first, ...others] = isList(scenario) ? scenario : [scenario];
  if (first === undefined) return fail(`scenario "${name}"`, 'a scenario or a list of them', scenario);
  const attempts = [first, ...others] as const;
  for (const each of attempts) naming(name, () => checkScenario(each));
  return { attempts, asked: 0 };
}

function isList(scenario: ScenarioOrList): scenario is readonly Scenario[] {
  return Array.isArray(scenario);
}

/** Says which scenario it was that a check threw for. */
function naming(name: string, checks: () => void): void {
  try {
    checks();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new TypeError(`scenario "${name}": ${error.message}`, { cause: error });
  }
}

interface Choice {
  readonly name: string | undefined;
  readonly attempt: number;
  readonly scenario: Scenario;
}

/** For a request that did not come whole: nobody gets this answer. */
const NONE: Choice = { name: undefined, attempt: 1, scenario: { reply: httpError(400) } };

function choose(scenarios: ReadonlyMap<string, Entry>, request: IncomingMessage, body: RequestBody): Choice {
  const path = pathOf(request);
  const isChat = request.method === 'POST' && path.endsWith('/chat/completions');
  const candidates = [body.model, headersOf(request)['x-faulty-scenario'], isChat ? 'default' : undefined];
  const name = candidates.find((candidate) => candidate !== undefined && scenarios.has(candidate));
  const entry = name === undefined ? undefined : scenarios.get(name);
  if (entry === undefined) return { name: undefined, attempt: 1, scenario: { reply: notFound(isChat, request, body) } };
  entry.asked += 1;
  const scenario = entry.attempts[entry.asked - 1] ?? entry.attempts.at(-1) ?? entry.attempts[0];
  return { name, attempt: entry.asked, scenario };
}

function notFound(isChat: boolean, request: IncomingMessage, { model }: RequestBody): Scenario['reply'] {
  const type = 'invalid_request_error';
  if (isChat) {
    const message = `The model \`${model ?? ''}\` does not exist or you do not have access to it.`;
    return httpError(404, { message, type, code: 'model_not_found' });
  }
  const message = `Unknown request URL: ${request.method ?? ''} ${pathOf(request)}.`;
  return httpError(404, { message, type, code: 'unknown_url' });
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? url;
}

function recordOf(
  request: IncomingMessage,
  { bodySize, model, stream, includeUsage }: RequestBody,
): Omit<RequestRecord, 'index' | 'scenario' | 'attempt' | 'closed'> {
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: headersOf(request),
    bodySize,
    model,
    stream,
    includeUsage,
    status: undefined,
    chunksWritten: 0,
    bytesWritten: 0,
    bytesAccepted: 0,
    ending: undefined,
    closedBy: undefined,
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(address.port);
    });
  });
}
