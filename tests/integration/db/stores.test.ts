import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  createApiKey,
  findApiKey,
  touchApiKey,
  type NewApiKey,
} from '../../../src/db/api-key-store.ts';
import { closeAttempt } from '../../../src/db/attempt-run.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import { currentSeq, readEvents, taskEvents } from '../../../src/db/event-store.ts';
import { readInstallation, setFleetPaused, setLimits } from '../../../src/db/installation-store.ts';
import {
  attemptOutcomes,
  gatewayStates,
  lanesByGateway,
  queueDepth,
  taskStateCounts,
} from '../../../src/db/metrics-queries.ts';
import { getSession, listSessions } from '../../../src/db/session-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { getTask, listTasks } from '../../../src/db/task-store.ts';
import { EVENT_TYPES } from '../../../src/domain/event-type.ts';
import { newId } from '../../../src/platform/ids.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { accept, claim, claimOne, completed, dead, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

describe('tasks', () => {
  it('are listed newest first, by any filter, page by page', async () => {
    const { db } = database();
    const first = await accept(db, { tenant: 'a', priority: 1 });
    const second = await accept(db, { tenant: 'b', sessionKey: 's' });
    const third = await accept(db, { tenant: 'a', sessionKey: 's' });
    await settleTask(db, { taskId: first.id, end: completed() });
    const ids = async (options: Parameters<typeof listTasks>[1]): Promise<string[]> =>
      (await listTasks(db, options)).map((task) => task.id);
    expect(await ids({ limit: 10 })).toEqual([third.id, second.id, first.id]);
    expect(await ids({ limit: 1 })).toEqual([third.id]);
    expect(await ids({ limit: 10, before: third.seq })).toEqual([second.id, first.id]);
    expect(await ids({ limit: 10, filter: { tenant: 'a' } })).toEqual([third.id, first.id]);
    expect(await ids({ limit: 10, filter: { states: ['completed', 'dead'] } })).toEqual([first.id]);
    expect(await ids({ limit: 10, filter: { sessionKey: 's', tenant: 'b' } })).toEqual([second.id]);
    expect(await ids({ limit: 10, filter: { priority: 1 } })).toEqual([first.id]);
    expect(await ids({ limit: 10, filter: { pool: 'x' } })).toEqual([]);
    expect(await ids({ limit: 10, filter: { swarmId: 'x' } })).toEqual([]);
    const [summary] = await listTasks(db, { limit: 1 });
    expect(summary).not.toHaveProperty('prompt');
    expect(await getTask(db, 'task-x')).toBeNull();
  });

  it('have an event for every change of state that is in the catalog (R40)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id: taskId } = await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'failed' });
    await settleTask(db, { taskId, attemptId, end: dead() });
    const { events } = await taskEvents(db, { taskId, limit: 100 });
    expect(events.map((event) => event.type)).toEqual([
      'task.accepted',
      'task.dispatched',
      'attempt.closed',
      'task.dead',
    ]);
    const all = await readEvents(db, { after: 0, limit: 100 });
    for (const event of all.events) expect(EVENT_TYPES).toContain(event.type);
  });
});

