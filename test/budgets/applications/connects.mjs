// Asks for a connect budget in a tree that has whatever undici it has.
const [library] = process.argv.slice(2);
const { fetchWithBudgets } = await import(library);
try {
  fetchWithBudgets(fetch, { connectMs: 100 });
  console.log(JSON.stringify({ passes: true }));
} catch ({ name, code, message, cause }) {
  console.log(JSON.stringify({ name, code, message, hasCause: cause !== undefined }));
}
fetchWithBudgets(fetch, { idleMs: 100 });
