import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { recordFinding } from '../../../src/db/finding-store.ts';
import { withDatabase } from '../../support/database.ts';
import { makeKey, startTestApi, type TestApi } from '../../support/test-api.ts';

const database = withDatabase();
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ db: database().db });
});
afterAll(() => api.close());

it('findings are listed by kind, subject and whether they stand, in pages (P35)', async () => {
  const { db } = database();
  await recordFinding(db, { kind: 'owner-gone', subject: 'g1', detail: {}, repaired: false });
  await recordFinding(db, { kind: 'owner-gone', subject: 'g1', detail: {}, repaired: false });
  await recordFinding(db, { kind: 'swarm-unread', subject: 's1', detail: {}, repaired: true });
  const { findings } = api.client.reconcile;
  const first = await findings({ query: { limit: 1 } });
  expect(first.items).toMatchObject([{ kind: 'swarm-unread', subject: 's1', repaired: true }]);
  const second = await findings({ query: { limit: 1, cursor: first.nextCursor ?? '' } });
  expect(second.items).toMatchObject([{ kind: 'owner-gone', subject: 'g1', times: 2 }]);
  expect((await findings({ query: { standing: 'true' } })).items).toHaveLength(1);
  expect((await findings({ query: { kind: 'swarm-unread' } })).items).toHaveLength(1);
  expect((await findings({ query: { subject: 'nobody' } })).items).toEqual([]);
  const wrong = await api.request('GET', '/api/v1/reconcile-findings?kind=nonsense');
  expect(wrong.status).toBe(422);
  expect(await wrong.text()).toMatch(/owner-gone/);
});

it('a round is asked for at once; without Temporal that is 503, and no tenant may do either (P35)', async () => {
  expect(await api.client.reconcile.run({})).toEqual({ asked: true });
  expect(api.messages.told).toContainEqual(['runMaintenance']);
  api.messages.fail(new Error('away'));
  expect((await api.request('POST', '/api/v1/reconcile/run')).status).toBe(503);
  api.messages.fail(null);
  const key = await makeKey(database().db, {
    scopes: ['reconcile:read', 'reconcile:write'],
    tenant: 'mine',
  });
  for (const [method, path] of [
    ['GET', '/api/v1/reconcile-findings'],
    ['POST', '/api/v1/reconcile/run'],
  ] as const) {
    expect((await api.request(method, path, { key })).status).toBe(403);
  }
});
