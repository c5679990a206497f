/**
 * Listens to undici's diagnostics channels: the ends that nobody reads, the requests that nobody announced. Requests are
 * told apart by the request object alone: `headers`, `trailers` and `error` run in the async context of whoever opened the
 * socket. The npm package undici publishes on the same channels. Of `node:http` and `node:http2`, which are other clients,
 * only that a request is made is told, in the context of whoever made it.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { guard } from '../guard.js';
import { processState } from '../process-state.js';
import {
  arriveOnWire,
  attemptOnItsWay,
  currentSender,
  expectHop,
  type Hop,
  type ObservedAttempt,
  type WireEnd,
} from './attempt.js';
import type { BodyGroup } from './branches.js';
import type { CallHooks, PassingRequest } from './call-hooks.js';

/**
 * Listens until the function it gives back is called, and after that to the connections that are open then: their ends
 * are told to the last.
 */
export function listenToWire(hooks: CallHooks): () => void {
  const wire: Wire = { hooks, hops: new WeakMap(), openHops: 0, stopping: false, stop: () => {} };
  const listeners = Object.entries({
    create: (message: WireMessage) => onCreate(message, wire),
    headers: (message: WireMessage) => onHeaders(message, wire),
    trailers: (message: WireMessage) => onEnd(message, wire, { type: 'ended' }),
    error: (message: WireMessage) => onEnd(message, wire, { type: 'failed', error: message.error }),
  }).map(([name, listen]) => ({
    channel: `undici:request:${name}`,
    // The documented shape; its fields are narrowed where they are read. A listener that throws would be an uncaught exception.
    listener: (message: unknown) => void guard('wire', () => listen(message as WireMessage)),
  }));
  for (const [channel, read] of Object.entries(ELSEWHERE)) {
    listeners.push({
      channel,
      listener: (message) =>
        void guard('wire', () => {
          // Nobody asks for them but contexts: whoever uses none pays for no more than this line.
          if (wire.stopping || processState().contexts === undefined) return;
          hooks.sentElsewhere?.(read(message as ElsewhereMessage));
        }),
    });
  }
  wire.stop = () => {
    for (const { channel, listener } of listeners) unsubscribe(channel, listener);
  };
  for (const { channel, listener } of listeners) subscribe(channel, listener);
  return () => {
    wire.stopping = true;
    if (wire.openHops === 0) wire.stop();
  };
}

/** One subscription, and the requests it follows. */
interface Wire {
  readonly hooks: CallHooks;
  readonly hops: WeakMap<object, Hop>;
  openHops: number;
  stopping: boolean;
  stop(): void;
}

/** The attempt has its answer: from now on the end of its connection is told, and the one that came already. */
export function tellWire(attempt: ObservedAttempt, body: BodyGroup | undefined): void {
  attempt.body = body;
  const early = attempt.earlyEnd;
  attempt.earlyEnd = undefined;
  if (early === undefined) return;
  tellEnd(attempt, early);
  // Nobody can have taken the body yet: whoever takes it where we do not see it does so in the next moments.
  if (body !== undefined) recheckSoon(attempt, body, early);
}

/**
 * What the four channels send, as far as it is used.
 *
 * @see https://github.com/nodejs/undici/blob/v7.29.1/docs/docs/api/DiagnosticsChannel.md
 */
interface WireMessage {
  readonly request: {
    readonly origin?: unknown;
    readonly path?: unknown;
    readonly method?: unknown;
    /** The protocol that is asked for, such as `websocket`. */
    readonly upgrade?: unknown;
  };
  readonly response?: { readonly statusCode?: unknown; readonly headers?: unknown };
  readonly error?: unknown;
}

/** What `node:http` sends, and what `node:http2` does. */
interface ElsewhereMessage {
  readonly request?: { readonly method?: unknown; getHeader?(name: string): unknown };
  readonly headers?: { readonly [name: string]: unknown };
}

/**
 * By channel; one that this Node does not have stays silent. Node 20 has `http.client.request.start` alone, which comes
 * with the end of a request's body.
 *
 * @see https://nodejs.org/docs/latest-v24.x/api/diagnostics_channel.html#built-in-channels
 */
