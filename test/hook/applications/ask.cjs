// One streamed call, read to its end by an application that knows nothing of telemetry.
exports.ask = async (OpenAI, baseURL, options = {}) => {
  const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0, ...options });
  const stream = await client.chat.completions.create({
    model: 'greeting',
    stream: true,
    messages: [{ role: 'user', content: 'Hello?' }],
  });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  console.log(`answer ${text}`);
};
