import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  planRollout,
  regressionsOf,
  type RolloutGateway,
  type RolloutHealth,
} from '../../src/domain/rollout.ts';

const fleetOf = fc
  .array(
    fc.record({
      pools: fc.subarray(['default', 'gpu', 'eu'], { minLength: 1 }),
      isAvailable: fc.boolean(),
    }),
    { minLength: 1, maxLength: 50 },
  )
  .map((rows) => rows.map((row, index): RolloutGateway => ({ id: `gw-${index}`, ...row })));

const limitsOf = fc.record({
  canary: fc.integer({ min: 0, max: 5 }),
  wave: fc.integer({ min: 1, max: 10 }),
  maxUnavailable: fc.integer({ min: 1, max: 12 }),
});

/** Of a pool, how many are away while these are. */
function away(fleet: readonly RolloutGateway[], pool: string, gone: readonly string[]): number {
  return fleet.filter(
    (one) => one.pools.includes(pool) && (!one.isAvailable || gone.includes(one.id)),
  ).length;
}

test('every chosen gateway goes once, no wave is larger than it may, and no pool has more away than it may', () => {
  fc.assert(
    fc.property(fleetOf, limitsOf, fc.nat(), (fleet, limits, seed) => {
      const chosen = new Set(
        fleet.map(({ id }) => id).filter((_, index) => (seed >> (index % 30)) % 2 === 0),
      );
      const plan = planRollout(fleet, chosen, limits);
      expect(planRollout(fleet.toReversed(), chosen, limits)).toEqual(plan);
      if (plan.kind === 'refused') {
        expect(plan.pools.length).toBeGreaterThan(0);
        for (const { pool, away: count } of plan.pools) {
          expect(count).toBe(away(fleet, pool, []));
          expect(count).toBeGreaterThanOrEqual(limits.maxUnavailable);
        }
        return;
      }
      expect(plan.waves.flat().toSorted()).toEqual([...chosen].toSorted());
      for (const [index, wave] of plan.waves.entries()) {
        const hasCanary =
          limits.canary > 0 && fleet.some((one) => one.isAvailable && chosen.has(one.id));
        const most = index === 0 && hasCanary ? limits.canary : limits.wave;
        expect(wave.length).toBeGreaterThan(0);
        expect(wave.length).toBeLessThanOrEqual(most);
        for (const pool of ['default', 'gpu', 'eu']) {
          const isTouched = fleet.some(
            (one) => one.isAvailable && one.pools.includes(pool) && wave.includes(one.id),
          );
          if (isTouched) expect(away(fleet, pool, wave)).toBeLessThanOrEqual(limits.maxUnavailable);
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a canary goes alone, then waves in the order of the ids; a pool that is small goes slower than the fleet', () => {
  const fleet = ['a', 'b', 'c', 'd', 'e', 'f'].map((id): RolloutGateway => ({
    id,
    pools: id < 'c' ? ['gpu'] : ['default'],
    isAvailable: true,
  }));
  const chosen = new Set(fleet.map(({ id }) => id));
  expect(planRollout(fleet, chosen, { canary: 1, wave: 3, maxUnavailable: 2 })).toEqual({
    kind: 'plan',
    waves: [['a'], ['b', 'c', 'd'], ['e', 'f']],
  });
  expect(planRollout(fleet, chosen, { canary: 0, wave: 6, maxUnavailable: 1 })).toEqual({
    kind: 'plan',
    waves: [['a', 'c'], ['b', 'd'], ['e'], ['f']],
  });
});

test('a gateway that takes no work is no canary', () => {
  const fleet = ['a', 'b', 'c'].map((id): RolloutGateway => ({
    id,
    pools: ['default'],
    isAvailable: id !== 'a',
  }));
  const limits = { canary: 1, wave: 2, maxUnavailable: 2 };
  expect(planRollout(fleet, new Set(['a', 'b', 'c']), limits)).toEqual({
    kind: 'plan',
    waves: [['b'], ['a', 'c']],
  });
  expect(planRollout(fleet, new Set(['a']), limits)).toEqual({ kind: 'plan', waves: [['a']] });
});

test('a rollout that would take more than a pool can spare is refused with the pool and what is away there', () => {
  const fleet: RolloutGateway[] = [
    { id: 'a', pools: ['gpu'], isAvailable: false },
    { id: 'b', pools: ['gpu'], isAvailable: true },
  ];
  const limits = { canary: 1, wave: 1, maxUnavailable: 1 };
  expect(planRollout(fleet, new Set(['b']), limits)).toEqual({
    kind: 'refused',
    pools: [{ pool: 'gpu', away: 1 }],
  });
  // What is away already may be restarted all the same.
  expect(planRollout(fleet, new Set(['a']), limits)).toEqual({ kind: 'plan', waves: [['a']] });
});

test('a wave that leaves a gateway worse than it was stops the rollout, and old trouble does not', () => {
  const well: RolloutHealth = {
    gatewayId: 'a',
    takesWork: true,
    isHealthy: true,
    brokenLinks: [],
    errorRate: 0,
    runs: 20,
  };
  const ill: RolloutHealth = {
    ...well,
    isHealthy: false,
    brokenLinks: ['external'],
    errorRate: 0.5,
  };
  expect(regressionsOf([well], [well])).toEqual([]);
  expect(regressionsOf([ill], [ill])).toEqual([]);
  expect(regressionsOf([well], [ill])).toEqual([
    'a is not healthy any more',
    'a: broken now: external',
    'a: 50 % of its runs fail',
  ]);
  expect(regressionsOf([well], [{ ...well, errorRate: 1, runs: 4 }])).toEqual([]);
  expect(
    regressionsOf([well], [{ ...ill, takesWork: false, brokenLinks: [], errorRate: 0 }]),
  ).toEqual(['a takes no work any more']);
  expect(regressionsOf([well], [])).toEqual(['a is gone']);
});
