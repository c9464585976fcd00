import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  HEALTHY,
  HEALTH_REASONS,
  RECOVERS_AFTER,
  SICK_AFTER,
  UNHEALTHY_AFTER,
  healthHint,
  healthWords,
  judgeObservation,
  nextHealth,
  type HealthGrade,
  type HealthObservation,
  type HealthState,
} from '../../src/domain/gateway-health.ts';

const GRADES = ['good', 'strained', 'bad'] as const;
const grades = fc.array(fc.constantFrom(...GRADES), { maxLength: 80 });
const capacities = fc.integer({ min: 1, max: 1_000 });

function step(state: HealthState, grade: HealthGrade, capacity: number): HealthState {
  return nextHealth(state, { grade, reasons: grade === 'good' ? [] : ['event-loop'] }, capacity);
}

/** Every state on the way, the first one included. */
function course(
  looks: readonly HealthGrade[],
  capacity: number,
  from: HealthState = HEALTHY,
): HealthState[] {
  const states = [from];
  for (const grade of looks) states.push(step(states.at(-1)!, grade, capacity));
  return states;
}

function times(count: number, grade: HealthGrade): HealthGrade[] {
  return Array.from({ length: count }, () => grade);
}

const WELL: HealthObservation = {
  answerMs: 12,
  reportsOk: true,
  eventLoopDelayMs: 20,
  queuedRuns: 0,
  gatewayLanes: 4,
  recentRuns: 50,
  errorRate: 0.05,
  hasStarted: true,
};

describe('the health of a gateway', () => {
  it('leaves no limit when healthy, 1 to all lanes when sick, none when unhealthy, whatever is seen (R20)', () => {
    fc.assert(
      fc.property(grades, capacities, (looks, capacity) => {
        for (const { verdict, lanes } of course(looks, capacity)) {
          if (verdict === 'healthy') expect(lanes).toBeNull();
          if (verdict === 'unhealthy') expect(lanes).toBe(0);
          if (verdict === 'sick') {
            expect(lanes).toBeGreaterThanOrEqual(1);
            expect(lanes).toBeLessThanOrEqual(capacity);
          }
        }
      }),
    );
  });

  it('keeps its lanes in bounds when the number of lanes changes on the way (R20)', () => {
    const looks = fc.array(fc.tuple(fc.constantFrom(...GRADES), capacities), { maxLength: 60 });
    fc.assert(
      fc.property(looks, (seen) => {
        let state = HEALTHY;
        for (const [grade, capacity] of seen) {
          state = step(state, grade, capacity);
          expect(state.lanes ?? 0).toBeLessThanOrEqual(capacity);
        }
      }),
    );
  });

  it(`is not changed by fewer than ${SICK_AFTER} looks in a row, and is unhealthy after ${UNHEALTHY_AFTER} bad ones at the latest (R20)`, () => {
    fc.assert(
      fc.property(grades, capacities, (looks, capacity) => {
        const states = course(looks, capacity);
        looks.forEach((grade, index) => {
          const before = states[index]!;
          const after = states[index + 1]!;
          const former = looks[index - 1];
          if (grade !== 'good' && (former === undefined || former === 'good')) {
            expect(after.verdict).toBe(before.verdict);
            expect(after.lanes).toBe(before.lanes);
          }
          const last = looks.slice(Math.max(0, index + 1 - UNHEALTHY_AFTER), index + 1);
          if (last.length === UNHEALTHY_AFTER && last.every((one) => one === 'bad')) {
            expect(after).toMatchObject({ verdict: 'unhealthy', lanes: 0 });
          }
        });
      }),
    );
  });

  it('takes lanes away by halves, and never gives one back at a look that is not good (R20)', () => {
    fc.assert(
      fc.property(grades, capacities, (looks, capacity) => {
        const states = course(looks, capacity);
        looks.forEach((grade, index) => {
          const before = states[index]!.lanes ?? capacity;
          const after = states[index + 1]!.lanes ?? capacity;
          if (grade !== 'good') expect(after).toBeLessThanOrEqual(before);
          // By steps: at most an eighth of the lanes, and one, per good look.
          else expect(after - before).toBeLessThanOrEqual(Math.ceil(capacity / 8) + 1);
        });
      }),
    );
    const lanes = course(times(6, 'strained'), 16).map((state) => state.lanes);
    expect(lanes).toEqual([null, null, 8, 4, 2, 1, 1]);
  });

  it('gives lanes back step by step after enough good looks in a row, until there is no limit (R20)', () => {
    const unhealthy = course(times(UNHEALTHY_AFTER, 'bad'), 16).at(-1)!;
    const lanes = course(times(RECOVERS_AFTER + 8, 'good'), 16, unhealthy).map((s) => s.lanes);
    expect(lanes).toEqual([0, 0, 0, 1, 3, 5, 7, 9, 11, 13, 15, null]);
  });

  it('recovers from everything by good looks alone, in bounded time (R20)', () => {
    fc.assert(
      fc.property(grades, capacities, (looks, capacity) => {
        const ill = course(looks, capacity).at(-1)!;
        const longest = RECOVERS_AFTER * 2 ** 3 + 10;
        expect(course(times(longest, 'good'), capacity, ill).at(-1)!.verdict).toBe('healthy');
      }),
    );
  });

  it('believes one that falls ill again and again later each time, and forgets that only slowly (R20)', () => {
    const untilWell = (from: HealthState): { looks: number; state: HealthState } => {
      let state = from;
      let looks = 0;
      for (; state.verdict !== 'healthy'; looks += 1) state = step(state, 'good', 4);
      return { looks, state };
    };
    const waits: number[] = [];
    let state = HEALTHY;
    for (let relapse = 0; relapse < 5; relapse += 1) {
      const { looks, state: well } = untilWell(course(times(3, 'bad'), 4, state).at(-1)!);
      waits.push(looks);
      state = well;
    }
    expect(waits).toEqual([6, 9, 15, 27, 27]);
    const rested = course(times(100, 'good'), 4, state).at(-1)!;
    expect(untilWell(course(times(3, 'bad'), 4, rested).at(-1)!).looks).toBe(6);
  });

  it('changes its verdict rarely however fast the looks alternate: flapping is damped (R20)', () => {
    const flapping = Array.from({ length: 400 }, (_, index): HealthGrade =>
      index % 5 < 2 ? 'bad' : 'good',
    );
    const verdicts = course(flapping, 8).map(({ verdict }) => verdict);
    const changes = verdicts.filter(
      (verdict, index) => index > 0 && verdict !== verdicts[index - 1],
    );
    expect(changes.length).toBeLessThanOrEqual(3);
    expect(verdicts.at(-1)).not.toBe('healthy');
  });
});

