import { beforeEach, describe, expect, it } from '@jest/globals';
import { listApprovals } from '../../../src/db/approval-store.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import type { Database } from '../../../src/db/database.ts';
import { replayDeadLetter } from '../../../src/db/dead-letter-store.ts';
import { nextDueAt, promoteDue } from '../../../src/db/due.ts';
import { settleTask } from '../../../src/db/settle.ts';
import {
  acceptSwarm,
  admitSwarmNode,
  holdSwarmTasks,
  releaseSwarmTasks,
  setSwarmState,
  takeNews,
} from '../../../src/db/swarm-store.ts';
import type { TaskSummary } from '../../../src/db/task-record.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { newId } from '../../../src/platform/ids.ts';
import { withDatabase } from '../../support/database.ts';
import {
  approvalEvents,
  approvalOf,
  decideAs,
  gateOf,
  letApprovalsExpire,
} from './approval-support.ts';
import { accept, claim, claimOne, completed, dead, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

function gated(db: Database, fields: Parameters<typeof accept>[1] = {}): Promise<TaskSummary> {
  return accept(db, { approval: gateOf(), ...fields });
}

describe('a task that needs an approval', () => {
  it('is held, is claimed by nobody, and goes to the queue with its old seq when it is approved (field 10)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const task = await gated(db, { prompt: 'deploy' });
    const later = await accept(db);
    expect(task).toMatchObject({ state: 'held', stateReason: 'approval' });
    expect(await approvalOf(db, task.approvalId)).toMatchObject({
      state: 'open',
      taskId: task.id,
      prompt: 'deploy',
      requestedBy: 'tester',
    });
    expect((await claim(db, [gateway], 1)).map(({ taskId }) => taskId)).toEqual([later.id]);
    const second = await accept(db);
    const answer = await decideAs(db, task.approvalId, 'approved', 'ann', 'fine');
    expect(answer).toMatchObject({
      kind: 'decided',
      approval: { state: 'approved', decidedBy: 'key:ann', comment: 'fine' },
    });
    expect(await getTask(db, task.id)).toMatchObject({
      state: 'queued',
      stateReason: null,
      seq: task.seq,
    });
    expect((await claim(db, [gateway])).map(({ taskId }) => taskId)).toEqual([task.id, second.id]);
    expect(await approvalEvents(db)).toEqual(['approval.requested', 'approval.approved']);
  });

  it('keeps its place in a session: what came later waits behind it, what came earlier goes on (P3)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const first = await accept(db, { sessionKey: 's' });
    const middle = await gated(db, { sessionKey: 's', priority: 4 });
    const last = await accept(db, { sessionKey: 's', priority: 2 });
    const states = async (): Promise<(string | undefined)[]> =>
      Promise.all([first, middle, last].map(async ({ id }) => (await getTask(db, id))?.state));
    expect(await states()).toEqual(['queued', 'held', 'waiting']);
    const { attemptId } = await claimOne(db, gateway);
    await settleTask(db, {
      taskId: first.id,
      attemptId,
      attemptOutcome: 'succeeded',
      end: completed(),
    });
    expect(await states()).toEqual(['completed', 'held', 'waiting']);
    expect(await claim(db, [gateway])).toEqual([]);
    await decideAs(db, middle.approvalId, 'approved');
    expect(await states()).toEqual(['completed', 'queued', 'waiting']);
    expect(await getTask(db, middle.id)).toMatchObject({
      effectivePriority: 2,
      pinnedGatewayId: 'g1',
    });
  });

  it('that is approved behind the head of its session waits there (P3)', async () => {
    const { db } = database();
    const head = await accept(db, { sessionKey: 's' });
    const task = await gated(db, { sessionKey: 's' });
    await decideAs(db, task.approvalId, 'approved');
    expect(await getTask(db, task.id)).toMatchObject({ state: 'waiting' });
    await requestCancel(db, { taskId: head.id, reason: 'cancelled', actor: 'tester' });
    expect(await getTask(db, task.id)).toMatchObject({ state: 'queued' });
  });

  it('ends as cancelled, reason rejected, when it is rejected, and its session goes on (P3, P6)', async () => {
    const { db } = database();
    const task = await gated(db, { sessionKey: 's' });
    const next = await accept(db, { sessionKey: 's' });
    await decideAs(db, task.approvalId, 'rejected', 'ann', 'not this week');
    expect(await getTask(db, task.id)).toMatchObject({
      state: 'cancelled',
      stateReason: 'rejected',
      failure: {
        reason: 'rejected',
        message: 'The approval was refused by key:ann: not this week',
      },
    });
    expect(await getTask(db, next.id)).toMatchObject({ state: 'queued' });
  });

  it('and is not due yet is scheduled when it is approved (P8)', async () => {
    const { db } = database();
    const task = await gated(db, { notBefore: inAnHour() });
    expect(task).toMatchObject({ state: 'held', dueAt: expect.any(String) });
    await decideAs(db, task.approvalId, 'approved');
    expect(await getTask(db, task.id)).toMatchObject({ state: 'scheduled', dueAt: task.dueAt });
    const past = await gated(db, { notBefore: inAnHour() });
    await db.rows(`update dash.tasks set due_at = now() - interval '1 second' where id = $1`, [
      past.id,
    ]);
    await decideAs(db, past.approvalId, 'approved');
    expect(await getTask(db, past.id)).toMatchObject({ state: 'queued', dueAt: null });
  });

  it('withdraws its approval when it ends before: cancelled, or out of time (P6, P8)', async () => {
    const { db } = database();
    const cancelled = await gated(db);
    const expired = await gated(db, { queueLimitSeconds: 3600 });
    const cancel = await requestCancel(db, {
      taskId: cancelled.id,
      reason: 'cancelled',
      actor: 'tester',
    });
    expect(cancel).toMatchObject({ kind: 'settled', state: 'cancelled' });
    await db.rows(`update dash.tasks set queue_expires_at = now() - interval '1 second'`);
    expect(await promoteDue(db)).toMatchObject({ expired: 1 });
    for (const { id, approvalId } of [cancelled, expired]) {
      const before = await getTask(db, id);
      expect(await approvalOf(db, approvalId)).toMatchObject({ state: 'withdrawn' });
      expect(await decideAs(db, approvalId, 'approved')).toMatchObject({
        kind: 'decided-before',
        approval: { state: 'withdrawn' },
      });
      expect(await getTask(db, id)).toEqual(before);
    }
    expect(await listApprovals(db, { states: ['open'], limit: 10 })).toEqual([]);
  });

  it('needs an approval again when it is replayed (P30)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const gate = gateOf({
      prompt: 'may it?',
      approvers: ['ann'],
      expiresInSeconds: 60,
      onExpiry: 'escalate',
      escalateTo: ['boss'],
      escalateAfterSeconds: 30,
    });
    const task = await gated(db, { approval: gate });
    await decideAs(db, task.approvalId, 'approved');
    const { attemptId } = await claimOne(db, gateway);
    await settleTask(db, { taskId: task.id, attemptId, attemptOutcome: 'failed', end: dead() });
    const replay = await replayDeadLetter(db, { taskId: task.id, actor: 'tester' });
    if (replay.kind !== 'replayed') throw new Error(replay.kind);
    expect(replay.task).toMatchObject({ state: 'held', stateReason: 'approval' });
    expect(replay.task.approvalId).not.toBe(task.approvalId);
    expect(await approvalOf(db, replay.task.approvalId)).toMatchObject({
      prompt: 'may it?',
      approvers: ['ann'],
      onExpiry: 'escalate',
      escalateTo: ['boss'],
    });
  });
});

