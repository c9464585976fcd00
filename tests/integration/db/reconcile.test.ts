import { beforeEach, describe, expect, it } from '@jest/globals';
import { markIndeterminate, recordDecision } from '../../../src/db/attempt-decision.ts';
import { closeAttempt } from '../../../src/db/attempt-run.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import type { Database } from '../../../src/db/database.ts';
import { findingCounts, listFindings, recordFinding } from '../../../src/db/finding-store.ts';
import {
  blockedByConflict,
  openAmong,
  openSwarms,
  repairConflict,
  repairSessionHead,
  sessionsWithoutHead,
  setTaskWorkflowId,
  silentOwners,
  staleDirtySwarms,
  stalePlannedAttempts,
  tasksNeedingWorkflow,
  unappliedDecisions,
  undeliveredCancels,
} from '../../../src/db/reconcile-queries.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { acceptSwarm, takeNews } from '../../../src/db/swarm-store.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { newId } from '../../../src/platform/ids.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claim, claimOne, completed, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase();

beforeEach(() => emptyDatabase(database().db.pool));

const page = { olderThanSeconds: 60, limit: 100 };
const now = { olderThanSeconds: 0, limit: 100 };

async function anHourLater(db: Database): Promise<void> {
  await db.rows(`update dash.tasks set updated_at = updated_at - interval '1 hour',
                   cancel_requested_at = cancel_requested_at - interval '1 hour'`);
  await db.rows(`update dash.attempts set planned_at = planned_at - interval '1 hour',
                   decided_at = decided_at - interval '1 hour'`);
  await db.rows(`update dash.swarms set created_at = created_at - interval '1 hour',
                   dirty_since = dirty_since - interval '1 hour'`);
  await db.rows(`update dash.gateways set last_seen_at = last_seen_at - interval '1 hour'`);
}