describe('one look at a gateway', () => {
  it.each<[string, Partial<HealthObservation>, ReturnType<typeof judgeObservation>]>([
    ['well', {}, { grade: 'good', reasons: [] }],
    ['no answer', { answerMs: null }, { grade: 'bad', reasons: ['no-answer'] }],
    ['a slow answer', { answerMs: 2_500 }, { grade: 'strained', reasons: ['slow-answer'] }],
    ['a late loop', { eventLoopDelayMs: 1_500 }, { grade: 'strained', reasons: ['event-loop'] }],
    ['a stuck loop', { eventLoopDelayMs: 9_000 }, { grade: 'bad', reasons: ['event-loop'] }],
    ['own words', { reportsOk: false }, { grade: 'strained', reasons: ['reports-trouble'] }],
    ['a queue', { queuedRuns: 9 }, { grade: 'strained', reasons: ['lane-queue'] }],
    ['failing runs', { errorRate: 0.6 }, { grade: 'strained', reasons: ['errors'] }],
    ['few runs', { errorRate: 1, recentRuns: 3 }, { grade: 'good', reasons: [] }],
    [
      'a start',
      { hasStarted: false, eventLoopDelayMs: 9_000, reportsOk: false, answerMs: 2_500 },
      { grade: 'good', reasons: [] },
    ],
  ])('%s is judged by rule (R20)', (_what, seen, judged) => {
    expect(judgeObservation({ ...WELL, ...seen })).toEqual(judged);
  });

  it('is told to people in words and with something to do, for every reason (R20)', () => {
    for (const reason of HEALTH_REASONS) {
      const state: HealthState = { ...HEALTHY, verdict: 'sick', lanes: 1, reasons: [reason] };
      expect(healthWords(state)).toMatch(/^gets fewer lanes: \w/);
      expect(healthWords({ ...state, verdict: 'unhealthy' })).toMatch(/^gets no new work: \w/);
      expect(healthHint(state)).toMatch(/\w.*Dash gives its lanes back by itself/);
    }
  });
});
