import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ChainVerdict, LinkVerdict } from '../../../src/domain/dashboard-chain/link.ts';
import {
  newWatch,
  watch,
  type Watched,
  type WatchMemory,
} from '../../../src/domain/dashboard-chain/watch.ts';

const OK: LinkVerdict = { state: 'ok' };
const GONE: LinkVerdict = { state: 'broken', reason: 'forward-no-listener', evidence: {} };
const BEHIND: LinkVerdict = { state: 'unknown', behind: 'forward', detail: '' };
const DRAINED: LinkVerdict = { state: 'expected', because: 'drained by ann' };
const WELL: ChainVerdict = { gateway: OK, forward: OK, cors: OK, external: OK };
const TORN: ChainVerdict = { ...WELL, forward: GONE, cors: BEHIND, external: BEHIND };
const PLANNED: ChainVerdict = {
  gateway: DRAINED,
  forward: DRAINED,
  cors: DRAINED,
  external: DRAINED,
};
const EVERY_MS = 10_000;

/** One look every ten seconds. */
function looks(...seen: readonly ChainVerdict[]): Watched[] {
  let memory: WatchMemory = newWatch();
  return seen.map((verdict, index) => {
    const watched = watch(memory, verdict, index * EVERY_MS);
    ({ memory } = watched);
    return watched;
  });
}

const told = (all: readonly Watched[]) => all.map((one) => one.told);
const states = (all: readonly Watched[]) => all.map((one) => one.verdict.forward.state);

describe('a watch with hysteresis', () => {
  test('one miss is no outage, two are; one answer is no recovery, two are (S18)', () => {
    const seen = looks(WELL, TORN, WELL, TORN, TORN, WELL, WELL);
    expect(states(seen)).toEqual(['ok', 'ok', 'ok', 'ok', 'broken', 'broken', 'ok']);
    expect(seen.map(({ changed }) => changed)).toEqual([
      true,
      false,
      false,
      false,
      true,
      false,
      true,
    ]);
  });

  test('a chain that is broken at the first look is told at once', () => {
    expect(told(looks(TORN))).toEqual(['began']);
  });

  test('one alert for one episode, however its links change meanwhile; it ends when all is well', () => {
    const gateway: LinkVerdict = { state: 'broken', reason: 'gateway-not-listening', evidence: {} };
    const worse = { ...TORN, gateway };
    const seen = looks(WELL, TORN, TORN, worse, worse, TORN, TORN, WELL, WELL, WELL);
    expect(told(seen).filter((one) => one !== null)).toEqual(['began', 'ended']);
  });

  test('what is down by plan is shown at once and alerts nobody (architecture 8)', () => {
    const seen = looks(WELL, PLANNED, PLANNED, WELL, WELL);
    expect(states(seen)).toEqual(['ok', 'expected', 'expected', 'expected', 'ok']);
    expect(told(seen).every((one) => one === null)).toBe(true);
  });

  test('what cannot be told for two looks is not said (X16)', () => {
    const blind = { ...WELL, gateway: { state: 'unknown', behind: null, detail: '' } } as const;
    const seen = looks(WELL, blind, blind, WELL, blind, blind, blind);
    expect(seen.map(({ verdict }) => verdict.gateway.state)).toEqual([
      'ok',
      'ok',
      'ok',
      'ok',
      'ok',
      'ok',
      'unknown',
    ]);
    expect(told(seen).every((one) => one === null)).toBe(true);
  });

  test('a link that goes and comes at each look flaps, alerts once, and calms down after ten minutes (S18)', () => {
    const turns = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? WELL : TORN));
    const seen = looks(...turns);
    expect(states(seen).every((state) => state === 'ok')).toBe(true);
    expect(seen.map(({ flapping }) => flapping.join())).toEqual([
      ...Array.from({ length: 6 }, () => ''),
      ...Array.from({ length: 6 }, () => 'forward'),
    ]);
    expect(told(seen).filter((one) => one !== null)).toEqual(['began']);
    let last: Watched = seen.at(-1)!;
    const ends: (string | null)[] = [];
    for (let index = 12; index < 80; index += 1) {
      last = watch(last.memory, WELL, index * EVERY_MS);
      if (last.told !== null || last.changed) ends.push(last.told);
    }
    expect(last.flapping).toEqual([]);
    expect(ends).toEqual(['ended']);
  });

  test('a fault whose reason changes at each look is broken all the same', () => {
    const hung = {
      ...TORN,
      forward: { state: 'broken', reason: 'forward-hung', evidence: {} },
    } as const;
    expect(states(looks(WELL, TORN, hung, TORN))).toEqual(['ok', 'ok', 'broken', 'broken']);
  });

  test('a drain in the middle of trouble is no sign that it is over', () => {
    const seen = looks(WELL, TORN, TORN, PLANNED, PLANNED, TORN, TORN, WELL, WELL);
    expect(told(seen).filter((one) => one !== null)).toEqual(['began', 'ended']);
    expect(told(seen).at(-1)).toBe('ended');
  });

  test('its memory survives the way through a heartbeat', () => {
    const through = JSON.parse(JSON.stringify(newWatch())) as WatchMemory;
    expect(watch(through, TORN, 0)).toEqual(watch(newWatch(), TORN, 0));
  });
});

test('whatever is seen, nothing is said that was not seen twice, and steady looks change nothing (R60)', () => {
  const verdict = fc.constantFrom(WELL, TORN, PLANNED);
  fc.assert(
    fc.property(fc.array(verdict, { minLength: 3, maxLength: 60 }), (seen) => {
      const shown = looks(...seen);
      for (let index = 1; index < shown.length; index += 1) {
        const { forward } = shown[index]!.verdict;
        if (shown[index - 1]!.verdict.forward.state !== 'broken' && forward.state === 'broken')
          expect(seen[index - 1]).toBe(TORN);
        if (index > 1 && seen[index] === seen[index - 1] && seen[index] === seen[index - 2])
          expect(shown[index]!.verdict.forward).toBe(seen[index]!.forward);
      }
      const steady = looks(...seen, ...Array.from({ length: 4 }, () => seen.at(-1)!));
      expect(steady.at(-1)!.changed).toBe(false);
      expect(told(shown).filter((one) => one === 'began').length).toBeLessThanOrEqual(
        told(shown).filter((one) => one === 'ended').length + 1,
      );
    }),
    { numRuns: 500 },
  );
});
