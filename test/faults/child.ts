/**
 * The application, in a process of its own: for each round it runs scenarios at once, with one function of the
 * library, or one thing the library was given, made to throw; and reports what it saw. `argv[2]` is the library's bundle.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { compileFunction } from 'node:vm';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type * as Library from '../../src/index.js';
import { chatText, closedPort, type ReceivedRequest, startFaultyProvider } from '../../src/testing/index.js';
import { createGiven } from './given.js';
import { type ApplicationScenario, CANARY, type Place } from './place.js';
import { CLOCK, MOMENTS, type Moment, PROBE, type Report, type Round } from './round.js';
import { SCENARIOS } from './scenarios.js';
import { loadSdks, type SdkCopy } from './sdks.js';

/** What every probe throws where it is armed. */
class ArmedError extends Error {
  constructor(id: string) {
    super(`${CANARY}: ${id}`);
  }
}

/** The calls after a round, by their model. */
const RECOVERIES: Readonly<Record<string, (model: string) => Promise<number>>> = {
  fetch: async (model) => {
    const response = await fetch(`${provider.url}/v1/chat/completions`, initOf(model, { stream: true }));
    return (await response.text()).length;
  },
  'openai 6': (model) => readChunks(sdks.early[6], model),
  'openai 4': (model) => readChunks(sdks.early[4], model),
};
const [, , libraryFile = ''] = process.argv;
const unpatchedFetch = globalThis.fetch;
// With ten frames, one of ours that lies between hides one of the application's.
Error.stackTraceLimit = 50;
const { stackTraceLimit } = Error;
await makeReleasingError();
const provider = await startFaultyProvider();
for (const model of Object.keys(RECOVERIES)) provider.define(model, { reply: chatText([CANARY, '!']) });
const given = createGiven();
const sdks = await loadSdks();
const copies = [...Object.values(sdks.early), sdks.late, sdks.byHand];
const clock = createClock();
const collector = createCollector();
const loadLibrary = libraryLoader(libraryFile);
const unhandled: string[] = [];
const uncaught: string[] = [];
process.on('unhandledRejection', (error) => unhandled.push(inspect(error)));
process.on('uncaughtException', (error) => uncaught.push(inspect(error)));
process.on('disconnect', () => process.exit(0));
process.on('message', (round: Round) => {
  void play(round).then((report) => process.send?.(report));
});

let roundNumber = 0;

/**
 * Node makes its error for reads of a released reader once, with the stack of whoever released first (nodejs/node v22.0.0:
 * lib/internal/webstreams/readablestream.js, `lazyReadableReleasingError`): in each process that is here.
 */
async function makeReleasingError(): Promise<void> {
  const reader = new ReadableStream().getReader();
  const rejected = Promise.allSettled([reader.read(), reader.closed]);
  reader.releaseLock();
  await rejected;
}

async function play(round: Round): Promise<Report> {
  roundNumber += 1;
  for (const list of [unhandled, uncaught]) list.length = 0;
  given.reset();
  const firstRequest = (provider.requests.at(-1)?.index ?? -1) + 1;
  const requestsOf = (name: string) =>
    provider.requests.filter(({ index, scenario }) => index >= firstRequest && scenario === name);
  const probes = createProbes(round);
  const library = round.library === 'patched' ? register(round, probes.probe) : NO_LIBRARY;

  given.broken = round.broken;
  probes.arm('start');
  const refusing = await closedPort();
  const barrier = createBarrier(round.scenarios.length, () => probes.arm('answered'));
  const seen = Object.fromEntries(
    await Promise.all(
      round.scenarios.map(async (name) => {
        const scenario = scenarioOf(name);
        const place = await placeOf(name, scenario, { answered: barrier.arriving(), refusing, requestsOf, library });
        const result = await Promise.race([
          scenario.run(place).catch((error: unknown) => inspect(error)),
          sleep(round.patienceMs ?? 15_000, 'timed out', { ref: false }),
        ]);
        place.done();
        return [name, result ?? null] as const;
      }),
    ),
  );
  // What was presumed becomes certain, and what is left open is swept away.
  await clock.pass(1_100);
  await clock.pass(700_000);
  probes.disarm();
  given.broken = undefined;
  const requestCount = (provider.requests.at(-1)?.index ?? -1) + 1 - firstRequest;

  const recovered = round.library === 'patched' ? await recover() : undefined;
  library.unregister();
  // With nothing broken any more, what an exception left open is swept away, and then nobody waits. What happened to a call
  // in the very moment in which time passed counts as happening after it: such a call is idle once time has passed again.
  let open = true;
  for (let pass = 0; open && pass < 3; pass += 1) {
    await clock.pass(700_000);
    open = clock.isRunning();
  }
  const restored =
    globalThis.fetch === unpatchedFetch &&
    Error.stackTraceLimit === stackTraceLimit &&
    BY_MODULE_HOOK.every(({ isUntouched }) => isUntouched);
  for (const copy of copies) copy.putBack();
  globalThis.fetch = unpatchedFetch;
  Error.stackTraceLimit = stackTraceLimit;
  await turn();
  clock.forget();
  return {
    seen,
    requestCount,
    requests: Object.fromEntries(round.scenarios.map((name) => [name, requestsOf(name).length])),
    unhandled: [...unhandled],
    uncaught: [...uncaught],
    restored,
    open,
    recovered,
    thrown: probes.thrown + given.thrown,
    lines: [...given.lines],
    reached: probes.reached,
  };
}

