import { beforeEach, describe, expect, it } from '@jest/globals';
import { enterDeciding, markIndeterminate } from '../../../src/db/attempt-decision.ts';
import { beginSending, closeAttempt } from '../../../src/db/attempt-run.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import type { Claim } from '../../../src/db/claim.ts';
import type { Database } from '../../../src/db/database.ts';
import { discardDeadLetter, replayDeadLetter } from '../../../src/db/dead-letter-store.ts';
import { promoteDue } from '../../../src/db/due.ts';
import { setOutcomePolicy, type OutcomePolicy } from '../../../src/db/outcome-policy.ts';
import { backOffTask, requeueTask } from '../../../src/db/retry-queue.ts';
import {
  migrateSession,
  migrateStrandedSession,
  quarantineSession,
  releaseSession,
  strandedSessions,
} from '../../../src/db/session-care.ts';
import { getSession } from '../../../src/db/session-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { getTask } from '../../../src/db/task-store.ts';
import type { RunFailure } from '../../../src/domain/failure.ts';
import { withDatabase } from '../../support/database.ts';
import {
  accept,
  claim,
  claimOne,
  completed,
  dead,
  emptyDatabase,
  openGateway,
  own,
} from './support.ts';

const database = withDatabase();

beforeEach(async () => {
  await emptyDatabase(database().db.pool);
  await policy({ quarantineAfter: 3, decisionExpiryHours: null, migrateSessionsAfterHours: null });
});

const policy = (change: Partial<OutcomePolicy>): Promise<OutcomePolicy> =>
  setOutcomePolicy(database().db, { change, actor: 'ann' });
const session = { tenant: 'default', key: 's' };
const stateOf = async (db: Database, taskId: string): Promise<string> => {
  const task = await getTask(db, taskId);
  const reason = task?.stateReason ?? null;
  return reason === null ? `${task?.state}` : `${task?.state}{${reason}}`;
};
const failure: RunFailure = {
  runId: 'r',
  class: 'transient',
  message: 'it failed',
  retryAfterMs: null,
  aborted: false,
  timedOut: false,
};

async function die(db: Database, reason: 'attempts' | 'discarded' = 'attempts'): Promise<string> {
  const { id: taskId } = await accept(db, { sessionKey: 's' });
  const { failure: why, ...end } = dead();
  await settleTask(db, { taskId, end: { ...end, failure: why && { ...why, reason } } });
  return taskId;
}

/** What a host does before the frame: from here on something may have run. */
const send = (db: Database, { attemptId, ownerEpoch }: Claim): Promise<unknown> =>
  beginSending(db, { attemptId, ownerEpoch, runId: 'r', bootId: 'b', stateId: 's' });

