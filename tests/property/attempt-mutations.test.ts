import { describe, expect, test } from '@jest/globals';
import { MUTATIONS } from './attempt-simulation/mutations.ts';
import { simulate } from './attempt-simulation/simulate.ts';

/** The seed decides how long each message takes; in some orders of events a rule is not needed. */
const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);

describe('the simulated world notices when', () => {
  test.each(MUTATIONS)('$name', async ({ scenario, rules, noticedAs }) => {
    const noticed: string[] = [];
    for (const seed of SEEDS) {
      expect((await simulate({ ...scenario, seed })).violations).toEqual([]);
      noticed.push(...(await simulate({ ...scenario, seed }, rules)).violations);
    }
    expect(noticed.join('\n')).toMatch(noticedAs);
  });
});
