import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { taskEvents } from '../../../src/db/event-store.ts';
import { withDatabase } from '../../support/database.ts';
import { makeKey, startTestApi, type TestApi } from '../../support/test-api.ts';
import { runningTask } from './support/rows.ts';

const database = withDatabase();
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ db: database().db });
});
afterAll(() => api.close());

interface Refusal {
  readonly code: string;
  readonly detail: string;
  readonly details: { issues?: { path: string; message: string }[]; [key: string]: unknown };
}

async function refused(method: string, path: string, body: unknown, key?: string) {
  const answer = await api.request(method, path, {
    body,
    ...(key === undefined ? {} : { key }),
  });
  const problem = (await answer.json()) as Refusal;
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), ...problem };
}

describe('pools', () => {
  test('are made, changed, shown and deleted; one that is needed stays (R21)', async () => {
    const { pools, tasks } = api.client;
    const params = { pool: 'gpu' };
    const body = { matchLabels: { kind: 'gpu' }, matchRegions: ['eu-1'], allowedTenants: ['lab'] };
    expect(await pools.put({ params, body })).toMatchObject({ id: 'gpu', ...body, gateways: 0 });
    expect(await pools.get({ params })).toMatchObject(body);
    const { task } = await tasks.submit({ body: { prompt: 'x', pool: 'gpu', tenant: 'lab' } });
    expect(await refused('DELETE', '/api/v1/pools/gpu', undefined)).toMatchObject({
      status: 409,
      code: 'pool-in-use',
      details: { openTasks: 1, waitingNodes: 0 },
    });
    expect(await refused('DELETE', '/api/v1/pools/default', undefined)).toMatchObject({
      code: 'pool-in-use',
    });
    await tasks.cancel({ params: { taskId: task.id } });
    expect(await pools.delete({ params })).toEqual({ deleted: 'gpu' });
    expect(await refused('GET', '/api/v1/pools/gpu', undefined)).toMatchObject({
      status: 404,
      code: 'pool-not-found',
    });
  });

  test('of others are not shown to a tenant, nor changed by it (R34)', async () => {
    const { db } = database();
    await api.client.pools.put({
      params: { pool: 'secret' },
      body: { allowedTenants: ['lab'] },
    });
    const key = await makeKey(db, { scopes: ['admin'], tenant: 'guest' });
    const guest = api.clientOf(key);
    const ids = (await guest.pools.list()).items.map(({ id }) => id);
    expect(ids).toContain('default');
    expect(ids).not.toContain('secret');
    expect(await refused('GET', '/api/v1/pools/secret', undefined, key)).toMatchObject({
      status: 404,
    });
    for (const [method, path] of [
      ['PUT', '/api/v1/pools/x'],
      ['DELETE', '/api/v1/pools/secret'],
      ['PUT', '/api/v1/tenants/guest'],
      ['PUT', '/api/v1/fleet/limits'],
      ['POST', '/api/v1/fleet/pause'],
    ] as const) {
      const body = method === 'DELETE' ? undefined : {};
      expect(await refused(method, path, body, key)).toMatchObject({
        status: 403,
        code: 'tenant-not-allowed',
      });
    }
    expect((await guest.tenants.list()).items.map(({ id }) => id)).toEqual(['guest']);
  });
});

describe('where a task goes', () => {
  test.each([
    [{ pool: 'nowhere' }, 'body.pool', /there is no pool "nowhere"; pools of tenant "default": /],
    [{ pool: 'default', requirements: { region: 'eu' } }, 'body.requirements', /not both/],
    [{ requirements: {} }, 'body.requirements', /asks for nothing/],
    [{ requirements: { label: {} } }, 'body.requirements.label', /did you mean "labels"\?/],
    [{ requirements: { region: 'mars' } }, 'body.requirements', /"default" lacks region mars/],
    [{ priority: 'urgent' }, 'body.priority', /critical, high, normal, low, background/],
  ])('%j is refused with its path and what is allowed (R38)', async (extra, path, message) => {
    const answer = await refused('POST', '/api/v1/tasks', { prompt: 'x', ...extra });
    expect(answer).toMatchObject({ status: 422, code: 'validation-failed' });
    expect(answer.details.issues?.map((issue) => issue.path)).toContain(path);
    expect(answer.detail).toMatch(message);
  });

  test('unmet requirements list every pool with what it lacks (R21)', async () => {
    const requirements = { labels: { kind: 'tpu' }, capabilities: ['code'] };
    const answer = await refused('POST', '/api/v1/tasks', { prompt: 'x', requirements });
    expect(answer.details['pools']).toContainEqual({
      id: 'default',
      lacks: ['label kind=tpu', 'capability code'],
    });
  });

  test('requirements are resolved and shown; in a swarm a node’s go before the swarm’s pool (R21)', async () => {
    const { pools, tasks, swarms } = api.client;
    await pools.put({ params: { pool: 'tools' }, body: { matchCapabilities: ['code'] } });
    const requirements = { capabilities: ['code'] };
    const { task } = await tasks.submit({ body: { prompt: 'x', requirements } });
    expect(task).toMatchObject({ pool: 'tools', requirements });
    const nodes = [{ id: 'a', prompt: 'p', requirements }];
    const accepted = await swarms.run({ body: { name: 's', pool: 'default', nodes } });
    const templates = await database().db.rows(
      `select template->'pool' as pool, template->'requirements' as requirements
       from dash.swarm_nodes where swarm_id = $1`,
      [accepted.swarm.id],
    );
    expect(templates).toEqual([{ pool: null, requirements }]);
    expect(
      await refused('POST', '/api/v1/swarms', {
        name: 's',
        nodes: [{ id: 'a', prompt: 'p', pool: 'default', requirements }],
      }),
    ).toMatchObject({ details: { issues: [{ path: 'body.nodes[0].requirements' }] } });
  });
});

