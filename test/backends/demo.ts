/** The demo's traffic, as `npm run demo` makes it, sent to a collector. */
import { runToEnd } from './run.js';

/** What the application itself counted, after it had sent all it had. */
export interface Counted {
  readonly ended: readonly { readonly outcome: string; readonly failureStage?: string; readonly calls: number }[];
  readonly spans: { readonly accepted: number; readonly lost: number };
  readonly metrics: { readonly accepted: number; readonly lost: number };
}

const LIMIT_MS = 240_000;

/** @param built - the folder that `dist` is in */
export async function runDemo(built: string, otlpUrl: string, rounds: number): Promise<Counted> {
  const args = ['dist/tools/demo.js', '--otlp', otlpUrl, '--rounds', String(rounds), '--json'];
  const { code, stdout, stderr } = await runToEnd(process.execPath, args, { limitMs: LIMIT_MS, cwd: built });
  if (code !== 0) throw new Error(`the demo ended with ${code}: ${stderr}${stdout}`);
  // It prints nothing else.
  return JSON.parse(stdout) as Counted;
}

export function sumOf(ended: Counted['ended'], where: Partial<Counted['ended'][number]> = {}): number {
  return ended
    .filter((each) => Object.entries(where).every(([name, value]) => Reflect.get(each, name) === value))
    .reduce((sum, { calls }) => sum + calls, 0);
}
