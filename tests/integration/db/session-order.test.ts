import { beforeEach, describe, expect, it } from '@jest/globals';
import { acceptTask } from '../../../src/db/accept.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import { promoteDue } from '../../../src/db/due.ts';
import { getSession } from '../../../src/db/session-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import {
  accept,
  claim,
  claimOne,
  completed,
  emptyDatabase,
  openGateway,
  taskOf,
} from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

describe('sessions', () => {
  it('run one task at a time, in the order of acceptance, whatever the priorities (R1)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 50 });
    const priorities = [5, 1, 3, 2, 4] as const;
    const accepted: string[] = [];
    for (const priority of priorities) {
      accepted.push((await accept(db, { sessionKey: 's', priority })).id);
    }
    const order: string[] = [];
    for (;;) {
      const claims = await claim(db, [gateway]);
      if (claims.length === 0) break;
      expect(claims).toHaveLength(1);
      const [{ taskId, attemptId } = { taskId: '', attemptId: '' }] = claims;
      expect(await claim(db, [gateway])).toEqual([]);
      order.push(taskId);
      await settleTask(db, { taskId, attemptId, attemptOutcome: 'succeeded', end: completed() });
    }
    expect(order).toEqual(accepted);
  });

  it('give their head the highest priority that waits, and take it back when that one is gone (P3)', async () => {
    const { db } = database();
    const head = await accept(db, { sessionKey: 's', priority: 4 });
    const urgent = await accept(db, { sessionKey: 's', priority: 1 });
    expect(await getTask(db, head.id)).toMatchObject({
      priority: 4,
      effectivePriority: 1,
      state: 'queued',
    });
    await requestCancel(db, { taskId: urgent.id, reason: 'cancelled', actor: 'tester' });
    expect(await getTask(db, head.id)).toMatchObject({ effectivePriority: 4, state: 'queued' });
  });

  it('hand the inherited priority and the pin to the next head (P3)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    await accept(db, { sessionKey: 's', priority: 5 });
    const second = await accept(db, { sessionKey: 's', priority: 5 });
    await accept(db, { sessionKey: 's', priority: 2 });
    const { taskId, attemptId } = await claimOne(db, gateway);
    await settleTask(db, { taskId, attemptId, attemptOutcome: 'succeeded', end: completed() });
    expect(await getTask(db, second.id)).toMatchObject({
      state: 'queued',
      effectivePriority: 2,
      pinnedGatewayId: 'g1',
    });
  });

  it('let nothing pass a head that waits for its time, and do not inherit from what waits for its time (P3)', async () => {
    const { db } = database();
    const notBefore = new Date(Date.now() + 400).toISOString();
    const head = await accept(db, { sessionKey: 's', priority: 3, notBefore });
    const behind = await accept(db, { sessionKey: 's', priority: 4 });
    await accept(db, {
      sessionKey: 's',
      priority: 1,
      notBefore: new Date(Date.now() + 60_000).toISOString(),
    });
    expect(await getTask(db, behind.id)).toMatchObject({ state: 'waiting' });
    expect(await getTask(db, head.id)).toMatchObject({ state: 'scheduled', effectivePriority: 3 });
    await eventually(async () => (await promoteDue(db)).promoted === 1);
    expect(await getTask(db, head.id)).toMatchObject({ state: 'queued', effectivePriority: 3 });
    expect(await getTask(db, behind.id)).toMatchObject({ state: 'waiting' });
  });

  it('never lose their head while accept, claim, settle and cancel race (P3)', async () => {
    const { db } = database();
    const other = database().connect('another process', 20);
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1000 });
    const keys = ['s1', 's2', 's3'];
    const round = async (index: number): Promise<void> => {
      const via = index % 2 === 0 ? db : other;
      const sessionKey = keys[index % keys.length] ?? 's1';
      const result = await acceptTask(
        via,
        taskOf({ sessionKey, priority: index % 2 === 0 ? 2 : 4 }),
      );
      if (result.kind !== 'accepted') throw new Error(result.kind);
      if (index % 3 === 0) {
        await requestCancel(via, { taskId: result.task.id, reason: 'cancelled', actor: 'tester' });
      }
      for (const { taskId, attemptId } of await claim(via, [gateway], 2)) {
        await settleTask(via, { taskId, attemptId, attemptOutcome: 'succeeded', end: completed() });
      }
    };
    for (let batch = 0; batch < 6; batch += 1) {
      await Promise.all(Array.from({ length: 30 }, (_, index) => round(batch * 30 + index)));
      const broken = await db.rows(
        `select session_key, state from (
           select distinct on (session_id) session_key, state from dash.tasks
           where open order by session_id, seq) head
         where state = 'waiting'
         union all
         select session_key, 'two at once' from dash.tasks
         where state in ('queued', 'dispatched') group by session_key having count(*) > 1`,
      );
      expect(broken).toEqual([]);
    }
    for (;;) {
      const claims = await claim(db, [gateway]);
      if (claims.length === 0) break;
      for (const { taskId, attemptId } of claims) {
        await settleTask(db, { taskId, attemptId, attemptOutcome: 'succeeded', end: completed() });
      }
    }
    for (const key of keys) {
      expect(await getSession(db, { tenant: 'default', key })).toMatchObject({ openTasks: 0 });
    }
  });

  it('keep one head when the first tasks of a new session are accepted at once (P3)', async () => {
    const { db } = database();
    for (let round = 0; round < 10; round += 1) {
      const sessionKey = `fresh-${round}`;
      await Promise.all(Array.from({ length: 10 }, () => accept(db, { sessionKey })));
      const session = await getSession(db, { tenant: 'default', key: sessionKey });
      expect(session?.tasks.map((task) => task.state)).toEqual([
        'queued',
        ...Array<string>(9).fill('waiting'),
      ]);
    }
  });
});