describe('who may decide', () => {
  it('only those who were named, by the name of their key or as an actor (R34)', async () => {
    const { db } = database();
    const task = await gated(db, { approval: gateOf({ approvers: ['ann', 'key:bob'] }) });
    expect(await decideAs(db, task.approvalId, 'approved', 'eve')).toEqual({
      kind: 'not-approver',
      approvers: ['ann', 'key:bob'],
    });
    expect(await getTask(db, task.id)).toMatchObject({ state: 'held' });
    expect(await decideAs(db, task.approvalId, 'approved', 'bob')).toMatchObject({
      kind: 'decided',
    });
    expect(await decideAs(db, 'approval-none', 'approved')).toEqual({ kind: 'not-found' });
  });

  it('the first decision counts, whoever else decides at the same time (P6)', async () => {
    const { db } = database();
    for (let round = 0; round < 5; round += 1) {
      const task = await gated(db);
      const answers = await Promise.all(
        ['ann', 'bob', 'eve', 'dan'].map((name, index) =>
          decideAs(db, task.approvalId, index % 2 === 0 ? 'approved' : 'rejected', name),
        ),
      );
      const decided = answers.filter(({ kind }) => kind === 'decided');
      expect(decided).toHaveLength(1);
      const { state } = await approvalOf(db, task.approvalId);
      expect(
        answers.filter((one) => 'approval' in one && one.approval.state === state),
      ).toHaveLength(4);
      expect((await getTask(db, task.id))?.state).toBe(
        state === 'approved' ? 'queued' : 'cancelled',
      );
    }
    const told = (await approvalEvents(db)).filter((type) => type !== 'approval.requested');
    expect(told).toHaveLength(5);
  });
});

