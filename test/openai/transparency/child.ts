/**
 * The application, in a process of its own: either runs the checks with every copy of the SDK and prints one line of
 * JSON, or plays one small application with one copy. Arguments: the URL of `sdks.ts`, the provider's, and for an
 * application its name and that of the copy.
 */
import type { loadSdks, Sdk } from '../sdks.js';
import { APPLICATIONS } from './applications.js';
import { CHECKS, DOCUMENTED, type Scope, told } from './checks.js';

export async function runChild(
  load: typeof loadSdks,
  observe: (sdk: Sdk) => void,
  countSpans?: () => number,
): Promise<void> {
  const [home = '', url = '', application, name] = process.argv.slice(2);
  const sdks = await load({ home, only: name });
  for (const sdk of sdks) observe(sdk);
  if (application === undefined) await reportChecks(sdks, url, countSpans);
  else await APPLICATIONS[application]?.(scopeOf(sdks[0] ?? fail(name), url));
}

async function reportChecks(sdks: readonly Sdk[], url: string, countSpans?: () => number): Promise<void> {
  const keepAlive = setInterval(() => {}, 1_000);
  const report: Record<string, unknown> = {};
  for (const sdk of sdks) {
    for (const [check, run] of Object.entries({ ...CHECKS, ...DOCUMENTED })) {
      report[`${sdk.name}: ${check}`] = await Promise.race([
        Promise.resolve(scopeOf(sdk, url)).then(run).catch(told),
        new Promise((resolve) => setTimeout(resolve, 6_000, 'timed out').unref()),
      ]);
    }
  }
  clearInterval(keepAlive);
  report['observed calls'] = countSpans?.();
  const line = JSON.stringify(report)
    .replaceAll(url, 'ORIGIN')
    .replace(/req_faulty_\d+/g, 'REQUEST');
  process.stdout.write(`${line}\n`, () => process.exit(0));
}

function scopeOf(sdk: Sdk, url: string): Scope {
  return {
    sdk,
    url,
    client: (options = {}) => new sdk.OpenAI({ apiKey: 'sk-any', baseURL: `${url}/v1`, maxRetries: 0, ...options }),
    stream: (model) => ({ model, stream: true, messages: [{ role: 'user', content: 'Hello' }] }),
    whole: (model) => ({ model, stream: false, messages: [{ role: 'user', content: 'Hello' }] }),
  };
}

function fail(name: string | undefined): never {
  throw new Error(`no copy "${name}"`);
}
