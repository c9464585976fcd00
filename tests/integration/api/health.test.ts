import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { createDatabase } from '../../../src/db/database.ts';
import { createTemporalClient } from '../../../src/temporal/connect.ts';
import { createWorkflowMessages } from '../../../src/temporal/messages.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { databaseUrl } from '../../support/template-database.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';
import { databaseBehind, endAll, proxyTo, silentLog, type Ends } from './support/behind-proxy.ts';

const database = withDatabase();
const ends: Ends = [];
afterEach(() => endAll(ends));

describe('health', () => {
  let temporal: TcpProxy;
  let postgres: TcpProxy;
  let api: TestApi;
  const keep: Ends = [];
  beforeAll(async () => {
    temporal = await startTcpProxy(hostAndPort(process.env['DASH_TEST_TEMPORAL_ADDRESS']!));
    keep.push(() => temporal.close());
    postgres = await proxyTo(database().url, keep);
    const db = databaseBehind(postgres, database().url, keep);
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
  afterAll(() => endAll(keep));

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

  test('without Temporal it is 503 and names it; live does not care (R32, G10)', async () => {
    temporal.cut();
    const away = await ready();
    expect(away).toMatchObject({ status: 503, failing: ['temporal'] });
    expect(away.detail).toContain('temporal');
    expect(await live()).toBe(200);
    temporal.heal();
    await eventually(async () => (await ready()).status === 200, { timeoutMs: 20_000 });
  });

  test('without PostgreSQL it is 503 and names it, without a word about where it is; live does not care (R32, G10)', async () => {
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
      log: silentLog,
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
