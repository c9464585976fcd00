import { beforeEach, describe, expect, it } from '@jest/globals';
import { acceptTask } from '../../../src/db/accept.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import { readEvents } from '../../../src/db/event-store.ts';
import { setFleetPaused, setLimits } from '../../../src/db/installation-store.ts';
import { putPool } from '../../../src/db/pool-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { getTenant, listTenants, putTenant } from '../../../src/db/tenant-store.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claim, completed, emptyDatabase, openGateway, taskOf } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

describe('bounds on open tasks', () => {
  it('hold per installation, tenant and pool, exactly, with two apis racing, and name themselves (R17, P7)', async () => {
    const { db } = database();
    const other = database().connect('second api', 20);
    await putPool(db, { id: 'p' });
    await setLimits(db, { maxOpenTasks: 30, maxOpenTasksPerTenant: 12, maxOpenTasksPerPool: 15 });
    await putTenant(db, { id: 'small', maxOpenTasks: 3, actor: 'x' });
    const submit = async (tenant: string, pool: string) => {
      const tries = Array.from({ length: 20 }, (_, index) =>
        acceptTask(index % 2 === 0 ? db : other, taskOf({ tenant, pool })),
      );
      const answers = await Promise.all(tries);
      const refused = answers.filter((one) => one.kind === 'refused');
      const bounds = refused.map((one) => `${one.bound} ${one.limit} ${one.retryAfterSeconds}`);
      return [20 - refused.length, ...new Set(bounds)];
    };
    expect(await submit('small', 'p')).toEqual([3, 'max-open-tasks-per-tenant 3 5']);
    expect(await submit('a', 'p')).toEqual([12, 'max-open-tasks-per-tenant 12 5']);
    expect(await submit('b', 'p')).toEqual([0, 'max-open-tasks-per-pool 15 5']);
    expect(await submit('b', 'default')).toEqual([12, 'max-open-tasks-per-tenant 12 5']);
    expect(await submit('c', 'default')).toEqual([3, 'max-open-tasks 30 5']);
    // What ends makes room.
    const [task] = await db.rows<{ id: string }>(`select id from dash.tasks where tenant = 'a'`);
    await requestCancel(db, { taskId: task!.id, reason: 'cancelled', actor: 'x' });
    expect(await submit('b', 'p')).toEqual([0, 'max-open-tasks-per-tenant 12 5']);
    expect(await submit('c', 'p')).toEqual([1, 'max-open-tasks 30 5']);
  });
});

describe('caps on running tasks', () => {
  it('of a tenant go before those of the installation, and are exact with two hosts claiming at once (R17)', async () => {
    const { db } = database();
    const other = database().connect('second host', 20);
    await setLimits(db, { maxRunningPerTenant: 2, maxRunningTotal: 9 });
    await putTenant(db, { id: 'big', maxRunning: 5, actor: 'x' });
    await putTenant(db, { id: 'tiny', maxRunning: 1, actor: 'x' });
    const first = await openGateway(db, 'g1', { configuredLanes: 30 });
    const second = await openGateway(db, 'g2', { configuredLanes: 30, hostId: 'host-2' });
    for (const tenant of ['big', 'tiny', 'a', 'b']) {
      for (let index = 0; index < 8; index += 1) await accept(db, { tenant });
    }
    for (let round = 0; round < 4; round += 1) {
      await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          index % 2 === 0 ? claim(db, [first], 3) : claim(other, [second], 3, 'host-2'),
        ),
      );
      const held = await db.rows<{ tenant: string; count: number; task_id: string; id: string }>(
        `select tenant, count(*)::integer as count, min(task_id) as task_id, min(id::text) as id
         from dash.attempts where holds_lane group by tenant order by tenant`,
      );
      const total = held.reduce((sum, one) => sum + one.count, 0);
      const most = { a: 2, b: 2, big: 5, tiny: 1 };
      for (const { tenant, count } of held) {
        expect(count).toBeLessThanOrEqual(most[tenant as keyof typeof most]);
      }
      // A tenant that has nothing left leaves its part of the total to nobody: the others stand at their caps.
      const open = await db.rows<{ tenant: keyof typeof most; count: number }>(
        'select tenant, count(*)::integer as count from dash.tasks where open group by tenant',
      );
      const could = open.reduce((sum, one) => sum + Math.min(most[one.tenant], one.count), 0);
      expect(total).toBe(Math.min(9, could));
      const attempts = await db.rows<{ task_id: string; id: string }>(
        'select id, task_id from dash.attempts where holds_lane order by id limit 4',
      );
      for (const { id, task_id } of attempts) {
        const ended = { taskId: task_id, attemptId: id, attemptOutcome: 'succeeded' as const };
        await settleTask(db, { ...ended, end: completed() });
      }
    }
  });
});

