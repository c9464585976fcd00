import { describe, expect, it } from '@jest/globals';
import { carryOnTask, rowOfWorkflow } from '../../../src/domain/maintenance.ts';
import { compareLedger, differenceKey, type LedgerAttempt } from '../../../src/domain/ledger.ts';
import { describeRound } from '../../../src/domain/swarm-round.ts';

describe('how a task is carried on', () => {
  const task = { taskId: 't1', workflowId: 'task/t1' };

  it('a running workflow is left alone, a missing one is started under its own id (P35)', () => {
    expect(carryOnTask(task, 'running')).toEqual({ kind: 'nothing' });
    expect(carryOnTask(task, 'absent')).toEqual({
      kind: 'start',
      workflowId: 'task/t1',
      doubtful: false,
    });
  });

  it('one that was cut off goes on under the next id, one that concluded only with a person (P17)', () => {
    expect(carryOnTask(task, 'cut-off')).toMatchObject({
      workflowId: 'task/t1/r1',
      doubtful: false,
    });
    expect(carryOnTask(task, 'concluded')).toMatchObject({
      workflowId: 'task/t1/r1',
      doubtful: true,
    });
    const second = { taskId: 't1', workflowId: 'task/t1/r9' };
    expect(carryOnTask(second, 'cut-off')).toMatchObject({ workflowId: 'task/t1/r10' });
    expect(carryOnTask(second, 'absent')).toMatchObject({ workflowId: 'task/t1/r9' });
  });

  it('a workflow id names its row, in every generation (P35)', () => {
    expect(rowOfWorkflow('task/t1')).toEqual({ kind: 'task', id: 't1' });
    expect(rowOfWorkflow('task/t1/r3')).toEqual({ kind: 'task', id: 't1' });
    expect(rowOfWorkflow('swarm/s1')).toEqual({ kind: 'swarm', id: 's1' });
    expect(rowOfWorkflow('gateway/g1')).toEqual({ kind: 'gateway', id: 'g1' });
    for (const other of ['maintenance-2026', 'chain/g1', 'task/', 'x']) {
      expect(rowOfWorkflow(other)).toBeNull();
    }
  });
});

describe('a ledger against the open attempts', () => {
  const attempt: LedgerAttempt = {
    attemptId: 'a1',
    sessionKey: 'agent:main:dash-abcdefgh:t:t1',
    runIds: ['t1-a1', 'recovery-1'],
    underWay: true,
  };
  const compare = (
    attempts: readonly LedgerAttempt[],
    reported: readonly { sessionKey: string; runId: string | null }[],
  ) => compareLedger({ installation: 'abcdefgh', attempts, reported });

  it('own runs, adopted recoveries and busy sessions without a run id account for an attempt (P35)', () => {
    for (const runId of ['t1-a1', 'recovery-1', null]) {
      expect(compare([attempt], [{ sessionKey: attempt.sessionKey, runId }])).toEqual([]);
    }
  });

  it('an attempt under way without any run, and a run without any attempt, are differences (P35)', () => {
    const stranger = { sessionKey: 'agent:main:dash-abcdefgh:t:t2', runId: 't2-a1' };
    expect(compare([attempt], [stranger])).toEqual([
      { kind: 'not-executing', attemptId: 'a1' },
      { kind: 'unaccounted', ...stranger },
    ]);
    expect(compare([{ ...attempt, underWay: false }], [])).toEqual([]);
  });

  it('what people and other installations run is none of its business (P35)', () => {
    for (const sessionKey of ['agent:main:main', 'agent:main:dash-zzzzzzzz:t:t1']) {
      expect(compare([], [{ sessionKey, runId: 'r' }])).toEqual([]);
    }
  });

  it('the same difference has the same name in the next round (P35)', () => {
    const differences = compare([attempt], [{ sessionKey: 'x:dash-abcdefgh:y', runId: null }]);
    expect(differences.map((one) => differenceKey('g1', one))).toEqual([
      'g1 idle a1',
      'g1 runs x:dash-abcdefgh:y',
    ]);
  });
});

describe('where a swarm stands, in words', () => {
  const open = {
    kind: 'open',
    state: 'running',
    maxParallel: 4,
    cancelRequested: false,
    progress: { waiting: 1, admitted: 2, completed: 3, failed: 0, skipped: 0 },
    againAfterMs: null,
  } as const;

  it('counts what is done, open and to come, and names failures only when there are some (architecture 4)', () => {
    expect(describeRound(open)).toBe('Runs: **3 of 6** done; 2 open (at most 4), 1 to come.');
    const bad = { ...open.progress, failed: 1, skipped: 2 };
    expect(describeRound({ ...open, progress: bad })).toContain('1 failed, 2 skipped');
  });

  it('says when it is paused, being cancelled, or how it ended (architecture 4)', () => {
    expect(describeRound({ ...open, state: 'paused' })).toMatch(/^Paused:/);
    expect(describeRound({ ...open, state: 'paused', cancelRequested: true })).toMatch(
      /^Being cancelled:/,
    );
    expect(describeRound({ kind: 'ended', state: 'failed', reason: '"a" failed' })).toBe(
      'Ended: **failed** ("a" failed).',
    );
  });
});
