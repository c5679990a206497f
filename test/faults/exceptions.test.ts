/**
 * A failure of ours costs telemetry, never the call: each function that a patch reaches is made to throw, in every way
 * in which it is reached, and each thing the library was given; the application sees what it sees without us.
 * `FAULTS_NODE` names another Node, `FAULTS_SCENARIOS=all` takes all scenarios for each function.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { bundle } from './bundle.js';
import { startChildren } from './children.js';
import { PASS_THROUGH } from './exclusions.js';
import { CANARY } from './place.js';
import { type Arm, planArms } from './plan.js';
import { BREAKABLES, MOMENTS, type Report, type Round } from './round.js';
import { SCENARIOS } from './scenarios.js';
import { NOT_COLLECTED } from './seeing.js';

const names = Object.keys(SCENARIOS);
const allScenarios = process.env['FAULTS_SCENARIOS'] === 'all';
const built = await bundle();
const children = startChildren(built, 3);
afterAll(async () => {
  children.close();
  await built.remove();
});

const [control, together, ...each] = await Promise.all([
  children.play({ library: 'control', scenarios: names }),
  children.play({ library: 'patched', scenarios: names }),
  ...names.map((name) => children.play({ library: 'patched', scenarios: [name], traced: true, patienceMs: 25_000 })),
]);
const alone = new Map(names.map((name, at) => [name, each[at] ?? together]));
const arms = planArms(built.functions, alone, together);
const tested = arms.filter(({ name }) => !(name in PASS_THROUGH));

describe('the application', () => {
  it('sees with us what it sees without us', () => {
    expect(seenBy(together)).toEqual(undisturbed(names));
    expect(together.requestCount).toBe(control.requestCount);
    expect(control.unhandled).toEqual([]);
    // Who waits in vain without us, too, would notice nothing of anything.
    expect(Object.values(control.seen)).not.toContain('timed out');
    expect(Object.values(control.seen)).not.toContain(NOT_COLLECTED);
    const completed = { outcome: 'completed', chunks: 4, ended: true };
    expect(together.recovered).toMatchObject({
      fetch: { spans: [{ ...completed, name: 'chat fetch', roads: ['fetch'] }] },
      'openai 6': { spans: [{ ...completed, name: 'chat openai 6', roads: ['fetch', 'openai'] }] },
      'openai 4': { spans: [{ ...completed, name: 'chat openai 4', roads: ['openai'] }] },
    });
  });

  for (const from of MOMENTS) {
    describe(`notices nothing of an exception, from the ${from === 'start' ? 'start' : 'answers'} on, in`, () => {
      for (const arm of tested.filter((one) => one.from === from)) {
        it.concurrent(arm.id, async () => {
          const report = await playUntilReached(arm);
          expect(seenBy(report)).toEqual(undisturbed(Object.keys(report.seen)));
          // Said once for a place: options of the application that throw may have come first.
          expect(report.lines.join()).toMatch(/: (?:Armed|Range)Error in [\w ]+; the call goes on/);
          expect(report.lines.join()).not.toContain(CANARY);
          // What the application itself said wrongly may be said as often as it does.
          const saidOnce = report.lines.filter((line) => line.endsWith('(said once)'));
          expect(saidOnce).toEqual([...new Set(saidOnce)]);
        });
      }
    });
  }

  describe('notices nothing when it gave us a part that throws:', () => {
    it.concurrent.each(BREAKABLES)('%s', async (broken) => {
      const report = await children.play({ library: 'patched', scenarios: names, broken });
      expect(report.thrown).toBeGreaterThan(0);
      expect(seenBy(report)).toEqual(undisturbed(names));
      expect(report.lines.join()).not.toContain(CANARY);
    });
  });

  it('notices nothing when it configured a RegExp that throws: the library runs a copy', async () => {
    const report = await children.play({ library: 'patched', scenarios: names, broken: 'endpoint.exec' });
    expect(report.thrown).toBe(0);
    expect(seenBy(report)).toEqual(undisturbed(names));
  });

  describe('notices nothing when the logger throws that is told of an exception in', () => {
    for (const arm of tested.filter(({ name, from }) => from === 'start' && /^call\/(?:sdk-)?call\.ts:/.test(name))) {
      it.concurrent(arm.id, async () => {
        expect(seenBy(await play(arm, { broken: 'diag' }))).toEqual(undisturbed(arm.scenarios));
      });
    }
  });
});

describe('the list of exclusions', () => {
  for (const [name, reason] of Object.entries(PASS_THROUGH)) {
    it.concurrent(`needs ${name}, which ${reason}`, async () => {
      expect(built.functions.map((one) => one.name)).toContain(name);
      const arm = arms.find((one) => one.name === name);
      // Not on this Node.
      if (arm === undefined) return;
      const report = await play(arm, { patienceMs: 2_000 });
      expect(seenBy(report), 'it could be made to throw like the others').not.toEqual(undisturbed(arm.scenarios));
    });
  }

  it('leaves what timers, channels and the garbage collector run to be made to throw', () => {
    const armed = tested.map(({ name }) => name);
    expect(armed).toContain('call/open-calls.ts:sweep');
    expect(armed).toContain('intercept/wire.ts:onCreate');
    expect(armed).toContain('intercept/branches.ts:BodyGroup.collected');
    expect(armed).toContain('call/loop.ts:Loop.collected');
    expect(armed).toContain('call/sdk-call.ts:SdkCall.collected');
  });

  it('leaves what the SDK runs, and what is done to a copy that is loaded late, to be made to throw', () => {
    const armed = tested.map(({ name }) => name);
    expect(armed).toContain('intercept/openai/patch.ts:noteBuilt');
    expect(armed).toContain('intercept/openai/stream.ts:told');
    expect(armed).toContain('intercept/openai/patch.ts:replaceAll');
    expect(armed).toContain('by-hand.ts:HOOKS.enter');
  });

  it('leaves all others to be made to throw', () => {
    const count = (list: readonly Arm[]) => new Set(list.map(({ name }) => name)).size;
    const scenarios = tested.reduce((sum, arm) => sum + arm.scenarios.length, 0);
    console.log(
      [
        `${built.functions.length} functions (${built.edgeCount} more are nothing but a guard)`,
        `${count(arms)} reached from patches`,
        `${count(tested)} made to throw, in ${tested.length} rounds of ${(scenarios / tested.length).toFixed(1)} scenarios`,
        `${Object.keys(PASS_THROUGH).length} excluded`,
      ].join('; '),
    );
    expect(count(tested)).toBeGreaterThan(700);
  });
});

/** What the application can tell of a round, and how the library is after it. */
function seenBy({ seen, requests, unhandled, uncaught, restored, open, recovered }: Report): object {
  return { seen, requests, unhandled, uncaught, restored, open, recovered };
}

function undisturbed(scenarios: readonly string[]): object {
  const of = <T>(all: Readonly<Record<string, T>>) => Object.fromEntries(scenarios.map((name) => [name, all[name]]));
  return {
    seen: of(control.seen),
    requests: of(control.requests),
    unhandled: [],
    uncaught: [],
    restored: true,
    open: false,
    recovered: together.recovered,
  };
}

function play({ id, from, scenarios }: Arm, more: Partial<Round> = {}): Promise<Report> {
  return children.play({ library: 'patched', scenarios, armed: { id, from }, ...more });
}

/** Some functions are reached only if the packets fall so; a round in which nothing was thrown proves nothing. */
async function playUntilReached(arm: Arm): Promise<Report> {
  for (let attempt = 0; attempt < 8; attempt += 1) {
    // Alone and in company the packets fall differently.
    const all = allScenarios === (attempt % 2 === 0);
    const report = await play(arm, all ? { scenarios: names } : {});
    if (report.thrown > 0) return report;
  }
  throw new Error(`${arm.id} was not reached again`);
}
