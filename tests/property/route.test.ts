import assert from 'node:assert/strict';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { route, scoreNow, type Candidate } from '../../src/router/route.ts';

const maybe = (arbitrary: fc.Arbitrary<number>): fc.Arbitrary<number | null> =>
  fc.option(arbitrary, { nil: null });
const milliseconds = fc.double({ min: 0, max: 1e7, noNaN: true });

const part = fc.double({ min: 0, max: 1, noNaN: true });

const candidate = fc.record({
  lanes: fc.oneof(fc.integer({ min: 0, max: 1_000 }), fc.constant(Number.POSITIVE_INFINITY)),
  costWeight: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
  costUsd: maybe(fc.double({ min: 0, max: 1e4, noNaN: true })),
  errorRate: part,
  recentRuns: fc.double({ min: 0, max: 1e5, noNaN: true }),
  acceptMs: maybe(milliseconds),
  runMs: maybe(milliseconds),
  regionWeight: part,
});

const fleet = fc
  .array(candidate, { maxLength: 10 })
  .map((members): Candidate[] =>
    members.map((member, index) => ({ gatewayId: `g${index}`, ...member })),
  );

const idOf = ({ gatewayId }: { readonly gatewayId: string }): string => gatewayId;

const FLEETS = { numRuns: 10_000 };

/** A gateway like every other one. */
function plain(gatewayId: string, fields: Partial<Candidate> = {}): Candidate {
  return {
    gatewayId,
    lanes: 8,
    costWeight: 1,
    costUsd: null,
    errorRate: 0,
    recentRuns: 20,
    acceptMs: 50,
    runMs: 2_000,
    regionWeight: 1,
    ...fields,
  };
}

/** The gateway that a claim would take with nothing running anywhere. */
function preferred(candidates: readonly Candidate[]): string | undefined {
  const idle = { runs: 0, spendAhead: 0 };
  const [best] = route(candidates).toSorted((a, b) => scoreNow(b, idle) - scoreNow(a, idle));
  return best?.gatewayId;
}

describe('route', () => {
  it('scores every candidate of any fleet once, with finite numbers and reasons for programs (R21)', () => {
    fc.assert(
      fc.property(fleet, (candidates) => {
        const routed = route(candidates);
        assert.equal(routed.map(idOf).join(), candidates.map(idOf).join());
        for (const { score, perRun, spend, reasons } of routed) {
          assert.ok(Number.isFinite(score) && perRun >= 0 && perRun <= 1);
          if (spend !== null) {
            assert.ok(Object.values(spend).every((value) => Number.isFinite(value) && value > 0));
          }
          assert.ok(reasons.every((reason) => /^[a-z-]+:[\d.e+-]+(ms)?$/.test(reason)));
        }
      }),
      FLEETS,
    );
  });

  it('answers the same for the same fleet, in whatever order it is given (R21)', () => {
    fc.assert(
      fc.property(fleet, fc.nat(), (candidates, turn) => {
        const cut = turn % Math.max(1, candidates.length);
        const others = [...candidates.slice(cut), ...candidates.slice(0, cut)].toReversed();
        const sorted = (given: readonly Candidate[]): string =>
          JSON.stringify(route(given).toSorted((a, b) => (a.gatewayId < b.gatewayId ? -1 : 1)));
        assert.equal(sorted(others), sorted(candidates));
      }),
      { numRuns: 2_000 },
    );
  });

  it('never scores a gateway higher for more errors, more runs, or a region that is wanted less (R21)', () => {
    const worse = fc.record({ errors: part, runs: fc.integer({ min: 0, max: 100 }), region: part });
    fc.assert(
      fc.property(fleet, worse, (candidates, by) => {
        const [first, ...rest] = candidates;
        if (first === undefined) return;
        const bad: Candidate = {
          ...first,
          errorRate: first.errorRate + (1 - first.errorRate) * by.errors,
          regionWeight: first.regionWeight * by.region,
        };
        const [before] = route([first, ...rest]);
        const [after] = route([bad, ...rest]);
        assert.ok(
          scoreNow(after!, { runs: by.runs, spendAhead: 0 }) <=
            scoreNow(before!, { runs: 0, spendAhead: 0 }),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('prefers the faster, the nearer and the more reliable of two that are otherwise alike (R21)', () => {
    expect(preferred([plain('a', { acceptMs: 900 }), plain('b')])).toBe('b');
    expect(preferred([plain('a', { runMs: 20_000 }), plain('b')])).toBe('b');
    expect(preferred([plain('a', { regionWeight: 0.5 }), plain('b')])).toBe('b');
    expect(preferred([plain('a', { errorRate: 0.2 }), plain('b')])).toBe('b');
  });

  it('says in reasons that a program can read what counted against a gateway (R21)', () => {
    const bad = { errorRate: 0.5, recentRuns: 7, acceptMs: 900, runMs: 9_000, regionWeight: 0.25 };
    const [, second] = route([plain('a'), plain('b', { ...bad, costWeight: 3 })]);
    expect(second?.reasons).toEqual([
      'errors:0.35',
      'slow-accept:900ms',
      'slow-run:9000ms',
      'region:0.25',
      'weight:3',
    ]);
  });

  it('does not take a single failure, or milliseconds of difference, for a sign (R21)', () => {
    const [one, other] = route([
      plain('a', { errorRate: 1, recentRuns: 1, acceptMs: 90 }),
      plain('b', { errorRate: 1, recentRuns: 50 }),
    ]);
    expect(one?.reasons).toEqual(['errors:0.25']);
    expect(other?.reasons).toEqual(['errors:0.9434']);
  });

  it('follows shares of the spend only where the weights differ (R57)', () => {
    expect(route([plain('a'), plain('b')]).map(({ spend }) => spend)).toEqual([null, null]);
    const [one, three] = route([plain('a'), plain('b', { costWeight: 3 })]);
    expect(one!.spend!.charge / three!.spend!.charge).toBeCloseTo(3);
    // A dearer gateway uses up its share with fewer attempts.
    const [cheap, dear] = route([
      plain('a', { costUsd: 0.01 }),
      plain('b', { costUsd: 0.04, costWeight: 2 }),
    ]);
    expect(dear!.spend!.charge / cheap!.spend!.charge).toBeCloseTo(2);
  });
});
