import { afterEach, describe, expect, it } from '@jest/globals';
import type { ApprovalGate } from '../../../src/domain/approval.ts';
import type { Database } from '../../../src/db/database.ts';
import { readEvents } from '../../../src/db/event-store.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { enterDeciding, markIndeterminate } from '../../../src/db/attempt-decision.ts';
import { getDecision } from '../../../src/db/decision-store.ts';
import { setOutcomePolicy } from '../../../src/db/outcome-policy.ts';
import { claimFrom, openRowGateway } from '../../support/row-executor.ts';
import { acceptTask } from '../../../src/db/accept.ts';
import { acceptSwarm, admitSwarmNode, takeNews } from '../../../src/db/swarm-store.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { newId } from '../../../src/platform/ids.ts';
import { startPromoter } from '../../../workers/promoter.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { gateOf } from '../db/approval-support.ts';

const database = withDatabase();
const promoters: { close(): Promise<void> }[] = [];
const told: string[] = [];

afterEach(async () => {
  await Promise.all(promoters.splice(0).map((promoter) => promoter.close()));
});

function promote(db: Database): void {
  promoters.push(
    startPromoter({
      db,
      clock: systemClock(),
      log: { info: () => undefined, warn: () => undefined },
      signals: {
        signalTaskCancel: async (workflowId) => void told.push(`cancel ${workflowId}`),
        signalSwarmNews: async (swarmId) => void told.push(`news ${swarmId}`),
        signalTaskDecide: async (id, { decision }) => void told.push(`${decision.kind} ${id}`),
      },
    }),
  );
}

async function submit(times: {
  dueInMs?: number;
  deadlineInMs?: number;
  approval?: ApprovalGate;
}): Promise<string> {
  const at = (ms: number | undefined): string | null =>
    ms === undefined ? null : new Date(Date.now() + ms).toISOString();
  const accepted = await acceptTask(database().db, {
    id: newId('task'),
    tenant: 'default',
    pool: 'default',
    sessionKey: null,
    agent: 'main',
    prompt: 'later',
    priority: 3,
    notBefore: at(times.dueInMs),
    queueLimitSeconds: null,
    deadlineAt: at(times.deadlineInMs),
    runLimitSeconds: 600,
    maxAttempts: 3,
    idempotent: false,
    correlationId: 'test',
    idempotency: null,
    approval: times.approval ?? null,
    actor: 'test',
  });
  if (accepted.kind !== 'accepted') throw new Error(accepted.kind);
  return accepted.task.id;
}

/** When the events of this type of a task were committed, milliseconds since the epoch. */
async function eventTimes(taskId: string, type: string): Promise<number[]> {
  const { events } = await readEvents(database().db, {
    after: 0,
    limit: 10_000,
    filter: { taskId },
  });
  return events.filter((event) => event.type === type).map(({ at }) => Date.parse(at));
}