describe('tenants', () => {
  it('come with their first task; what is left out of a change stays; each change is an event (R37)', async () => {
    const { db } = database();
    await accept(db, { tenant: 'new' });
    expect(await getTenant(db, 'new')).toMatchObject({ weight: 1, maxRunning: null, openTasks: 1 });
    await putTenant(db, { id: 'new', weight: 7, maxRunning: 4, actor: 'ann' });
    await putTenant(db, { id: 'new', maxOpenTasks: 9, actor: 'ann' });
    await putTenant(db, { id: 'new', maxOpenTasks: 9, actor: 'ann' });
    const set = { weight: 7, maxRunning: 4, maxOpenTasks: 9 };
    expect(await putTenant(db, { id: 'new', maxRunning: null, actor: 'bob' })).toMatchObject({
      ...set,
      maxRunning: null,
    });
    const { events } = await readEvents(db, {
      after: 0,
      limit: 100,
      filter: { types: ['tenant.changed'] },
    });
    expect(events.map(({ tenant, actor }) => `${tenant} ${actor}`)).toEqual([
      'new ann',
      'new ann',
      'new bob',
    ]);
    const ids = (await listTenants(db, { limit: 500 })).map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted());
    expect(await listTenants(db, { only: 'new', limit: 5 })).toHaveLength(1);
  });

  it('take turns by weight: shares within 5 % of it (P14, R57)', async () => {
    const { db } = database();
    const weights = { one: 1, three: 3, seven: 7 };
    for (const [id, weight] of Object.entries(weights))
      await putTenant(db, { id, weight, actor: 'x' });
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1000 });
    await db.rows(`update dash.installation set max_open_tasks = 100000`);
    for (const tenant of Object.keys(weights)) {
      for (let index = 0; index < 80; index += 1) await accept(db, { tenant });
    }
    const claims = await claim(db, [gateway], 110);
    const share = (tenant: string) => claims.filter((one) => one.tenant === tenant).length / 110;
    for (const [tenant, weight] of Object.entries(weights)) {
      expect(Math.abs(share(tenant) - weight / 11)).toBeLessThan(0.05 * (weight / 11) + 0.01);
    }
  });
});

describe('the fleet’s brake', () => {
  it('has a time, an actor and a reason while it is on, and is told once (P9)', async () => {
    const { db } = database();
    await setFleetPaused(db, { paused: true, actor: 'ann', reason: 'billing' });
    const again = await setFleetPaused(db, { paused: true, actor: 'bob', reason: 'other' });
    expect(again).toMatchObject({ fleetPaused: true, pausedBy: 'ann', pauseReason: 'billing' });
    expect(again.pausedAt).not.toBeNull();
    expect(await setFleetPaused(db, { paused: false, actor: 'bob' })).toMatchObject({
      fleetPaused: false,
      pausedAt: null,
      pausedBy: null,
      pauseReason: null,
    });
  });

  it('when its pause is answered no claim follows, whatever was under way (P9)', async () => {
    const { db } = database();
    const other = database().connect('host', 20);
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1000 });
    for (let index = 0; index < 30; index += 1) await accept(db);
    for (let round = 0; round < 5; round += 1) {
      const claims = Array.from({ length: 12 }, () => claim(other, [gateway], 1));
      await setFleetPaused(db, { paused: true, actor: 'x' });
      const [held] = await db.rows<{ count: number }>(
        'select count(*)::integer as count from dash.attempts',
      );
      await Promise.all(claims);
      expect(await db.rows('select 1 from dash.attempts offset $1', [held!.count])).toEqual([]);
      await setFleetPaused(db, { paused: false, actor: 'x' });
    }
  });
});