describe('time', () => {
  it('decides as the policy says when nobody did, and says when it will (P8)', async () => {
    const { db } = database();
    const terms = { expiresInSeconds: 3600 };
    const rejects = await gated(db, { approval: gateOf(terms), sessionKey: 's' });
    const approves = await gated(db, { approval: gateOf({ ...terms, onExpiry: 'approve' }) });
    const endless = await gated(db);
    const { expiresAt } = await approvalOf(db, rejects.approvalId);
    expect(await nextDueAt(db)).toBe(expiresAt);
    expect(await promoteDue(db)).toMatchObject({ approvals: 0 });
    await letApprovalsExpire(db);
    expect(await promoteDue(db)).toMatchObject({ approvals: 2, promoted: 0, expired: 0 });
    expect(await getTask(db, rejects.id)).toMatchObject({
      state: 'cancelled',
      failure: { reason: 'rejected', message: 'Nobody gave the approval in time.' },
    });
    expect(await getTask(db, approves.id)).toMatchObject({ state: 'queued' });
    expect(await getTask(db, endless.id)).toMatchObject({ state: 'held' });
    expect(await approvalOf(db, approves.approvalId)).toMatchObject({
      state: 'approved',
      decidedBy: null,
    });
    expect((await approvalEvents(db)).slice(3)).toEqual(['approval.expired', 'approval.expired']);
    expect(await nextDueAt(db)).toBeNull();
  });

  it('hands over to the second list, which has its own time and is then the only one (P8)', async () => {
    const { db } = database();
    const approval = gateOf({
      approvers: ['ann'],
      expiresInSeconds: 3600,
      onExpiry: 'escalate',
      escalateTo: ['boss'],
      escalateAfterSeconds: 60,
    });
    const [one, two] = [await gated(db, { approval }), await gated(db, { approval })];
    const first = await approvalOf(db, one.approvalId);
    await letApprovalsExpire(db);
    expect(await promoteDue(db)).toMatchObject({ approvals: 2 });
    const second = await approvalOf(db, one.approvalId);
    expect(second).toMatchObject({ state: 'open', approvers: ['boss'] });
    expect(second.escalatedAt).not.toBeNull();
    const lasts = (row: { expiresAt: string | null }): number =>
      (Date.parse(row.expiresAt ?? '') - Date.now()) / 1000;
    expect(lasts(first)).toBeLessThan(61);
    expect(lasts(second)).toBeGreaterThan(3500);
    expect(await getTask(db, one.id)).toMatchObject({ state: 'held' });
    expect(await decideAs(db, one.approvalId, 'approved', 'ann')).toMatchObject({
      kind: 'not-approver',
      approvers: ['boss'],
    });
    expect(await decideAs(db, one.approvalId, 'approved', 'boss')).toMatchObject({
      kind: 'decided',
    });
    await letApprovalsExpire(db);
    await letApprovalsExpire(db);
    expect(await promoteDue(db)).toMatchObject({ approvals: 1 });
    expect(await getTask(db, two.id)).toMatchObject({ state: 'cancelled' });
  });

  it('and people and cancels that race leave one decision, and a task that agrees with it (P6, P8)', async () => {
    const { db } = database();
    const other = database().connect('another control worker');
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1000 });
    const policies = ['approve', 'reject'] as const;
    const tasks: TaskSummary[] = [];
    for (let index = 0; index < 24; index += 1) {
      const onExpiry = policies[index % 2] ?? 'reject';
      const approval = gateOf({ expiresInSeconds: 3600, onExpiry });
      tasks.push(await gated(db, { approval, sessionKey: `s${index % 6}` }));
    }
    await letApprovalsExpire(db);
    await Promise.all([
      promoteDue(other),
      promoteDue(db),
      claim(other, [gateway]),
      ...tasks.map(({ approvalId }, index) =>
        decideAs(db, approvalId, index % 3 === 0 ? 'approved' : 'rejected'),
      ),
      ...tasks
        .filter((_, index) => index % 4 === 0)
        .map(({ id }) => requestCancel(db, { taskId: id, reason: 'cancelled', actor: 'tester' })),
    ]);
    await promoteDue(db);
    const rows = await db.rows<{ approval: string; task: string; count: number }>(
      `select a.state as approval, t.state as task,
         (select count(*) from dash.events e where e.type like 'approval.%' and e.type <> 'approval.requested'
            and e.data->>'approvalId' = a.id) as count
       from dash.approvals a join dash.tasks t on t.id = a.task_id`,
    );
    expect(rows).toHaveLength(24);
    const allowed: Record<string, string[]> = {
      approved: ['queued', 'waiting', 'dispatched', 'cancelled'],
      rejected: ['cancelled'],
      withdrawn: ['cancelled'],
    };
    for (const { approval, task, count } of rows) {
      expect(allowed[approval]).toContain(task);
      expect(Number(count)).toBe(1);
    }
    const heads = await db.rows(
      `select session_id from dash.tasks where open and session_id is not null
       group by session_id having bool_and(state = 'waiting')`,
    );
    expect(heads).toEqual([]);
  });
});