const ELSEWHERE: Readonly<Record<string, (message: ElsewhereMessage) => PassingRequest>> = {
  'http.client.request.created': readHttp,
  'http.client.request.start': readHttp,
  'http2.client.stream.created': readHttp2,
};

function readHttp({ request }: ElsewhereMessage): PassingRequest {
  return { method: String(request?.method), upgrades: isSaid(request?.getHeader?.('upgrade')) };
}

/** @see https://www.rfc-editor.org/rfc/rfc8441#section-4 (`:protocol`, a WebSocket over HTTP/2) */
function readHttp2({ headers }: ElsewhereMessage): PassingRequest {
  return { method: String(headers?.[':method']), upgrades: isSaid(headers?.[':protocol']) };
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function onCreate({ request }: WireMessage, wire: Wire): void {
  const sender = currentSender();
  if (sender === 'unobserved') return;
  const [origin, path, method] = [String(request.origin), String(request.path), String(request.method)];
  // Of what a wrapper below ours sends besides, only the first request can be the attempt's.
  const attempt = sender ?? attemptOnItsWay(origin + path, method);
  if (attempt === undefined) {
    if (!wire.stopping) wire.hooks.unannounced({ origin, path, method, upgrades: isSaid(request.upgrade) });
  } else if (sender === undefined || attempt.hop === undefined) startHop(attempt, request, wire);
}

function startHop(attempt: ObservedAttempt, request: object, wire: Wire): void {
  const isFirst = attempt.hop === undefined;
  attempt.hop = { attempt };
  attempt.redirectTo = undefined;
  attempt.earlyEnd = undefined;
  arriveOnWire(attempt);
  wire.hops.set(request, attempt.hop);
  wire.openHops += 1;
  if (isFirst) guard('wireStarted', () => attempt.hooks.wireStarted());
}

function onHeaders({ request, response }: WireMessage, wire: Wire): void {
  const hop = wire.hops.get(request);
  if (hop === undefined || !REDIRECTS.has(Number(response?.statusCode))) return;
  const location = headerOf(response?.headers, 'location');
  const here = String(request.origin) + String(request.path);
  if (location === undefined || !URL.canParse(location, here)) return;
  const { origin, pathname, search } = new URL(location, here);
  hop.attempt.redirectTo = origin + pathname + search;
  expectHop(hop.attempt);
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** undici gives raw headers as a flat list of names and values, each a Buffer. */
function headerOf(raw: unknown, name: string): string | undefined {
  if (!Array.isArray(raw)) return undefined;
  const at = raw.findIndex((entry, index) => index % 2 === 0 && String(entry).toLowerCase() === name);
  return at === -1 ? undefined : String(raw[at + 1]);
}

function onEnd({ request }: WireMessage, wire: Wire, end: WireEnd): void {
  const hop = wire.hops.get(request);
  if (hop === undefined) return;
  wire.hops.delete(request);
  wire.openHops -= 1;
  if (wire.stopping && wire.openHops === 0) wire.stop();
  const { attempt } = hop;
  // A hop before the last one ended: that is the redirect, not the attempt.
  if (attempt.hop !== hop) return;
  if (attempt.answered) tellEnd(attempt, end);
  else attempt.earlyEnd ??= end;
}

function tellEnd(attempt: ObservedAttempt, end: WireEnd): void {
  const { body } = attempt;
  report(attempt, end, body?.isUnobserved ?? false);
}

/** Tells the end once more if the body turns out to be read unseen: there will be no other. */
function recheckSoon(attempt: ObservedAttempt, body: BodyGroup, end: WireEnd): void {
  setImmediate(() => {
    guard('late reader', () => body.isUnobserved && report(attempt, end, true));
  }).unref();
}

function report({ hooks, body }: ObservedAttempt, end: WireEnd, unobserved: boolean): void {
  const byConsumer = body?.isLeaving ?? false;
  guard('wire end', () => {
    if (end.type === 'ended') hooks.wireEnded(unobserved);
    else hooks.wireFailed(end.error, { unobserved, byConsumer });
  });
}
