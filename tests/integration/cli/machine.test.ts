import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { adminKeyFile } from '../../../cli/local-instance.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { databaseUrl } from '../../support/template-database.ts';
import { createTestNamespace, testTemporalAddress } from '../../support/temporal-namespace.ts';
import { withApi } from './support.ts';

const running = withApi();
const server = (): string => process.env['DASH_TEST_POSTGRES_URL'] ?? '';

interface Check {
  readonly name: string;
  readonly status: string;
  readonly detail: string;
  readonly hint?: string;
}

async function doctor(
  env: Record<string, string> = {},
  more: string[] = [],
): Promise<{ exitCode: number; checks: Map<string, Check> }> {
  const run = await running().dashctl(['doctor', '--json', ...more], { env });
  const { checks } = run.json() as { checks: Check[] };
  return { exitCode: run.exitCode, checks: new Map(checks.map((check) => [check.name, check])) };
}

describe('dashctl doctor', () => {
  test('says of each thing whether it is there; exit code 0 when nothing needs a person', async () => {
    const env = {
      DATABASE_URL: running().database.url,
      TEMPORAL_ADDRESS: testTemporalAddress(),
      TEMPORAL_NAMESPACE: await createTestNamespace(),
    };
    const { exitCode, checks } = await doctor(env);
    expect(
      Object.fromEntries([...checks].map(([name, { status }]) => [name, status])),
    ).toMatchObject({
      node: 'ok',
      'data directory': 'ok',
      postgres: 'ok',
      temporal: 'ok',
      model: 'note',
      'key file': 'ok',
      api: 'ok',
      'api key': 'ok',
    });
    expect(checks.has('openclaw')).toBe(true);
    expect(exitCode).toBe(0);
  });

  test.each([
    [
      'a PostgreSQL that does not answer',
      { DATABASE_URL: 'postgres://127.0.0.1:1/x' },
      'postgres',
      /DATABASE_URL/,
    ],
    [
      'a Temporal that does not answer',
      { TEMPORAL_ADDRESS: '127.0.0.1:1' },
      'temporal',
      /TEMPORAL_ADDRESS/,
    ],
    ['an API that does not answer', { DASH_URL: 'http://127.0.0.1:1' }, 'api', /npm start/],
  ])('names %s with what to do; exit code 1', async (_name, env, name, hint) => {
    const { exitCode, checks } = await doctor(env);
    expect(checks.get(name)).toMatchObject({
      status: 'problem',
      hint: expect.stringMatching(hint),
    });
    expect(exitCode).toBe(1);
  });

  test('names a missing namespace with the command that makes it', async () => {
    const { checks } = await doctor({
      TEMPORAL_ADDRESS: testTemporalAddress(),
      TEMPORAL_NAMESPACE: 'nowhere',
    });
    expect(checks.get('temporal')).toMatchObject({
      status: 'problem',
      hint: expect.stringContaining('namespace create --namespace nowhere'),
    });
  });

  test('names a key file that others can read, and never shows the key', async () => {
    const file = adminKeyFile(running().dataDir);
    chmodSync(file, 0o644);
    const { exitCode, checks } = await doctor();
    chmodSync(file, 0o600);
    expect(checks.get('key file')).toMatchObject({
      status: 'problem',
      hint: `Run: chmod 600 ${file}`,
    });
    expect(exitCode).toBe(1);
    expect(JSON.stringify([...checks.values()])).not.toContain('dash_');
  });

  test('looks only: a machine where nothing was ever started stays as it is', async () => {
    using dir = tempDir();
    const dataDir = join(dir.path, 'none', 'yet');
    const { checks } = await doctor({}, ['--data-dir', dataDir]);
    expect(checks.get('data directory')).toMatchObject({ status: 'note' });
    expect(checks.get('key file')).toMatchObject({ status: 'note' });
    expect(existsSync(join(dir.path, 'none'))).toBe(false);
  });
});

describe('dashctl migrate', () => {
  test('brings an empty database up to date, changes nothing the second time', async () => {
    const name = `dash_migrate_${randomBytes(6).toString('hex')}`;
    const client = new pg.Client({ connectionString: server() });
    await client.connect();
    await client.query(`create database ${name}`);
    const env = { DATABASE_URL: databaseUrl(server(), name) };
    const first = await running().dashctl(['migrate', '--json'], { env });
    expect(first.exitCode).toBe(0);
    expect((first.json() as { applied: string[] }).applied.length).toBeGreaterThan(0);
    const second = await running().dashctl(['migrate', '--json'], { env });
    expect({ exitCode: second.exitCode, answer: second.json() }).toEqual({
      exitCode: 0,
      answer: { applied: [] },
    });
    await client.query(`drop database ${name} with (force)`);
    await client.end();
  });

  test('without a database, or one that does not answer, it says what to do', async () => {
    expect(await running().dashctl(['migrate'], { env: {} })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('DATABASE_URL'),
    });
    const away = await running().dashctl(['migrate'], {
      env: { DATABASE_URL: 'postgres://127.0.0.1:1/x' },
    });
    expect(away).toMatchObject({ exitCode: 3, stdout: '' });
  });
});
