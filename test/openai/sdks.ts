/** Every copy of the OpenAI SDK that runs on this Node: each major version, in its CommonJS and its ES module build. */
import { createRequire } from 'node:module';
import type { AzureOpenAI, OpenAI } from 'openai';

/** One copy of the SDK: its classes are its own, also beside the other build of the same version. */
export interface Sdk {
  /** Such as `openai 4, CommonJS`. */
  readonly name: string;
  readonly major: Major;
  readonly format: Format;
  readonly OpenAI: typeof OpenAI;
  readonly AzureOpenAI: typeof AzureOpenAI;
}

export type Major = 4 | 5 | 6 | 7;
export type Format = 'CommonJS' | 'ES module';

/** Where each version is installed: the tests' own version at the root of the repository, the others beside this file. */
const FOLDERS: Readonly<Record<Major, string>> = { 4: './v4/', 5: './v5/', 6: '../../', 7: './v7/' };

/** Its `engines`; on older ones it does not load. */
const OLDEST_NODE_OF_7 = 22;

/** Where to find the copies, and which. */
export interface Wanted {
  /** This file's URL, for who runs it out of a bundle. */
  readonly home?: string;
  /** The name of a single one. @defaultValue every copy */
  readonly only?: string | undefined;
}

/** Loads the copies; gives them oldest first. */
export async function loadSdks({ home = import.meta.url, only }: Wanted = {}): Promise<readonly Sdk[]> {
  const nodeMajor = Number(process.versions.node.split('.', 1)[0]);
  const majors = ([4, 5, 6, 7] as const).filter((major) => major < 7 || nodeMajor >= OLDEST_NODE_OF_7);
  const formats = ['CommonJS', 'ES module'] as const;
  const wanted = majors
    .flatMap((major) => formats.map((format) => ({ name: `openai ${major}, ${format}`, major, format })))
    .filter(({ name }) => only === undefined || name === only);
  return Promise.all(
    wanted.map(async (copy) => {
      const load = copy.format === 'CommonJS' ? requireFrom : importFrom;
      const { OpenAI, AzureOpenAI } = await load(copy.major, home);
      return { ...copy, OpenAI, AzureOpenAI };
    }),
  );
}

function requireFrom(major: Major, home: string): Pick<Sdk, 'OpenAI' | 'AzureOpenAI'> {
  const exported: unknown = createRequire(new URL(FOLDERS[major], home))('openai');
  // The four versions agree in what tests use of them (`chat.completions.create`, its promise and its stream), and
  // differ in types that no test looks at: one type for all keeps a test from being written four times.
  return exported as Pick<Sdk, 'OpenAI' | 'AzureOpenAI'>;
}

async function importFrom(major: Major, home: string): Promise<Pick<Sdk, 'OpenAI' | 'AzureOpenAI'>> {
  if (major === 6) return import('openai');
  const exported: unknown = await import(new URL(`${FOLDERS[major]}sdk.mjs`, home).href);
  // As above.
  return exported as Pick<Sdk, 'OpenAI' | 'AzureOpenAI'>;
}

/** The completions that have `stream`, `parse` and `runTools`: in version 4 these are in `beta`. */
export function helpersOf({ major }: Sdk, client: OpenAI): OpenAI['chat']['completions'] {
  // The types are those of version 6, whose `beta` has no chat any more.
  const { beta } = client as unknown as { readonly beta: Pick<OpenAI, 'chat'> };
  return major === 4 ? beta.chat.completions : client.chat.completions;
}
