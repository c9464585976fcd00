import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { createDatabase, type Database } from '../../../src/db/database.ts';
import { createTemporalClient } from '../../../src/temporal/connect.ts';
import { createWorkflowMessages } from '../../../src/temporal/messages.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { databaseUrl } from '../../support/template-database.ts';
import { makeKey, startTestApi, type TestApi } from '../../support/test-api.ts';

const database = withDatabase();
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const silent = { info: () => undefined, warn: () => undefined };

/** The test database behind a proxy that can be cut. */
async function databaseBehind(proxy: TcpProxy): Promise<Database> {
  const url = new URL(database().url);
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  await Promise.resolve();
  const db = createDatabase({
    url: url.href,
    applicationName: 'proxied',
    maxConnections: 5,
    log: silent,
  });
  ends.push(() => db.close());
  return db;
}

async function proxyTo(url: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(url);
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  ends.push(() => proxy.close());
  return proxy;
}

async function apiBehind(
  options: { cutAtStart?: boolean } = {},
): Promise<{ api: TestApi; proxy: TcpProxy }> {
  const proxy = await proxyTo(database().url);
  const db = await databaseBehind(proxy);
  if (options.cutAtStart === true) proxy.cut();
  const api = await startTestApi({
    db,
    keysIn: database().db,
    bounds: { requestTimeoutMs: 1_500 },
  });
  ends.push(() => api.close());
  return { api, proxy };
}

const submit = (api: TestApi) =>
  api.request('POST', '/api/v1/tasks', { body: { prompt: 'in any weather' } });

async function expectUnavailable(answer: Response): Promise<void> {
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await answer.json()).toMatchObject({
    code: 'database-unavailable',
    retryable: true,
    status: 503,
  });
}

describe('without PostgreSQL', () => {
  test('every request that needs it is 503 with Retry-After, and the API recovers by itself (R11)', async () => {
    const { api, proxy } = await apiBehind();
    expect((await submit(api)).status).toBe(202);
    proxy.cut();
    await expectUnavailable(await submit(api));
    await expectUnavailable(await api.request('GET', '/api/v1/tasks'));
    await expectUnavailable(await api.request('GET', '/api/v1/events'));
    await expectUnavailable(
      await api.request('POST', '/api/v1/gateways', { body: { kind: 'managed' } }),
    );
    proxy.heal();
    await eventually(async () => (await submit(api)).status === 202);
  });

  test('the API closes while PostgreSQL hangs and the listener is about to connect (R45)', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { api, proxy } = await apiBehind();
      proxy.choke();
      proxy.heal();
      proxy.choke();
      await new Promise((resolve) => setTimeout(resolve, 100 + round * 30));
      const startedAt = performance.now();
      await api.close();
      expect(performance.now() - startedAt).toBeLessThan(5_000);
    }
  });

  test('a PostgreSQL that hangs is 503 within the bound, not a request that never ends (R11)', async () => {
    const { api, proxy } = await apiBehind();
    expect((await submit(api)).status).toBe(202);
    proxy.choke();
    const startedAt = performance.now();
    await expectUnavailable(await submit(api));
    expect(performance.now() - startedAt).toBeLessThan(8_000);
    proxy.heal();
    await eventually(async () => (await submit(api)).status === 202);
  });

  test('an event stream is ended with the reason, and going on later misses nothing (R39)', async () => {
    const { api, proxy } = await apiBehind();
    const stop = new AbortController();
    const reasons: string[] = [];
    const seen: string[] = [];
    const following = (async () => {
      const events = api.client.events({
        after: 'start',
        tenant: 'weather',
        signal: stop.signal,
        onReconnect: (reason) => reasons.push(reason),
      });
      for await (const { event } of events) seen.push(event.taskId!);
    })();
    const ids: string[] = [];
    const work = async (): Promise<void> => {
      const answer = await api.request('POST', '/api/v1/tasks', {
        body: { prompt: 'x', tenant: 'weather' },
      });
      ids.push(((await answer.json()) as { task: { id: string } }).task.id);
    };
    await work();
    await eventually(() => seen.length === 1);
    proxy.cut();
    await eventually(() => reasons.some((reason) => reason.includes('PostgreSQL')));
    proxy.heal();
    await eventually(async () => (await submit(api)).status === 202);
    await work();
    await eventually(() => seen.length === 2, { timeoutMs: 20_000 });
    stop.abort();
    await following;
    expect(seen).toEqual(ids);
  });

  test('the API starts all the same, answers 503 and never 500, and serves once it is there (R45)', async () => {
    const { api, proxy } = await apiBehind({ cutAtStart: true });
    await expectUnavailable(await submit(api));
    expect((await api.request('GET', '/health/live')).status).toBe(200);
    proxy.heal();
    await eventually(async () => (await submit(api)).status === 202);
  });
});

