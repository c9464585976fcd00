import { expect, test } from '@jest/globals';

import { evidenceOf } from '../../../scripts/chaos/evidence.ts';
import { judge, type Judgement } from '../../../scripts/chaos/judge.ts';
import type { Seen } from '../../../scripts/chaos/witness.ts';
import { booted, ended, requested, resumed, started, testimony } from './logs.ts';

function decision(log: readonly Seen[], isCalm = true): Judgement {
  const evidence = evidenceOf(testimony([], { g1: log }));
  return judge({ taskId: 't1', attempt: 1 }, { ...evidence, isCalm });
}

test('an answer on the wire is accepted with its words, even while kills fall (P29)', () => {
  const log = [requested('t1-a1', 1), started('t1-a1', 2), ended('t1-a1', 3)];
  expect(decision(log, false)).toMatchObject({ kind: 'accept', output: 'yes' });
});

test('the answer of a recovery counts as that of the run it resumes (P29)', () => {
  const log = [
    ...[requested('t1-a1', 1), started('t1-a1', 2), booted(9, 5)],
    ...[resumed('t1-a1', 10), ended('recovery-of-t1-a1', 11)],
  ];
  expect(decision(log)).toMatchObject({ kind: 'accept', output: 'yes' });
});

test('what no gateway ever executed is tried again (P29)', () => {
  expect(decision([requested('t1-a1', 1), booted(9, 5)])).toMatchObject({ kind: 'retry' });
  expect(decision([requested('t1-a2', 1), started('t1-a2', 2)])).toMatchObject({ kind: 'retry' });
});

test('what executed and never answered is discarded, not tried again (P29)', () => {
  const log = [requested('t1-a1', 1), started('t1-a1', 2), booted(9, 5)];
  expect(decision(log)).toMatchObject({ kind: 'discard' });
});

test('nothing but an answer is decided while it executes, or while kills fall (P29)', () => {
  const log = [requested('t1-a1', 1), started('t1-a1', 2)];
  expect(decision(log)).toMatchObject({ kind: 'wait' });
  expect(decision([], false)).toMatchObject({ kind: 'wait' });
});
