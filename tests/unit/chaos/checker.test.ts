import { expect, test } from '@jest/globals';

import { check } from '../../../scripts/chaos/checker.ts';
import type { ClientSwarm, Testimony } from '../../../scripts/chaos/evidence.ts';
import { booted, ended, requested, resumed, SESSION, started, task, testimony } from './logs.ts';

/** The rules that a testimony breaks, once each. */
function broken(given: Testimony): string[] {
  return [...new Set(check(given).map(({ rule }) => rule))];
}

const decided = (decision: 'accept' | 'retry' | 'discard') => ({ attempt: 1, decision });

const fine = [started('t1-a1', 10), ended('t1-a1', 20)];

test('work that was answered once breaks nothing (R10)', () => {
  expect(check(testimony([task('t1')], { g1: fine }))).toEqual([]);
});

test("a gateway's own recovery after its crash is no second run (R10)", () => {
  const log = [
    started('t1-a1', 10),
    booted(50, 40),
    resumed('t1-a1', 60),
    ended('recovery-of-t1-a1', 70),
  ];
  expect(check(testimony([task('t1')], { g1: log }))).toEqual([]);
});

test('a task that fails is tried as often as it may be, one attempt after the other (R7)', () => {
  const log = [
    ...[started('t1-a1', 10), ended('t1-a1', 20, 'failed')],
    ...[started('t1-a2', 30), ended('t1-a2', 40, 'failed')],
  ];
  const failing = task('t1', {
    ...{ state: 'dead', endsTold: ['dead'], output: null },
    expectation: { answer: null, failures: 2, mayBeCancelled: false },
  });
  expect(check(testimony([failing], { g1: log }))).toEqual([]);
});

test('an accepted, a retried and a discarded attempt break nothing when the logs say the same (P29)', () => {
  const discarded = { state: 'dead', endsTold: ['dead'], decisions: [decided('discard')] } as const;
  const tasks = [
    task('t1', { decisions: [decided('accept')] }),
    task('t2', { decisions: [decided('retry')] }),
    task('t3', discarded),
  ];
  const log = [
    ...fine,
    ...[started('t2-a2', 30), ended('t2-a2', 40)],
    ...[started('t3-a1', 50), booted(70, 60)],
  ];
  expect(check(testimony(tasks, { g1: log }))).toEqual([]);
});

test.each<[string, string, Testimony]>([
  [
    'a task that has no end',
    'no accepted task is lost (R11)',
    testimony([task('t1', { state: 'queued', endsTold: [], endKnownAtMs: null })], { g1: [] }),
  ],
  [
    'two ends of one task',
    'a task has exactly one terminal state (R11)',
    testimony([task('t1', { endsTold: ['dead', 'completed'] })], { g1: fine }),
  ],
  [
    'an end that no gateway knows of',
    'the end of a task is what its gateway did (R11)',
    testimony([task('t1')], { g1: [] }),
  ],
  [
    'an answer of another task',
    'the end of a task is what its gateway did (R11)',
    testimony([task('t1', { output: 'no' })], { g1: fine }),
  ],
  [
    'a dead letter that should have answered',
    'the end of a task is what its gateway did (R11)',
    testimony([task('t1', { state: 'dead', endsTold: ['dead'] })], { g1: fine }),
  ],
  [
    'more attempts than allowed',
    'the end of a task is what its gateway did (R11)',
    testimony(
      [
        task('t1', {
          state: 'dead',
          endsTold: ['dead'],
          expectation: { answer: null, failures: 1, mayBeCancelled: false },
        }),
      ],
      {
        g1: [
          ...[started('t1-a1', 10), ended('t1-a1', 20, 'failed')],
          ...[started('t1-a2', 30), ended('t1-a2', 40, 'failed')],
        ],
      },
    ),
  ],
  [
    'a cancelled task that was answered',
    'the end of a task is what its gateway did (R11)',
    testimony(
      [
        task('t1', {
          state: 'cancelled',
          endsTold: ['cancelled'],
          expectation: { answer: 'yes', failures: 0, mayBeCancelled: true },
        }),
      ],
      { g1: fine },
    ),
  ],
  [
    'two runs of a task on two gateways at once',
    'one executing run per attempt, one answer per task (R10)',
    testimony([task('t1')], {
      g1: [started('t1-a1', 10), ended('t1-a1', 30, 'aborted')],
      g2: [started('t1-a2', 20), ended('t1-a2', 40)],
    }),
  ],
  [
    'a second answer',
    'one executing run per attempt, one answer per task (R10)',
    testimony([task('t1')], { g1: [...fine, started('t1-a1r1', 30), ended('t1-a1r1', 40)] }),
  ],
  [
    'a second run while the gateway may resume the interrupted first one',
    'no run is sent while an earlier one may go on (R10)',
    testimony([task('t1')], {
      g1: [started('t1-a1', 10), booted(30, 20), started('t1-a1r1', 40), ended('t1-a1r1', 50)],
    }),
  ],
  [
    'a run of nobody',
    'only accepted work runs (R9)',
    testimony([task('t1')], { g1: [...fine, started('t2-a1', 30), ended('t2-a1', 40)] }),
  ],
  [
    'a run that goes on for ever',
    'nothing executes at the end (R13)',
    testimony([task('t1', { state: 'dead', decisions: [decided('discard')] })], {
      g1: [started('t1-a1', 1)],
    }),
  ],
  [
    'a run after the end of its task',
    'nothing runs after the end of its task (R13)',
    testimony(
      [
        task('t1', {
          state: 'cancelled',
          endsTold: ['cancelled'],
          expectation: { answer: 'yes', failures: 0, mayBeCancelled: true },
        }),
      ],
      { g1: [started('t1-a1', 1_001), ended('t1-a1', 1_002, 'aborted')] },
    ),
  ],
  [
    'more runs than lanes',
    'no gateway has more than its lanes (R17)',
    testimony(
      ['t1', 't2', 't3'].map((id) => task(id)),
      {
        g1: [
          ...['t1-a1', 't2-a1', 't3-a1'].map((runId) => started(runId, 10)),
          ...['t1-a1', 't2-a1', 't3-a1'].map((runId) => ended(runId, 20)),
        ],
      },
    ),
  ],
  [
    'a run that goes on after the end of its task',
    'nothing runs after the end of its task (R13)',
    testimony([task('t1', { endKnownAtMs: 15 })], { g1: fine }),
  ],
  [
    'an attempt that a loss has cost',
    'the loss of a host or a gateway costs no attempt (R15)',
    testimony([task('t1')], {
      g1: [
        ...[started('t1-a1', 10), ended('t1-a1', 20, 'failed')],
        ...[started('t1-a2', 30), ended('t1-a2', 40)],
      ],
    }),
  ],
  [
    'an abort that nobody wanted',
    'nothing is aborted that nobody wants ended (R13)',
    testimony([task('t1')], {
      g1: [
        ...[started('t1-a1', 10), ended('t1-a1', 20, 'aborted')],
        ...[started('t1-a2', 30), ended('t1-a2', 40)],
      ],
    }),
  ],
  [
    'a task that nobody submitted',
    'only accepted work runs (R9)',
    testimony([task('t1')], { g1: fine }, { unasked: ['t2'] }),
  ],
  [
    'a discarded task that was answered',
    'the end of a task is what its gateway did (R11)',
    testimony(
      [task('t1', { state: 'dead', endsTold: ['dead'], decisions: [decided('discard')] })],
      {
        g1: fine,
      },
    ),
  ],
  [
    'a retry of what had executed',
    'a decision is what the wire logs show (P29)',
    testimony([task('t1', { decisions: [decided('retry')] })], { g1: fine }),
  ],
  [
    'an accepted answer that no gateway gave',
    'a decision is what the wire logs show (P29)',
    testimony([task('t1', { decisions: [decided('accept')] })], {
      g1: [started('t1-a1', 10), booted(30, 20)],
    }),
  ],
  [
    'a lane that nobody gives back',
    'lanes are free at the end (R13, R14)',
    testimony([task('t1')], { g1: fine }, { lanesHeld: [{ gatewayId: 'g1', held: 1 }] }),
  ],
])('%s is noticed', (_name, rule, given) => {
  expect(broken(given)).toContain(rule);
});

