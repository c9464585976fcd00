import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { listApprovals } from '../../../src/db/approval-store.ts';
import { markIndeterminate, decideAttempt } from '../../../src/db/attempt-decision.ts';
import { openAttempts } from '../../../src/db/attempt-record.ts';
import {
  beginSending,
  closeAttempt,
  markAccepted,
  releaseAttempt,
} from '../../../src/db/attempt-run.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import type { OfferedGateway } from '../../../src/db/claim.ts';
import type { Database } from '../../../src/db/database.ts';
import { replayDeadLetter } from '../../../src/db/dead-letter-store.ts';
import { promoteDue } from '../../../src/db/due.ts';
import { getGateway } from '../../../src/db/gateway-store.ts';
import { requeueTask } from '../../../src/db/retry-queue.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { withDatabase } from '../../support/database.ts';
import { decideAs, gateOf } from './approval-support.ts';
import { accept, claim, completed, dead, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase();

const OPERATIONS = [
  'accept',
  'accept',
  'accept-in-session',
  'accept-short',
  'accept-gated',
  'decide-approval',
  'claim',
  'claim',
  'release',
  'complete',
  'complete',
  'fail',
  'requeue',
  'die',
  'cancel',
  'cancel-any',
  'indeterminate',
  'decide',
  'replay',
  'expire',
] as const;
type Operation = (typeof OPERATIONS)[number];

describe('counts', () => {
  it('never drift from the rows, whatever happens (P7, R14)', async () => {
    const { db } = database();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...OPERATIONS), fc.nat(1000)), {
          minLength: 20,
          maxLength: 80,
        }),
        async (steps) => {
          await emptyDatabase(db.pool);
          const gateway = await openGateway(db, 'g1', { configuredLanes: 6 });
          for (const [operation, which] of steps) await perform(db, gateway, operation, which);
          await countsAgree(db);
        },
      ),
      { numRuns: 15 },
    );
  }, 120_000);
});

async function perform(
  db: Database,
  gateway: OfferedGateway,
  operation: Operation,
  which: number,
): Promise<void> {
  const tenant = which % 2 === 0 ? 'a' : 'b';
  const priority = ([1, 3, 5] as const)[which % 3] ?? 3;
  switch (operation) {
    case 'accept':
      await accept(db, { tenant, priority });
      return;
    case 'accept-in-session':
      await accept(db, { tenant, priority, sessionKey: `s${which % 2}` });
      return;
    case 'accept-gated':
      await accept(db, {
        tenant,
        priority,
        approval: gateOf(),
        sessionKey: which % 3 === 0 ? `s${which % 2}` : null,
      });
      return;
    case 'decide-approval': {
      const open = await listApprovals(db, { states: ['open'], limit: 100 });
      const approval = open[which % Math.max(1, open.length)];
      const decision = which % 3 === 0 ? 'rejected' : 'approved';
      if (approval !== undefined) await decideAs(db, approval.id, decision);
      return;
    }
    case 'accept-short':
      await accept(db, { tenant, priority, queueLimitSeconds: 3600 });
      return;
    case 'claim':
      await claim(db, [gateway], 1 + (which % 3));
      return;
    case 'cancel-any':
    case 'requeue':
    case 'replay':
    case 'expire':
      await toSomeTask(db, operation, which);
      return;
    case 'release':
    case 'complete':
    case 'fail':
    case 'die':
    case 'cancel':
    case 'indeterminate':
    case 'decide':
      await toSomeAttempt(db, operation, which);
  }
}

async function toSomeTask(
  db: Database,
  operation: 'cancel-any' | 'requeue' | 'replay' | 'expire',
  which: number,
): Promise<void> {
  if (operation === 'expire') {
    await db.rows(
      `update dash.tasks set queue_expires_at = now() - interval '1 second'
                   where queue_expires_at is not null and seq % 2 = $1`,
      [which % 2],
    );
    await promoteDue(db);
    return;
  }
  const states = {
    'cancel-any': `state is not null`,
    requeue: `state = 'dispatched'`,
    replay: `state = 'dead'`,
  };
  const rows = await db.rows<{ id: string; attempt: string | null }>(
    `select t.id, a.id as attempt from dash.tasks t
     left join dash.attempts a on a.task_id = t.id and a.number = t.last_attempt
     where t.${states[operation]} order by t.seq`,
  );
  const row = rows[which % Math.max(1, rows.length)];
  if (row === undefined) return;
  if (operation === 'cancel-any')
    await requestCancel(db, { taskId: row.id, reason: 'budget', actor: 'x' });
  else if (operation === 'replay')
    await replayDeadLetter(db, { taskId: row.id, actor: 'x', again: true });
  else await requeueTask(db, { taskId: row.id, attemptId: row.attempt ?? '' });
}

async function toSomeAttempt(db: Database, operation: Operation, which: number): Promise<void> {
  const open = await openAttempts(db, 'g1');
  const attempt = open[which % Math.max(1, open.length)];
  if (attempt === undefined) return;
  const { attemptId, taskId, state } = attempt;
  const ownerEpoch = 1;
  if (state === 'indeterminate') {
    const kind = which % 2 === 0 ? 'retry' : 'discard';
    if (operation === 'decide')
      await decideAttempt(db, { attemptId, decision: { kind }, actor: 'x' });
    return;
  }
  if (operation === 'cancel') {
    await requestCancel(db, { taskId, reason: 'cancelled', actor: 'x' });
    return;
  }
  if (operation === 'release') {
    await releaseAttempt(db, { attemptId, reason: 'x', from: 'planned' });
    return;
  }
  await beginSending(db, { attemptId, ownerEpoch, runId: 'r', bootId: 'b', stateId: 's' });
  await markAccepted(db, { attemptId, ownerEpoch });
  if (operation === 'complete') {
    await settleTask(db, {
      taskId,
      attemptId,
      ownerEpoch,
      attemptOutcome: 'succeeded',
      end: completed(),
    });
  } else if (operation === 'die') {
    await settleTask(db, { taskId, attemptId, ownerEpoch, attemptOutcome: 'failed', end: dead() });
  } else if (operation === 'fail') {
    await closeAttempt(db, { attemptId, ownerEpoch, outcome: 'failed' });
  } else if (operation === 'indeterminate') {
    await markIndeterminate(db, {
      attemptId,
      reason: 'vanished',
      evidence: null,
      keepLane: which % 2 === 0,
    });
  }
}

async function countsAgree(db: Database): Promise<void> {
  const ofTasks = `select tenant, pool, priority, count(*) filter (where open)::integer as open,
      count(*) filter (where state = 'completed') as completed, count(*) filter (where state = 'cancelled') as cancelled,
      count(*) filter (where state = 'expired') as expired, count(*) filter (where state = 'dead') as dead
    from dash.tasks group by tenant, pool, priority order by 1, 2, 3`;
  const kept =
    'select tenant, pool, priority, open, completed, cancelled, expired, dead from dash.task_counts order by 1, 2, 3';
  expect(await db.rows(kept)).toEqual(await db.rows(ofTasks));
  const ofAttempts = `select coalesce(outcome, state) as outcome, count(*)::integer as count from dash.attempts
    where not open group by 1 order by 1`;
  const counted = `select outcome, sum(count)::integer as count from dash.attempt_counts group by 1 order by 1`;
  expect(await db.rows(counted)).toEqual(await db.rows(ofAttempts));
  const [held] = await db.rows<{ held: number }>(
    'select count(*)::integer as held from dash.attempts where holds_lane',
  );
  expect((await getGateway(db, 'g1'))?.lanes.held).toBe(held?.held);
}
