import { describe, expect, test } from '@jest/globals';
import { createRacePoints, noRacePoints } from '../../../src/platform/race-points.ts';

describe('race points', () => {
  test('in production nothing is held, and the caller stays in its tick (P24)', () => {
    expect(noRacePoints().reach('run-task.before-frame')).toBeUndefined();
  });

  test('exactly one caller is held, the one that was asked for; the others pass', async () => {
    const race = createRacePoints();
    const reached = race.hold('step', { attemptId: 'b' });
    expect(race.reach('other', { attemptId: 'b' })).toBeUndefined();
    expect(race.reach('step', { attemptId: 'a' })).toBeUndefined();
    let passed = false;
    const held = Promise.resolve(race.reach('step', { attemptId: 'b' })).then(() => {
      passed = true;
    });
    expect(race.reach('step', { attemptId: 'b' })).toBeUndefined();
    const caller = await reached;
    expect(caller).toMatchObject({ name: 'step', detail: { attemptId: 'b' } });
    expect(passed).toBe(false);
    caller.resume();
    await held;
    expect(passed).toBe(true);
  });
});
