import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MUTATIONS } from './attempt-simulation/mutations.ts';
import { scenarios } from './attempt-simulation/scenario.ts';
import { simulate } from './attempt-simulation/simulate.ts';

/** The scenarios of a run; each mutation must show within them. */
const SEED = 4_711;
const SCENARIOS = 3_000;

describe('the simulated world notices when', () => {
  test.each(MUTATIONS)(
    '$name',
    async ({ rules, noticedAs }) => {
      const noticed: string[] = [];
      for (const scenario of fc.sample(scenarios, { seed: SEED, numRuns: SCENARIOS })) {
        noticed.push(...(await simulate(scenario, rules)).violations);
        if (noticed.some((violation) => noticedAs.test(violation))) break;
      }
      expect(noticed.join('\n')).toMatch(noticedAs);
    },
    120_000,
  );
});
