import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { listRoutes } from '../../../src/contract/routes.ts';
import { ADMIN_SCOPE, SCOPES, type Scope } from '../../../src/contract/scopes.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { makeKey, startTestApi, type TestApi } from '../../support/test-api.ts';

const database = withDatabase();
let api: TestApi;
const keys = new Map<Scope, string>();
beforeAll(async () => {
  const { db } = database();
  api = await startTestApi({ db });
  for (const scope of SCOPES) keys.set(scope, await makeKey(db, { scopes: [scope] }));
});
afterAll(() => api.close());

const CLOSED_ROUTES = listRoutes().filter(({ route }) => route.scope !== null);
const PLACES: Readonly<Record<string, string>> = {
  taskId: 'none',
  swarmId: 'none',
  approvalId: 'none',
  sessionKey: 'none',
  gatewayId: 'none',
};
const pathOf = (path: string): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => PLACES[name] ?? 'none');

/** The status with which the door is passed or not; what lies behind it does not matter here. */
async function statusWith(key: string | null, method: string, path: string): Promise<number> {
  const stop = new AbortController();
  const answer = await fetch(api.url + pathOf(path), {
    method,
    headers: key === null ? {} : { Authorization: `Bearer ${key}` },
    signal: stop.signal,
  });
  const { status } = answer;
  stop.abort();
  return status;
}

describe('every route that is not open', () => {
  test.each(CLOSED_ROUTES.map(({ name, route }) => [name, route] as const))(
    '%s lets exactly its scope through: no key 401, another scope 403 (R34, G9)',
    async (_, route) => {
      expect(await statusWith(null, route.method, route.path)).toBe(401);
      for (const scope of SCOPES) {
        const status = await statusWith(keys.get(scope)!, route.method, route.path);
        expect({ scope, refused: status === 403 }).toEqual({
          scope,
          refused: scope !== route.scope,
        });
        expect(status).not.toBe(401);
      }
    },
  );

  test('there are routes to be tested, and open ones are exactly these (R34)', () => {
    expect(CLOSED_ROUTES.length).toBeGreaterThan(25);
    const open = listRoutes().filter(({ route }) => route.scope === null);
    expect(open.map(({ route }) => route.path)).toEqual([
      '/health/live',
      '/health/ready',
      '/openapi.json',
      '/docs',
    ]);
  });

  test.each(
    listRoutes()
      .filter(({ route }) => route.reach === 'fleet')
      .map(({ name, route }) => [name, route] as const),
  )('%s concerns all tenants and refuses a key that belongs to one (R21)', async (_, route) => {
    const key = await makeKey(database().db, { scopes: [ADMIN_SCOPE], tenant: 'one' });
    expect(await statusWith(key, route.method, route.path)).toBe(403);
  });
});