describe('events', () => {
  it('are read after a cursor, in order, by any filter, and say how far the read looked (P5)', async () => {
    const { db } = database();
    expect(await currentSeq(db)).toBe(0);
    expect(await readEvents(db, { after: 0, limit: 10 })).toEqual({ events: [], upTo: 0 });
    const a = await accept(db, { tenant: 'a', sessionKey: 's' });
    const b = await accept(db, { tenant: 'b' });
    await requestCancel(db, { taskId: a.id, reason: 'cancelled', actor: 'ann' });
    const last = await currentSeq(db);
    const page = await readEvents(db, { after: 0, limit: 2 });
    expect(page.events.map((event) => event.seq)).toEqual([a.seq, b.seq]);
    expect(page.upTo).toBe(b.seq);
    const types = async (filter: object): Promise<string[]> =>
      (await readEvents(db, { after: 0, limit: 10, filter })).events.map((event) => event.type);
    expect(await types({ taskId: a.id })).toEqual(['task.accepted', 'task.cancelled']);
    expect(await types({ tenant: 'b' })).toEqual(['task.accepted']);
    expect(await types({ sessionKey: 's', types: ['task.cancelled'] })).toEqual(['task.cancelled']);
    expect(await types({ gatewayId: 'none' })).toEqual([]);
    expect(await readEvents(db, { after: 0, limit: 10, filter: { tenant: 'nobody' } })).toEqual({
      events: [],
      upTo: last,
    });
    expect(await readEvents(db, { after: last + 5, limit: 10 })).toEqual({
      events: [],
      upTo: last + 5,
    });
  });

  it('are looked through in bounded stretches when a filter has no index (P5)', async () => {
    const { db } = database();
    await accept(db, { tenant: 'a' });
    await db.rows(`insert into dash.events (seq, type, tenant)
                   select nextval('dash.events_seq'), 'task.queued', 'b' from generate_series(1, 25000)`);
    const rare = await accept(db, { tenant: 'c' });
    const first = await readEvents(db, { after: 0, limit: 10, filter: { tenant: 'c' } });
    expect(first.events).toEqual([]);
    expect(first.upTo).toBeLessThan(rare.seq);
    const second = await readEvents(db, { after: first.upTo, limit: 10, filter: { tenant: 'c' } });
    expect(second.events.map((event) => event.taskId)).toEqual([rare.id]);
  });

  it('are hinted at with their seq, and claimable work too (P5)', async () => {
    const { db } = database();
    const heard: string[] = [];
    const events = db.listen('dash_events', (payload) => heard.push(`event ${payload}`));
    const work = db.listen('dash_work', () => heard.push('work'));
    await Promise.all([events.ready, work.ready]);
    const { seq } = await accept(db);
    await eventually(() => heard.includes(`event ${seq}`) && heard.includes('work'));
    await Promise.all([events.close(), work.close()]);
  });
});

describe('a connection', () => {
  it('has what the protocol rests on, whatever the server’s defaults are (P4, P9)', async () => {
    const { db, connect } = database();
    const [name] = await db.rows<{ name: string }>('select current_database() as name');
    await db.rows(
      `alter database ${name?.name} set default_transaction_isolation = 'serializable'`,
    );
    await db.rows(`alter database ${name?.name} set timezone = 'Asia/Tokyo'`);
    const rows = await connect('fresh').rows(
      `select current_setting('transaction_isolation') as isolation, current_setting('timezone') as timezone,
         current_setting('transaction_timeout') as timeout, current_setting('application_name') as name,
         current_setting('search_path') as path, 9007199254740991::bigint as big,
         timestamptz '2026-11-22 15:00:00.123+09' as time`,
    );
    expect(rows).toEqual([
      {
        isolation: 'read committed',
        timezone: 'UTC',
        timeout: '2s',
        name: 'fresh',
        path: 'dash',
        big: Number.MAX_SAFE_INTEGER,
        time: '2026-11-22T06:00:00.123Z',
      },
    ]);
  });
});

describe('a listener', () => {
  it('that lost its connection listens again, and says that it may have missed something', async () => {
    const { db } = database();
    const heard: (string | null)[] = [];
    const listener = db.listen('some_channel', (payload) => heard.push(payload));
    await listener.ready;
    await db.rows(`select pg_terminate_backend(pid) from pg_stat_activity
                   where datname = current_database() and application_name = 'test listen'`);
    await eventually(() => heard.includes(null));
    await db.rows(`select pg_notify('some_channel', 'again')`);
    await eventually(() => heard.includes('again'));
    await listener.close();
    const left = await db.rows(`select 1 from pg_stat_activity
                                where datname = current_database() and application_name = 'test listen'`);
    expect(left).toEqual([]);
  });
});

describe('sessions', () => {
  it('are listed newest first, with what is open in them', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    await accept(db, { sessionKey: 'one', tenant: 'a' });
    await claimOne(db, gateway);
    await accept(db, { sessionKey: 'two', tenant: 'b' });
    await accept(db, { sessionKey: 'two', tenant: 'b' });
    const all = await listSessions(db, { limit: 10 });
    expect(all.map((each) => [each.key, each.gatewayId, each.openTasks])).toEqual([
      ['two', null, 2],
      ['one', 'g1', 1],
    ]);
    expect(await listSessions(db, { limit: 10, tenant: 'a' })).toHaveLength(1);
    expect(await listSessions(db, { limit: 10, gatewayId: 'g1' })).toHaveLength(1);
    expect(await listSessions(db, { limit: 10, before: all[0]?.id ?? 0 })).toHaveLength(1);
    expect(await getSession(db, { tenant: 'a', key: 'two' })).toBeNull();
  });
});