const talk = (id: string, submitted: number) => task(id, { session: 'talk', submitted });
const inTalk = (runId: string, fromMs: number, untilMs: number) => [
  started(runId, fromMs, SESSION),
  ended(runId, untilMs),
];

test('a session that runs in order, one at a time, in one place breaks nothing (R1)', () => {
  const log = [...inTalk('t1-a1', 10, 20), ...inTalk('t2-a1', 30, 40)];
  expect(check(testimony([talk('t1', 1), talk('t2', 2)], { g1: log }))).toEqual([]);
});

test('two tasks of a session that overlap are noticed (R1)', () => {
  const log = [...inTalk('t1-a1', 10, 30), ...inTalk('t2-a1', 20, 40)];
  expect(broken(testimony([talk('t1', 1), talk('t2', 2)], { g1: log }))).toContain(
    'tasks of a session never overlap (R1)',
  );
});

test('tasks of a session in another order than their submits are noticed (R1)', () => {
  const log = [...inTalk('t2-a1', 10, 20), ...inTalk('t1-a1', 30, 40)];
  expect(broken(testimony([talk('t1', 1), talk('t2', 2)], { g1: log }))).toEqual([
    'a session runs in submit order (R1)',
  ]);
});

test('a message into a session that works is noticed (R2)', () => {
  const log = [
    ...[started('t1-a1', 10, SESSION), requested('t2-a1', 15, { sessionKey: SESSION })],
    ...[ended('t1-a1', 20), ...inTalk('t2-a1', 20, 30)],
  ];
  expect(broken(testimony([talk('t1', 1), talk('t2', 2)], { g1: log }))).toEqual([
    'a working session gets no second message (R2)',
  ]);
});

test('a session that moves to another gateway is noticed (R3)', () => {
  const logs = { g1: inTalk('t1-a1', 10, 20), g2: inTalk('t2-a1', 30, 40) };
  expect(broken(testimony([talk('t1', 1), talk('t2', 2)], logs))).toEqual([
    'a session stays on its gateway (R3)',
  ]);
});

const swarm = (change: Partial<ClientSwarm> = {}): ClientSwarm => ({
  swarmId: 's1',
  state: 'completed',
  reduceNode: 'reduce',
  mapAnswers: ['found it'],
  ...change,
});

test.each([
  ['complete', 'found it', 'completed', []],
  [
    'missing an answer',
    'nothing',
    'completed',
    ['a swarm ends with what its nodes answered (R11)'],
  ],
  ['failed', 'found it', 'failed', ['a swarm ends with what its nodes answered (R11)']],
])('a swarm that is %s is told from one that is not (R11)', (_name, given, state, rules) => {
  const reduce = task('t1', { node: 's1/reduce' });
  const log = [requested('t1-a1', 5, { message: `Put together: ${given}` }), ...fine];
  expect(broken(testimony([reduce], { g1: log }, { swarms: [swarm({ state })] }))).toEqual(rules);
});
