/** Small applications whose process ends by itself: how, is what is compared. */

type Application = (origin: string) => Promise<unknown>;

/** Runs one of them against a server in another process. */
export async function runApplication(name: string, origin: string): Promise<void> {
  const application = APPLICATIONS[name];
  if (application === undefined) throw new Error(`no application "${name}"`);
  await application(origin);
  process.stdout.write('reached the end\n');
}

export const APPLICATIONS: Record<string, Application> = {
  'reads to the end': async (origin) => (await fetch(`${origin}/text`)).text(),
  'fires and forgets': async (origin) => void fetch(`${origin}/text`),
  'never reads a short answer': async (origin) => fetch(`${origin}/short`),
  'breaks off and goes on': async (origin) => {
    for await (const chunk of (await fetch(`${origin}/hang`)).body ?? []) if (chunk) break;
  },
  cancels: async (origin) => (await fetch(`${origin}/hang`)).body?.cancel(),
  'exits in the middle of a stream': async (origin) => {
    await (await fetch(`${origin}/hang`)).body?.getReader().read();
    process.exit(3);
  },
  'throws in its loop': async (origin) => {
    for await (const _ of (await fetch(`${origin}/hang`)).body ?? []) throw new RangeError('the application itself');
  },
  'fails unhandled before headers': async (origin) => void fetch(`${origin}/reset-before-headers`),
  'fails unhandled in the body': async (origin) => void (await fetch(`${origin}/reset`)).text(),
  'ends while an AbortSignal has time left': async (origin) => {
    await (await fetch(`${origin}/text`, { signal: AbortSignal.timeout(60_000) })).text();
  },
};
