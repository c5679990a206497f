/** What the applications of this folder share: the library and the provider they were given, spans, and open streams. */
import { writeSync } from 'node:fs';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';

const [, , given = '{}'] = process.argv;
export const { library, otherCopy, baseURL } = JSON.parse(given);

/** One line on stdout, at once: nothing asynchronous is written any more when a process exits. */
export function say(what) {
  let rest = Buffer.from(`${JSON.stringify(what)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      // The pipe is full until somebody reads.
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

/** Says each span as it ends. */
export const SPEAKING = {
  onStart() {},
  onEnd: ({ attributes, status }) => say({ span: { ...attributes, status: status.code } }),
  forceFlush: async () => {},
  shutdown: async () => {},
};

/** Registers the instrumentation with a provider of its own, which is given back. */
export async function observe(config = {}, processor = SPEAKING) {
  const { LlmStreamInstrumentation } = await import(library);
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [processor] });
  registerInstrumentations({ instrumentations: [new LlmStreamInstrumentation(config)], tracerProvider });
  return tracerProvider;
}

export function ask(model, send = fetch) {
  const body = JSON.stringify({ model, stream: true, messages: [] });
  return send(`${baseURL}/chat/completions`, { method: 'POST', body });
}

/** Reads to the first token of an answer and no further, however the packets fall. */
export async function readHalf(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  for (let text = ''; !text.includes('Hello'); ) text += decoder.decode((await reader.read()).value, { stream: true });
  return reader;
}

/** Opens streams, each half read and with no end in sight; whoever has the readers holds them. */
export async function openStreams(count, send = fetch) {
  const readers = [];
  for (let index = 0; index < count; index += 50) {
    const some = Array.from({ length: Math.min(50, count - index) }, async () => {
      return readHalf(await ask('endless', send));
    });
    readers.push(...(await Promise.all(some)));
  }
  return readers;
}
