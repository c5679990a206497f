/**
 * One round of the traffic: the rows become scenarios for the provider and orders for the application, spread evenly.
 */
import type { Delivery, Scenario } from '../../../testing/index.js';
import { DEPLOYMENTS, type DeploymentName } from './deployments.js';
import type { ChainOrder, TryOrder } from './messages.js';
import { TRAFFIC, type TrafficRow, type TrafficTry, type TrafficWire } from './rows.js';

export interface Places {
  /** Of the provider, without a path. */
  readonly providerUrl: string;
  /** Where nobody listens. */
  readonly refusedUrl: string;
}

export interface Round {
  /** By name, in the order in which they are asked for. */
  readonly scenarios: readonly (readonly [name: string, answers: readonly Scenario[]])[];
  readonly chains: readonly ChainOrder[];
}

/** @param number - counted from 1: rounds are alike, and their answers not equally fast */
export function createRound(number: number, places: Places, rows: readonly TrafficRow[] = TRAFFIC): Round {
  return {
    scenarios: rows.flatMap((row) => scenariosOf(row, number)),
    chains: spread(rows).map((row, index) => ({
      requestId: `req-${number}-${index + 1}`,
      route: row.route,
      feature: row.feature,
      // A new version that every fourth request is given.
      configVersion: index % 4 === 3 ? '2026-11-16' : '2026-11-02',
      tries: row.tries.map((each, at) => tryOrder(row, each, at, places)),
    })),
  };
}

/** The golden ratio's part: its multiples are as far from each other as numbers between 0 and 1 can be. */
const GOLDEN = 0.618_034;

/** Each row as often as it is meant, its calls as far from each other as can be: nothing comes in a heap. */
function spread(rows: readonly TrafficRow[]): TrafficRow[] {
  return rows
    .flatMap((row, index) => {
      const phase = fraction((index + 1) * GOLDEN);
      return Array.from({ length: row.perRound }, (_, call) => ({ row, place: (call + phase) / row.perRound }));
    })
    .sort((one, other) => one.place - other.place)
    .map(({ row }) => row);
}

function scenariosOf(row: TrafficRow, round: number): Round['scenarios'] {
  return row.tries.flatMap(({ wire, deployment }, at) => {
    if (wire === 'refused' || wire === 'none') return [];
    const wires = isList(wire) ? wire : [wire];
    const answers = Array.from({ length: row.perRound }, (_, call) =>
      wires.map((each) => scenarioOf(each, deployment, round * 1_000 + call)),
    );
    return [[scenarioName(row, at), answers.flat()] as const];
  });
}

function isList(wire: TrafficWire | readonly TrafficWire[]): wire is readonly TrafficWire[] {
  return Array.isArray(wire);
}

function scenarioOf({ latencyMs, ...wire }: TrafficWire, deployment: DeploymentName, seed: number): Scenario {
  const { pace } = DEPLOYMENTS[deployment];
  const delivery: Delivery = { ...pace, latencyMs: latencyMs ?? Math.round(pace.latencyMs * slowness(seed)), seed };
  return { ...wire, delivery };
}

/** Between 0.6 and 2.4 times the usual; mostly less than it. */
function slowness(seed: number): number {
  return 0.6 + 1.8 * fraction(seed * GOLDEN) ** 3;
}

function fraction(value: number): number {
  return value - Math.floor(value);
}

function tryOrder(row: TrafficRow, { deployment, wire, manner }: TrafficTry, at: number, places: Places): TryOrder {
  const { path, provider, model, through } = DEPLOYMENTS[deployment];
  const fallbacks = row.tries
    .slice(1, at + 1)
    .filter((each, index) => each.deployment !== row.tries[index]?.deployment).length;
  return {
    baseUrl: (wire === 'refused' ? places.refusedUrl : places.providerUrl) + path,
    provider,
    model,
    scenario: scenarioName(row, at),
    manner: { through, ...manner },
    fallbackAttempt: fallbacks,
    retryAttempt: at - fallbacks,
  };
}

function scenarioName({ name }: TrafficRow, at: number): string {
  return at === 0 ? name : `${name}-${at + 1}`;
}
