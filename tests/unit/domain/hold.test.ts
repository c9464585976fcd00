import { describe, expect, test } from '@jest/globals';
import {
  afterTimeOut,
  holdQueue,
  pauseAfterHold,
  type HoldClaim,
  type PreviousHold,
} from '../../../src/domain/hold.ts';

function claim(change: Partial<HoldClaim> = {}): HoldClaim {
  return {
    ownerEpoch: 2,
    takenEpoch: 1,
    kind: 'adopted',
    lastHost: null,
    heartbeatTimeoutMs: 10_000,
    ...change,
  };
}

describe('where a hold goes (P32)', () => {
  test.each<[string, Partial<HoldClaim>, PreviousHold, string]>([
    ['adopted, never held', { lastHost: null }, 'none', 'hosts'],
    ['managed, never held', { kind: 'managed', lastHost: null }, 'none', 'hosts.managed'],
    ['managed, refused by a full host', { kind: 'managed' }, 'handed-over', 'hosts.managed'],
    ['managed, lost', { kind: 'managed', lastHost: 'a' }, 'timed-out', 'host.a'],
    ['managed, its host is away', { kind: 'managed', lastHost: 'a' }, 'not-taken-up', 'host.a'],
    ['adopted, lost', { lastHost: 'a' }, 'timed-out', 'host.a'],
    ['adopted, its host is away', { lastHost: 'a' }, 'not-taken-up', 'hosts'],
    ['adopted, handed over', { lastHost: 'a' }, 'handed-over', 'hosts'],
  ])('%s (P32)', (_case, change, previous, taskQueue) => {
    expect(holdQueue(claim(change), previous).taskQueue).toBe(taskQueue);
  });

  test.each<[PreviousHold, boolean]>([
    ['none', false],
    ['timed-out', false],
    ['not-taken-up', true],
    ['handed-over', true],
  ])('after %s it is unowned: %p; else it has one time-out to begin (P32)', (previous, unowned) => {
    for (const lastHost of [null, 'a']) {
      for (const kind of ['adopted', 'managed'] as const) {
        expect(holdQueue(claim({ lastHost, kind }), previous)).toMatchObject({
          unowned,
          startTimeoutMs: unowned ? null : 10_000,
        });
      }
    }
  });

  test('a host that never took the epoch of the hold that timed out never began it (P32)', () => {
    expect(afterTimeOut(2, claim({ takenEpoch: 2 }))).toBe('timed-out');
    expect(afterTimeOut(2, claim({ takenEpoch: 1 }))).toBe('not-taken-up');
  });
});

describe('the pause after a hold (P32)', () => {
  test('grows while holds end at once, is bounded, and is over after one that lasted (P32)', () => {
    const pauses: number[] = [];
    let endedAtOnce = 0;
    for (let turn = 0; turn < 20; turn += 1) {
      const after = pauseAfterHold(endedAtOnce, 5);
      ({ endedAtOnce } = after);
      pauses.push(after.pauseMs);
    }
    expect(pauses[0]).toBeGreaterThan(0);
    // An adopted gateway has its next owner within five seconds of a hand-over (P34).
    expect(pauses[0]).toBeLessThan(1_000);
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    expect(pauses.at(-1)).toBe(5_000);
    expect(pauseAfterHold(endedAtOnce, 3_600_000)).toEqual({ endedAtOnce: 0, pauseMs: 0 });
  });
});
