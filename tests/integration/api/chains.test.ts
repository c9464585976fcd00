import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { recordChain } from '../../../src/db/chain-store.ts';
import type { ChainVerdict } from '../../../src/domain/dashboard-chain/link.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { makeKey, startTestApi, type TestApi } from '../../support/test-api.ts';

const database = withDatabase();
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ db: database().db });
  for (const id of ['g1', 'g2']) {
    await api.client.gateways.register({
      body: { kind: 'adopted', id, endpoint: 'ws://127.0.0.1:18789', token: 'a-secret-token' },
    });
  }
});
afterAll(() => api.close());

const params = { gatewayId: 'g1' };
const OK = { state: 'ok' } as const;
const HUNG: ChainVerdict = {
  gateway: { state: 'broken', reason: 'gateway-hung', evidence: { afterMs: 5_000 } },
  forward: OK,
  cors: { state: 'unknown', behind: 'gateway', detail: 'the gateway has to work first' },
  external: OK,
};

async function say(verdict: ChainVerdict): Promise<void> {
  const { revision } = await chainRow();
  const at = '2030-01-01T00:00:00.000Z';
  const episodeSince = verdict === HUNG ? at : null;
  const seen = {
    gatewayId: 'g1',
    revision,
    ownerEpoch: null,
    verdict,
    flapping: [],
    at,
    episodeSince,
  };
  await recordChain(database().db, { ...seen, diagnosis: 'said by the test' });
}

async function chainRow(): Promise<{ revision: number }> {
  const [row] = await database().db.rows<{ revision: number }>(
    `select revision from dash.chains where gateway_id = 'g1'`,
  );
  if (row === undefined) throw new Error('there is no chain');
  return row;
}

test('everything about a chain follows from one access URL; the row stands before its workflow is asked for (R59, S15)', async () => {
  await expect(api.client.chains.get({ params })).rejects.toMatchObject({
    problem: { code: 'chain-not-found' },
  });
  api.messages.fail(new Error('Temporal is away'));
  const made = await api.client.chains.put({
    params,
    body: { accessUrl: 'https://agents.example:8443/ui?token=hidden' },
  });
  api.messages.fail(null);
  expect(made).toMatchObject({
    accessUrl: 'https://agents.example:8443/ui',
    fallbackUrls: ['http://127.0.0.1:18789'],
    origins: [
      'http://127.0.0.1:18789',
      'http://localhost:18789',
      'https://agents.example:8443',
      'https://agents.example',
    ],
    gatewayPort: 18789,
    bind: '127.0.0.1',
    canIdentifyDevices: true,
    health: 'inconclusive',
    links: null,
  });
  await api.client.chains.put({ params, body: {} });
  await eventually(() => api.messages.told.some(([name]) => name === 'ensureChain'));
  expect(await api.client.chains.get({ params })).toMatchObject({
    accessUrl: 'http://127.0.0.1:18789',
  });
  expect((await api.client.chains.list({})).items.map(({ gatewayId }) => gatewayId)).toEqual([
    'g1',
  ]);
});

test('a token in a URL is stored nowhere and answered nowhere (R37)', async () => {
  await api.client.chains.put({ params, body: { accessUrl: 'https://a.example/?token=hidden#t' } });
  const rows = await database().db.rows<{ all: string }>(
    `select (select settings::text from dash.chains) || string_agg(data::text, '') as all from dash.events`,
  );
  expect(rows[0]?.all).not.toContain('hidden');
  expect(JSON.stringify(await api.client.chains.get({ params }))).not.toContain('hidden');
});

test('what its watch says is answered with reason, evidence and one sentence, and its history newest first (R60)', async () => {
  await say(HUNG);
  expect(await api.client.chains.get({ params })).toMatchObject({
    health: 'unhealthy',
    diagnosis: 'The gateway: it takes connections and answers none.',
    episodeSince: '2030-01-01T00:00:00.000Z',
    links: {
      gateway: { state: 'broken', reason: 'gateway-hung', evidence: { afterMs: 5_000 } },
      forward: { state: 'ok', reason: null, detail: null },
      cors: {
        state: 'unknown',
        detail: 'nobody can tell now (the gateway has to work first)',
      },
    },
  });
  await say({ ...HUNG, gateway: OK, cors: OK });
  const { items } = await api.client.chains.history({ params });
  expect(items.slice(0, 3).map(({ type, data }) => [type, data['episode'] ?? null])).toEqual([
    ['chain.verdict', 'ended'],
    ['chain.verdict', 'began'],
    ['chain.set', null],
  ]);
});