describe('a session whose tasks keep dying', () => {
  it('is set apart after as many dead letters in a row as the policy says, and nothing more of it is claimed (R8)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    await die(db);
    await die(db);
    const { id: good } = await accept(db, { sessionKey: 's' });
    await settleTask(db, { taskId: good, end: completed() });
    await die(db);
    await die(db);
    await die(db, 'discarded');
    expect(await getSession(db, session)).toMatchObject({ deadInARow: 2, quarantine: null });
    const third = await accept(db, { sessionKey: 's' });
    const waiting = await accept(db, { sessionKey: 's', deadlineAt: '2999-01-01T00:00:00Z' });
    const last = await accept(db, { sessionKey: 's' });
    await settleTask(db, { taskId: third.id, end: dead() });
    expect(await getSession(db, session)).toMatchObject({
      deadInARow: 3,
      quarantine: { by: 'policy', reason: expect.stringContaining(third.id) },
    });
    expect(await stateOf(db, waiting.id)).toBe('blocked{quarantine}');
    expect(await stateOf(db, last.id)).toBe('waiting');
    const other = await accept(db, { sessionKey: 'other' });
    expect((await claim(db, [gateway])).map(({ taskId }) => taskId)).toEqual([other.id]);

    await db.rows(`update dash.tasks set deadline_at = now() where id = $1`, [waiting.id]);
    await promoteDue(db);
    expect(await stateOf(db, waiting.id)).toBe('expired{expired}');
    expect(await stateOf(db, last.id)).toBe('blocked{quarantine}');
    await requestCancel(db, { taskId: last.id, reason: 'cancelled', actor: 'ann' });
    expect(await stateOf(db, last.id)).toBe('cancelled{cancelled}');
  });

  it('accepts and holds more work, in order, whatever way it comes, and goes on when it is released (R8)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const died = await die(db);
    await quarantineSession(db, { ...session, reason: 'odd', actor: 'ann' });
    await quarantineSession(db, { ...session, reason: 'again', actor: 'bob' });
    expect(await getSession(db, session)).toMatchObject({ quarantine: { reason: 'odd' } });
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const scheduled = await accept(db, { sessionKey: 's', notBefore: soon });
    const next = await accept(db, { sessionKey: 's' });
    const replayed = await replayDeadLetter(db, { taskId: died, actor: 'ann' });
    if (replayed.kind !== 'replayed') throw new Error(replayed.kind);
    await db.rows(`update dash.tasks set due_at = now() where id = $1`, [scheduled.id]);
    await promoteDue(db);
    expect(await stateOf(db, scheduled.id)).toBe('blocked{quarantine}');
    expect(await claim(db, [gateway])).toEqual([]);

    await releaseSession(db, { ...session, actor: 'ann' });
    expect(await getSession(db, session)).toMatchObject({ deadInARow: 0, quarantine: null });
    const order: string[] = [];
    for (let index = 0; index < 3; index += 1) {
      const { taskId, attemptId } = await claimOne(db, gateway);
      order.push(taskId);
      await settleTask(db, { taskId, attemptId, attemptOutcome: 'succeeded', end: completed() });
    }
    expect(order).toEqual([scheduled.id, next.id, replayed.task.id]);
    const told = await db.rows<{ type: string; actor: string }>(
      `select type, actor from dash.events where type like 'session.%' order by seq`,
    );
    expect(told).toEqual([
      { type: 'session.quarantined', actor: 'ann' },
      { type: 'session.released', actor: 'ann' },
    ]);
  });

  it('lets what runs go on, and holds its retry (R8)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db, { sessionKey: 's' });
    const { attemptId } = await claimOne(db, gateway);
    await quarantineSession(db, { ...session, reason: 'odd', actor: 'ann' });
    expect(await stateOf(db, taskId)).toBe('dispatched');
    await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'failed', failure });
    await backOffTask(db, { taskId, attemptId, delayMs: 0, failure });
    await requeueTask(db, { taskId, attemptId });
    expect(await stateOf(db, taskId)).toBe('blocked{quarantine}');
    await releaseSession(db, { ...session, actor: 'ann' });
    expect(await claimOne(db, gateway)).toMatchObject({ taskId, attemptNumber: 2 });
  });

  it('is never set apart by itself when the policy is turned off (R8)', async () => {
    const { db } = database();
    await policy({ quarantineAfter: null });
    for (let index = 0; index < 5; index += 1) await die(db);
    expect(await getSession(db, session)).toMatchObject({ deadInARow: 5, quarantine: null });
    expect(
      await quarantineSession(db, { ...session, key: 'none', reason: 'x', actor: 'a' }),
    ).toEqual({ kind: 'not-found' });
  });

  it('counts dead letters, not what became of them (R8)', async () => {
    const { db } = database();
    const taskId = await die(db);
    await discardDeadLetter(db, { taskId, actor: 'ann' });
    expect(await getSession(db, session)).toMatchObject({ deadInARow: 1 });
  });
});

