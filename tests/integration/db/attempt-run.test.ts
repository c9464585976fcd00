import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  openAttempts,
  plannedAttempts,
  readAttempt,
  readCancelRequests,
} from '../../../src/db/attempt-record.ts';
import {
  adoptRecovery,
  beginSending,
  closeAttempt,
  markAccepted,
  markDelivered,
  markUnexpected,
  releaseAttempt,
} from '../../../src/db/attempt-run.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import type { Claim } from '../../../src/db/claim.ts';
import type { Database } from '../../../src/db/database.ts';
import { writeGatewayState } from '../../../src/db/gateway-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claim, claimOne, completed, emptyDatabase, openGateway, own } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

async function claimed(db: Database, fields: Parameters<typeof accept>[1] = {}): Promise<Claim> {
  const gateway = await openGateway(db, 'g1');
  await accept(db, fields);
  return claimOne(db, gateway);
}

const where = { bootId: 'boot-1', stateId: 'state-1' };

describe('begin sending', () => {
  it('is committed with run, boot and state before the frame, and each run id stands once (P23)', async () => {
    const { db } = database();
    const { attemptId, taskId } = await claimed(db);
    const runId = `${taskId}-a1`;
    for (let repeat = 0; repeat < 2; repeat += 1) {
      expect(await beginSending(db, { attemptId, ownerEpoch: 1, runId, ...where })).toEqual({
        kind: 'ok',
      });
    }
    await beginSending(db, {
      attemptId,
      ownerEpoch: 1,
      runId: `${runId}r1`,
      bootId: 'boot-2',
      stateId: 'state-1',
    });
    expect(await readAttempt(db, attemptId)).toMatchObject({
      state: 'sending',
      runIds: [runId, `${runId}r1`],
      bootId: 'boot-2',
      stateId: 'state-1',
    });
  });

  it('is refused once a cancel is requested (P23)', async () => {
    const { db } = database();
    const { attemptId, taskId } = await claimed(db);
    await requestCancel(db, { taskId, reason: 'cancelled', actor: 'tester' });
    expect(await beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r', ...where })).toEqual({
      kind: 'refused',
      reason: 'cancel-requested',
    });
  });

  it('is refused for an owner that was superseded (P23, P25)', async () => {
    const { db } = database();
    const { attemptId } = await claimed(db);
    await own(db, 'g1', 'host-2');
    expect(await beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r', ...where })).toEqual({
      kind: 'refused',
      reason: 'superseded-owner',
    });
    expect((await readAttempt(db, attemptId))?.runIds).toEqual([]);
  });

  it.each(['draining', 'cordoned', 'unreachable', 'reconciling'] as const)(
    'is refused while the gateway is %s (P23)',
    async (state) => {
      const { db } = database();
      const { attemptId } = await claimed(db);
      await writeGatewayState(db, {
        gatewayId: 'g1',
        state,
        reason: null,
        hint: null,
        failure: null,
      });
      expect(await beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r', ...where })).toEqual({
        kind: 'refused',
        reason: 'gateway-closed',
      });
    },
  );

  it('is refused for an attempt that was released, closed or given to a person (P23)', async () => {
    const { db } = database();
    const { attemptId } = await claimed(db);
    await db.call('mark_indeterminate', { attemptId, reason: 'vanished', keepLane: false });
    const refused = { kind: 'refused', reason: 'not-open' };
    const options = { attemptId, ownerEpoch: 1, runId: 'r', ...where };
    expect(await beginSending(db, options)).toEqual(refused);
    await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'failed' });
    expect(await beginSending(db, options)).toEqual(refused);
    expect(await beginSending(db, { ...options, attemptId: crypto.randomUUID() })).toEqual(refused);
  });

  it('and a release that race have one winner, and the other is told (P18, P23)', async () => {
    const { db } = database();
    const other = database().connect('the workflow');
    const gateway = await openGateway(db, 'g1', { configuredLanes: 100 });
    for (let round = 0; round < 15; round += 1) {
      const { id: taskId } = await accept(db);
      const { attemptId } = await claimOne(db, gateway);
      const [sending, release] = await Promise.all([
        beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r', ...where }),
        releaseAttempt(other, { attemptId, reason: 'late', from: 'planned' }),
      ]);
      const attempt = await readAttempt(db, attemptId);
      if (sending.kind === 'ok') {
        expect(release).toMatchObject({ kind: 'stands', because: 'state', state: 'sending' });
        expect(attempt?.state).toBe('sending');
      } else {
        expect(sending.reason).toBe('not-open');
        expect(release.kind).toBe('released');
        expect(attempt).toMatchObject({ state: 'released', runIds: [] });
      }
      await requestCancel(db, { taskId, reason: 'cancelled', actor: 'tester' });
    }
  });

  it('and a cancel that race: either the cancel is seen before the frame, or it finds it sending (P28)', async () => {
    const { db } = database();
    const other = database().connect('api');
    const gateway = await openGateway(db, 'g1', { configuredLanes: 100 });
    for (let round = 0; round < 15; round += 1) {
      const { id: taskId } = await accept(db);
      const { attemptId } = await claimOne(db, gateway);
      const [sending, cancel] = await Promise.all([
        beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r', ...where }),
        requestCancel(other, { taskId, reason: 'cancelled', actor: 'tester' }),
      ]);
      expect(cancel).toMatchObject({ kind: 'requested', attemptId, gatewayId: 'g1' });
      expect(await readCancelRequests(db, [attemptId])).toEqual([
        { attemptId, taskId, reason: 'cancelled' },
      ]);
      if (sending.kind === 'refused') expect(sending.reason).toBe('cancel-requested');
    }
  });
});

