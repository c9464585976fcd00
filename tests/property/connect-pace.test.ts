import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createConnectPace } from '../../src/gateway/connect-pace.ts';

const PER_SECOND = 10;
const GAP_MS = 1_000 / PER_SECOND;

const asked = fc.array(
  fc.record({ afterMs: fc.nat(500), wantedMs: fc.oneof(fc.constant(0), fc.nat(6_000)) }),
  { minLength: 1, maxLength: 120 },
);

/** The moments of the turns, in the order in which they were asked for. */
function turnsOf(
  requests: readonly { readonly afterMs: number; readonly wantedMs: number }[],
): { readonly turn: number; readonly wanted: number }[] {
  let now = 0;
  const pace = createConnectPace({ clock: { monotonic: () => now }, perSecond: PER_SECOND });
  return requests.map(({ afterMs, wantedMs }) => {
    now += afterMs;
    return { turn: now + pace.reserve(wantedMs), wanted: now + wantedMs };
  });
}

test('no two connects have their turn within a gap, and none before it was wanted (R25)', () => {
  fc.assert(
    fc.property(asked, (requests) => {
      const turns = turnsOf(requests);
      for (const { turn, wanted } of turns) expect(turn).toBeGreaterThanOrEqual(wanted);
      const sorted = turns.map(({ turn }) => turn).toSorted((one, other) => one - other);
      for (const [index, turn] of sorted.entries())
        if (index > 0)
          expect(turn - (sorted[index - 1] ?? 0)).toBeGreaterThanOrEqual(GAP_MS - 1e-6);
    }),
  );
});

test('a turn waits for no more than the turns that were given before it (R25)', () => {
  fc.assert(
    fc.property(asked, (requests) => {
      for (const [index, { turn, wanted }] of turnsOf(requests).entries())
        expect(turn - wanted).toBeLessThanOrEqual(2 * GAP_MS * index + 1e-6);
    }),
  );
});

test('fifty at once have their turns within five seconds; one alone has it at once (R25)', () => {
  const storm = turnsOf(Array.from({ length: 50 }, () => ({ afterMs: 0, wantedMs: 0 })));
  expect(storm[0]?.turn).toBe(0);
  expect(Math.max(...storm.map(({ turn }) => turn))).toBeLessThanOrEqual(49 * GAP_MS + 1e-6);
});
