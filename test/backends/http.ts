/** Asks the programs on loopback, each with a bound. */

const LIMIT_MS = 10_000;

export async function ask(url: string): Promise<Response> {
  return await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
}

/** The JSON of an answer that is fine. @throws with what was answered otherwise */
export async function askJson(url: string): Promise<unknown> {
  const response = await ask(url);
  if (!response.ok) throw new Error(`${response.status} of ${url}: ${await response.text()}`);
  return await response.json();
}