describe('reconcile finds', () => {
  it('attempts that stay planned, only when they are old enough, and none of before a restore: since the copy they may have been sent (P35, P36)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    await accept(db);
    const { attemptId, taskId } = await claimOne(db, gateway);
    expect(await stalePlannedAttempts(db, page)).toEqual([]);
    await anHourLater(db);
    expect(await stalePlannedAttempts(db, page)).toEqual([
      {
        attemptId,
        taskId,
        workflowId: `task/${taskId}`,
        gatewayId: 'g1',
        ownerHost: 'host-1',
        isDelivered: false,
        plannedForMs: expect.any(Number),
      },
    ]);
    await db.rows('update dash.installation set restored_at = now()');
    expect(await stalePlannedAttempts(db, page)).toEqual([]);
    await db.rows('update dash.installation set restored_at = null');
  });

  it('tasks that a workflow must carry, in pages (P35)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 50 });
    for (let index = 0; index < 7; index += 1) await accept(db);
    await claim(db, [gateway]);
    await accept(db);
    await anHourLater(db);
    const found: string[] = [];
    for (;;) {
      const after = found.at(-1);
      const rows = await tasksNeedingWorkflow(db, {
        olderThanSeconds: 60,
        limit: 3,
        ...(after === undefined ? {} : { after }),
      });
      if (rows.length === 0) break;
      expect(rows.length).toBeLessThanOrEqual(3);
      for (const row of rows) {
        expect(row).toMatchObject({
          state: 'dispatched',
          attemptState: 'planned',
          gatewayId: 'g1',
        });
        found.push(row.taskId);
      }
    }
    expect(new Set(found).size).toBe(7);
    expect(found).toHaveLength(7);
  });

  it('cancels that were not delivered, and decisions that were not applied (P28, P29, P35)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    await accept(db);
    await accept(db);
    const [first, second] = await claim(db, [gateway]);
    if (first === undefined || second === undefined) throw new Error('two claims');
    await requestCancel(db, { taskId: first.taskId, reason: 'cancelled', actor: 'ann' });
    const { attemptId } = second;
    await markIndeterminate(db, { attemptId, reason: 'vanished', evidence: null, keepLane: false });
    await recordDecision(db, { attemptId, decision: { kind: 'retry' }, actor: 'ann' });
    expect(await undeliveredCancels(db, page)).toEqual([]);
    expect(await unappliedDecisions(db, page)).toEqual([]);
    await anHourLater(db);
    expect(await undeliveredCancels(db, page)).toEqual([
      {
        taskId: first.taskId,
        workflowId: first.workflowId,
        attemptId: first.attemptId,
        gatewayId: 'g1',
      },
    ]);
    expect(await unappliedDecisions(db, page)).toEqual([
      {
        taskId: second.taskId,
        attemptId,
        workflowId: second.workflowId,
        decision: { kind: 'retry' },
        actor: 'ann',
      },
    ]);
  });

  it('swarms without a reader of their news (P31, P35)', async () => {
    const { db } = database();
    const id = newId('swarm');
    await acceptSwarm(db, {
      id,
      tenant: 'default',
      name: 'n',
      spec: {},
      onFailure: 'continue',
      maxParallel: 1,
      nodes: [],
      correlationId: 'c',
      idempotency: null,
      actor: null,
    });
    expect(await openSwarms(db, page)).toEqual([]);
    await anHourLater(db);
    const workflowId = `swarm/${id}`;
    expect(await openSwarms(db, page)).toEqual([
      { swarmId: id, workflowId, tenant: 'default', dirty: true },
    ]);
    expect(await staleDirtySwarms(db, page)).toEqual([{ swarmId: id, workflowId }]);
    await takeNews(db, id);
    expect(await staleDirtySwarms(db, page)).toEqual([]);
  });

  it('sessions without a head, and makes one by the rule (P3, P35)', async () => {
    const { db } = database();
    const head = await accept(db, { sessionKey: 's', priority: 4 });
    await accept(db, { sessionKey: 's', priority: 2 });
    await accept(db, { sessionKey: 'fine' });
    await accept(db, { sessionKey: 'fine' });
    await db.rows(
      `update dash.tasks set state = 'waiting', effective_priority = priority where id = $1`,
      [head.id],
    );
    const [found, ...more] = await sessionsWithoutHead(db, now);
    expect(more).toEqual([]);
    expect(found).toMatchObject({ tenant: 'default', key: 's' });
    expect(await repairSessionHead(db, found?.sessionId ?? 0)).toBe(true);
    expect(await getTask(db, head.id)).toMatchObject({ state: 'queued', effectivePriority: 2 });
    expect(await sessionsWithoutHead(db, now)).toEqual([]);
    expect(await repairSessionHead(db, found?.sessionId ?? 0)).toBe(false);
  });

  it('tasks that were blocked by a conflict which is gone, and queues them again (P13, P35)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    await db.rows(`update dash.tasks set state = 'queued', last_attempt = 0 where id = $1`, [
      taskId,
    ]);
    await claim(db, [gateway]);
    expect(await getTask(db, taskId)).toMatchObject({ state: 'blocked' });
    expect(await blockedByConflict(db, now)).toEqual([]);
    expect(await repairConflict(db, taskId)).toBe(false);
    await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'failed' });
    expect(await blockedByConflict(db, now)).toEqual([{ taskId }]);
    expect(await repairConflict(db, taskId)).toBe(true);
    // The number of the forgotten attempt is not used again.
    expect(await claimOne(db, gateway)).toMatchObject({ taskId, attemptNumber: 2 });
  });

  it('tasks that were blocked by a conflict, and leaves them the limit of their time in the queue (P8, P13)', async () => {
    const { db } = database();
    await openGateway(db, 'g1');
    const { id: taskId, queueExpiresAt } = await accept(db, { queueLimitSeconds: 600 });
    expect(queueExpiresAt).not.toBeNull();
    await db.rows(
      `update dash.tasks set state = 'blocked', state_reason = 'conflict' where id = $1`,
      [taskId],
    );
    expect(await repairConflict(db, taskId)).toBe(true);
    expect(await getTask(db, taskId)).toMatchObject({ state: 'queued', queueExpiresAt });
  });

  it('owners that write nothing any more (P35)', async () => {
    const { db } = database();
    await openGateway(db, 'g1');
    expect(await silentOwners(db, page)).toEqual([]);
    await anHourLater(db);
    expect(await silentOwners(db, page)).toMatchObject([
      { gatewayId: 'g1', ownerHost: 'host-1', ownerEpoch: 1 },
    ]);
  });

  it('which of the running workflows have an open row (P35)', async () => {
    const { db } = database();
    const open = await accept(db);
    const ended = await accept(db);
    await settleTask(db, { taskId: ended.id, end: completed() });
    expect(await openAmong(db, [open.id, ended.id, 'task-x'])).toEqual(new Set([open.id]));
  });
});

