import { beforeEach, describe, expect, it } from '@jest/globals';
import { enterDeciding, markIndeterminate } from '../../../src/db/attempt-decision.ts';
import type { Database } from '../../../src/db/database.ts';
import {
  countDeadLetters,
  discardDeadLetter,
  getDeadLetter,
  listDeadLetters,
  replayDeadLetter,
  type DeadLetterFilter,
} from '../../../src/db/dead-letter-store.ts';
import { getDecision, listDecisions } from '../../../src/db/decision-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { getTask } from '../../../src/db/task-store.ts';
import type { FailureClass } from '../../../src/domain/failure.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claimOne, dead, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase();

beforeEach(() => emptyDatabase(database().db.pool));

/** A task that died of a run on this gateway. */
async function diedOn(
  db: Database,
  gateway: Awaited<ReturnType<typeof openGateway>>,
  failureClass: FailureClass,
  fields: Parameters<typeof accept>[1] = {},
): Promise<string> {
  const { id: taskId } = await accept(db, fields);
  const { attemptId } = await claimOne(db, gateway);
  const failure = {
    runId: `${taskId}-a1`,
    class: failureClass,
    message: `it was ${failureClass}`,
    retryAfterMs: null,
    aborted: false,
    timedOut: false,
  };
  const reason = failureClass === 'permanent' ? 'permanent' : 'attempts';
  await settleTask(db, {
    taskId,
    attemptId,
    attemptOutcome: 'failed',
    attemptFailure: failure,
    end: {
      state: 'dead',
      output: null,
      usage: null,
      failure: { reason, message: failure.message, lastFailure: failure },
    },
  });
  return taskId;
}

describe('dead letters', () => {
  it('are found by every filter, newest task first, page by page, and counted alike (R8)', async () => {
    const { db } = database();
    const one = await openGateway(db, 'g1');
    const a = await diedOn(db, one, 'transient', { sessionKey: 's' });
    await db.rows(`update dash.gateways set claims_open = false where id = 'g1'`);
    const two = await openGateway(db, 'g2');
    await db.rows(`insert into dash.pools (id) values ('other')`);
    const b = await diedOn(db, two, 'permanent', { tenant: 'acme', pool: 'other' });
    const { id: c } = await accept(db);
    await settleTask(db, { taskId: c, end: dead() });
    await discardDeadLetter(db, { taskId: c, actor: 'ann', note: 'not needed' });
    await db.rows(`update dash.dead_letters set created_at = '2026-01-01' where task_id = $1`, [a]);

    const cases: readonly (readonly [DeadLetterFilter, readonly string[]])[] = [
      [{}, [c, b, a]],
      [{ states: ['open'] }, [b, a]],
      [{ states: ['discarded', 'replayed'] }, [c]],
      [{ reasons: ['permanent'] }, [b]],
      [{ tenant: 'acme' }, [b]],
      [{ pool: 'other' }, [b]],
      [{ sessionKey: 's' }, [a]],
      [{ swarmId: 'none' }, []],
      [{ gatewayId: 'g1' }, [a]],
      [{ failureClasses: ['permanent', 'unknown'] }, [b]],
      [{ to: '2026-06-01T00:00:00Z' }, [a]],
      [{ from: '2026-06-01T00:00:00Z', states: ['open'] }, [b]],
    ];
    for (const [filter, expected] of cases) {
      const found = await listDeadLetters(db, { filter, limit: 10 });
      expect({ filter, found: found.map(({ taskId }) => taskId) }).toEqual({
        filter,
        found: expected,
      });
      expect(await countDeadLetters(db, filter)).toBe(expected.length);
    }
    const first = await listDeadLetters(db, { filter: {}, limit: 2 });
    const rest = await listDeadLetters(db, { filter: {}, limit: 2, before: first.at(-1)!.seq });
    expect(rest.map(({ taskId }) => taskId)).toEqual([a]);
    expect(await getDeadLetter(db, a)).toMatchObject({
      gatewayId: 'g1',
      failureClass: 'transient',
      message: 'it was transient',
      attempts: 1,
    });
    expect(await getDeadLetter(db, c)).toMatchObject({
      state: 'discarded',
      note: 'not needed',
      resolvedBy: 'ann',
      gatewayId: null,
      attempts: 0,
    });
  });

  it('are replayed with what the edits change and everything else as it was (R8, P30)', async () => {
    const { db } = database();
    await db.rows(`insert into dash.pools (id) values ('other')`);
    const { id: taskId } = await accept(db, { prompt: 'Old.', agent: 'main', maxAttempts: 2 });
    await settleTask(db, { taskId, end: dead() });
    const nowhere = await replayDeadLetter(db, { taskId, actor: 'ann', edits: { pool: 'nope' } });
    expect(nowhere).toMatchObject({ kind: 'unknown-pool', pool: 'nope' });
    expect(await getDeadLetter(db, taskId)).toMatchObject({ state: 'open' });
    const edits = { prompt: 'New.', pool: 'other', priority: 1 } as const;
    const replayed = await replayDeadLetter(db, { taskId, actor: 'ann', edits });
    if (replayed.kind !== 'replayed') throw new Error(replayed.kind);
    expect(await getTask(db, replayed.task.id)).toMatchObject({
      ...edits,
      agent: 'main',
      maxAttempts: 2,
      replayOf: taskId,
    });
    const [event] = await db.rows<{ data: unknown }>(
      `select data from dash.events where type = 'dead-letter.replayed'`,
    );
    expect(event?.data).toEqual({
      replay: replayed.task.id,
      edited: ['pool', 'priority', 'prompt'],
    });
  });
});

describe('what waits for a person', () => {
  it('is listed with gateway, evidence and since when, until it is decided and carried out (P29)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db, { sessionKey: 's' });
    const { attemptId } = await claimOne(db, gateway);
    const evidence = { seen: 'nothing' };
    await markIndeterminate(db, { attemptId, reason: 'vanished', evidence, keepLane: true });
    await enterDeciding(db, { taskId, attemptId });
    await accept(db);
    await claimOne(db, gateway);
    const listed = await listDecisions(db, { limit: 10 });
    expect(listed).toMatchObject([
      {
        taskId,
        attemptId,
        gatewayId: 'g1',
        sessionKey: 's',
        reason: 'vanished',
        evidence,
        since: expect.any(String),
        holdsLane: true,
        expiresAt: null,
        decision: null,
      },
    ]);
    expect(await getDecision(db, taskId)).toEqual(listed[0]);
    expect(await listDecisions(db, { limit: 10, after: listed[0]!.seq })).toEqual([]);
    expect(await listDecisions(db, { limit: 10, gatewayId: 'g2' })).toEqual([]);
    expect(await listDecisions(db, { limit: 10, tenant: 'acme' })).toEqual([]);
  });
});