test('a look that was made with settings of before is not written', async () => {
  const { revision } = await chainRow();
  await api.client.chains.put({ params, body: { intervalSeconds: 30 } });
  const at = new Date().toISOString();
  const late = {
    gatewayId: 'g1',
    revision,
    ownerEpoch: null,
    verdict: HUNG,
    flapping: [],
    at,
    episodeSince: at,
  };
  expect(await recordChain(database().db, { ...late, diagnosis: '' })).toEqual({ kind: 'changed' });
  expect(await api.client.chains.get({ params })).toMatchObject({ health: 'healthy' });
});

test('verify answers what one look has seen; without a host it is inconclusive, never down', async () => {
  api.messages.answerVerify({ kind: 'seen', atMs: 0, verdict: HUNG });
  expect(await api.client.chains.verify({ params })).toMatchObject({
    health: 'unhealthy',
    at: '1970-01-01T00:00:00.000Z',
    links: { gateway: { reason: 'gateway-hung' } },
  });
  api.messages.answerVerify({ kind: 'no-host' });
  expect(await api.client.chains.verify({ params })).toMatchObject({
    health: 'inconclusive',
    links: null,
  });
});

test('heal answers what was taken and what is left to whom', async () => {
  api.messages.answerHeal({
    kind: 'done',
    atMs: 0,
    verdict: { ...HUNG, gateway: OK, cors: OK },
    taken: [
      {
        link: 'cors',
        reason: 'cors-origin-refused',
        action: 'patch-origins',
        healed: false,
        problem: 'no answer in time',
      },
    ],
    plan: [
      {
        link: 'external',
        reason: 'external-timeout',
        step: { kind: 'person', because: 'it is not ours' },
      },
      {
        link: 'gateway',
        reason: 'gateway-starting',
        step: { kind: 'wait', untilMs: 0, because: 'it starts' },
      },
    ],
  });
  const body = { dryRun: true };
  expect(await api.client.chains.heal({ params, body })).toMatchObject({
    health: 'healthy',
    taken: [{ action: 'patch-origins', healed: false, problem: 'no answer in time' }],
    plan: [
      { kind: 'person', action: null, because: 'it is not ours', until: null },
      { kind: 'wait', until: '1970-01-01T00:00:00.000Z' },
    ],
  });
  const [, , order] = api.messages.told.find(([name]) => name === 'healChain') ?? [];
  expect(order).toMatchObject({ dryRun: true, actor: expect.stringMatching(/^key:/) });
});

test('a pause says who, until when and why, and may be repeated and ended', async () => {
  const body = { until: '2100-01-01T00:00:00+01:00', reason: 'the proxy moves' };
  const paused = await api.client.chains.pause({ params, body });
  expect(paused.pause).toMatchObject({ until: '2099-12-31T23:00:00.000Z', reason: body.reason });
  expect((await api.client.chains.pause({ params, body })).pause).toEqual(paused.pause);
  expect((await api.client.chains.resume({ params })).pause).toBeNull();
  const { items } = await api.client.chains.history({ params });
  expect(items.slice(0, 2).map(({ type }) => type)).toEqual(['chain.resumed', 'chain.paused']);
});

test('the URL comes without the token; with it only for who asks, and an event says who that was (S15, R37)', async () => {
  await api.client.chains.put({ params, body: { accessUrl: 'https://agents.example' } });
  expect(await api.client.chains.url({ params })).toEqual({
    gatewayId: 'g1',
    url: 'https://agents.example',
    fallbackUrls: ['http://127.0.0.1:18789'],
  });
  expect(await api.client.chains.url({ params: { gatewayId: 'g2' } })).toMatchObject({
    url: 'http://127.0.0.1:18789',
  });
  expect(await api.client.chains.urlWithToken({ params })).toMatchObject({
    url: 'https://agents.example/#token=a-secret-token',
    fallbackUrls: ['http://127.0.0.1:18789/#token=a-secret-token'],
  });
  const rows = await database().db.rows<{ actor: string; data: object }>(
    `select actor, data from dash.events where type = 'gateway.token-shown' and gateway_id = 'g1'`,
  );
  expect(rows).toEqual([{ actor: expect.stringMatching(/^key:/), data: {} }]);
  const reader = api.clientOf(await makeKey(database().db, { scopes: ['gateways:read'] }));
  await expect(reader.chains.urlWithToken({ params })).rejects.toMatchObject({
    problem: { code: 'scope-missing' },
  });
});

