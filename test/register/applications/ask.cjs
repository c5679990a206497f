// One streamed call, read to its end by an application that knows nothing of telemetry.
exports.ask = async (OpenAI, model = 'greeting') => {
  const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'none', maxRetries: 0 });
  const stream = await client.chat.completions.create({ model, stream: true, messages: [] });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  console.log(`answer ${text}`);
  return stream;
};
