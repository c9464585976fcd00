import { expect, test } from '@jest/globals';

import { executionsOf } from '../../../scripts/chaos/executions.ts';
import { seenOfReal } from '../../../scripts/chaos/real-log.ts';
import type { StubRequest } from '../../../src/gateway/stub-model.ts';
import { readRow, RECOVERY_PREFIX } from '../../../src/gateway/transcript.ts';

const PROMPT = 'Task 1 [[say:one]]';

function call(
  atMs: number,
  endedAtMs: number | null,
  outcome: StubRequest['outcome'],
  prompt = PROMPT,
): StubRequest {
  return { atMs, endedAtMs, prompt, outcome, apiKey: '' };
}

/** A session as the gateway shows it: runs that were asked for, and `null` for a turn that it resumed itself. */
function session(...runIds: readonly (string | null)[]) {
  const rows = runIds.map((runId) =>
    readRow({
      role: 'user',
      content: runId === null ? `${RECOVERY_PREFIX}. Go on.` : PROMPT,
      ...(runId === null ? {} : { idempotencyKey: `${runId}:user` }),
    }),
  );
  return [{ sessionKey: 'key', rows }];
}

test('a call of the model is the execution of the run that the transcript names (R10)', () => {
  const log = seenOfReal(session('t1-a1'), [call(10, 20, 'answered')]);
  expect(executionsOf('real-1', log)).toMatchObject([
    {
      runId: 't1-a1',
      taskId: 't1',
      sessionKey: 'key',
      startedAtMs: 10,
      endedAtMs: 20,
      end: 'done',
    },
  ]);
  expect(log).toContainEqual(expect.objectContaining({ kind: 'request', message: PROMPT }));
});

test('a turn that the gateway resumed after a crash is the recovery of its run (R10)', () => {
  const calls = [call(10, 15, 'abandoned'), call(30, 40, 'answered')];
  expect(executionsOf('real-1', seenOfReal(session('t1-a1', null), calls))).toMatchObject([
    { root: 't1-a1', isRecovery: false, end: 'interrupted', endedAtMs: 15 },
    { root: 't1-a1', isRecovery: true, end: 'done' },
  ]);
});

test('a run that was sent again is told from one that was resumed (R10)', () => {
  const calls = [call(10, 15, 'abandoned'), call(30, null, 'answering')];
  expect(executionsOf('real-1', seenOfReal(session('t1-a1', 't1-a1r1'), calls))).toMatchObject([
    { root: 't1-a1', isRecovery: false },
    { root: 't1-a1r1', isRecovery: false, end: null },
  ]);
});

test('a call of words that stand in no transcript is a run of nobody (R9)', () => {
  const log = seenOfReal(session('t1-a1'), [call(10, 20, 'answered', 'Other words')]);
  expect(executionsOf('real-1', log)).toMatchObject([{ taskId: null }]);
});
