// An application that exits while its only call is open.
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'none', maxRetries: 0 });
const stream = await client.chat.completions.create({ model: 'hanging', stream: true, messages: [] });
await stream[Symbol.asyncIterator]().next();
process.exit(3);