describe('shares and bounds', () => {
  test('a weight of 0 or 1001 is refused with its path; what is left out stays (P14)', async () => {
    for (const weight of [0, 1001, 1.5]) {
      const answer = await refused('PUT', '/api/v1/tenants/acme', { weight });
      expect(answer).toMatchObject({
        status: 422,
        details: { issues: [{ path: 'body.weight' }] },
      });
    }
    const { tenants } = api.client;
    const params = { tenant: 'acme' };
    expect(await refused('GET', '/api/v1/tenants/acme', undefined)).toMatchObject({
      code: 'tenant-not-found',
    });
    await tenants.put({ params, body: { weight: 5, maxRunning: 2 } });
    await tenants.put({ params, body: { maxOpenTasks: 1 } });
    const now = { weight: 5, maxRunning: 2, maxOpenTasks: 1, openTasks: 0, running: 0 };
    expect(await tenants.get({ params })).toMatchObject(now);
    await api.client.tasks.submit({ body: { prompt: 'x', tenant: 'acme' } });
    const over = await refused('POST', '/api/v1/tasks', { prompt: 'x', tenant: 'acme' });
    expect(over).toMatchObject({
      status: 429,
      retryAfter: '5',
      code: 'limit-reached',
      details: { bound: 'max-open-tasks-per-tenant', limit: 1 },
    });
    const page = await tenants.list({ query: { limit: 1 } });
    const rest = await tenants.list({ query: { cursor: page.nextCursor ?? '' } });
    expect([...page.items, ...rest.items].map(({ id }) => id)).toContain('acme');
  });

  test('the fleet’s limits change one by one; null takes one away; the brake is shown (R17)', async () => {
    const { fleet } = api.client;
    const before = await fleet.get();
    await fleet.limits({ body: { maxRunningTotal: 7, ageingSeconds: 60 } });
    const { limits } = await fleet.limits({ body: { maxOpenTasksPerPool: 50 } });
    expect(limits).toEqual({
      ...before.limits,
      maxRunningTotal: 7,
      ageingSeconds: 60,
      maxOpenTasksPerPool: 50,
    });
    const cleared = { maxRunningTotal: null, maxOpenTasksPerPool: null, ageingSeconds: 600 };
    expect(await fleet.limits({ body: cleared })).toMatchObject({ limits: before.limits });
    for (const body of [{ maxOpenTasks: 0 }, { maxOpenTasks: null }, { ageingSeconds: 0 }]) {
      expect(await refused('PUT', '/api/v1/fleet/limits', body)).toMatchObject({ status: 422 });
    }
    const paused = await fleet.pause({ body: { reason: 'costs' } });
    expect(paused).toMatchObject({ paused: true, pauseReason: 'costs' });
    expect(paused.pausedBy).toMatch(/\w/);
    await api.client.tasks.submit({ body: { prompt: 'x' } });
    const resumed = await fleet.resume();
    expect(resumed).toMatchObject({ paused: false, pausedAt: null });
    expect(resumed.counts.tasks.queued).toBe(before.counts.openTasks + 1);
  });
});

describe('bump', () => {
  test('raises a waiting task once, with actor and reason in its events; never one that runs (R4)', async () => {
    const { tasks } = api.client;
    const { task } = await tasks.submit({ body: { prompt: 'x', priority: 'low' } });
    const params = { taskId: task.id };
    expect(await tasks.bump({ params, body: { priority: 'high', reason: 'vip' } })).toMatchObject({
      result: 'raised',
      task: { priority: 'low', raisedPriority: 'high', effectivePriority: 'high' },
    });
    expect(await tasks.bump({ params, body: { priority: 'normal' } })).toMatchObject({
      result: 'unchanged',
    });
    expect(await tasks.bump({ params })).toMatchObject({
      task: { effectivePriority: 'critical' },
    });
    const { events } = await taskEvents(database().db, { ...params, after: 0, limit: 50 });
    const raises = events.filter(({ type }) => type === 'task.raised');
    expect(raises.map(({ data }) => data)).toEqual([
      { by: 'bump', from: 4, effectivePriority: 2, reason: 'vip' },
      { by: 'bump', from: 2, effectivePriority: 1 },
    ]);
    expect(raises[0]?.actor).toMatch(/\w/);
    const running = await runningTask(database().db);
    expect(await refused('POST', `/api/v1/tasks/${running.taskId}/bump`, {})).toMatchObject({
      status: 409,
      code: 'task-not-waiting',
      details: { state: 'dispatched' },
    });
  });
});
