import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withDatabase } from '../../support/database.ts';
import { makeKey, startTestApi, type TestApi } from '../../support/test-api.ts';

const database = withDatabase();
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ db: database().db });
});
afterAll(() => api.close());

const put = (
  budgetName: string,
  body: NonNullable<Parameters<typeof api.client.budgets.put>[0]['body']>,
) => api.client.budgets.put({ params: { budgetName }, body });

interface Problem {
  readonly status: number;
  readonly issues: unknown;
}

async function refused(method: string, path: string, body?: unknown): Promise<Problem> {
  const answer = await api.request(method, path, body === undefined ? {} : { body });
  const { details } = (await answer.json()) as { details: { issues?: unknown } | null };
  return { status: answer.status, issues: details?.issues };
}

describe('budgets', () => {
  test('are set, read, changed, listed and removed, and metrics show those of fleet and tenants (P15, R16)', async () => {
    await put('fleet', { usd: 100, period: 'month' });
    const made = await put('tenant:acme', { usd: 2.5, tokens: 1000, period: 'day' });
    expect(made).toMatchObject({
      name: 'tenant:acme',
      scope: 'tenant',
      tenant: 'acme',
      limit: { usd: 2.5, tokens: 1000 },
      spent: { usd: 0, tokens: 0 },
      reserved: { usd: 0, tokens: 0 },
      remaining: { usd: 2.5, tokens: 1000 },
      usedPercent: 0,
      period: 'day',
      periodStartedAt: expect.stringMatching(/T00:00:00.000Z$/),
      periodEndsAt: expect.stringMatching(/T00:00:00.000Z$/),
      blockedTasks: 0,
    });
    await put('tenant:acme', { tokens: 2000, period: 'day' });
    await put('session:acme:notes', { tokens: 10 });
    await put('pool:default', { usd: 0.5 });
    const params = { budgetName: 'tenant:acme' };
    expect((await api.client.budgets.get({ params })).limit).toEqual({ usd: null, tokens: 2000 });
    const names = async (query: object): Promise<string[]> =>
      (await api.client.budgets.list({ query })).items.map(({ name }) => name);
    expect(await names({})).toEqual(['fleet', 'tenant:acme', 'session:acme:notes', 'pool:default']);
    expect(await names({ tenant: 'acme', scope: 'session' })).toEqual(['session:acme:notes']);
    const metrics = await (await api.request('GET', '/metrics')).text();
    expect(metrics).toContain('dash_budget_tokens{budget="tenant:acme",kind="limit"} 2000');
    expect(metrics).toContain('dash_budget_usd{budget="fleet",kind="spent"} 0');
    expect(metrics).not.toContain('session:acme:notes');
    expect(await api.client.budgets.remove({ params })).toEqual({ removed: true });
    expect(await refused('DELETE', '/api/v1/budgets/tenant:acme')).toMatchObject({ status: 404 });
    expect(await refused('GET', '/api/v1/budgets/tenant:acme')).toMatchObject({ status: 404 });
  });

  test.each([
    ['a negative one', 'tenant:a', { usd: -1 }, 'body.usd', 'must be greater than 0'],
    ['one of nothing', 'tenant:a', { tokens: 0 }, 'body.tokens', 'must be at least 1'],
    ['a broken number', 'tenant:a', { tokens: 1.5 }, 'body.tokens', 'whole number'],
    ['no limit at all', 'tenant:a', { period: 'day' }, 'body', 'usd, tokens, or both'],
    ['an unknown period', 'fleet', { usd: 1, period: 'year' }, 'body.period', 'month'],
    ['a period of a pool', 'pool:default', { usd: 1, period: 'day' }, 'body.period', 'total'],
    ['another name', 'team:a', { usd: 1 }, 'budgetName', 'tenant:<tenant>'],
    ['an unknown pool', 'pool:nowhere', { usd: 1 }, 'budgetName', 'there is no pool "nowhere"'],
  ])('%s is refused with path and what is allowed (P15)', async (_, name, body, path, words) => {
    const { status, issues } = await refused('PUT', `/api/v1/budgets/${name}`, body);
    expect({ status, issues }).toEqual({
      status: 422,
      issues: [{ path: expect.stringContaining(path), message: expect.stringContaining(words) }],
    });
  });

  test('an unknown swarm is not found (P15)', async () => {
    expect(await refused('PUT', '/api/v1/budgets/swarm:none', { usd: 1 })).toMatchObject({
      status: 404,
    });
  });

  test("a task's and a swarm's own are shown with what was spent, and refused when negative (P15)", async () => {
    const { task } = await api.client.tasks.submit({
      body: { prompt: 'x', budget: { usd: 0.1, tokens: 500 } },
    });
    expect(task).toMatchObject({
      budget: { usd: 0.1, tokens: 500 },
      spent: { usd: 0, tokens: 0 },
      blockedOn: null,
    });
    const params = { taskId: task.id };
    expect(await api.client.tasks.spending({ params })).toEqual({ items: [] });
    expect(
      await refused('POST', '/api/v1/tasks', { prompt: 'x', budget: { tokens: -5 } }),
    ).toMatchObject({ status: 422, issues: [{ path: 'body.budget.tokens' }] });
    const spec = { name: 's', strategy: 'parallel', items: ['a'], prompt: '{{item}}' };
    const answer = await api.request('POST', '/api/v1/swarms', {
      body: { ...spec, budget: { usd: 3 } },
    });
    const { swarm } = (await answer.json()) as { swarm: { id: string } };
    expect(swarm).toMatchObject({
      budget: { name: `swarm:${swarm.id}`, limit: { usd: 3, tokens: null }, spent: { usd: 0 } },
    });
    expect(await put(`swarm:${swarm.id}`, { usd: 4 })).toMatchObject({ tenant: 'default' });
  });

  test('a key of a tenant sees the budgets of that tenant alone and sets none (R34)', async () => {
    await put('tenant:seen', { usd: 1 });
    await put('tenant:unseen', { usd: 1 });
    const scopes = ['budgets:read', 'budgets:write'];
    const key = await makeKey(database().db, { scopes, tenant: 'seen' });
    const list = await api.request('GET', '/api/v1/budgets', { key });
    expect(((await list.json()) as { items: unknown[] }).items).toMatchObject([
      { name: 'tenant:seen' },
    ]);
    for (const name of ['tenant:unseen', 'fleet']) {
      expect((await api.request('GET', `/api/v1/budgets/${name}`, { key })).status).toBe(404);
    }
    const raised = await api.request('PUT', '/api/v1/budgets/tenant:seen', {
      key,
      body: { usd: 99 },
    });
    expect(raised.status).toBe(403);
  });
});
