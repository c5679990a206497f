/**
 * Listens to undici's diagnostics channels: the ends that nobody reads, the requests that nobody announced.
 * Requests are told apart by the request object alone: `headers`, `trailers` and `error` run in the async context of
 * whoever opened the socket. The npm package undici publishes on the same channels.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { guard } from '../guard.js';
import type { BodyGroup } from './branches.js';
import type { CallHooks } from './call-hooks.js';
import { currentSender, type Flight, flightTo, type Hop, type WireEnd } from './in-flight.js';

/** Listens until the function it gives back is called. */
export function listenToWire(hooks: CallHooks): () => void {
  const hops = new WeakMap<object, Hop>();
  const listeners = Object.entries({
    create: (message: WireMessage) => onCreate(message, hops, hooks),
    headers: (message: WireMessage) => onHeaders(message, hops),
    trailers: (message: WireMessage) => onEnd(message, hops, { type: 'ended' }),
    error: (message: WireMessage) => onEnd(message, hops, { type: 'failed', error: message.error }),
  }).map(([name, listen]) => ({
    channel: `undici:request:${name}`,
    // The documented shape; its fields are narrowed where they are read. A listener that throws would be an uncaught exception.
    listener: (message: unknown) => void guard('wire', () => listen(message as WireMessage)),
  }));
  for (const { channel, listener } of listeners) subscribe(channel, listener);
  return () => {
    for (const { channel, listener } of listeners) unsubscribe(channel, listener);
  };
}

/** The attempt has its answer: from now on the end of its connection is told, and the one that came already. */
export function tellWire(flight: Flight, body: BodyGroup | undefined): void {
  flight.body = body;
  const early = flight.earlyEnd;
  flight.earlyEnd = undefined;
  if (early === undefined) return;
  tellEnd(flight, early);
  // Nobody can have taken the body yet: whoever takes it where we do not see it does so in the next moments.
  if (body !== undefined) recheckSoon(flight, body, early);
}

/**
 * What the four channels send, as far as it is used.
 *
 * @see https://github.com/nodejs/undici/blob/v7.29.1/docs/docs/api/DiagnosticsChannel.md
 */
interface WireMessage {
  readonly request: { readonly origin?: unknown; readonly path?: unknown; readonly method?: unknown };
  readonly response?: { readonly statusCode?: unknown; readonly headers?: unknown };
  readonly error?: unknown;
}

function onCreate({ request }: WireMessage, hops: WeakMap<object, Hop>, hooks: CallHooks): void {
  const sender = currentSender();
  if (sender === 'unobserved') return;
  const [origin, path, method] = [String(request.origin), String(request.path), String(request.method)];
  // Of what a wrapper below ours sends besides, only the first request can be the attempt's.
  const flight = sender ?? flightTo(origin + path, method);
  if (flight === undefined) hooks.unannounced({ origin, path, method });
  else if (sender === undefined || flight.hop === undefined) startHop(flight, request, hops);
}

function startHop(flight: Flight, request: object, hops: WeakMap<object, Hop>): void {
  const isFirst = flight.hop === undefined;
  flight.hop = { flight };
  flight.redirectTo = undefined;
  flight.earlyEnd = undefined;
  hops.set(request, flight.hop);
  if (isFirst) guard('wireStarted', () => flight.attempt.wireStarted());
}

function onHeaders({ request, response }: WireMessage, hops: WeakMap<object, Hop>): void {
  const hop = hops.get(request);
  if (hop === undefined || !REDIRECTS.has(Number(response?.statusCode))) return;
  const location = headerOf(response?.headers, 'location');
  const here = String(request.origin) + String(request.path);
  if (location === undefined || !URL.canParse(location, here)) return;
  const { origin, pathname, search } = new URL(location, here);
  hop.flight.redirectTo = origin + pathname + search;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** undici gives raw headers as a flat list of names and values, each a Buffer. */
function headerOf(raw: unknown, name: string): string | undefined {
  if (!Array.isArray(raw)) return undefined;
  const at = raw.findIndex((entry, index) => index % 2 === 0 && String(entry).toLowerCase() === name);
  return at === -1 ? undefined : String(raw[at + 1]);
}

function onEnd({ request }: WireMessage, hops: WeakMap<object, Hop>, end: WireEnd): void {
  const hop = hops.get(request);
  // A hop before the last one ended: that is the redirect, not the attempt.
  if (hop === undefined || hop.flight.hop !== hop) return;
  hops.delete(request);
  const { flight } = hop;
  if (flight.answered) tellEnd(flight, end);
  else flight.earlyEnd ??= end;
}

function tellEnd(flight: Flight, end: WireEnd): void {
  const { body } = flight;
  report(flight, end, body?.isUnobserved ?? false);
}

/** Tells the end once more if the body turns out to be read unseen: there will be no other. */
function recheckSoon(flight: Flight, body: BodyGroup, end: WireEnd): void {
  setImmediate(() => {
    if (body.isUnobserved) report(flight, end, true);
  }).unref();
}

function report({ attempt }: Flight, end: WireEnd, unobserved: boolean): void {
  guard('wire end', () => {
    if (end.type === 'ended') attempt.wireEnded(unobserved);
    else attempt.wireFailed(end.error, unobserved);
  });
}
