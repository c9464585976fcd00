import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import type { TcpProxy } from '../../support/tcp-proxy.ts';
import { makeKey, startTestApi, type TestApi } from '../../support/test-api.ts';
import { databaseBehind, endAll, proxyTo, type Ends } from './support/behind-proxy.ts';

const database = withDatabase();
const ends: Ends = [];
afterEach(() => endAll(ends));

async function apiBehind(
  options: { cutAtStart?: boolean } = {},
): Promise<{ api: TestApi; proxy: TcpProxy }> {
  const proxy = await proxyTo(database().url, ends);
  const db = databaseBehind(proxy, database().url, ends);
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
      // another moment of the listener's reconnect in each round: not awaited, hit
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

  test('an event stream is ended with the reason, and going on later misses nothing (R39, G12)', async () => {
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
  test('whoever asks from before the listener opens gets 200, 202 or 503, never 500 (R45, G8)', async () => {
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
