// What was asked and answered whole, in the memory of this process. A real one has a database here, which fails, too.

const MOST = 1_000;
const LARGEST = 100_000;

const conversations = new Map();

/** As the provider takes them. */
export function messagesOf(id) {
  return conversations.get(id) ?? [];
}

/** Throws where there is no room. */
export async function save(id, question, text) {
  const messages = [...messagesOf(id), { role: 'user', content: question }, { role: 'assistant', content: text }];
  const size = messages.reduce((sum, { content }) => sum + content.length, 0);
  if (size > LARGEST) throw new RangeError(`a conversation has room for ${LARGEST} characters, got ${size}`);
  conversations.delete(id);
  conversations.set(id, messages);
  const [oldest] = conversations.keys();
  if (conversations.size > MOST) conversations.delete(oldest);
}
