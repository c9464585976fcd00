import { beforeEach, describe, expect, it } from '@jest/globals';
import { beginSending, closeAttempt } from '../../../src/db/attempt-run.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import type { Claim } from '../../../src/db/claim.ts';
import type { Database } from '../../../src/db/database.ts';
import { backOffTask, requeueTask } from '../../../src/db/retry-queue.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claim, claimOne, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

const failure = {
  runId: 'r',
  class: 'transient',
  message: '502',
  retryAfterMs: null,
  aborted: false,
  timedOut: false,
} as const;
const delayMs = 30_000;

/** A task whose first attempt was sent, ran and failed; its workflow is deciding. */
async function failedOnce(db: Database, fields: Parameters<typeof accept>[1] = {}): Promise<Claim> {
  const gateway = await openGateway(db, 'g1');
  await accept(db, fields);
  const claimed = await claimOne(db, gateway);
  const { attemptId } = claimed;
  await beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r', bootId: 'b', stateId: 's' });
  await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'failed', failure });
  return claimed;
}

describe('back off and requeue', () => {
  it('keep a failed task out of the queue until the workflow asks, then with its old seq (P20)', async () => {
    const { db } = database();
    const { taskId, attemptId } = await failedOnce(db);
    const later = await accept(db);
    const gateway = { gatewayId: 'g1', ownerEpoch: 1, lanes: 9, score: 1, reasons: [] };
    const backedOff = await backOffTask(db, { taskId, attemptId, delayMs, failure });
    const dueAt = expect.stringMatching(/Z$/);
    expect(backedOff).toEqual({ kind: 'backoff', dueAt });
    // Asked again it keeps its time.
    expect(await backOffTask(db, { taskId, attemptId, delayMs, failure })).toEqual(backedOff);
    expect(await getTask(db, taskId)).toMatchObject({
      state: 'backoff',
      dueAt: 'dueAt' in backedOff && backedOff.dueAt,
    });
    expect(await requeueTask(db, { taskId, attemptId })).toMatchObject({ kind: 'queued' });
    expect(await requeueTask(db, { taskId, attemptId })).toMatchObject({ kind: 'queued' });
    expect(await getTask(db, taskId)).toMatchObject({ state: 'queued', dueAt: null });
    expect((await claim(db, [gateway])).map((one) => one.taskId)).toEqual([taskId, later.id]);
  });

  it('settle instead when a cancel came during the back-off or before it (P20, P28)', async () => {
    const { db } = database();
    const { taskId, attemptId } = await failedOnce(db);
    expect(await requestCancel(db, { taskId, reason: 'cancelled', actor: 'tester' })).toMatchObject(
      {
        kind: 'requested',
        attemptId: null,
        workflowId: `task/${taskId}`,
      },
    );
    expect(await backOffTask(db, { taskId, attemptId, delayMs, failure })).toMatchObject({
      kind: 'settled',
      state: 'cancelled',
    });
    expect(await requeueTask(db, { taskId, attemptId })).toMatchObject({
      kind: 'stands',
      state: 'cancelled',
      end: { failure: { reason: 'cancelled' } },
    });
  });

  it('settle as expired when the deadline has passed (P20)', async () => {
    const { db } = database();
    const { taskId, attemptId } = await failedOnce(db, {
      deadlineAt: new Date(Date.now() + 3_600_000).toISOString(),
    });
    await backOffTask(db, { taskId, attemptId, delayMs, failure });
    await db.rows(`update dash.tasks set deadline_at = now() - interval '1 second'`);
    expect(await requeueTask(db, { taskId, attemptId })).toMatchObject({
      kind: 'settled',
      state: 'expired',
    });
  });

  it('tell a workflow whose task is under way again which attempt that is (P20)', async () => {
    const { db } = database();
    const { taskId, attemptId } = await failedOnce(db);
    await requeueTask(db, { taskId, attemptId });
    const [next] = await claim(db, [
      { gatewayId: 'g1', ownerEpoch: 1, lanes: 9, score: 1, reasons: [] },
    ]);
    const dispatched = { kind: 'dispatched', attemptId: next?.attemptId, gatewayId: 'g1' };
    expect(await requeueTask(db, { taskId, attemptId })).toEqual(dispatched);
    expect(await backOffTask(db, { taskId, attemptId, delayMs, failure })).toEqual(dispatched);
  });

  it('do nothing for an attempt that is not the task’s last, whoever asks (P21)', async () => {
    const { db } = database();
    const { taskId, attemptId } = await failedOnce(db);
    await requeueTask(db, { taskId, attemptId });
    const [next] = await claim(db, [
      { gatewayId: 'g1', ownerEpoch: 1, lanes: 9, score: 1, reasons: [] },
    ]);
    await closeAttempt(db, {
      attemptId: next?.attemptId ?? '',
      ownerEpoch: 1,
      outcome: 'failed',
      failure,
    });
    expect(await requeueTask(db, { taskId, attemptId })).toMatchObject({
      kind: 'stands',
      state: 'dispatched',
    });
    expect(await requeueTask(db, { taskId, attemptId: next?.attemptId ?? '' })).toMatchObject({
      kind: 'queued',
    });
  });

  it('give a task that was sent to the same gateway only (P27)', async () => {
    const { db } = database();
    const { taskId, attemptId } = await failedOnce(db);
    const other = await openGateway(db, 'g2');
    await requeueTask(db, { taskId, attemptId });
    expect(await getTask(db, taskId)).toMatchObject({ pinnedGatewayId: 'g1' });
    expect(await claim(db, [other])).toEqual([]);
    const back = { gatewayId: 'g1', ownerEpoch: 1, lanes: 9, score: 1, reasons: [] };
    expect(await claim(db, [back])).toMatchObject([{ taskId, attemptNumber: 2 }]);
  });

  it('give an idempotent task to any gateway (P27)', async () => {
    const { db } = database();
    const { taskId, attemptId } = await failedOnce(db, { idempotent: true });
    const other = await openGateway(db, 'g2');
    await requeueTask(db, { taskId, attemptId });
    expect(await claim(db, [other])).toMatchObject([{ taskId }]);
  });

  it('forget the queue-time limit once the task has run (P8)', async () => {
    const { db } = database();
    const { taskId, attemptId } = await failedOnce(db, { queueLimitSeconds: 60 });
    expect((await getTask(db, taskId))?.queueExpiresAt).toEqual(expect.any(String));
    await requeueTask(db, { taskId, attemptId });
    expect((await getTask(db, taskId))?.queueExpiresAt).toBeNull();
  });

  it('of a requeue and a cancel that race one order holds, and no cancelled task is claimed (P20, P28)', async () => {
    const { db } = database();
    const other = database().connect('api');
    const gateway = await openGateway(db, 'g1', { configuredLanes: 100 });
    for (let round = 0; round < 15; round += 1) {
      const { id: taskId } = await accept(db);
      const { attemptId } = await claimOne(db, gateway);
      await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'failed', failure });
      const [requeued, cancelled] = await Promise.all([
        requeueTask(db, { taskId, attemptId }),
        requestCancel(other, { taskId, reason: 'cancelled', actor: 'tester' }),
      ]);
      expect([requeued.kind, cancelled.kind]).toEqual(
        requeued.kind === 'queued' ? ['queued', 'settled'] : ['settled', 'requested'],
      );
      expect(await getTask(db, taskId)).toMatchObject({ state: 'cancelled' });
    }
    expect(await claim(db, [gateway])).toEqual([]);
  });
});