describe('api keys', () => {
  const key = (fields: Partial<NewApiKey> = {}): NewApiKey => ({
    id: newId('req'),
    name: 'admin',
    secretHash: Buffer.from('00ff10', 'hex'),
    tenant: null,
    scopes: ['admin'],
    ...fields,
  });

  it('are stored hashed, found by id, and noted when used', async () => {
    const { db } = database();
    const made = key({ tenant: 'new-tenant', scopes: ['tasks:read', 'tasks:write'] });
    await createApiKey(db, made);
    expect(await findApiKey(db, made.id)).toMatchObject({
      name: 'admin',
      tenant: 'new-tenant',
      scopes: ['tasks:read', 'tasks:write'],
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
    });
    expect((await findApiKey(db, made.id))?.secretHash).toEqual(Buffer.from('00ff10', 'hex'));
    await touchApiKey(db, made.id);
    const used = (await findApiKey(db, made.id))?.lastUsedAt;
    expect(used).toEqual(expect.any(String));
    await touchApiKey(db, made.id);
    expect((await findApiKey(db, made.id))?.lastUsedAt).toBe(used);
    expect(await findApiKey(db, 'nobody')).toBeNull();
  });

  it('are refused when the id is taken, and the one that was there stays', async () => {
    const { db } = database();
    const made = key();
    await createApiKey(db, made);
    await expect(createApiKey(db, { ...made, name: 'another' })).rejects.toMatchObject({
      code: '23505',
    });
    expect(await findApiKey(db, made.id)).toMatchObject({ name: 'admin' });
  });
});

describe('metrics', () => {
  it('equal the rows: states, depth and age, lanes, gateways, outcomes (R16)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 5 });
    await openGateway(db, 'g2');
    for (const priority of [1, 3, 3, 5, 5, 5] as const) await accept(db, { priority });
    const [first, second] = await claim(db, [{ ...gateway, lanes: 3 }]);
    await settleTask(db, {
      taskId: first?.taskId ?? '',
      attemptId: first?.attemptId ?? '',
      attemptOutcome: 'succeeded',
      end: completed(),
    });
    const failure = {
      runId: 'r',
      class: 'permanent',
      message: 'no',
      retryAfterMs: null,
      aborted: false,
      timedOut: false,
    } as const;
    await settleTask(db, {
      taskId: second?.taskId ?? '',
      attemptId: second?.attemptId ?? '',
      attemptOutcome: 'failed',
      attemptFailure: failure,
      end: dead(),
    });
    await db.rows(
      `update dash.tasks set created_at = now() - interval '90 seconds' where state = 'queued'`,
    );
    const states = new Map((await taskStateCounts(db)).map((each) => [each.state, each.count]));
    expect(states.get('completed')).toBe(1);
    expect(states.get('dead')).toBe(1);
    expect(states.get('dispatched')).toBe(1);
    expect(states.get('queued')).toBe(3);
    expect(states.get('expired') ?? 0).toBe(0);
    const [depth, ...others] = await queueDepth(db);
    expect(others).toEqual([]);
    expect(depth).toMatchObject({ pool: 'default', priority: 5, depth: 3 });
    expect(depth?.oldestAgeSeconds).toBeGreaterThanOrEqual(90);
    expect(await lanesByGateway(db)).toEqual([
      { gatewayId: 'g1', held: 1, free: 4, health: 1, errorRate: 0 },
      { gatewayId: 'g2', held: 0, free: 4, health: 1, errorRate: 0 },
    ]);
    expect(await gatewayStates(db)).toEqual([{ state: 'open', count: 2 }]);
    const outcomes = (await attemptOutcomes(db)).toSorted((a, b) =>
      a.outcome.localeCompare(b.outcome),
    );
    expect(outcomes).toEqual([
      { outcome: 'failed', failureClass: 'permanent', count: 1 },
      { outcome: 'succeeded', failureClass: null, count: 1 },
    ]);
  });
});

describe('the installation', () => {
  it('keeps limits that are not mentioned, and tells when the brake is used', async () => {
    const { db } = database();
    await setLimits(db, { maxOpenTasks: 50, maxRunningTotal: 9 });
    await setLimits(db, { maxRunningPerTenant: 2 });
    expect(await readInstallation(db)).toMatchObject({
      maxOpenTasks: 50,
      maxRunningTotal: 9,
      maxRunningPerTenant: 2,
    });
    for (const paused of [true, true, false]) await setFleetPaused(db, { paused, actor: 'ann' });
    const { events } = await readEvents(db, { after: 0, limit: 10 });
    expect(events.map((event) => [event.type, event.actor])).toEqual([
      ['fleet.limits', null],
      ['fleet.limits', null],
      ['fleet.paused', 'ann'],
      ['fleet.resumed', 'ann'],
    ]);
  });
});