describe('a key', () => {
  const probe = (key: string): Promise<number> => statusWith(key, 'GET', '/api/v1/pools');

  test('that has expired is no key (R34)', async () => {
    const { db } = database();
    const past = await makeKey(db, { scopes: [ADMIN_SCOPE], expiresAt: '2020-01-01T00:00:00Z' });
    const future = await makeKey(db, { scopes: [ADMIN_SCOPE], expiresAt: '2900-01-01T00:00:00Z' });
    expect(await probe(past)).toBe(401);
    expect(await probe(future)).toBe(200);
  });

  test('that is revoked is refused within 5 s, also when it was just used (R34)', async () => {
    const { db } = database();
    const key = await makeKey(db, { scopes: [ADMIN_SCOPE] });
    expect(await probe(key)).toBe(200);
    await db.rows('update dash.api_keys set revoked_at = now() where id = $1', [key.split('_')[1]]);
    await eventually(async () => (await probe(key)) === 401, { timeoutMs: 5_000 });
  });

  test('of another secret under a known id is refused (R34, G4)', async () => {
    const { db } = database();
    const [one, two] = [
      await makeKey(db, { scopes: [ADMIN_SCOPE] }),
      await makeKey(db, { scopes: [ADMIN_SCOPE] }),
    ];
    expect(await probe(one)).toBe(200);
    const [, id] = one.split('_');
    const [, , secret] = two.split('_');
    expect(await probe(`dash_${id}_${secret}`)).toBe(401);
    await db.rows(
      'update dash.api_keys set secret_hash = decode(repeat($2, 32), $3) where id = $1',
      [two.split('_')[1], '00', 'hex'],
    );
    expect(await probe(two)).toBe(401);
  });

  test('is stored as a hash only (R34)', async () => {
    const key = await makeKey(database().db, { scopes: [ADMIN_SCOPE] });
    const secret = key.split('_')[2]!;
    const rows = await database().db.rows<{ row: string }>(
      'select row_to_json(k)::text as row from dash.api_keys k',
    );
    expect(rows.map(({ row }) => row).join()).not.toContain(secret.slice(0, 20));
  });

  test('works in the Authorization header only: never in the query, as another scheme, or in pieces (R36)', async () => {
    const { adminKey, url } = api;
    const status = async (path: string, headers: Record<string, string>): Promise<number> =>
      (await fetch(url + path, { headers })).status;
    expect(await status('/api/v1/pools', { Authorization: `bearer ${adminKey}` })).toBe(200);
    expect(await status('/api/v1/pools', { Authorization: adminKey })).toBe(401);
    expect(await status('/api/v1/pools', { Authorization: `Basic ${adminKey}` })).toBe(401);
    expect(await status('/api/v1/pools', { Authorization: `Bearer ${adminKey} x` })).toBe(401);
    expect(await status('/api/v1/pools', { 'X-API-Key': adminKey })).toBe(401);
    expect(await status(`/api/v1/pools?x=/health/live`, {})).toBe(401);
  });
});

describe('a key of one tenant', () => {
  test("sees and changes its own tenant's work only; the rest does not exist for it (R21)", async () => {
    const { db } = database();
    const mine = api.clientOf(await makeKey(db, { scopes: [ADMIN_SCOPE], tenant: 'mine' }));
    const theirs = api.clientOf(await makeKey(db, { scopes: [ADMIN_SCOPE], tenant: 'theirs' }));
    const { task } = await mine.tasks.submit({ body: { prompt: 'mine', session: 's' } });
    expect(task.tenant).toBe('mine');
    const params = { taskId: task.id };
    expect((await mine.tasks.get({ params })).id).toBe(task.id);
    for (const call of [
      theirs.tasks.get({ params }),
      theirs.tasks.cancel({ params }),
      theirs.tasks.events({ params }),
      theirs.tasks.attempts({ params }),
      theirs.tasks.decide({ params, body: { decision: 'retry' } }),
    ]) {
      await expect(call).rejects.toMatchObject({ problem: { code: 'task-not-found' } });
    }
    expect((await theirs.tasks.list()).items).toEqual([]);
    expect((await theirs.sessions.list()).items).toEqual([]);
    await expect(theirs.sessions.get({ params: { sessionKey: 's' } })).rejects.toMatchObject({
      problem: { code: 'session-not-found' },
    });
    expect((await mine.sessions.get({ params: { sessionKey: 's' } })).session.tenant).toBe('mine');
    for (const call of [
      theirs.tasks.submit({ body: { prompt: 'x', tenant: 'mine' } }),
      theirs.tasks.list({ query: { tenant: 'mine' } }),
      theirs.swarms.run({
        body: { name: 'x', tenant: 'mine', strategy: 'dag', nodes: [{ id: 'a', prompt: 'x' }] },
      }),
    ]) {
      await expect(call).rejects.toMatchObject({ problem: { code: 'tenant-not-allowed' } });
    }
    expect((await api.client.tasks.list({ query: { tenant: 'mine' } })).items).toHaveLength(1);
  });
});
