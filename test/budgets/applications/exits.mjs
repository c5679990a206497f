// Reads one good answer to its end, and has nothing else to do.
const [library, url] = process.argv.slice(2);
const { fetchWithBudgets } = await import(library);
const limited = fetchWithBudgets(fetch, {});
const body = JSON.stringify({ model: 'good', stream: true, messages: [] });
const response = await limited(`${url}/v1/chat/completions`, {
  method: 'POST',
  headers: { connection: 'close' },
  body,
});
console.log(JSON.stringify((await response.text()).includes('[DONE]')));
