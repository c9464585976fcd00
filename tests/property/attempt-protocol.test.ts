import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { scenarios } from './attempt-simulation/scenario.ts';
import { simulate } from './attempt-simulation/simulate.ts';

/** In CI a fixed seed and a few seconds; by hand any size: DASH_PROPERTY_SEED, _RUNS, _SECONDS. */
const seed = Number(process.env['DASH_PROPERTY_SEED'] ?? 20_261_122);
const numRuns = Number(process.env['DASH_PROPERTY_RUNS'] ?? 2_000);
const seconds = Number(process.env['DASH_PROPERTY_SECONDS'] ?? 15);

describe('the attempt protocol in a simulated world', () => {
  test(
    'one run at a time, one answer per task, none lost, and no person asked without need, whatever dies (P21–P28, R10, R11)',
    async () => {
      const ends = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(scenarios, async (scenario) => {
          const outcome = await simulate(scenario);
          for (const end of outcome.ends) ends.set(end, (ends.get(end) ?? 0) + 1);
          if (outcome.violations.length > 0) {
            throw new Error([...outcome.violations, ...outcome.log].join('\n'));
          }
        }),
        {
          seed,
          numRuns,
          interruptAfterTimeLimit: seconds * 1_000,
          markInterruptAsFailure: false,
        },
      );
      // The runs must have met every kind of end, else they prove nothing.
      expect([...ends.keys()]).toEqual(
        expect.arrayContaining(['completed', 'cancelled', 'dead', 'state-replaced']),
      );
    },
    (seconds + 60) * 1_000,
  );
});
