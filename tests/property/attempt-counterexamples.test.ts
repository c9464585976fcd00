import { describe, expect, test } from '@jest/globals';
import type { Fault, Scenario } from './attempt-simulation/scenario.ts';
import { simulate } from './attempt-simulation/simulate.ts';

/**
 * What the simulated world has found so far, kept as found. Each is run under several seeds, because the order of
 * events that showed it depends on how long each message takes.
 */
const SEEDS = Array.from({ length: 25 }, (_, index) => index + 1);

const gatewayCrash = (downMs: number): Fault['what'] => ({
  kind: 'gateway-crash',
  downMs,
  loss: 'none',
});

function scenario(change: Partial<Scenario>): Scenario {
  return {
    seed: 1,
    tasks: 1,
    session: false,
    deadlineMs: null,
    runLimitSeconds: 600,
    turns: [{ ms: 47, end: 'answer' }],
    recoveryMs: [],
    faults: [],
    ...change,
  };
}

const FOUND: readonly { readonly name: string; readonly scenario: Scenario }[] = [
  {
    // The commit of the next run id was followed by a decision on the look before it, in which that id is burnt no
    // less than the first: it burnt one run id after the other and never sent.
    name: 'a resend is committed once, then sent (P22 case 4, P23)',
    scenario: scenario({
      tasks: 2,
      recoveryMs: [18_533, 1_536],
      faults: [{ when: { kind: 'step', nth: 7 }, what: gatewayCrash(14_138) }],
    }),
  },
  {
    // It waited 20 s for PostgreSQL between two looks, both of them failures, and took the gateway for absent all
    // that time: a cancel went to a person although the gateway had been there to confirm it.
    name: 'what an owner saw before it stopped looking has not lasted since (P28)',
    scenario: scenario({
      tasks: 2,
      runLimitSeconds: 20,
      turns: [
        { ms: 306, end: 'answer' },
        { ms: 5, end: 'hang' },
      ],
      faults: [
        { when: { kind: 'at', ms: 144 }, what: gatewayCrash(291) },
        {
          when: { kind: 'at', ms: 280 },
          what: { kind: 'cancel', noticed: true, hastened: true },
        },
        { when: { kind: 'at', ms: 331 }, what: { kind: 'rows-away', ms: 18_974 } },
        { when: { kind: 'step', nth: 11 }, what: gatewayCrash(11_060) },
      ],
    }),
  },
  {
    // The same with a frozen process: two failed looks, 50 s apart, are not 50 s of absence.
    name: 'a frozen owner that wakes has not watched the gateway meanwhile (P27)',
    scenario: scenario({
      turns: [{ ms: 20_000, end: 'answer' }],
      faults: [
        { when: { kind: 'at', ms: 400 }, what: gatewayCrash(0) },
        { when: { kind: 'at', ms: 600 }, what: { kind: 'temporal-away', ms: 100_000 } },
        { when: { kind: 'at', ms: 700 }, what: { kind: 'host-freeze', ms: 90_000 } },
        { when: { kind: 'at', ms: 90_650 }, what: gatewayCrash(0) },
      ],
    }),
  },
  {
    // A gateway that answers every send with an error that says nothing, and shows nothing, was asked in a tight loop.
    name: 'sends whose answers are lost are paced, and the run is found (R10, G11)',
    scenario: scenario({
      turns: [{ ms: 60_000, end: 'answer' }],
      faults: [{ when: { kind: 'step', nth: 3 }, what: { kind: 'answers-lost', ms: 45_000 } }],
    }),
  },
  {
    // Staged: a gateway that ignores the abort. Unconfirmed it goes to a person and keeps its lane; when the run ends
    // by itself it is carried on, ends as cancelled, and gives the lane back.
    name: 'an unconfirmed abort keeps the lane until the gateway says free (P28, R13)',
    scenario: scenario({
      runLimitSeconds: 60,
      turns: [{ ms: 0, end: 'hang' }],
      faults: [
        { when: { kind: 'step', nth: 5 }, what: { kind: 'aborts-ignored', ms: 500_000 } },
        {
          when: { kind: 'at', ms: 2_000 },
          what: { kind: 'cancel', noticed: true, hastened: false },
        },
      ],
    }),
  },
];

describe('found by, or staged in, the simulated world', () => {
  test.each(FOUND)('$name', async ({ scenario: found }) => {
    for (const seed of SEEDS) {
      const { violations } = await simulate({ ...found, seed });
      expect({ seed, violations }).toEqual({ seed, violations: [] });
    }
  });
});
