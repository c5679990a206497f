/**
 * Plays the plan of one answer on one connection: the only place that writes.
 * Each write waits until the kernel took it, so that what a plan puts before a reset is on the wire before the reset.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BodyEncoder, createBodyEncoder } from './body-encoder.js';
import { createJitter, type Delivery, durationMs, largestWrite } from './delivery.js';
import type { GateKeeper } from './gate.js';
import { commentLine, type End, type Message, type Step } from './plan.js';
import type { RequestRecord } from './received-request.js';
import type { Answer } from './scenario.js';
import { wait } from './wait.js';

/** One request and its answer, under way. */
export interface Exchange {
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly record: RequestRecord;
  /** Fires when the connection is gone, by whomever. */
  readonly gone: AbortSignal;
  gate(name: string): GateKeeper;
}

/** Resolves when the plan is over or the client has left. Never rejects because of the client. */
export async function play(answer: Answer, delivery: Delivery, exchange: Exchange): Promise<void> {
  const encoder = createBodyEncoder(delivery);
  const jitter = createJitter(delivery);
  const player: Player = { answer, delivery, exchange, encoder, jitter, promisedBytes: 0 };
  await idle(player, (delivery.latencyMs ?? 0) + jitter());
  const all = acts(answer.steps, delivery);
  for (const [index, step] of all.entries()) {
    if (exchange.gone.aborted) return;
    await act(player, step);
    if (step.type === 'headers' && goAhead(player, all[index + 1])) exchange.response.flushHeaders();
  }
}

interface Player {
  readonly answer: Answer;
  readonly delivery: Delivery;
  readonly exchange: Exchange;
  readonly encoder: BodyEncoder;
  readonly jitter: () => number;
  /** What `content-length` said; 0 without. */
  promisedBytes: number;
}

/** A step, or messages that go in one write. */
type Act = Exclude<Step, Message> | { readonly type: 'write'; readonly messages: readonly Message[] };

function acts(steps: readonly Step[], { writes = 'per_message' }: Delivery): Act[] {
  const all: Act[] = [];
  let group: Message[] = [];
  const flush = (): void => {
    if (group.length > 0) all.push({ type: 'write', messages: group });
    group = [];
  };
  for (const step of steps) {
    if (step.type !== 'message') {
      flush();
      all.push(step);
      continue;
    }
    group.push(step);
    if (writes === 'per_message' && step.joinsNext !== true) flush();
  }
  flush();
  return all;
}

async function act(player: Player, step: Act): Promise<void> {
  const { encoder } = player;
  switch (step.type) {
    case 'headers':
      return sendHeaders(player);
    case 'write':
      await gap(player);
      return write(
        player,
        encoder.encode(step.messages.map(({ text }) => text).join('')),
        step.messages.filter(({ role }) => role === 'chunk').length,
      );
    case 'cut':
      await gap(player);
      return write(player, encoder.encode(step.text, step.bytes ?? 'half'));
    case 'raw':
      return write(player, step.bytes);
    case 'wait':
      return idle(player, step.ms);
    case 'hold':
      return hold(player, step);
    case 'end':
      return end(player, step);
  }
}

function sendHeaders(player: Player): void {
  const { answer, delivery, exchange, encoder } = player;
  const { response, record } = exchange;
  const framing =
    delivery.framing ?? (answer.format === 'document' && delivery.gzip !== true ? 'content_length' : 'chunked');
  const headers: Record<string, string> = { 'x-request-id': `req_faulty_${record.index}`, ...answer.headers };
  if (delivery.gzip === true) headers['content-encoding'] = 'gzip';
  // `??=`: a scenario may lie about its length.
  if (framing === 'content_length') headers['content-length'] ??= String(lengthOf(answer, encoder));
  player.promisedBytes = Number(headers['content-length'] ?? 0);
  // Without it Node knows only one end of a body without length: closing the connection.
  if (framing === 'until_close') response.useChunkedEncodingByDefault = false;
  response.writeHead(answer.status, headers);
  record.status = answer.status;
}

/** A document goes with its headers in one packet, as it does from a real server; a stream's headers go ahead, and all do where a fault comes next. */
function goAhead({ answer, delivery }: Player, next: Act | undefined): boolean {
  return next?.type !== 'write' || (answer.format === 'sse' && delivery.writes !== 'whole');
}

function lengthOf({ promised }: Answer, encoder: BodyEncoder): number {
  const texts = promised.flatMap((step) => (step.type === 'message' ? [step.text] : []));
  const raw = promised.reduce((sum, step) => sum + (step.type === 'raw' ? step.bytes.length : 0), 0);
  return encoder.lengthOf(texts.join('')) + raw;
}

