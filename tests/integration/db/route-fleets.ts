import fc from 'fast-check';
import type { Candidate } from '../../../src/router/route.ts';

/** A gateway as its row has it, eligible or not. */
export interface FleetGateway extends Candidate {
  readonly state: string;
  readonly claimsOpen: boolean;
  /** Of the host that claims, with the epoch that it believes in. */
  readonly isOwned: boolean;
  readonly configured: number;
  readonly reported: number | null;
  readonly health: number | null;
  readonly foreign: number;
  readonly team: 'red' | 'blue';
  readonly allowedTenants: readonly string[] | null;
  readonly spend: number;
}

export interface FleetTask {
  readonly id: string;
  readonly tenant: string;
  readonly pool: string;
  readonly priority: number;
  /** Index of the gateway that it may only run on. */
  readonly pin: number | null;
}

const lanes = fc.integer({ min: 0, max: 4 });
/** Half of the time null. */
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(value, { nil: null, freq: 2 });

const gateway = fc
  .record({
    state: fc.constantFrom(
      'open',
      'open',
      'open',
      'degraded',
      'drained',
      'cordoned',
      'unreachable',
    ),
    claimsOpen: fc.constantFrom(true, true, true, true, false),
    isOwned: fc.constantFrom(true, true, true, true, false),
    configured: fc.integer({ min: 1, max: 4 }),
    reported: maybe(lanes),
    health: maybe(lanes),
    foreign: fc.constantFrom(0, 0, 0, 1, 2),
    team: fc.constantFrom('red' as const, 'blue' as const),
    allowedTenants: maybe(fc.subarray(['a', 'b', 'c'], { minLength: 1 })),
    spend: fc.integer({ min: 0, max: 20 }),
    costWeight: fc.constantFrom(1, 1, 2, 5),
    costUsd: maybe(fc.constantFrom(0.01, 0.02, 0.4)),
    errorRate: fc.constantFrom(0, 0, 0.1, 0.9),
    recentRuns: fc.constantFrom(0, 3, 40),
    acceptMs: maybe(fc.constantFrom(20, 150, 2_000)),
    runMs: maybe(fc.constantFrom(500, 4_000, 60_000)),
    regionWeight: fc.constantFrom(1, 1, 0.5),
  })
  .map((fields) => ({ ...fields, lanes: usable(fields) }));

export const fleets = fc.record({
  gateways: fc
    .array(gateway, { minLength: 1, maxLength: 8 })
    .map((all): FleetGateway[] => all.map((one, index) => ({ ...one, gatewayId: `g${index}` }))),
  tasks: fc
    .array(
      fc.record({
        tenant: fc.constantFrom('a', 'b', 'c'),
        pool: fc.constantFrom('default', 'default', 'red', 'blue'),
        priority: fc.integer({ min: 1, max: 5 }),
        pin: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, fc.nat(7)),
      }),
      { minLength: 1, maxLength: 10 },
    )
    .map((all): FleetTask[] => all.map((one, index) => ({ ...one, id: `t${index}` }))),
});

function usable(of: {
  readonly configured: number;
  readonly reported: number | null;
  readonly health: number | null;
}): number {
  const unlimited = Number.POSITIVE_INFINITY;
  return Math.min(of.configured, of.reported ?? unlimited, of.health ?? unlimited);
}

/** Whether the gateway may take the task at all, lanes aside. */
export function fits(one: FleetGateway, task: FleetTask): boolean {
  return (
    ['open', 'degraded'].includes(one.state) &&
    one.claimsOpen &&
    one.isOwned &&
    (task.pool === 'default' || one.team === task.pool) &&
    (one.allowedTenants?.includes(task.tenant) ?? true) &&
    (task.pin === null || one.gatewayId === `g${task.pin}`)
  );
}
