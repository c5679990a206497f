// Streams an answer to whoever asks; who leaves early ends the request to the provider, too.
import { once } from 'node:events';
import express from 'express';
import OpenAI from 'openai';
import { assertCompleted } from 'opentelemetry-instrumentation-llm-stream';
import { sdk } from './instrumentation.mjs';

const client = new OpenAI(); // OPENAI_API_KEY, OPENAI_BASE_URL
const app = express();

app.post('/ask', express.text(), async (request, response) => {
  // Without it the provider goes on generating, and billing, for nobody.
  const left = new AbortController();
  const { signal } = left;
  response.on('close', () => left.abort());
  try {
    const messages = [{ role: 'user', content: request.body }];
    const stream = await client.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true }, { signal });
    response.type('text/plain');
    for await (const chunk of stream) {
      const text = chunk.choices[0]?.delta.content ?? '';
      if (!response.write(text)) await once(response, 'drain', { signal });
    }
    assertCompleted(stream);
    response.end();
  } catch {
    // Half an answer must not look like a whole one: the connection breaks off. The span says why.
    if (response.headersSent) response.destroy();
    else response.sendStatus(502);
  }
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

process.on('SIGTERM', async () => {
  server.close();
  await sdk.shutdown(); // ends the spans of open calls, then sends them
  process.exit(0);
});
