/** What a client process does, and what it measures of itself. Each gives back numbers by name. */
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const require = createRequire(import.meta.url);

const BODY = JSON.stringify({
  model: 'gpt-5.1',
  stream: true,
  temperature: 0.2,
  messages: [
    { role: 'system', content: 'You answer in one sentence.' },
    { role: 'user', content: 'What is a stream of tokens, and why does it end?' },
  ],
});

export const WORKLOADS = {
  /** Nothing: how long the process took to get here. It ends by itself. */
  async nothing() {
    return { readyMs: performance.now(), endsItself: true };
  },

  /** Whole answers read by hand, as an application without an SDK does: decoded, cut into messages, parsed. */
  async raw({ url, chunks, tools, pace, warm, streams }) {
    const target = `${url}/chat/completions?chunks=${chunks}&tools=${tools}&pace=${pace ?? 'no'}`;
    return measured({ warm, streams, chunks }, async () => readAnswer(await ask(target)));
  },

  /** The same through the OpenAI SDK. */
  async sdk({ url, chunks, tools, pace, warm, streams }) {
    const client = openAI({ url, chunks, tools, pace });
    return measured({ warm, streams, chunks }, () => readThrough(client));
  },

  /** Many short answers, one after the other. */
  async short({ url, chunks, warm, calls, pace }) {
    const target = `${url}/chat/completions?chunks=${chunks}&tools=no&pace=${pace ?? 'no'}`;
    const call = async () => readAnswer(await ask(target));
    for (let i = 0; i < warm; i++) await call();
    const before = process.cpuUsage();
    for (let i = 0; i < calls; i++) await call();
    return { cpuUsPerCall: cpuUsSince(before) / calls };
  },

  /** The same through the OpenAI SDK. */
  async 'sdk-short'({ url, chunks, warm, calls, pace }) {
    const client = openAI({ url, chunks, tools: 'no', pace });
    for (let i = 0; i < warm; i++) await readThrough(client);
    const before = process.cpuUsage();
    for (let i = 0; i < calls; i++) await readThrough(client);
    return { cpuUsPerCall: cpuUsSince(before) / calls };
  },

  /** Open streams whose consumers wait for the next message. */
  async 'open-streams'({ url, chunks, hold, streams }) {
    const target = `${url}/chat/completions?chunks=${chunks}&tools=yes&hold=${hold}`;
    await openStreams(target, 50);
    const before = await heapBytes();
    const open = await openStreams(target, streams);
    const bytes = (await heapBytes()) - before;
    return { bytesPerStream: bytes / open.length };
  },

  /** What stays of streams that are over. */
  async retained({ url, chunks, streams, side }) {
    const target = `${url}/chat/completions?chunks=${chunks}&tools=yes`;
    const run = (count) => Promise.all(Array.from({ length: side }, () => readMany(target, count / side)));
    await run(streams / 5);
    const before = await heapBytes();
    await run(streams);
    return { bytes: (await heapBytes()) - before };
  },

  /** How often anybody calls JSON.parse; the application itself does once per chunk. */
  async parses({ url, chunks, tools }) {
    const native = JSON.parse;
    let calls = 0;
    JSON.parse = function parse(...args) {
      calls += 1;
      return native.apply(this, args);
    };
    const read = await readAnswer(await ask(`${url}/chat/completions?chunks=${chunks}&tools=${tools}`));
    return { share: (calls - read) / read };
  },

  /** A large answer and a consumer that is slower than the wire. */
  async large({ url, megabytes }) {
    const rest = memory();
    const peak = { ...rest };
    const reader = (await ask(`${url}/chat/completions?chunks=2000&tools=no&megabytes=${megabytes}`)).body.getReader();
    for (let reads = 1; ; reads++) {
      const { done } = await reader.read();
      if (done) break;
      if (reads % 4 !== 0) continue;
      const now = memory();
      for (const key of Object.keys(peak)) peak[key] = Math.max(peak[key], now[key]);
      await sleep(1);
    }
    return { rssMb: peak.rss / 2 ** 20, buffersMb: (peak.arrayBuffers - rest.arrayBuffers) / 2 ** 20 };
  },

  /** From `fetch()` to the first bytes in the consumer's hands. */
  async 'first-chunk'({ url, warm, calls }) {
    const times = [];
    for (let i = 0; i < warm + calls; i++) {
      const start = performance.now();
      const response = await ask(`${url}/chat/completions?chunks=20&tools=no&pace=yes`);
      const reader = response.body.getReader();
      await reader.read();
      if (i >= warm) times.push((performance.now() - start) * 1_000);
      while (!(await reader.read()).done);
    }
    times.sort((a, b) => a - b);
    return { p50Us: times[times.length >> 1] };
  },
};

function openAI({ url, chunks, tools, pace }) {
  const OpenAI = require('openai');
  const defaultQuery = { chunks, tools, pace: pace ?? 'no' };
  return new OpenAI({ apiKey: 'bench', baseURL: url, maxRetries: 0, defaultQuery });
}

async function readThrough(client) {
  let read = 0;
  for await (const chunk of await client.chat.completions.create(JSON.parse(BODY))) read += chunk.choices.length;
  return read;
}

/** `warm` answers that do not count, then `streams` that do. */
async function measured({ warm, streams, chunks }, read) {
  for (let i = 0; i < warm; i++) await read();
  const before = process.cpuUsage();
  const start = performance.now();
  let got = 0;
  for (let i = 0; i < streams; i++) got += await read();
  const wallUs = (performance.now() - start) * 1_000;
  const cpuUs = cpuUsSince(before);
  if (got !== streams * chunks) throw new Error(`expected ${streams * chunks} chunks, got ${got}`);
  return { cpuUs, wallUs, cpuUsPerChunk: cpuUs / got };
}

function ask(target, signal) {
  return fetch(target, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer bench' },
    body: BODY,
    signal,
  });
}

async function readAnswer(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let read = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return read;
    const text = rest + decoder.decode(value, { stream: true });
    let from = 0;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n', from)) {
      const data = text.slice(from + 'data: '.length, end);
      from = end + 2;
      if (data !== '[DONE]') read += JSON.parse(data).choices.length;
    }
    rest = text.slice(from);
  }
}

async function readMany(target, count) {
  for (let i = 0; i < count; i++) await readAnswer(await ask(target));
}

/** Each has read what was sent and waits; kept from collection by what is given back. */
async function openStreams(target, count) {
  const open = [];
  while (open.length < count) {
    const some = await Promise.all(Array.from({ length: Math.min(50, count - open.length) }, () => openOne(target)));
    open.push(...some);
  }
  return open;
}

async function openOne(target) {
  const response = await ask(target);
  const reader = response.body.getReader();
  await reader.read();
  return { response, reader, next: reader.read() };
}

async function heapBytes() {
  // Finalizers run between collections, and free more.
  for (let i = 0; i < 6; i++) {
    globalThis.gc();
    await sleep(20);
  }
  return process.memoryUsage().heapUsed;
}

function memory() {
  const { rss, arrayBuffers } = process.memoryUsage();
  return { rss, arrayBuffers };
}

function cpuUsSince(before) {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
