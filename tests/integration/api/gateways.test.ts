import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GATEWAY_MESSAGES } from '../../../src/domain/gateway.ts';
import { readSealedToken } from '../../../src/db/gateway-store.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { makeKey, startTestApi, type TestApi } from '../../support/test-api.ts';

const database = withDatabase();
let api: TestApi;
const logged: string[] = [];
beforeAll(async () => {
  api = await startTestApi({
    db: database().db,
    logDestination: { write: (line) => void logged.push(line) },
  });
});
afterAll(() => api.close());

const TOKEN = 'a-token-nobody-may-see';

describe('registering', () => {
  test('a gateway is a row before its workflow is asked for, also while Temporal is away (R18)', async () => {
    api.messages.fail(new Error('Temporal is away'));
    const made = await api.client.gateways.register({
      body: {
        kind: 'adopted',
        id: 'first',
        endpoint: 'ws://127.0.0.1:18789',
        token: TOKEN,
        labels: { size: 'big' },
        region: 'eu-1',
        capabilities: ['code'],
        allowedTenants: ['default'],
        lanes: 2,
      },
    });
    api.messages.fail(null);
    expect(made).toMatchObject({
      id: 'first',
      kind: 'adopted',
      endpoint: 'ws://127.0.0.1:18789',
      labels: { size: 'big' },
      region: 'eu-1',
      capabilities: ['code'],
      allowedTenants: ['default'],
      lanes: { configured: 2, reported: null, held: 0 },
      state: 'registered',
      accepts: ['start', 'remove', 'recover'],
      pools: ['default'],
    });
    expect(await api.client.gateways.get({ params: { gatewayId: 'first' } })).toMatchObject({
      id: 'first',
    });
    await api.client.gateways.register({ body: { kind: 'managed', id: 'second' } });
    await eventually(() =>
      api.messages.told.some(([name, id]) => name === 'ensureGateway' && id === 'second'),
    );
  });

  test('the token is stored sealed and leaves by no answer, event or log line (R37)', async () => {
    const { db } = database();
    const sealed = await readSealedToken(db, 'first');
    expect(sealed!.toString('latin1')).not.toContain(TOKEN);
    const rows = await db.rows<{ all: string }>(
      `select (select string_agg(g::text, '') from dash.gateways g) || (select string_agg(e::text, '') from dash.events e) as all`,
    );
    const answers = await Promise.all(
      ['/api/v1/gateways', '/api/v1/gateways/first', '/metrics', '/openapi.json'].map(
        async (path) => (await api.request('GET', path)).text(),
      ),
    );
    await api.request('POST', '/api/v1/gateways', {
      body: { kind: 'adopted', endpoint: 'nonsense', token: TOKEN },
    });
    expect([rows[0]!.all, ...answers, ...logged].join('\n')).not.toContain(TOKEN);
    expect(logged.length).toBeGreaterThan(0);
  });

  test('an id is made from the endpoint, and is never used twice (R18)', async () => {
    const body = { kind: 'adopted', endpoint: 'wss://Gate.Example:8443', token: TOKEN } as const;
    const made = await api.client.gateways.register({ body });
    expect(made.id).toBe('adopted-gate-example-8443');
    await expect(api.client.gateways.register({ body })).rejects.toMatchObject({
      problem: { code: 'gateway-exists', status: 409 },
    });
    await database().db.rows(`update dash.gateways set state = 'removed' where id = $1`, [made.id]);
    await expect(api.client.gateways.register({ body })).rejects.toMatchObject({
      problem: { code: 'gateway-exists', detail: expect.stringContaining('removed') },
    });
    const listed = async (removed?: 'true'): Promise<string[]> =>
      (
        await api.client.gateways.list(removed === undefined ? {} : { query: { removed } })
      ).items.map(({ id }) => id);
    expect(await listed()).not.toContain(made.id);
    expect(await listed('true')).toContain(made.id);
  });

  test('a key of one tenant sees the gateways that work for its tenant only (R21)', async () => {
    const key = await makeKey(database().db, { scopes: ['gateways:read'], tenant: 'elsewhere' });
    const { items } = await api.clientOf(key).gateways.list();
    expect(items.map(({ id }) => id)).toEqual(['second']);
    await expect(
      api.clientOf(key).gateways.get({ params: { gatewayId: 'first' } }),
    ).rejects.toMatchObject({
      problem: { code: 'gateway-not-found' },
    });
  });
});