/** @param chunks - how many are complete with these bytes */
async function write(player: Player, bytes: Uint8Array, chunks = 0): Promise<void> {
  const largest = largestWrite(player.delivery) ?? bytes.length;
  for (let at = 0; at < bytes.length && !player.exchange.gone.aborted; at += largest) {
    const piece = bytes.subarray(at, at + largest);
    if (at + largest >= bytes.length) player.exchange.record.chunksWritten += chunks;
    await writePiece(player.exchange, piece);
    await letReadersRead();
    await wait(durationMs(player.delivery, piece.length), player.exchange.gone);
  }
}

/** Resolves when the kernel took the bytes, or when the connection is gone. */
function writePiece({ response, record, gone }: Exchange, bytes: Uint8Array): Promise<void> {
  record.bytesWritten += bytes.length;
  return new Promise((resolve) => {
    const over = (): void => {
      gone.removeEventListener('abort', over);
      resolve();
    };
    gone.addEventListener('abort', over);
    response.write(bytes, (error) => {
      if (error === undefined || error === null) record.bytesAccepted += bytes.length;
      over();
    });
  });
}

/** Between two writes; not before the first one. */
async function gap(player: Player): Promise<void> {
  const { delivery, exchange, jitter } = player;
  if (exchange.record.bytesWritten > 0) await idle(player, (delivery.gapMs ?? 0) + jitter());
}

/** Waits, and lets the heart beat meanwhile. */
async function idle(player: Player, ms: number): Promise<void> {
  await withHeartbeat(player, (signal) => wait(ms, signal));
}

async function hold(player: Player, { hold: held }: Extract<Step, { type: 'hold' }>): Promise<void> {
  const limit = held.maxMs ?? 0;
  await withHeartbeat(player, async (signal) => {
    if (held.until === 'client_gone') return wait(limit, signal);
    const late = new AbortController();
    const passed = player.exchange.gate(held.gate).pass(AbortSignal.any([signal, late.signal]));
    const done = new AbortController();
    void wait(limit, AbortSignal.any([signal, done.signal])).then(() => late.abort());
    await passed;
    done.abort();
  });
}

/** Runs `waiting`, and writes a comment each time the interval is over. */
async function withHeartbeat(player: Player, waiting: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const { answer, exchange, encoder } = player;
  const { heartbeat } = answer;
  if (heartbeat === undefined || exchange.record.status === undefined) return waiting(exchange.gone);
  let over = false;
  const waited = waiting(exchange.gone).then(() => {
    over = true;
    silence.abort();
  });
  const silence = new AbortController();
  const quiet = AbortSignal.any([silence.signal, exchange.gone]);
  while (!over && !exchange.gone.aborted) {
    await wait(heartbeat.everyMs, quiet);
    // One await after another, never two writes at once: a comment in the middle of a message would break it.
    if (!over && !exchange.gone.aborted) await write(player, encoder.encode(commentLine(heartbeat.text)));
  }
  await waited;
}

async function end(player: Player, step: End): Promise<void> {
  const { exchange } = player;
  switch (step.how) {
    case 'clean':
      return endCleanly(player);
    case 'close':
      return close(exchange);
    case 'reset':
      return reset(exchange, step.pauseMs);
    case 'garbage':
      exchange.socket.write(step.text);
      return close(exchange);
    case 'hang':
      await idle(player, step.maxMs);
      return step.by === 'close' ? close(exchange) : reset(exchange, 0);
  }
}

async function endCleanly(player: Player): Promise<void> {
  const { answer, encoder, exchange } = player;
  const { response, record } = exchange;
  const trailer = answer.noGzipTrailer ? undefined : encoder.trailer();
  if (trailer !== undefined && trailer.length > 0) await writePiece(exchange, trailer);
  if (exchange.gone.aborted) return;
  // Node would keep the connection and let the client wait for the rest.
  if (player.promisedBytes > record.bytesWritten) return close(exchange);
  record.ending = 'clean';
  record.closedBy = 'server';
  response.end();
}

/**
 * Turns the event loop, so that a client in this process reads what was written before anything else happens. One turn
 * brings the bytes to its socket; undici 6 joins what arrives before its own stream has passed them on.
 */
async function letReadersRead(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await nextTurn();
}

function close({ socket, record, gone }: Exchange): void {
  if (gone.aborted) return;
  record.ending = 'close';
  record.closedBy = 'server';
  // FIN once everything is out; the whole request was read, so the kernel has no reason to make a RST of it.
  socket.destroySoon();
}

async function reset({ socket, record, gone }: Exchange, pauseMs: number): Promise<void> {
  await wait(pauseMs, gone);
  // A late timer fires before the sockets are polled.
  await letReadersRead();
  if (gone.aborted) return;
  record.ending = 'reset';
  record.closedBy = 'server';
  socket.resetAndDestroy();
}