describe('the first moments', () => {
  test('whoever asks from before the listener opens gets 200, 202 or 503, never 500 (R45)', async () => {
    const port = await freePort();
    const { db } = database();
    const key = await makeKey(db, { scopes: ['admin'] });
    const statuses: number[] = [];
    let asking = true;
    const ask = async (path: string, init: RequestInit): Promise<void> => {
      while (asking) {
        try {
          const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
            ...init,
            headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
          });
          statuses.push(answer.status);
          await answer.arrayBuffer();
        } catch {
          // nobody listens yet
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    };
    const askers = [
      ask('/api/v1/tasks', {}),
      ask('/api/v1/tasks', { method: 'POST', body: JSON.stringify({ prompt: 'early' }) }),
      ask('/health/ready', {}),
      ask('/metrics', {}),
    ];
    const fresh = database().connect('fresh');
    const api = await startTestApi({ db: fresh, port });
    ends.push(() => api.close());
    await eventually(() => statuses.length >= 100);
    asking = false;
    await Promise.all(askers);
    expect(statuses.filter((status) => ![200, 202, 503].includes(status))).toEqual([]);
    expect(statuses).toContain(202);
  });

  test('a port that is taken is said with what to do (R45)', async () => {
    const taken = await startTestApi({ db: database().db });
    ends.push(() => taken.close());
    await expect(startTestApi({ db: database().db, port: taken.port })).rejects.toThrow(
      /cannot listen on 127\.0\.0\.1:\d+: another process does\. Choose another port/,
    );
  });
});

describe('health', () => {
  let temporal: TcpProxy;
  let postgres: TcpProxy;
  let api: TestApi;
  const keep: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    temporal = await startTcpProxy(hostAndPort(process.env['DASH_TEST_TEMPORAL_ADDRESS']!));
    postgres = await proxyTo(database().url);
    const db = await databaseBehind(postgres);
    keep.push(...ends.splice(0), () => temporal.close());
    const client = createTemporalClient({
      connection: { address: `127.0.0.1:${temporal.port}` },
      namespace: 'default',
    });
    const messages = createWorkflowMessages({ client: client.client, timeoutMs: 1_500 });
    api = await startTestApi({ db, temporal: messages });
    keep.push(
      () => client.close(),
      () => api.close(),
    );
  });
  afterAll(async () => {
    for (const end of keep.toReversed()) await end();
  });

  const ready = async (): Promise<{ status: number; failing: string[]; detail: string }> => {
    const answer = await api.request('GET', '/health/ready', { key: null });
    const body = (await answer.json()) as {
      detail?: string;
      checks?: { name: string; ok: boolean }[];
      details?: { checks: { name: string; ok: boolean }[] };
    };
    const checks = body.checks ?? body.details?.checks ?? [];
    expect(checks.map(({ name }) => name)).toEqual(['postgres', 'migrations', 'temporal']);
    return {
      status: answer.status,
      failing: checks.filter(({ ok }) => !ok).map(({ name }) => name),
      detail: body.detail ?? '',
    };
  };
  const live = async (): Promise<number> =>
    (await api.request('GET', '/health/live', { key: null })).status;

  test('with everything there it is ready (R32)', async () => {
    await eventually(async () => (await ready()).status === 200);
  });

  test('without Temporal it is 503 and names it; live does not care (R32)', async () => {
    temporal.cut();
    const away = await ready();
    expect(away).toMatchObject({ status: 503, failing: ['temporal'] });
    expect(away.detail).toContain('temporal');
    expect(await live()).toBe(200);
    temporal.heal();
    await eventually(async () => (await ready()).status === 200, { timeoutMs: 20_000 });
  });

  test('without PostgreSQL it is 503 and names it, without a word about where it is; live does not care (R32)', async () => {
    postgres.cut();
    const away = await ready();
    expect(away).toMatchObject({ status: 503, failing: ['postgres', 'migrations'] });
    expect(away.detail).not.toMatch(/127\.0\.0\.1|ECONN/);
    expect(await live()).toBe(200);
    postgres.heal();
    await eventually(async () => (await ready()).status === 200, { timeoutMs: 20_000 });
  });

  test('on a database without the schema it is 503 and says what to run (R32)', async () => {
    const server = process.env['DASH_TEST_POSTGRES_URL']!;
    const name = `dash_empty_${randomBytes(4).toString('hex')}`;
    await onServer(server, `create database ${name}`);
    const db = createDatabase({
      url: databaseUrl(server, name),
      applicationName: 'empty',
      log: silent,
    });
    const empty = await startTestApi({ db, keysIn: database().db });
    ends.push(
      () => onServer(server, `drop database ${name} with (force)`),
      () => db.close(),
      () => empty.close(),
    );
    const answer = await empty.request('GET', '/health/ready', { key: null });
    expect(answer.status).toBe(503);
    const { detail } = (await answer.json()) as { detail: string };
    expect(detail).toMatch(/migrations .* not applied: run dashctl migrate/);
  });
});

function hostAndPort(address: string): { host: string; port: number } {
  const [host = '', port = ''] = address.split(':');
  return { host, port: Number(port) };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement);
  await client.end();
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