test('what its watch says is in the series that Prometheus reads', async () => {
  await say(HUNG);
  const text = await (await api.request('GET', '/metrics')).text();
  expect(text).toContain('dash_chain_links{gateway="g1",link="gateway",state="broken"} 1');
  expect(text).toContain('dash_chain_links{gateway="g1",link="cors",state="unknown"} 1');
  expect(text).not.toContain('dash_chain_links{gateway="g1",link="gateway",state="ok"}');
});

test('what cannot be a way to a dashboard is refused with its place', async () => {
  const refused = async (body: object): Promise<unknown> =>
    (await api.request('PUT', '/api/v1/gateways/g1/chain', { body })).json();
  expect(await refused({ accessUrl: 'ftp://x' })).toMatchObject({
    code: 'validation-failed',
    details: { issues: [{ path: 'body.accessUrl' }] },
  });
  expect(await refused({ accessUrl: 'https://user:pass@x' })).toMatchObject({
    code: 'validation-failed',
  });
  expect(await refused({ accessUrl: 'http://localhost', proxied: true })).toMatchObject({
    details: { issues: [{ path: 'body.proxied' }] },
  });
  expect(await refused({ pinnedFingerprint: 'ab' })).toMatchObject({ code: 'validation-failed' });
});

test('a tenant sees the chains of the gateways that it may use, and changes none (R34)', async () => {
  const { db } = database();
  await api.client.gateways.update({ params, body: { allowedTenants: ['other'] } });
  const key = await makeKey(db, { tenant: 'default', scopes: ['gateways:read', 'gateways:write'] });
  const bound = api.clientOf(key);
  expect(await bound.chains.list({})).toEqual({ items: [] });
  await expect(bound.chains.get({ params })).rejects.toMatchObject({
    problem: { code: 'gateway-not-found' },
  });
  await expect(bound.chains.remove({ params })).rejects.toMatchObject({
    problem: { code: 'tenant-not-allowed' },
  });
});

test('a chain ends with its gateway', async () => {
  await api.client.chains.put({ params: { gatewayId: 'g2' }, body: {} });
  await database().db.call('remove_gateway', { gatewayId: 'g2', actor: 'ann' });
  await expect(api.client.chains.get({ params: { gatewayId: 'g2' } })).rejects.toMatchObject({
    problem: { code: 'chain-not-found' },
  });
  await expect(
    api.client.chains.put({ params: { gatewayId: 'g2' }, body: {} }),
  ).rejects.toMatchObject({ problem: { code: 'gateway-refuses' } });
  const { revision } = await chainRow();
  const verdict = { ...HUNG };
  const at = new Date().toISOString();
  const superseded = { gatewayId: 'g1', revision, ownerEpoch: 99, verdict, flapping: [], at };
  expect(
    await recordChain(database().db, { ...superseded, episodeSince: null, diagnosis: '' }),
  ).toEqual({ kind: 'superseded' });
  await database().db.rows(`update dash.chains set placed_origins = '{https://ui.example}'`);
  expect(await api.client.chains.remove({ params })).toEqual({
    removed: 'g1',
    leftOrigins: ['https://ui.example'],
  });
  await api.client.gateways.register({
    body: { kind: 'adopted', id: 'far', endpoint: 'ws://10.0.0.5:18789', token: 'x' },
  });
  await expect(
    api.client.chains.put({ params: { gatewayId: 'far' }, body: {} }),
  ).rejects.toMatchObject({ problem: { code: 'gateway-refuses' } });
  await expect(api.client.chains.remove({ params })).rejects.toMatchObject({
    problem: { code: 'chain-not-found' },
  });
});