describe('a session', () => {
  const move = { ...session, reason: 'the disk failed', actor: 'ann' };

  it('moves to the gateway that a person names, audited, and its next tasks run there (R3)', async () => {
    const { db } = database();
    const one = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db, { sessionKey: 's' });
    const first = await claimOne(db, one);
    await send(db, first);
    await settleTask(db, {
      taskId,
      attemptId: first.attemptId,
      attemptOutcome: 'succeeded',
      end: completed(),
    });
    const next = await accept(db, { sessionKey: 's' });
    const two = await openGateway(db, 'g2');
    expect(await claim(db, [two])).toEqual([]);
    expect(await migrateSession(db, { ...move, gatewayId: 'g2' })).toEqual({ kind: 'ok' });
    expect(await claim(db, [one])).toEqual([]);
    expect(await claimOne(db, two)).toMatchObject({ taskId: next.id });
    const [event] = await db.rows(
      `select actor, session_key, data from dash.events where type = 'session.migrated'`,
    );
    expect(event).toEqual({
      actor: 'ann',
      session_key: 's',
      data: { from: 'g1', to: 'g2', reason: 'the disk failed' },
    });
  });

  it('stays while anything of it may still run where it is (R3, P27)', async () => {
    const { db } = database();
    const one = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db, { sessionKey: 's' });
    const { attemptId } = await claimOne(db, one);
    expect(await migrateSession(db, move)).toMatchObject({
      kind: 'busy',
      attemptId,
      gatewayId: 'g1',
    });
    await markIndeterminate(db, { attemptId, reason: 'vanished', evidence: {}, keepLane: false });
    await enterDeciding(db, { taskId, attemptId });
    expect(await migrateSession(db, move)).toMatchObject({ kind: 'busy', state: 'indeterminate' });
    expect(await getSession(db, session)).toMatchObject({ gatewayId: 'g1' });
  });

  it('goes to whichever gateway takes its next task when none is named (R3)', async () => {
    const { db } = database();
    const one = await openGateway(db, 'g1');
    await accept(db, { sessionKey: 's' });
    const { taskId, attemptId } = await claimOne(db, one);
    await settleTask(db, { taskId, attemptId, attemptOutcome: 'succeeded', end: completed() });
    const next = await accept(db, { sessionKey: 's' });
    await migrateSession(db, move);
    expect(await getTask(db, next.id)).toMatchObject({ state: 'queued', pinnedGatewayId: null });
    const two = await openGateway(db, 'g2');
    expect(await claimOne(db, two)).toMatchObject({ taskId: next.id });
    expect(await getSession(db, session)).toMatchObject({ gatewayId: 'g2' });
  });

  it('does not move where it cannot live: unknown, removed, of other tenants, or of other pools (R3, R21)', async () => {
    const { db } = database();
    await openGateway(db, 'gone');
    await db.rows(`update dash.gateways set state = 'removed' where id = 'gone'`);
    await openGateway(db, 'others', { allowedTenants: ['acme'] });
    await db.rows(`insert into dash.pools (id, match_labels) values ('gpu', '{"gpu": "yes"}')`);
    await openGateway(db, 'plain');
    await accept(db, { sessionKey: 's', pool: 'gpu' });
    const problems: readonly (readonly [string, string])[] = [
      ['nowhere', 'no such gateway'],
      ['gone', 'removed'],
      ['others', 'tenant "default"'],
      ['plain', 'pool "gpu"'],
    ];
    for (const [gatewayId, problem] of problems) {
      expect(await migrateSession(db, { ...move, gatewayId })).toMatchObject({
        kind: 'impossible',
        problem: expect.stringContaining(problem),
      });
    }
    expect(await migrateSession(db, { ...move, key: 'none' })).toEqual({ kind: 'not-found' });
  });

  it('is held when its gateway fails, and moved by policy only, and only when nothing can be done twice (R3, P27)', async () => {
    const { db } = database();
    const one = await openGateway(db, 'g1');
    const keys = ['done', 'failed-once', 'twice-is-fine', 'idle'];
    for (const sessionKey of keys) {
      await accept(db, { sessionKey, idempotent: sessionKey === 'twice-is-fine' });
    }
    for (const begun of await claim(db, [one])) {
      await send(db, begun);
      const { attemptId, taskId } = begun;
      const [row] = await db.rows<{ session_key: string }>(
        'select session_key from dash.tasks where id = $1',
        [taskId],
      );
      if (row?.session_key === 'done' || row?.session_key === 'idle') {
        await settleTask(db, { taskId, attemptId, attemptOutcome: 'succeeded', end: completed() });
      } else {
        await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'failed', failure });
        await requeueTask(db, { taskId, attemptId });
      }
    }
    await accept(db, { sessionKey: 'done' });
    await db.rows(`update dash.gateways
      set state = 'failed', failure = 'crash-loop', state_changed_at = now() - interval '3 hours'`);
    expect(await strandedSessions(db, { limit: 10 })).toEqual([]);
    await policy({ migrateSessionsAfterHours: 4 });
    expect(await strandedSessions(db, { limit: 10 })).toEqual([]);
    await policy({ migrateSessionsAfterHours: 2 });
    const stranded = await strandedSessions(db, { limit: 10 });
    expect(stranded.map(({ key }) => key)).toEqual(['done', 'twice-is-fine']);
    for (const each of stranded) {
      expect(await migrateStrandedSession(db, each)).toBe(true);
      expect(await migrateStrandedSession(db, each)).toBe(false);
    }
    const two = await openGateway(db, 'g2');
    expect(await claim(db, [two])).toHaveLength(2);
    await own(db, 'g1');
    expect(await getSession(db, { ...session, key: 'failed-once' })).toMatchObject({
      gatewayId: 'g1',
    });
    const actors = await db.rows(
      `select distinct actor from dash.events where type = 'session.migrated'`,
    );
    expect(actors).toEqual([{ actor: 'policy' }]);
  });
});
