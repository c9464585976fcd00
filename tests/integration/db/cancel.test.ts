import { beforeEach, describe, expect, it } from '@jest/globals';
import { readAttempt } from '../../../src/db/attempt-record.ts';
import { releaseAttempt } from '../../../src/db/attempt-run.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import { getDeadLetter } from '../../../src/db/dead-letter-store.ts';
import { promoteDue } from '../../../src/db/due.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { accept, claim, claimOne, dead, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

const asked = { actor: 'tester' } as const;

describe('a cancel', () => {
  it('ends a waiting task in the same transaction, each reason in its own state (P28)', async () => {
    const { db } = database();
    const ends = [
      ['cancelled', 'cancelled', 'cancelled'],
      ['expired', 'expired', 'expired'],
      ['budget', 'dead', 'budget'],
    ] as const;
    for (const [reason, state, failureReason] of ends) {
      const { id: taskId } = await accept(db);
      expect(await requestCancel(db, { taskId, reason, ...asked })).toMatchObject({
        kind: 'settled',
        state,
        workflowId: null,
        end: { failure: { reason: failureReason } },
      });
    }
    const gateway = await openGateway(db, 'g1');
    expect(await claim(db, [gateway])).toEqual([]);
  });

  it('of a task that is back in the queue names the workflow that carries it since its first attempt (P20, P28)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    await releaseAttempt(db, { attemptId, reason: 'tried', from: 'planned' });
    expect(await requestCancel(db, { taskId, reason: 'cancelled', ...asked })).toMatchObject({
      kind: 'settled',
      workflowId: `task/${taskId}`,
    });
  });

  it('of a task whose attempt is open although the row calls it blocked ends nothing here: the attempt keeps its lane until it is over (P1, P13)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db, {
      deadlineAt: new Date(Date.now() + 50).toISOString(),
    });
    const { attemptId } = await claimOne(db, gateway);
    await db.rows(
      `update dash.tasks set state = 'blocked', state_reason = 'conflict' where id = $1`,
      [taskId],
    );
    await eventually(async () => {
      const [row] = await db.rows<{ over: boolean }>(
        'select deadline_at < now() as over from dash.tasks where id = $1',
        [taskId],
      );
      return row?.over === true;
    });
    expect(await promoteDue(db)).toMatchObject({ expired: 0 });
    expect(await requestCancel(db, { taskId, reason: 'cancelled', ...asked })).toMatchObject({
      kind: 'requested',
      attemptId,
    });
    expect(await readAttempt(db, attemptId)).toMatchObject({ state: 'planned' });
  });

  it('is what a task ends by whose last attempt fails meanwhile: it is no dead letter (P28, R8)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    await requestCancel(db, { taskId, reason: 'cancelled', ...asked });
    await settleTask(db, {
      taskId,
      attemptId,
      attemptOutcome: 'failed',
      end: dead('no more tries'),
    });
    expect(await getTask(db, taskId)).toMatchObject({ state: 'cancelled' });
    expect(await getDeadLetter(db, taskId)).toBeNull();
  });

  it('for a spent budget leaves what the run used in the end that tells of it (P15, P28)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    await requestCancel(db, { taskId, reason: 'budget', ...asked });
    const usage = { inputTokens: 20, outputTokens: 10, totalTokens: 30, costUsd: null };
    const failure = {
      reason: 'budget',
      message: '30 tokens in 1 attempts',
      lastFailure: null,
    } as const;
    const end = { state: 'dead', output: null, usage, failure } as const;
    await settleTask(db, { taskId, attemptId, attemptOutcome: 'cancelled', end });
    expect(await getTask(db, taskId)).toMatchObject({ state: 'dead', usage, failure });
  });

  it('marks a dispatched task, once, with the first reason, and hints at its attempt (P28)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const heard: (string | null)[] = [];
    const listener = db.listen('dash_cancel', (payload) => heard.push(payload));
    await listener.ready;
    const { id: taskId } = await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    const answer = {
      kind: 'requested',
      reason: 'cancelled',
      attemptId,
      workflowId: `task/${taskId}`,
      gatewayId: 'g1',
    };
    expect(await requestCancel(db, { taskId, reason: 'cancelled', ...asked })).toEqual(answer);
    expect(await requestCancel(db, { taskId, reason: 'expired', ...asked })).toEqual(answer);
    expect(await getTask(db, taskId)).toMatchObject({
      state: 'dispatched',
      cancelRequested: 'cancelled',
    });
    expect((await readAttempt(db, attemptId))?.task.cancelRequested).toBe('cancelled');
    await eventually(() => heard.includes(attemptId));
    await listener.close();
    const told = await db.rows(
      `select actor from dash.events where type = 'task.cancel-requested'`,
    );
    expect(told).toEqual([{ actor: 'tester' }]);
  });

  it('changes nothing about a task that has ended, or that there is not (P28)', async () => {
    const { db } = database();
    const { id: taskId } = await accept(db);
    await requestCancel(db, { taskId, reason: 'cancelled', ...asked });
    expect(await requestCancel(db, { taskId, reason: 'expired', ...asked })).toEqual({
      kind: 'terminal',
      state: 'cancelled',
    });
    expect(await requestCancel(db, { taskId: 'task-x', reason: 'expired', ...asked })).toEqual({
      kind: 'not-found',
    });
  });

  it('and a claim that race: the task ends now, or it is dispatched and marked (P28)', async () => {
    const { db } = database();
    const other = database().connect('api');
    const gateway = await openGateway(db, 'g1', { configuredLanes: 100 });
    for (let round = 0; round < 20; round += 1) {
      const { id: taskId } = await accept(db, { sessionKey: round % 2 === 0 ? `s${round}` : null });
      const [claims, cancelled] = await Promise.all([
        claim(db, [gateway]),
        requestCancel(other, { taskId, reason: 'cancelled', ...asked }),
      ]);
      if (cancelled.kind === 'settled') expect(claims).toEqual([]);
      else expect(cancelled).toMatchObject({ kind: 'requested', attemptId: claims[0]?.attemptId });
    }
  });
});