describe('reconcile writes', () => {
  it('another workflow id only over the one that it expects, and never into an ended task (P17)', async () => {
    const { db } = database();
    const { id: taskId } = await accept(db);
    const next = { taskId, expected: `task/${taskId}`, workflowId: `task/${taskId}/r1` };
    expect(await setTaskWorkflowId(db, next)).toBe(true);
    expect(await setTaskWorkflowId(db, next)).toBe(false);
    expect(await getTask(db, taskId)).toMatchObject({ workflowId: `task/${taskId}/r1` });
    await settleTask(db, { taskId, end: completed() });
    expect(
      await setTaskWorkflowId(db, { taskId, expected: `task/${taskId}/r1`, workflowId: 'task/x' }),
    ).toBe(false);
  });

  it('a finding that stands once, with when it was first and last seen and how often (P35)', async () => {
    const { db } = database();
    const stands = { kind: 'owner-gone', subject: 'g1', repaired: false };
    await recordFinding(db, { ...stands, detail: { ownerEpoch: 1 } });
    const [first] = await listFindings(db, { limit: 9 });
    await recordFinding(db, { ...stands, detail: { ownerEpoch: 2 } });
    const [again, ...more] = await listFindings(db, { limit: 9 });
    expect(more).toEqual([]);
    expect(again).toMatchObject({
      id: first?.id,
      times: 2,
      detail: { ownerEpoch: 2 },
      firstSeenAt: first?.firstSeenAt,
    });
    expect(Date.parse(again?.lastSeenAt ?? '')).toBeGreaterThan(
      Date.parse(first?.lastSeenAt ?? ''),
    );
    expect(await findingCounts(db)).toEqual([{ kind: 'owner-gone', repaired: false, count: 2 }]);
    // Another part of the same subject, a repair, and one that was gone for long are findings of their own.
    await recordFinding(db, { ...stands, part: 'run-7', detail: {} });
    await recordFinding(db, { ...stands, repaired: true, detail: {} });
    await db.rows(`update dash.reconcile_findings set last_seen_at = now() - interval '11 minutes'
                   where part = '' and not repaired`);
    await recordFinding(db, { ...stands, detail: {} });
    expect(await listFindings(db, { limit: 9 })).toHaveLength(4);
    expect(await listFindings(db, { limit: 9, standing: true })).toHaveLength(2);
    expect(await listFindings(db, { limit: 9, repaired: true })).toHaveLength(1);
    expect(await listFindings(db, { limit: 9, kind: 'swarm-unread' })).toEqual([]);
    expect(await listFindings(db, { limit: 9, subject: 'g2' })).toEqual([]);
  });

  it('each finding, to be listed and counted (P35)', async () => {
    const { db } = database();
    await recordFinding(db, {
      kind: 'dirty-swarm',
      subject: 's1',
      detail: { since: 'x' },
      repaired: true,
    });
    await recordFinding(db, { kind: 'dirty-swarm', subject: 's2', detail: {}, repaired: true });
    await recordFinding(db, { kind: 'owner-silent', subject: 'g1', detail: {}, repaired: false });
    const all = await listFindings(db, { limit: 2 });
    expect(all.map((finding) => finding.subject)).toEqual(['g1', 's2']);
    expect(await listFindings(db, { limit: 2, before: all.at(-1)?.id ?? 0 })).toMatchObject([
      { subject: 's1', detail: { since: 'x' }, repaired: true, times: 1 },
    ]);
    expect((await findingCounts(db)).toSorted((a, b) => a.kind.localeCompare(b.kind))).toEqual([
      { kind: 'dirty-swarm', repaired: true, count: 2 },
      { kind: 'owner-silent', repaired: false, count: 1 },
    ]);
  });
});
