/**
 * One try of the application: a stream, read as any application reads one, in the manner that is asked for.
 */
import type OpenAI from 'openai';
import { fetchWithBudgets } from '../../../budgets.js';
import { outcomeOf, recordFailure } from '../../../index.js';
import { Aftermath } from './aftermath.js';
import { Consumer } from './consumer.js';
import type { TryOrder } from './messages.js';

export interface Circumstances {
  readonly Client: typeof OpenAI;
  /** Reads the metrics, and sends them. */
  readonly collect: () => Promise<void>;
  readonly patienceMs: number;
  /** The application is about to end: nobody waits for what is silent. */
  readonly stopping: AbortSignal;
  /** Whoever reads a stream, until it is over. */
  readonly consumers: Set<Consumer>;
}

/** Says whether the answer is whole; rejects, as the call does. */
export async function readTry(order: TryOrder, circumstances: Circumstances): Promise<boolean> {
  const { early, through } = order.manner;
  if (early === 'throws') throw new TypeError('the prompt has no question');
  if (early === 'told') {
    recordFailure(new RangeError('the queue is full'), { ...order, operation: 'chat', stream: true });
    return false;
  }
  const consumer = new Consumer(order.manner, circumstances);
  circumstances.consumers.add(consumer);
  try {
    return await READS[through](order, consumer, circumstances);
  } finally {
    consumer.over();
    circumstances.consumers.delete(consumer);
  }
}

type Read = (order: TryOrder, consumer: Consumer, circumstances: Circumstances) => Promise<boolean>;

const READS: Readonly<Record<TryOrder['manner']['through'], Read>> = {
  openai: readByOpenAI,
  fetch: readByFetch,
  own_reader: readByOwnReader,
};

const FAKE_KEY = 'sk-demo-no-key-at-all';
const SCENARIO_HEADER = 'x-faulty-scenario';

async function readByOpenAI(order: TryOrder, consumer: Consumer, { Client }: Circumstances): Promise<boolean> {
  const client = new Client({
    apiKey: FAKE_KEY,
    baseURL: order.baseUrl,
    maxRetries: order.manner.maxRetries ?? 0,
    fetch: fetchFor(order),
    // It prints what it cannot read.
    logLevel: 'off',
  });
  const options = { signal: consumer.signal, headers: { [SCENARIO_HEADER]: order.scenario } };
  const stream = await client.chat.completions.create(requestOf(order), options);
  const aftermath = new Aftermath(stream, order.manner.afterwards);
  for await (const chunk of stream) {
    aftermath.chunk(chunk);
    if (!consumer.wantsMore()) break;
  }
  aftermath.tell();
  return outcomeOf(stream)?.outcome === 'completed';
}

async function readByFetch(order: TryOrder, consumer: Consumer): Promise<boolean> {
  const response = await send(order, consumer);
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of response.body ?? []) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    const chunks = lines.filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]');
    if (!chunks.every(() => consumer.wantsMore())) break;
  }
  return outcomeOf(response)?.outcome === 'completed';
}

/** A reader that is made by hand reads past whatever watches the body's own methods. */
async function readByOwnReader(order: TryOrder, consumer: Consumer): Promise<boolean> {
  const response = await send(order, consumer);
  if (response.body === null) return false;
  const reader = new ReadableStreamDefaultReader(response.body);
  while (!(await reader.read()).done);
  return outcomeOf(response)?.outcome === 'completed';
}

async function send(order: TryOrder, { signal }: Consumer): Promise<Response> {
  const response = await fetchFor(order)(`${order.baseUrl}/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${FAKE_KEY}`,
      'content-type': 'application/json',
      [SCENARIO_HEADER]: order.scenario,
    },
    body: JSON.stringify(requestOf(order)),
    signal,
  });
  if (response.ok) return response;
  // The body of a refusal says more than its status.
  await response.text();
  throw new Error(`status ${response.status}`);
}

function fetchFor({ manner: { budgets } }: TryOrder): typeof fetch {
  return budgets === undefined ? fetch : fetchWithBudgets(fetch, budgets);
}

function requestOf({ model }: TryOrder): OpenAI.ChatCompletionCreateParamsStreaming {
  return {
    model,
    messages: [{ role: 'user', content: 'Which room is free?' }],
    stream: true,
    stream_options: { include_usage: true },
  };
}
