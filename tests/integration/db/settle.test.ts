import { beforeEach, describe, expect, it } from '@jest/globals';
import type { TaskEnd } from '../../../src/domain/task.ts';
import { readAttempt } from '../../../src/db/attempt-record.ts';
import { beginSending, closeAttempt, markAccepted } from '../../../src/db/attempt-run.ts';
import { getDeadLetter } from '../../../src/db/dead-letter-store.ts';
import { readEvents } from '../../../src/db/event-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claimOne, completed, dead, emptyDatabase, openGateway, own } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15, costUsd: 0.01 };

describe('settle', () => {
  it('ends the task, closes the attempt, frees the lane, counts and tells, all at once (P6)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1 });
    const { id: taskId } = await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    await beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r', bootId: 'b', stateId: 's' });
    await markAccepted(db, { attemptId, ownerEpoch: 1 });
    const end: TaskEnd = { state: 'completed', output: 'forty-two', usage, failure: null };
    const settled = await settleTask(db, {
      taskId,
      attemptId,
      ownerEpoch: 1,
      attemptOutcome: 'succeeded',
      end,
    });
    expect(settled).toEqual({
      kind: 'settled',
      state: 'completed',
      end,
      swarmId: null,
      swarmBecameDirty: false,
    });
    expect(await getTask(db, taskId)).toMatchObject({
      state: 'completed',
      output: 'forty-two',
      usage,
      finishedAt: expect.any(String),
    });
    expect(await readAttempt(db, attemptId)).toMatchObject({
      state: 'closed',
      outcome: 'succeeded',
      holdsLane: false,
      usage,
    });
    expect(await db.rows('select open, completed from dash.task_counts')).toEqual([
      { open: 0, completed: 1 },
    ]);
    const { events } = await readEvents(db, { after: 0, limit: 100, filter: { taskId } });
    expect(events.map((event) => event.type)).toEqual([
      'task.accepted',
      'task.dispatched',
      'attempt.accepted',
      'task.completed',
    ]);
    expect(events.at(-1)).toMatchObject({
      attemptId,
      gatewayId: 'g1',
      data: { attempts: 1, usage },
    });
  });

  it('of two settles that race the first wins, and both are told the same end (P6)', async () => {
    const { db } = database();
    const other = database().connect('another host');
    const gateway = await openGateway(db, 'g1');
    for (let round = 0; round < 15; round += 1) {
      const { id: taskId } = await accept(db);
      const { attemptId } = await claimOne(db, gateway);
      const answers = await Promise.all([
        settleTask(db, { taskId, attemptId, attemptOutcome: 'succeeded', end: completed('mine') }),
        settleTask(other, { taskId, attemptId, attemptOutcome: 'failed', end: dead('theirs') }),
      ]);
      expect(answers.map((answer) => answer.kind).toSorted()).toEqual(['settled', 'stands']);
      expect(answers[0].end).toEqual(answers[1].end);
      expect(answers[0].state).toBe(answers[1].state);
      const { events } = await readEvents(db, { after: 0, limit: 100, filter: { taskId } });
      expect(events.filter((event) => /completed|dead/.test(event.type))).toHaveLength(1);
    }
    expect(
      await db.rows('select open, (completed + dead)::integer as ended from dash.task_counts'),
    ).toEqual([{ open: 0, ended: 15 }]);
  });

  it('refuses an older owner, and says so (P25)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    await own(db, 'g1', 'host-2');
    expect(
      await settleTask(db, {
        taskId,
        attemptId,
        ownerEpoch: 1,
        attemptOutcome: 'succeeded',
        end: completed(),
      }),
    ).toMatchObject({
      kind: 'stands',
      because: 'superseded-owner',
      state: 'dispatched',
      end: null,
    });
    expect(
      await settleTask(db, {
        taskId,
        attemptId,
        ownerEpoch: 2,
        attemptOutcome: 'succeeded',
        end: completed(),
      }),
    ).toMatchObject({ kind: 'settled' });
  });

  it('never ends a task over an attempt that is open, or that is not its last (P6)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db);
    const first = await claimOne(db, gateway);
    const refused = { kind: 'stands', because: 'not-current-attempt', state: 'dispatched' };
    expect(await settleTask(db, { taskId, end: completed() })).toMatchObject(refused);
    expect(
      await settleTask(db, { taskId, attemptId: first.attemptId, end: completed() }),
    ).toMatchObject(refused);
    await closeAttempt(db, { attemptId: first.attemptId, ownerEpoch: 1, outcome: 'failed' });
    await db.call('requeue', { taskId, attemptId: first.attemptId });
    await claimOne(db, gateway);
    expect(
      await settleTask(db, {
        taskId,
        attemptId: first.attemptId,
        attemptOutcome: 'failed',
        end: dead(),
      }),
    ).toMatchObject(refused);
  });

  it('says which task and attempt it was asked to settle when they do not belong together', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id } = await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    const other = await accept(db);
    await expect(
      settleTask(db, {
        taskId: other.id,
        attemptId,
        attemptOutcome: 'succeeded',
        end: completed(),
      }),
    ).rejects.toThrow(other.id);
    expect(await getTask(db, id)).toMatchObject({ state: 'dispatched' });
  });

  it('keeps an output of up to 64 KiB in the row and a larger one beside it, and reads both alike (P6)', async () => {
    const { db } = database();
    const small = 'x'.repeat(64 * 1024);
    const large = 'ö'.repeat(64 * 1024);
    for (const output of [small, large]) {
      const { id: taskId } = await accept(db);
      const settled = await settleTask(db, { taskId, end: completed(output) });
      expect(settled.end?.output).toBe(output);
      expect((await getTask(db, taskId))?.output).toBe(output);
      const again = await settleTask(db, { taskId, end: completed('later') });
      expect(again).toMatchObject({ kind: 'stands', because: 'terminal' });
      expect(again.end?.output).toBe(output);
    }
    expect(await db.rows('select length(body) as length from dash.blobs')).toEqual([
      { length: 64 * 1024 },
    ]);
  });

  it('stores an answer with characters that PostgreSQL cannot hold, those replaced (R11)', async () => {
    const { db } = database();
    const { id: taskId } = await accept(db);
    await settleTask(db, { taskId, end: completed('a\0b \ud800 c \\u0000 \u{1f600}') });
    expect((await getTask(db, taskId))?.output).toBe('a\ufffdb \ufffd c \\u0000 \u{1f600}');
  });

  it('makes a dead letter of a dead task, once, with the reason (R8)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    const lastFailure = {
      runId: 'r',
      class: 'transient',
      message: '502',
      retryAfterMs: null,
      aborted: false,
      timedOut: false,
    } as const;
    const end: TaskEnd = {
      state: 'dead',
      output: null,
      usage: null,
      failure: { reason: 'attempts', message: '3 attempts failed', lastFailure },
    };
    await settleTask(db, { taskId, attemptId, attemptOutcome: 'failed', end });
    await settleTask(db, { taskId, attemptId, attemptOutcome: 'failed', end });
    expect(await getDeadLetter(db, taskId)).toMatchObject({ state: 'open', reason: 'attempts' });
    expect(await readAttempt(db, attemptId)).toMatchObject({ failure: lastFailure });
    expect(await getTask(db, taskId)).toMatchObject({
      failure: end.failure,
      stateReason: 'attempts',
    });
  });
});