describe('an attempt', () => {
  it('is accepted after sending, once, and only by the owner (P25)', async () => {
    const { db } = database();
    const { attemptId } = await claimed(db);
    expect(await markAccepted(db, { attemptId, ownerEpoch: 1 })).toMatchObject({
      kind: 'stands',
      state: 'planned',
    });
    await beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r', ...where });
    expect(await markAccepted(db, { attemptId, ownerEpoch: 1 })).toEqual({ kind: 'ok' });
    const first = await readAttempt(db, attemptId);
    expect(await markAccepted(db, { attemptId, ownerEpoch: 1 })).toEqual({ kind: 'ok' });
    expect((await readAttempt(db, attemptId))?.acceptedAt).toBe(first?.acceptedAt);
    const told = await db.rows(`select 1 from dash.events where type = 'attempt.accepted'`);
    expect(told).toHaveLength(1);
    await own(db, 'g1', 'host-2');
    expect(await markAccepted(db, { attemptId, ownerEpoch: 1 })).toMatchObject({
      kind: 'stands',
      because: 'superseded-owner',
    });
  });

  it('remembers the recovery runs that were adopted, each once (P22)', async () => {
    const { db } = database();
    const { attemptId } = await claimed(db);
    await beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r', ...where });
    for (const runId of ['rec-1', 'rec-1', 'rec-2']) {
      expect(
        await adoptRecovery(db, { attemptId, ownerEpoch: 1, runId, bootId: 'boot-2' }),
      ).toEqual({
        kind: 'ok',
      });
    }
    expect(await readAttempt(db, attemptId)).toMatchObject({
      state: 'accepted',
      recoveryRunIds: ['rec-1', 'rec-2'],
      bootId: 'boot-2',
    });
  });

  it('is closed once; a second close, or an older owner, is told what stands (P21, P25)', async () => {
    const { db } = database();
    const { attemptId } = await claimed(db);
    const failure = {
      runId: 'r',
      class: 'transient',
      message: '503',
      retryAfterMs: null,
      aborted: false,
      timedOut: false,
    } as const;
    expect(
      await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'failed', failure }),
    ).toEqual({ kind: 'closed', attemptsUsed: 1, maxAttempts: 3 });
    expect(
      await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'succeeded' }),
    ).toMatchObject({
      kind: 'stands',
      because: 'state',
      state: 'closed',
      outcome: 'failed',
      taskState: 'dispatched',
    });
    expect(await readAttempt(db, attemptId)).toMatchObject({ holdsLane: false, failure });
    await own(db, 'g1', 'host-2');
    expect(await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'failed' })).toMatchObject({
      because: 'superseded-owner',
    });
  });

  it('counts unexpected errors in its row, whoever runs it (P19)', async () => {
    const { db } = database();
    const { attemptId } = await claimed(db);
    expect(await markUnexpected(db, attemptId, 'TypeError: x')).toBe(1);
    expect(await markUnexpected(db, attemptId, 'TypeError: y')).toBe(2);
    expect(await readAttempt(db, attemptId)).toMatchObject({ unexpected: 2 });
  });
});

