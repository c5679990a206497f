/** What runs in a cell is what its name says: looked at where it is loaded, and printed. Only part of `npm run test:matrix`. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { expect, it } from 'vitest';
import { loadSdks } from '../openai/sdks.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const NODES = { 'node-20': 'v20.19.0', 'node-22': 'v22.23.3', 'node-24': 'v24.21.0', 'node-26': 'v26.10.0' } as const;

const SDKS = {
  'sdk-2': { api: '1.9.1', sdk: '2.12.1', sdkNode: '0.223.0' },
  'sdk-3': { api: '1.10.0', sdk: '3.1.0', sdkNode: '0.301.0' },
} as const;

const OPENAI = ['OpenAI/JS 4.104.0', 'OpenAI/JS 5.23.2', 'OpenAI/JS 6.49.0'];
const OPENAI_7 = 'OpenAI/JS 7.55.0';

it('is of the versions that the cell names', async () => {
  const [node, sdk] = readCell();
  const openai = node === 'node-20' ? OPENAI : [...OPENAI, OPENAI_7];
  const found = { node: process.version, api: apiVersion(), sdk: sdkVersion(), sdkNode: await sdkNodeVersion() };
  const sdks = await openaiVersions();
  console.log(
    `Node ${found.node} · @opentelemetry/api ${found.api} · SDK ${found.sdk} (sdk-node ${found.sdkNode}) · ${sdks.join(', ')}`,
  );
  expect(found).toEqual({ node: NODES[node], ...SDKS[sdk] });
  expect(sdks).toEqual(openai);
});

it.each([
  'src/call/call.ts',
  'dist/index.js',
  'test/endings/run.ts',
  'temp/bundled.mjs',
  ...['@opentelemetry/sdk-node', '@opentelemetry/sdk-trace-base', '@opentelemetry/instrumentation'],
])('the API is the same file seen from %s', (from) => {
  const require = createRequire(import.meta.url);
  const file = from.startsWith('@') ? require.resolve(from) : join(ROOT, from);
  expect(createRequire(file).resolve('@opentelemetry/api')).toBe(require.resolve('@opentelemetry/api'));
});

function readCell(): [keyof typeof NODES, keyof typeof SDKS] {
  const [node, sdk] = (process.env['MATRIX_CELL'] ?? '').split(' ');
  if (!isOneOf(NODES, node) || !isOneOf(SDKS, sdk)) throw new Error('expected `MATRIX_CELL`, such as "node-24 sdk-3"');
  return [node, sdk];
}

function isOneOf<T extends object>(table: T, name: string | undefined): name is keyof T & string {
  return name !== undefined && Object.hasOwn(table, name);
}

/** Of the copy that registers: the package exports its version to nobody. */
function apiVersion(): unknown {
  trace.setGlobalTracerProvider(new BasicTracerProvider());
  // Where copies of the API meet; the global object has no type for it.
  const holder = globalThis as { [API]?: { readonly version: string } };
  trace.disable();
  return holder[API]?.version;
}

const API = Symbol.for('opentelemetry.js.api.1');

/** What its spans say of it. */
function sdkVersion(): unknown {
  const span: object = new BasicTracerProvider().getTracer('cell').startSpan('cell');
  const resource: unknown = Reflect.get(span, 'resource');
  // Both lines have it; their types are of one.
  return (resource as { readonly attributes: Record<string, unknown> }).attributes['telemetry.sdk.version'];
}

async function sdkNodeVersion(): Promise<unknown> {
  const manifest: unknown = JSON.parse(
    await readFile(join(ROOT, 'node_modules/@opentelemetry/sdk-node/package.json'), 'utf8'),
  );
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : undefined;
}

/** Oldest first; both builds of a version are one. */
async function openaiVersions(): Promise<readonly unknown[]> {
  const sdks = await loadSdks();
  const versions = sdks.map(({ OpenAI }) => userAgentOf(new OpenAI({ apiKey: 'any' })));
  return [...new Set(versions)];
}

function userAgentOf(client: object): unknown {
  return Reflect.get(client, 'getUserAgent').call(client);
}