describe('settings', () => {
  const patch = (id: string, body: unknown): Promise<Response> =>
    api.request('PATCH', `/api/v1/gateways/${id}`, { body });

  test('are changed where they are named, and answered as they are now (R18)', async () => {
    const changed = await patch('first', { costWeight: 0.5, region: null, lanes: 3 });
    expect(changed.status).toBe(200);
    expect(await changed.json()).toMatchObject({
      id: 'first',
      costWeight: 0.5,
      region: null,
      labels: { size: 'big' },
      lanes: { configured: 3 },
      health: { verdict: 'healthy', reasons: [], errorRate: 0 },
    });
  });

  test.each([
    [{ costWeight: 0 }, /costWeight/],
    [{ costWeight: 'much' }, /costWeight/],
    [{ lanes: 0 }, /lanes/],
    [{ allowedTenants: [] }, /allowedTenants/],
    [{ endpoint: 'ws://127.0.0.1:1' }, /endpoint/],
    [{}, /at least one/],
  ])('%j is refused with what is wrong (R18)', async (body, words) => {
    const answer = await patch('first', body);
    expect(answer.status).toBe(422);
    expect(await answer.text()).toMatch(words);
  });

  test('belong to gateways that there are (R18)', async () => {
    expect((await patch('nowhere', { lanes: 2 })).status).toBe(404);
    const removed = await patch('adopted-gate-example-8443', { lanes: 2 });
    expect(removed.status).toBe(409);
    expect(await removed.json()).toMatchObject({
      code: 'gateway-refuses',
      details: { state: 'removed' },
    });
  });
});

describe('commands', () => {
  const COMMANDS = GATEWAY_MESSAGES;

  test.each(COMMANDS)(
    '%s is asked of the workflow with who asked and why, and answers when it is recorded (R27)',
    async (name) => {
      api.messages.answerGateway({ kind: 'recorded', state: 'open' });
      const answer = await api.request('POST', `/api/v1/gateways/first/${name}`, {
        body: { reason: 'by hand' },
      });
      expect(answer.status).toBe(202);
      expect(await answer.json()).toEqual({ gatewayId: 'first', command: name, state: 'open' });
      const told = api.messages.told.findLast(([what]) => what === 'updateGateway');
      expect(told!.slice(1, 3)).toEqual(['first', name]);
      expect(told![3]).toMatchObject({
        reason: 'by hand',
        actor: expect.stringMatching(/^key:/),
      });
    },
  );

  test('what the state does not take is 409 with the state and what it takes (R27)', async () => {
    api.messages.answerGateway({
      kind: 'refused',
      state: 'open',
      accepts: ['drain', 'stop'],
      detail: 'an attempt is open there',
    });
    const answer = await api.request('POST', '/api/v1/gateways/first/remove');
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({
      code: 'gateway-refuses',
      detail: expect.stringContaining('an attempt is open there'),
      details: { state: 'open', accepts: ['drain', 'stop'] },
    });
  });

  test('a removed gateway takes nothing, without asking anybody (R27)', async () => {
    const asked = api.messages.told.length;
    const answer = await api.request('POST', '/api/v1/gateways/adopted-gate-example-8443/start');
    expect(await answer.json()).toMatchObject({
      code: 'gateway-refuses',
      details: { state: 'removed', accepts: [] },
    });
    expect(api.messages.told).toHaveLength(asked);
  });

  test('without Temporal a command is 503 with Retry-After: it can be repeated (R32)', async () => {
    api.messages.fail(new Error('Temporal is away'));
    try {
      const answer = await api.request('POST', '/api/v1/gateways/first/drain');
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).not.toBeNull();
      expect(await answer.json()).toMatchObject({ code: 'temporal-unavailable' });
    } finally {
      api.messages.fail(null);
    }
  });
});