describe('a task that is held for its approval and because its swarm is paused', () => {
  async function inPausedSwarm(db: Database): Promise<{ swarmId: string; task: TaskSummary }> {
    const swarmId = newId('swarm');
    await acceptSwarm(db, {
      id: swarmId,
      tenant: 'default',
      name: 'n',
      spec: {},
      onFailure: 'continue',
      maxParallel: 5,
      correlationId: 'c',
      idempotency: null,
      actor: null,
      nodes: [{ nodeId: 'a', dependsOn: [], pool: 'default', template: {} }],
    });
    await takeNews(db, swarmId);
    const admitted = await admitSwarmNode(db, {
      swarmId,
      nodeId: 'a',
      taskId: newId('task'),
      pool: 'default',
      sessionKey: null,
      agent: 'main',
      prompt: 'p',
      priority: 3,
      runLimitSeconds: 60,
      maxAttempts: 1,
      idempotent: false,
      approval: gateOf(),
    });
    if (admitted.kind !== 'accepted') throw new Error(admitted.kind);
    await setSwarmState(db, { swarmId, state: 'paused', actor: 'tester' });
    await holdSwarmTasks(db, swarmId);
    return { swarmId, task: admitted.task };
  }

  it('is released only when both are gone, whichever goes first (P31)', async () => {
    const { db } = database();
    const approvedFirst = await inPausedSwarm(db);
    await decideAs(db, approvedFirst.task.approvalId, 'approved');
    expect(await getTask(db, approvedFirst.task.id)).toMatchObject({
      state: 'held',
      stateReason: null,
    });
    const resumedFirst = await inPausedSwarm(db);
    for (const { swarmId } of [approvedFirst, resumedFirst]) {
      await setSwarmState(db, { swarmId, state: 'running', actor: 'tester' });
      await releaseSwarmTasks(db, swarmId);
    }
    expect(await getTask(db, approvedFirst.task.id)).toMatchObject({ state: 'queued' });
    const taskId = resumedFirst.task.id;
    expect(await db.call('unhold_task', { taskId })).toEqual({ moved: false });
    expect(await getTask(db, taskId)).toMatchObject({ state: 'held', stateReason: 'approval' });
    await decideAs(db, resumedFirst.task.approvalId, 'approved');
    expect(await getTask(db, resumedFirst.task.id)).toMatchObject({ state: 'queued' });
  });

  it('is news of its swarm when it is rejected (P31)', async () => {
    const { db } = database();
    const { swarmId, task } = await inPausedSwarm(db);
    expect(await decideAs(db, task.approvalId, 'rejected')).toMatchObject({
      swarmId,
      swarmBecameDirty: true,
    });
    expect((await takeNews(db, swarmId))?.nodes).toMatchObject([{ state: 'failed' }]);
  });
});
