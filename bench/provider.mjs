/**
 * The provider, in a process of its own so that only the client's CPU is counted. What it sends stands in the query:
 * `chunks`, `tools`, `pace` (one message per turn of the event loop), `hold` (stop after so many messages), `megabytes`.
 */
import { createServer } from 'node:http';
import { answer } from './answers.mjs';

const WRITE_BYTES = 64 * 1024;
const prepared = new Map();

const server = createServer(async (request, response) => {
  for await (const _ of request);
  const query = new URL(request.url, 'http://bench').searchParams;
  const plan = {
    chunks: Number(query.get('chunks') ?? 20),
    tools: query.get('tools') === 'yes',
    pace: query.get('pace') === 'yes',
    hold: Number(query.get('hold') ?? 0),
    megabytes: Number(query.get('megabytes') ?? 0),
  };
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': 'req_bench' });
  response.socket.setNoDelay(true);
  await send(response, plan, bodyOf(plan));
});

async function send(response, { pace, hold, megabytes }, { messages, writes }) {
  if (hold > 0) {
    // The client closes the connection.
    response.write(Buffer.concat(messages.slice(0, hold)));
    return;
  }
  if (pace) {
    for (const message of messages) {
      response.write(message);
      await turn();
    }
  } else {
    const repeats = megabytes === 0 ? 1 : Math.ceil((megabytes * 1024 * 1024) / total(writes));
    for (let i = 0; i < repeats && !response.destroyed; i++) await writeAll(response, writes);
  }
  response.end();
}

async function writeAll(response, writes) {
  for (const bytes of writes) {
    if (!response.write(bytes)) await drained(response);
    if (response.destroyed) return;
  }
}

function drained(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

function bodyOf({ chunks, tools }) {
  const key = `${chunks} ${tools}`;
  if (!prepared.has(key)) {
    const messages = answer({ chunks, tools });
    prepared.set(key, { messages, writes: cut(Buffer.concat(messages)) });
  }
  return prepared.get(key);
}

function cut(body) {
  const writes = [];
  for (let at = 0; at < body.length; at += WRITE_BYTES) writes.push(body.subarray(at, at + WRITE_BYTES));
  return writes;
}

function total(buffers) {
  return buffers.reduce((sum, one) => sum + one.length, 0);
}

function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

server.listen(0, '127.0.0.1', 8_192, () => process.send({ url: `http://127.0.0.1:${server.address().port}/v1` }));
process.on('disconnect', () => process.exit());