function scenarioOf(name: string): ApplicationScenario {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`there is no scenario "${name}"`);
  return scenario;
}

/** What a scenario may ask of the library. */
interface Registered extends Pick<Place, 'app' | 'loadSdk' | 'instrumentSdk' | 'instrumentFetch'> {
  unregister(): void;
}

const NO_LIBRARY: Registered = {
  unregister() {},
  loadSdk: () => sdks.late.OpenAI,
  instrumentSdk: () => sdks.byHand.OpenAI,
  instrumentFetch: (fetch) => fetch,
  app: {
    withCallContext: (_context, fn) => fn(),
    recordFailure() {},
    holdCall: () => UNHELD,
  },
};

/** What `holdCall` gives, with nobody behind it. */
const UNHELD: Library.HeldCall = {
  persistence() {},
  processing() {},
  delivery() {},
  // A schema of the scenarios says yes to everything.
  toolValidated: ((_id: string, _by: unknown, value: unknown) =>
    Promise.resolve({ value })) as Library.HeldCall['toolValidated'],
  toolExecuted() {},
  release() {},
  [Symbol.dispose]() {},
};

/** What the library puts back by itself. A copy that was patched by hand stays patched, and is passed through. */
const BY_MODULE_HOOK: readonly SdkCopy[] = [sdks.early[6], sdks.late];

/** A library of its own for each round: what one has said once, the next says again. */
function register(round: Round, probe: (id: string) => void): Registered {
  const { LlmStreamInstrumentation, instrumentFetch, instrumentOpenAI, ...app } = loadLibrary(probe);
  const endpoints = round.broken?.startsWith('endpoint.') ? [given.endpoint] : [];
  const instrumentation = new LlmStreamInstrumentation({ endpoints, spanEventLimit: 70 });
  const unregister = registerInstrumentations({
    instrumentations: [instrumentation],
    tracerProvider: given.tracerProvider,
  });
  // As the hooks of modules do, which tell of a module once in a process.
  const definitions = instrumentation.getModuleDefinitions();
  const load = ({ exports, OpenAI }: SdkCopy): typeof OpenAI => {
    for (const { patch } of definitions) patch?.(exports);
    return OpenAI;
  };
  load(sdks.early[6]);
  instrumentOpenAI(sdks.early[4].OpenAI);
  return {
    unregister,
    loadSdk: () => load(sdks.late),
    instrumentSdk: () => instrumentOpenAI(sdks.byHand.exports).OpenAI,
    instrumentFetch,
    app,
  };
}

/** A good call on each road: what it saw, and its spans. */
async function recover(): Promise<unknown> {
  const recovered = await Promise.all(
    Object.entries(RECOVERIES).map(async ([model, call]) => {
      const seen = await call(model);
      const deadline = performance.now() + 3_000;
      while (given.spans(model).length === 0 && performance.now() < deadline) await turn();
      return [model, { seen, spans: given.spans(model).map(factsOf) }] as const;
    }),
  );
  return Object.fromEntries(recovered);
}

function factsOf({ name, ended, status, attributes, events }: ReadableSpan): object {
  return {
    name,
    ended,
    status,
    outcome: attributes['llm_stream.outcome'],
    chunks: attributes['llm_stream.chunk_count'],
    roads: attributes['llm_stream.observed_by'],
    events: events.map((event) => event.name),
  };
}

async function readChunks({ OpenAI }: SdkCopy, model: string): Promise<number> {
  const client = new OpenAI({ apiKey: CANARY, baseURL: `${provider.url}/v1` });
  let count = 0;
  for await (const _ of await client.chat.completions.create({ model, stream: true, messages: [] })) count += 1;
  return count;
}

/** What scenarios share in a round. */
interface Surroundings {
  answered(): Promise<void>;
  /** A port at which nobody listens. */
  readonly refusing: number;
  requestsOf(name: string): readonly ReceivedRequest[];
  readonly library: Registered;
}

async function placeOf(
  name: string,
  { serve }: ApplicationScenario,
  { answered, refusing, requestsOf, library }: Surroundings,
): Promise<Place & { done(): void }> {
  const gate = `${name} ${roundNumber}`;
  if (serve) provider.define(name, serve(gate));
  return {
    model: name,
    url: `${provider.url}/v1/chat/completions`,
    baseURL: `${provider.url}/v1`,
    sdks: { 4: sdks.early[4].OpenAI, 6: sdks.early[6].OpenAI },
    loadSdk: library.loadSdk,
    instrumentSdk: library.instrumentSdk,
    instrumentFetch: library.instrumentFetch,
    app: library.app,
    closedPort: refusing,
    init: (more = {}) => initOf(name, { stream: true, ...more }),
    answered,
    done: () => void answered(),
    release: () => provider.gate(gate).release(),
    held: () => provider.gate(gate).arrival(),
    async request() {
      for (;;) {
        const [request] = requestsOf(name);
        if (request !== undefined) return request;
        await sleep(2);
      }
    },
    sweep: (passMs) => clock.pass(passMs),
    inSpan: (run) => given.inSpan(run),
    headersOfAnotherMake: given.headers,
    unpatchedFetch,
    collectGarbage: (until) => collector.run(until),
  };
}

