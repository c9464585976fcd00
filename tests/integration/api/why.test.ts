import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { registerGateway } from '../../../src/db/gateway-store.ts';
import { claimFrom, openRowGateway } from '../../support/row-executor.ts';
import { withDatabase } from '../../support/database.ts';
import { makeKey, startTestApi, type TestApi } from '../../support/test-api.ts';

const database = withDatabase();
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ db: database().db });
});
afterAll(() => api.close());

const NOBODY = {
  kind: 'adopted',
  endpoint: 'ws://127.0.0.1:1',
  configuredLanes: 1,
  actor: 'test',
} as const;

it('says why a task waits in one sentence with facts and what to do, also that Temporal is away (R16, R32)', async () => {
  const { task } = await api.client.tasks.submit({ body: { prompt: 'x' } });
  const params = { taskId: task.id };
  expect(await api.client.tasks.why({ params })).toMatchObject({
    subject: { kind: 'task', id: task.id },
    state: 'queued',
    sentence: 'No gateway belongs to the pool default.',
    reasons: [
      { code: 'pool-empty', action: expect.stringMatching(/gateway add/) },
      { code: 'in-line' },
    ],
  });
  api.messages.fail(new Error('connection refused'));
  const away = await api.client.tasks.why({ params });
  api.messages.fail(null);
  expect(away.reasons[0]).toMatchObject({
    code: 'temporal-unreachable',
    facts: { detail: 'connection refused' },
  });
});

it('shows a tenant neither other tenants’ tasks nor their gateways (R21)', async () => {
  const { db } = database();
  const gateway = await openRowGateway(db, { gatewayId: 'shared', lanes: 1 });
  await registerGateway(db, { id: 'secret', ...NOBODY, allowedTenants: ['other'] });
  const other = await api.client.tasks.submit({
    body: { prompt: 'x', tenant: 'other', priority: 'critical' },
  });
  const claims = await claimFrom(db, gateway);
  expect(claims.map(({ taskId }) => taskId)).toEqual([other.task.id]);
  const key = await makeKey(db, {
    scopes: ['tasks:read', 'tasks:write', 'gateways:read'],
    tenant: 'mine',
  });
  const mine = api.clientOf(key);
  const { task } = await mine.tasks.submit({ body: { prompt: 'x' } });
  const why = await mine.tasks.why({ params: { taskId: task.id } });
  expect(why.reasons[0]).toMatchObject({
    code: 'lanes-busy',
    facts: { gateways: [{ id: 'shared', busyWith: [{ taskId: null, tenant: null }] }] },
  });
  const gatewayWhy = await mine.gateways.why({ params: { gatewayId: 'shared' } });
  expect(JSON.stringify([why, gatewayWhy])).not.toMatch(new RegExp(`${other.task.id}|secret`));
  await expect(mine.tasks.why({ params: { taskId: other.task.id } })).rejects.toThrow(
    /There is no task/,
  );
  await expect(mine.gateways.why({ params: { gatewayId: 'secret' } })).rejects.toThrow(
    /There is no gateway/,
  );
  await db.rows(`update dash.gateways set allowed_tenants = '{other}'`);
  const refused = await mine.tasks.why({ params: { taskId: task.id } });
  expect(refused.reasons[0]).toMatchObject({ code: 'tenant-not-allowed', facts: { gateways: [] } });
});

it('answers for sessions, swarms and gateways alike, and 404 for what is not there', async () => {
  await api.client.tasks.submit({ body: { prompt: 'x', session: 'talk' } });
  await api.client.tasks.submit({ body: { prompt: 'x', session: 'talk' } });
  const session = await api.client.sessions.why({ params: { sessionKey: 'talk' }, query: {} });
  expect(session).toMatchObject({ subject: { kind: 'session', id: 'talk' }, state: 'queued' });
  expect(session.reasons.at(-1)?.code).toBe('session-tasks-wait');
  expect(await api.client.gateways.why({ params: { gatewayId: 'secret' } })).toMatchObject({
    state: 'registered',
    reasons: [{ code: 'gateway-registered' }, { code: 'wish-not-reached' }],
  });
  for (const path of ['tasks/task-x', 'sessions/nobody', 'swarms/swarm-x', 'gateways/nobody']) {
    expect((await api.request('GET', `/api/v1/${path}/why`)).status).toBe(404);
  }
});
