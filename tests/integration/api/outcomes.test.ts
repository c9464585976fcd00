import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withDatabase } from '../../support/database.ts';
import { makeKey, startTestApi, type TestApi } from '../../support/test-api.ts';
import { deadTask, indeterminateTask, runningTask } from './support/rows.ts';

const database = withDatabase();
let api: TestApi;
let stranger: string;
beforeAll(async () => {
  const { db } = database();
  api = await startTestApi({ db });
  const scopes = ['tasks:read', 'tasks:write', 'sessions:read', 'sessions:write', 'policy:write'];
  stranger = await makeKey(db, { scopes, tenant: 'acme' });
});
afterAll(() => api.close());

describe('a key of one tenant', () => {
  test('sees and changes nothing of what did not end well elsewhere (R21, R34)', async () => {
    const { db } = database();
    const dead = await deadTask(db);
    const { taskId } = await indeterminateTask(db);
    const theirs = api.clientOf(stranger);
    expect((await theirs.deadLetters.list()).items).toEqual([]);
    expect((await theirs.decisions.list()).items).toEqual([]);
    for (const path of [`dead-letters/${dead}`, `decisions/${taskId}`]) {
      const answer = await api.request('GET', `/api/v1/${path}`, { key: stranger });
      expect(await answer.json()).toMatchObject({ status: 404, code: 'task-not-found' });
    }
    const body = { action: 'discard', filter: {} } as const;
    const dry = await theirs.bulkOperations.start({ body: { ...body, dryRun: true } });
    expect(dry).toMatchObject({ dryRun: true, count: 0 });
    const all = await api.client.bulkOperations.start({ body });
    const bulkId = all.dryRun ? '' : all.operation.id;
    const own = await theirs.bulkOperations.start({ body });
    expect(own).toMatchObject({ operation: { tenant: 'acme', total: 0 } });
    for (const [method, path] of [
      ['GET', bulkId],
      ['POST', `${bulkId}/cancel`],
    ] as const) {
      const path_ = `/api/v1/bulk-operations/${path}`;
      const answer = await api.request(method, path_, { key: stranger });
      expect(await answer.json()).toMatchObject({ status: 404, code: 'bulk-operation-not-found' });
    }
    const named = { ...body, filter: { tenant: 'default' } };
    const refused = await api.request('POST', '/api/v1/bulk-operations', {
      key: stranger,
      body: named,
    });
    expect(await refused.json()).toMatchObject({ code: 'tenant-not-allowed' });
    const policy = await api.request('POST', '/api/v1/outcome-policy', {
      key: stranger,
      body: { quarantineAfter: 1 },
    });
    expect(policy.status).toBe(403);
  });
});

describe('a session', () => {
  test('does not move while an attempt of it is open: 409 names the attempt, and a wrong gateway is 422 (R3)', async () => {
    const { task } = await api.client.tasks.submit({ body: { prompt: 'x', session: 'talk' } });
    // Its gateway claims what waits, this task among it.
    const { gatewayId } = await runningTask(database().db);
    const move = (body: object): Promise<Response> =>
      api.request('POST', '/api/v1/sessions/talk/migrate', { body });
    const busy = await move({ reason: 'test' });
    expect(await busy.json()).toMatchObject({
      status: 409,
      code: 'session-busy',
      details: { gatewayId, taskId: task.id, state: 'planned' },
    });
    const nowhere = await move({ reason: 'test', gateway: 'none' });
    expect(await nowhere.json()).toMatchObject({
      status: 422,
      details: { issues: [{ path: 'body.gateway', message: 'there is no such gateway' }] },
    });
    expect((await move({})).status).toBe(422);
  });
});

describe('bad input about work that did not end well', () => {
  test.each([
    ['POST', '/api/v1/bulk-operations', { action: 'burn', filter: {} }, 'body.action'],
    ['POST', '/api/v1/bulk-operations', { action: 'replay' }, 'body.filter'],
    [
      'POST',
      '/api/v1/bulk-operations',
      { action: 'replay', filter: { reason: ['luck'] } },
      'body.filter.reason[0]',
    ],
    ['POST', '/api/v1/outcome-policy', { quarantineAfter: 0 }, 'body.quarantineAfter'],
    ['POST', '/api/v1/outcome-policy', { decisionExpiryHours: -1 }, 'body.decisionExpiryHours'],
    ['GET', '/api/v1/dead-letters?failureClass=odd', undefined, 'query.failureClass'],
    ['GET', '/api/v1/dead-letters?to=tomorrow', undefined, 'query.to'],
  ] as const)('%s %s %j is 422 at %s', async (method, path, body, where) => {
    const answer = await api.request(method, path, body === undefined ? {} : { body });
    const { status, details } = (await answer.json()) as {
      status: number;
      details: { issues: { path: string }[] };
    };
    expect(status).toBe(422);
    expect(details.issues.map((issue) => issue.path).join()).toContain(where);
  });
});
