import { beforeEach, describe, expect, it } from '@jest/globals';
import { enterDeciding, markIndeterminate } from '../../../src/db/attempt-decision.ts';
import { closeAttempt } from '../../../src/db/attempt-run.ts';
import type { Database } from '../../../src/db/database.ts';
import { getDecision } from '../../../src/db/decision-store.ts';
import { setOutcomePolicy } from '../../../src/db/outcome-policy.ts';
import { nextDueAt, promoteDue } from '../../../src/db/due.ts';
import { backOffTask } from '../../../src/db/retry-queue.ts';
import { acceptSwarm, admitSwarmNode, takeNews } from '../../../src/db/swarm-store.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { newId } from '../../../src/platform/ids.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claim, claimOne, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

/** Makes everything that waits for a time due now. */
async function letTimePass(db: Database): Promise<void> {
  await db.rows(
    `update dash.tasks set due_at = due_at - interval '2 hours', deadline_at = deadline_at - interval '2 hours',
       queue_expires_at = queue_expires_at - interval '2 hours'`,
  );
}

describe('what time demands', () => {
  it('makes scheduled tasks claimable when they are due, each once, with two promoters at work (P8)', async () => {
    const { db } = database();
    const other = database().connect('another control worker');
    for (let index = 0; index < 30; index += 1) await accept(db, { notBefore: inAnHour() });
    expect(await promoteDue(db)).toMatchObject({ promoted: 0, expired: 0, more: false });
    await letTimePass(db);
    const both = await Promise.all([promoteDue(db), promoteDue(other), promoteDue(db)]);
    expect(both.reduce((sum, each) => sum + each.promoted, 0)).toBe(30);
    const told = await db.rows(`select task_id from dash.events where type = 'task.queued'`);
    expect(told).toHaveLength(30);
  });

  it('works in batches, and says when there is more (P8)', async () => {
    const { db } = database();
    for (let index = 0; index < 5; index += 1) await accept(db, { notBefore: inAnHour() });
    await letTimePass(db);
    expect(await promoteDue(db, { limit: 3 })).toMatchObject({ promoted: 3, more: true });
    expect(await promoteDue(db, { limit: 3 })).toMatchObject({ promoted: 2, more: false });
  });

  it('keeps the order of a session: what becomes due behind its head waits (P3, P8)', async () => {
    const { db } = database();
    const head = await accept(db, { sessionKey: 's', notBefore: inAnHour(), priority: 4 });
    const second = await accept(db, { sessionKey: 's', notBefore: inAnHour(), priority: 2 });
    await letTimePass(db);
    expect(await promoteDue(db)).toMatchObject({ promoted: 2 });
    expect(await getTask(db, head.id)).toMatchObject({ state: 'queued', effectivePriority: 2 });
    expect(await getTask(db, second.id)).toMatchObject({ state: 'waiting', dueAt: null });
  });

  it('expires what passed its queue-time limit or its deadline, in every waiting state (P8)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const failed = await accept(db, { deadlineAt: inAnHour() });
    const { attemptId } = await claimOne(db, gateway);
    await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'failed' });
    const failure = {
      runId: 'r',
      class: 'unknown',
      message: '',
      retryAfterMs: null,
      aborted: false,
      timedOut: false,
    } as const;
    await backOffTask(db, { taskId: failed.id, attemptId, delayMs: 3_600_000, failure });
    const queued = await accept(db, { queueLimitSeconds: 3600 });
    const scheduled = await accept(db, { notBefore: inAnHour(), deadlineAt: inAnHour() });
    const head = await accept(db, { sessionKey: 's' });
    const waiting = await accept(db, { sessionKey: 's', deadlineAt: inAnHour() });
    const waitsTooLong = await accept(db, { sessionKey: 's', queueLimitSeconds: 3600 });
    await letTimePass(db);
    const result = await promoteDue(db);
    expect(result).toMatchObject({ expired: 5, workflowIds: [`task/${failed.id}`] });
    for (const { id } of [failed, queued, scheduled, waiting, waitsTooLong]) {
      expect(await getTask(db, id)).toMatchObject({
        state: 'expired',
        failure: { reason: 'expired' },
      });
    }
    expect(await getTask(db, head.id)).toMatchObject({ state: 'queued' });
  });

  it('leaves tasks with an open attempt to their host (P8, P19)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id } = await accept(db, { deadlineAt: inAnHour(), queueLimitSeconds: 3600 });
    await claimOne(db, gateway);
    await letTimePass(db);
    expect(await promoteDue(db)).toMatchObject({ expired: 0 });
    expect(await getTask(db, id)).toMatchObject({ state: 'dispatched' });
  });

  it('discards an outcome that nobody decided about in time, once, as the expiry and not as a person (P8, P29)', async () => {
    const { db } = database();
    const other = database().connect('another control worker');
    const gateway = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    await markIndeterminate(db, { attemptId, reason: 'vanished', evidence: {}, keepLane: false });
    await enterDeciding(db, { taskId, attemptId });
    await db.rows(`update dash.attempts set indeterminate_at = now() - interval '3 hours'`);
    expect(await promoteDue(db)).toMatchObject({ expired: 0, decisions: [] });
    expect(await nextDueAt(db)).toBeNull();
    await setOutcomePolicy(db, { change: { decisionExpiryHours: 4 }, actor: 'ann' });
    expect(await promoteDue(db)).toMatchObject({ expired: 0, decisions: [] });
    expect(Date.parse((await nextDueAt(db)) ?? '')).toBeGreaterThan(Date.now());
    await setOutcomePolicy(db, { change: { decisionExpiryHours: 2 }, actor: 'ann' });
    const both = await Promise.all([promoteDue(db), promoteDue(other)]);
    expect(both.flatMap(({ decisions }) => decisions)).toEqual([
      { workflowId: `task/${taskId}`, attemptId },
    ]);
    expect(await getDecision(db, taskId)).toMatchObject({
      decision: { decision: { kind: 'discard' }, actor: 'expiry' },
    });
    await setOutcomePolicy(db, { change: { decisionExpiryHours: null }, actor: 'ann' });
  });

  it('says when it has work next (P8)', async () => {
    const { db } = database();
    expect(await nextDueAt(db)).toBeNull();
    const deadlineAt = new Date(Date.now() + 7_200_000).toISOString();
    await accept(db, { deadlineAt });
    expect(await nextDueAt(db)).toBe(deadlineAt);
    const notBefore = inAnHour();
    await accept(db, { notBefore });
    expect(await nextDueAt(db)).toBe(notBefore);
  });

  it('names the swarm that got its first news (P31)', async () => {
    const { db } = database();
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
    await admitSwarmNode(db, {
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
    });
    await db.rows(`update dash.tasks set deadline_at = now() - interval '1 second'`);
    expect(await promoteDue(db)).toMatchObject({ expired: 1, dirtySwarmIds: [swarmId] });
  });

  it('and a claim that race: what expires is not claimed, what is claimed does not expire (P8, P9)', async () => {
    const { db } = database();
    const other = database().connect('host');
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1000 });
    for (let index = 0; index < 40; index += 1) await accept(db, { queueLimitSeconds: 3600 });
    await letTimePass(db);
    const [due, ...claims] = await Promise.all([
      promoteDue(db),
      ...Array.from({ length: 8 }, () => claim(other, [gateway], 3)),
    ]);
    expect(due.expired + claims.flat().length).toBe(40);
  });
});