describe('tasks that wait for their time', () => {
  it('with two promoters running each becomes claimable once, never early, at most 1 s late (P8, R12)', async () => {
    promote(database().db);
    promote(database().connect('second'));
    const begun = Date.now();
    const dueInMs = Array.from({ length: 25 }, (_, index) => 1_500 + index * 70);
    const tasks = await Promise.all(
      dueInMs.map(async (ms) => {
        const taskId = await submit({ dueInMs: ms });
        const dueAt = Date.parse((await getTask(database().db, taskId))?.dueAt ?? '');
        return { taskId, dueAt };
      }),
    );
    for (const { taskId, dueAt } of tasks) {
      await eventually(async () => (await eventTimes(taskId, 'task.queued')).length > 0);
      const fired = await eventTimes(taskId, 'task.queued');
      expect(fired).toHaveLength(1);
      const lateMs = (fired[0] ?? 0) - dueAt;
      expect(lateMs).toBeGreaterThanOrEqual(0);
      expect(lateMs).toBeLessThanOrEqual(1_000);
    }
    expect(Date.now() - begun).toBeGreaterThanOrEqual(1_500 + 24 * 70);
  });

  it('what became due while no promoter ran is caught up with at once (R12)', async () => {
    const taskId = await submit({ dueInMs: 1_000 });
    const dueAt = Date.parse((await getTask(database().db, taskId))?.dueAt ?? '');
    await eventually(() => Date.now() > dueAt);
    expect((await getTask(database().db, taskId))?.state).toBe('scheduled');
    const startedAt = Date.now();
    promote(database().db);
    await eventually(async () => (await getTask(database().db, taskId))?.state === 'queued');
    const [fired = 0] = await eventTimes(taskId, 'task.queued');
    expect(fired - startedAt).toBeLessThanOrEqual(1_000);
  });

  it('an outcome that nobody decides about in time is discarded, and its workflow is told once (P29)', async () => {
    const { db } = database();
    const gateway = await openRowGateway(db, { gatewayId: 'expiry' });
    const taskId = await submit({});
    const claim = (await claimFrom(db, gateway)).find((one) => one.taskId === taskId);
    const attemptId = claim?.attemptId ?? '';
    await markIndeterminate(db, { attemptId, reason: 'vanished', evidence: {}, keepLane: false });
    await enterDeciding(db, { taskId, attemptId });
    await db.rows(`update dash.attempts set indeterminate_at = now() - interval '2 hours'`);
    await setOutcomePolicy(db, { change: { decisionExpiryHours: 1 }, actor: 'test' });
    promote(db);
    promote(database().connect('second'));
    const mine = (): string[] => told.filter((each) => each === `discard task/${taskId}`);
    await eventually(() => mine().length > 0);
    expect(mine()).toHaveLength(1);
    expect((await getDecision(db, taskId))?.decision?.actor).toBe('expiry');
  });

  it('a deadline ends what waits, once, with two promoters running (P8)', async () => {
    promote(database().db);
    promote(database().connect('second'));
    const taskIds = await Promise.all(
      Array.from({ length: 10 }, () => submit({ deadlineInMs: 300 })),
    );
    for (const taskId of taskIds) {
      await eventually(async () => (await getTask(database().db, taskId))?.state === 'expired');
      expect(await eventTimes(taskId, 'task.expired')).toHaveLength(1);
    }
  });

  it('an approval that nobody gave is decided once by its policy, never early, at most 1 s late (P8)', async () => {
    promote(database().db);
    promote(database().connect('second'));
    const taskIds = await Promise.all(
      (['approve', 'reject'] as const).map((onExpiry) =>
        submit({ approval: gateOf({ expiresInSeconds: 1, onExpiry }) }),
      ),
    );
    for (const taskId of taskIds) {
      await eventually(async () => (await getTask(database().db, taskId))?.state !== 'held');
      const [asked = 0] = await eventTimes(taskId, 'approval.requested');
      const expired = await eventTimes(taskId, 'approval.expired');
      expect(expired).toHaveLength(1);
      expect((expired[0] ?? 0) - asked).toBeGreaterThanOrEqual(950);
      expect((expired[0] ?? 0) - asked).toBeLessThanOrEqual(2_000);
    }
    const states = await Promise.all(
      taskIds.map(async (taskId) => (await getTask(database().db, taskId))?.state),
    );
    expect(states).toEqual(['queued', 'cancelled']);
  });

  it('the swarm of a task that expired is told that it has news (P31)', async () => {
    const { db } = database();
    const swarmId = newId('swarm');
    await acceptSwarm(db, {
      id: swarmId,
      tenant: 'default',
      name: 's',
      spec: {},
      onFailure: 'continue',
      maxParallel: 1,
      nodes: [{ nodeId: 'a', dependsOn: [], pool: 'default', template: {} }],
      correlationId: 'test',
      idempotency: null,
      actor: null,
    });
    await takeNews(db, swarmId);
    const taskId = newId('task');
    await admitSwarmNode(db, {
      swarmId,
      nodeId: 'a',
      taskId,
      pool: 'default',
      sessionKey: null,
      agent: 'main',
      prompt: 'p',
      priority: 3,
      runLimitSeconds: 60,
      maxAttempts: 1,
      idempotent: false,
    });
    await takeNews(db, swarmId);
    await db.rows('update dash.tasks set deadline_at = now() where id = $1', [taskId]);
    promote(db);
    await eventually(() => told.includes(`news ${swarmId}`));
  });

  it('while PostgreSQL does not answer it goes on trying, and does its work when it is back (P8)', async () => {
    const { db } = database();
    const taskId = await submit({ dueInMs: 1_000 });
    let refusals = 3;
    const flaky = {
      call: (name: string, argument: object) => {
        refusals -= 1;
        if (refusals >= 0) return Promise.reject(new Error('connection refused'));
        return db.call(name, argument);
      },
    } as unknown as Database;
    promote(flaky);
    await eventually(async () => (await getTask(db, taskId))?.state === 'queued');
    expect(refusals).toBeLessThan(0);
  });
});
