/** Which scenarios are enough for a function: an exception takes every way out of it that there is. Pure. */
import type { ProbedFunction } from './probes.js';
import { MOMENTS, type Moment, type Report } from './round.js';

/** A function made to throw from some moment on, and where. */
export interface Arm {
  readonly name: string;
  readonly id: string;
  readonly from: Moment;
  readonly scenarios: readonly string[];
}

type WaysByScenario = ReadonlyMap<string, readonly string[]>;

/**
 * Plans every function that was reached. `alone` has a traced report of each scenario by itself; what only `together`
 * reached needs all of them. Functions that are called at one place (the rows of a table) share their ways out: each way
 * is taken for one of them, and each function throws at least once.
 */
export function planArms(
  functions: readonly ProbedFunction[],
  alone: ReadonlyMap<string, Report>,
  together: Report,
): readonly Arm[] {
  return MOMENTS.flatMap((from) => {
    const taken = new Set<string>();
    return functions.flatMap(({ id, name }) => {
      const waysByScenario = new Map<string, readonly string[]>();
      for (const [scenario, { reached }] of alone) {
        const ways = reached[from][id];
        if (ways !== undefined) waysByScenario.set(scenario, ways);
      }
      if (waysByScenario.size === 0 && together.reached[from][id] === undefined) return [];
      const scenarios = waysByScenario.size > 0 ? cover(waysByScenario, taken) : [...alone.keys()];
      return [{ name, id, from, scenarios }];
    });
  });
}

/** Few scenarios, one at least, that together take every way that was not `taken`; now they are. */
function cover(waysByScenario: WaysByScenario, taken: Set<string>): readonly string[] {
  const chosen: string[] = [];
  const missing = (): boolean => [...waysByScenario.values()].flat().some((way) => !taken.has(way));
  while (chosen.length === 0 || missing()) {
    const news = [...waysByScenario].map(([name, ways]) => ({
      name,
      count: ways.filter((way) => !taken.has(way)).length,
    }));
    const best = news.reduce((most, one) => (one.count > most.count ? one : most));
    chosen.push(best.name);
    for (const way of waysByScenario.get(best.name) ?? []) taken.add(way);
  }
  return chosen;
}