function initOf(model: string, more: Record<string, unknown>): RequestInit & { method: 'POST'; body: string } {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${CANARY}` },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: CANARY }], ...more }),
  };
}

interface Barrier {
  /** One of those that are waited for: what it gives back says that it has arrived, and resolves when all have. */
  arriving(): () => Promise<void>;
}

function createBarrier(count: number, onComplete: () => void): Barrier {
  let missing = count;
  let open = () => {};
  const complete = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    arriving() {
      let here = false;
      return () => {
        if (!here) missing -= 1;
        if (!here && missing === 0) {
          onComplete();
          open();
        }
        here = true;
        return complete;
      };
    },
  };
}

/** Collects garbage as long as anybody waits for that: once for all of them, because each time stops the whole process. */
function createCollector() {
  const waiting = new Set<object>();
  let isRunning = false;
  const collect = async (): Promise<void> => {
    isRunning = true;
    while (waiting.size > 0) {
      globalThis.gc?.();
      await sleep(8);
    }
    isRunning = false;
  };
  return {
    /** False where `until` has not resolved in time. */
    async run(until: Promise<unknown>): Promise<boolean> {
      const one = {};
      waiting.add(one);
      if (!isRunning) void collect();
      const isOver = await Promise.race([until.then(() => true), sleep(12_000, false, { ref: false })]);
      waiting.delete(one);
      return isOver;
    },
  };
}

/** What the probes in the library call. */
function createProbes({ armed, traced = false }: Round) {
  const reached = { start: new Map<string, Set<string>>(), answered: new Map<string, Set<string>>() };
  let moment: Moment | undefined;
  let thrown = 0;
  const note = (id: string): void => {
    const way = traced ? wayFrom(id) : undefined;
    for (const at of moment === 'answered' ? MOMENTS : (['start'] as const)) {
      const ways = reached[at].get(id) ?? new Set();
      if (way !== undefined) ways.add(way);
      reached[at].set(id, ways);
    }
  };
  const probe = (id: string): void => {
    if (moment === undefined) return;
    note(id);
    if (armed?.id !== id || (armed.from === 'answered' && moment === 'start')) return;
    thrown += 1;
    throw new ArmedError(id);
  };
  return {
    probe,
    arm(from: Moment) {
      moment = from;
    },
    disarm() {
      moment = undefined;
    },
    get thrown() {
      return thrown;
    },
    get reached() {
      return { start: plain(reached.start), answered: plain(reached.answered) };
    },
  };
}

function plain(ways: ReadonlyMap<string, ReadonlySet<string>>): Record<string, string[]> {
  return Object.fromEntries([...ways].map(([id, each]) => [id, [...each]]));
}

/** The places in the library that lie on the stack below the function that was reached: the way an exception takes. */
function wayFrom(id: string): string {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  Error.stackTraceLimit = 100;
  Error.prepareStackTrace = (_, sites) => sites.filter((site) => site.getFileName() === libraryFile).map(positionOf);
  Error.captureStackTrace(holder, wayFrom);
  const callers = Array.isArray(holder.stack) ? holder.stack.slice(1) : [];
  Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  return createHash('sha1')
    .update(callers.length === 0 ? id : callers.join())
    .digest('base64url');
}

function positionOf(site: NodeJS.CallSite): string {
  return `${site.getLineNumber()}:${site.getColumnNumber()}`;
}

/** The library's clock and timers: time passes when a round says so, and its callbacks run as those of real timers. */
function createClock() {
  let offsetMs = 0;
  const pending = new Set<() => void>();
  const fakes = {
    now: () => performance.now() + offsetMs,
    setTimeout(callback: () => void) {
      pending.add(callback);
      return { callback, unref() {} };
    },
    clearTimeout: (timer: { readonly callback: () => void }) => void pending.delete(timer.callback),
  };
  return {
    fakes,
    async pass(ms: number): Promise<void> {
      offsetMs += ms;
      const due = [...pending];
      pending.clear();
      for (const callback of due) setTimeout(callback, 0);
      await sleep(1);
      await turn();
    },
    isRunning: () => pending.size > 0,
    forget: () => pending.clear(),
  };
}

/** Compiles the bundle once, and runs it as often as it is asked for. */
function libraryLoader(file: string): (probe: (id: string) => void) => typeof Library {
  const require = createRequire(file);
  const requireWithTimers = (id: string): unknown => (id === 'node:timers' ? clock.fakes : require(id));
  const run = compileFunction(readFileSync(file, 'utf8'), ['module', 'exports', 'require', PROBE, CLOCK], {
    filename: file,
  });
  return (probe) => {
    const module = { exports: {} };
    run(module, module.exports, requireWithTimers, probe, clock.fakes);
    return module.exports as typeof Library;
  };
}
