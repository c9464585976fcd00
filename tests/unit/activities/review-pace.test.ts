import { beforeEach, describe, expect, test } from '@jest/globals';
import { ReviewPace } from '../../../activities/hold-gateway/review-pace.ts';
import { systemClock } from '../../../src/platform/clock.ts';

const EVERY_MS = 60_000;
let nowMs = 0;
let reviews = 0;
let pace: ReviewPace;

beforeEach(() => {
  nowMs = 1_000_000;
  reviews = 0;
  const clock = { ...systemClock(), monotonic: () => nowMs };
  pace = new ReviewPace({ clock, everyMs: EVERY_MS });
});

/** A turn of the hold `afterMs` later; answers whether there was a review. */
async function turn(
  afterMs: number,
  review: { met?: number; tookMs?: number; during?: () => void } = {},
): Promise<boolean> {
  nowMs += afterMs;
  const before = reviews;
  await pace.reviewIfDue(async () => {
    reviews += 1;
    nowMs += review.tookMs ?? 0;
    review.during?.();
    return review.met ?? 1;
  });
  return reviews > before;
}

describe('indeterminate attempts are reviewed', () => {
  test('at first contact, in the rhythm, and at each boot (States)', async () => {
    expect(await turn(0)).toBe(true);
    expect(await turn(EVERY_MS - 1)).toBe(false);
    expect(await turn(1)).toBe(true);
    pace.restart();
    expect(await turn(0)).toBe(true);
  });

  test('soon after a run of the gateway began or ended, once (States)', async () => {
    await turn(0);
    pace.runMoved();
    expect(await turn(1_000)).toBe(true);
    expect(await turn(1_000)).toBe(false);
  });

  test('again for what moves while one is under way (States)', async () => {
    await turn(0);
    pace.runMoved();
    await turn(1_000, { during: () => pace.runMoved() });
    expect(await turn(1_000)).toBe(true);
  });

  test('seldom where nothing waits for a person, but what moved is not forgotten (States)', async () => {
    await turn(0, { met: 0 });
    pace.runMoved();
    expect(await turn(4_999, { met: 0 })).toBe(false);
    expect(await turn(1, { met: 0 })).toBe(true);
  });

  test('for no more than a twentieth of the time, however busy the gateway is (States)', async () => {
    await turn(0, { tookMs: 500 });
    pace.runMoved();
    expect(await turn(9_999)).toBe(false);
    expect(await turn(1)).toBe(true);
  });

  test('at once again after a review that failed (States)', async () => {
    await turn(0);
    pace.runMoved();
    nowMs += 1_000;
    const failing = pace.reviewIfDue(() => Promise.reject(new Error('PostgreSQL is away')));
    await expect(failing).rejects.toThrow('PostgreSQL is away');
    expect(await turn(1)).toBe(true);
  });
});
