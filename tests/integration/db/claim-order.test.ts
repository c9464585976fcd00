import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Priority } from '../../../src/domain/task.ts';
import { withDatabase } from '../../support/database.ts';
import { beginOrderRun, expectSameState, take, type Step } from './order-run.ts';

const database = withDatabase();

const which = fc.nat(1000);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('accept' as const),
      tenant: fc.constantFrom('a', 'b', 'c'),
      pool: fc.constantFrom('default', 'default', 'red', 'blue'),
      priority: fc.constantFrom<Priority>(1, 2, 3, 3, 3, 4, 5),
      session: fc.option(fc.constantFrom('s', 't'), { nil: null, freq: 1 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      host: fc.nat(1),
      max: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('race' as const),
      max: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('settle', 'settle', 'release', 'retry', 'cancel'),
      which,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('bump' as const),
      which,
      priority: fc.constantFrom<Priority>(1, 2, 3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('take-over' as const), which, racing: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'age' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('pause' as const, 'resume', 'resume') }),
  },
);

const fleet = fc.array(
  fc.record({
    pools: fc.subarray(['red', 'blue']),
    allowedTenants: fc.option(fc.subarray(['a', 'b', 'c'], { minLength: 1 }), { nil: null }),
    lanes: fc.integer({ min: 1, max: 6 }),
    score: fc.integer({ min: 0, max: 2 }),
  }),
  { minLength: 1, maxLength: 4 },
);

const limits = fc.record({
  weights: fc.record({
    a: fc.constantFrom(1, 2, 1000),
    b: fc.constantFrom(1, 3, 7),
    c: fc.constantFrom(1, 1, 2),
  }),
  caps: fc.record({ a: fc.constantFrom(1, 4, 20), b: fc.constantFrom(2, 20) }),
  total: fc.constantFrom(3, 8, 50),
});

/** In CI as many as take a few seconds; G2 asks for 10 000: DASH_TEST_OPERATIONS=10000. */
const OPERATIONS = Number(process.env['DASH_TEST_OPERATIONS'] ?? 900);

describe('the order of claims', () => {
  it('equals a simple model: levels, weighted turns, seq, sessions, pins, caps, bumps, ageing, two hosts, take-overs (P9–P14, R4, R5)', async () => {
    const second = database().connect('host-2');
    let claims = 0;
    await fc.assert(
      fc.asyncProperty(
        fleet,
        limits,
        fc.array(step, { minLength: 30, maxLength: 90 }),
        async (gateways, bounds, steps) => {
          const run = await beginOrderRun(database(), second, gateways, bounds);
          for (const each of [...steps, { kind: 'race' as const, max: 50 }]) await take(run, each);
          await expectSameState(run);
          claims += run.claims;
        },
      ),
      { numRuns: 20 },
    );
    expect(claims).toBeGreaterThan(50);
  }, 120_000);

  it('and the rows stay what the model says over a long run of random operations (G2)', async () => {
    const gateways = [
      { pools: ['red'], allowedTenants: null, lanes: 4, score: 1 },
      { pools: ['blue'], allowedTenants: ['a', 'b'], lanes: 3, score: 2 },
      { pools: ['red', 'blue'], allowedTenants: null, lanes: 2, score: 1 },
    ];
    const bounds = { weights: { a: 1, b: 3, c: 2 }, caps: { a: 4 }, total: 8 };
    const run = await beginOrderRun(database(), database().connect('host-2'), gateways, bounds);
    const steps = fc.sample(step, { numRuns: OPERATIONS, seed: 4711 });
    for (const [index, each] of steps.entries()) {
      await take(run, each);
      // Work must end about as fast as it comes, or the queue is all there is to see.
      if (run.model.tasks.length > 60) await take(run, { kind: 'cancel', which: index });
      if (index % 150 === 149) await expectSameState(run);
    }
    await expectSameState(run);
    expect(run.claims).toBeGreaterThan(OPERATIONS / 10);
  }, 600_000);
});