describe('a release', () => {
  it('puts the task back with its old seq, frees the lane, and costs no attempt (P18)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1 });
    const first = await accept(db);
    await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    expect(
      await releaseAttempt(db, { attemptId, ownerEpoch: 1, reason: 'no start', from: 'planned' }),
    ).toEqual({
      kind: 'released',
      taskState: 'queued',
    });
    const again = await claimOne(db, gateway);
    expect(again).toMatchObject({ taskId: first.id, attemptNumber: 2 });
    expect(await readAttempt(db, again.attemptId)).toMatchObject({ task: { attemptsUsed: 1 } });
    expect(await readAttempt(db, attemptId)).toMatchObject({
      state: 'released',
      holdsLane: false,
      releaseReason: 'no start',
    });
  });

  it('settles instead when a cancel was requested meanwhile (P18, P28)', async () => {
    const { db } = database();
    const { attemptId, taskId } = await claimed(db);
    await requestCancel(db, { taskId, reason: 'cancelled', actor: 'tester' });
    expect(await releaseAttempt(db, { attemptId, reason: 'x', from: 'planned' })).toMatchObject({
      kind: 'released',
      taskState: 'cancelled',
      settled: { kind: 'settled', state: 'cancelled' },
    });
    expect(await getTask(db, taskId)).toMatchObject({ state: 'cancelled' });
  });

  it('settles instead when the deadline has passed meanwhile (P18)', async () => {
    const { db } = database();
    const { attemptId } = await claimed(db, {
      deadlineAt: new Date(Date.now() + 3_600_000).toISOString(),
    });
    await db.rows(`update dash.tasks set deadline_at = now() - interval '1 second'`);
    expect(await releaseAttempt(db, { attemptId, reason: 'x', from: 'planned' })).toMatchObject({
      taskState: 'expired',
    });
  });

  it('never takes back what may have been sent: only a provably refused send (P19, P23)', async () => {
    const { db } = database();
    const { attemptId } = await claimed(db);
    await beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r', ...where });
    expect(await releaseAttempt(db, { attemptId, reason: 'x', from: 'planned' })).toMatchObject({
      kind: 'stands',
      state: 'sending',
    });
    await markAccepted(db, { attemptId, ownerEpoch: 1 });
    await beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r2', ...where });
    expect(
      await releaseAttempt(db, { attemptId, reason: 'x', from: 'refused-sending' }),
    ).toMatchObject({
      kind: 'stands',
      state: 'sending',
    });
  });

  it('of a provably refused send lets another gateway have the task (P27)', async () => {
    const { db } = database();
    const { attemptId, taskId } = await claimed(db);
    await beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r', ...where });
    expect(
      await releaseAttempt(db, { attemptId, ownerEpoch: 1, reason: 'x', from: 'refused-sending' }),
    ).toMatchObject({ kind: 'released', taskState: 'queued' });
    const other = await openGateway(db, 'g2');
    expect((await claim(db, [other])).map((one) => one.taskId)).toEqual([taskId]);
  });
});

describe('delivery', () => {
  it('lists what is planned with all that a start needs, until it is sent (P17)', async () => {
    const { db } = database();
    const { attemptId, taskId } = await claimed(db, { priority: 2 });
    expect(await plannedAttempts(db, ['g1', 'g2'])).toEqual([
      expect.objectContaining({
        attemptId,
        attemptNumber: 1,
        taskId,
        workflowId: `task/${taskId}`,
        gatewayId: 'g1',
        priority: 2,
        deliveredAt: null,
        plannedForMs: expect.any(Number),
      }),
    ]);
    await markDelivered(db, [attemptId]);
    const [planned] = await plannedAttempts(db, ['g1']);
    expect(planned?.deliveredAt).toEqual(expect.any(String));
    await markDelivered(db, [attemptId]);
    expect((await plannedAttempts(db, ['g1']))[0]?.deliveredAt).toBe(planned?.deliveredAt);
    await beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r', ...where });
    expect(await plannedAttempts(db, ['g1'])).toEqual([]);
  });

  it('names every open attempt of a gateway for the reconcile of a new hold (P17)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const other = await openGateway(db, 'g2');
    await accept(db, { sessionKey: 's', agent: 'helper' });
    await accept(db);
    await accept(db);
    const [first, second] = await claim(db, [{ ...gateway, score: 2 }], 2);
    await claim(db, [other]);
    await settleTask(db, {
      taskId: second?.taskId ?? '',
      attemptId: second?.attemptId ?? '',
      attemptOutcome: 'succeeded',
      end: completed(),
    });
    expect(await openAttempts(db, 'g1')).toEqual([
      expect.objectContaining({
        attemptId: first?.attemptId,
        state: 'planned',
        taskState: 'dispatched',
        agent: 'helper',
        sessionKey: 's',
        workflowId: first?.workflowId,
      }),
    ]);
  });
});
