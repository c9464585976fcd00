import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { createDatabase } from '../../../src/db/database.ts';
import { migrate, pendingMigrations } from '../../../src/db/migrate.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { databaseUrl } from '../../support/template-database.ts';
import { accept, claimOne, openGateway } from './support.ts';

const database = withDatabase();

describe('the schema', () => {
  it('refuses a second open attempt of a task, whoever writes it (P1)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    await accept(db);
    const { taskId } = await claimOne(db, gateway);
    const second = (state: string): Promise<unknown> =>
      db.rows(
        `insert into dash.attempts (id, task_id, number, tenant, gateway_id, owner_epoch, state, outcome, holds_lane)
         values (gen_random_uuid(), $1, (select max(number) + 1 from dash.attempts), 'default', 'g1', 1, $2,
                 case $2 when 'closed' then 'failed' end, false)`,
        [taskId, state],
      );
    for (const state of ['planned', 'sending', 'accepted', 'indeterminate']) {
      await expect(second(state)).rejects.toMatchObject({
        constraint: 'attempts_one_open_per_task',
      });
    }
    await expect(second('closed')).resolves.toEqual([]);
    await expect(second('released')).resolves.toEqual([]);
  });

  it('refuses a second open attempt of a session, whoever writes it (P1)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g2');
    const first = await accept(db, { sessionKey: 's' });
    const second = await accept(db, { sessionKey: 's' });
    await claimOne(db, gateway);
    await expect(
      db.rows(
        `insert into dash.attempts (id, task_id, number, tenant, session_id, gateway_id, owner_epoch, state)
         select gen_random_uuid(), $2, 1, 'default', session_id, 'g2', 1, 'planned' from dash.tasks where id = $1`,
        [first.id, second.id],
      ),
    ).rejects.toMatchObject({ constraint: 'attempts_one_open_per_session' });
  });

  it('never lets an ended attempt hold a lane (P1)', async () => {
    const { db } = database();
    await expect(
      db.rows(`update dash.attempts set state = 'released' where gateway_id = 'g2'`),
    ).rejects.toMatchObject({ code: '23514' });
  });

  it('makes an installation id of eight base32 letters and a stream of its own', async () => {
    const { db } = database();
    expect(await db.call('read_installation', {})).toMatchObject({
      id: expect.stringMatching(/^[a-z2-7]{8}$/),
      stream: expect.stringMatching(/^[0-9a-f]{32}$/),
      maxOpenTasks: 10_000,
    });
  });
});

describe('migrate', () => {
  const names: string[] = [];
  let directory = '';
  const log = { info: () => undefined, warn: () => undefined };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dash-migrate-'));
    const source = join(import.meta.dirname, '..', '..', '..', 'src', 'db');
    for (const folder of ['migrations', 'functions']) {
      await cp(join(source, folder), join(directory, folder), { recursive: true });
    }
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
    for (const name of names) await onServer(`drop database if exists ${name} with (force)`);
  });

  async function emptyServerDatabase(): Promise<string> {
    const name = `dash_migrate_${Math.trunc(performance.now() * 1000)}`;
    names.push(name);
    await onServer(`create database ${name}`);
    return databaseUrl(database().url, name);
  }

  async function onServer(statement: string): Promise<void> {
    const client = new pg.Client({ connectionString: databaseUrl(database().url, 'postgres') });
    await client.connect();
    await client.query(statement);
    await client.end();
  }

  it('is run once by three processes at the same time; the others wait and do nothing (R50)', async () => {
    const url = await emptyServerDatabase();
    const results = await Promise.all([1, 2, 3].map(() => migrate({ url, log, directory })));
    const worked = results.filter(({ applied }) => applied.length > 0);
    expect(worked).toHaveLength(1);
    expect(worked[0]?.applied[0]).toBe('0001_founding.sql');
    const db = createDatabase({ url, applicationName: 'test', log });
    expect(await pendingMigrations(db)).toEqual([]);
    await db.close();
  });

  it('names what is missing before it ran', async () => {
    const db = createDatabase({ url: await emptyServerDatabase(), applicationName: 'test', log });
    const files = await readdir(
      join(import.meta.dirname, '..', '..', '..', 'src', 'db', 'migrations'),
    );
    expect(await pendingMigrations(db)).toEqual(files.toSorted());
    await db.close();
  });

  /** An error that nobody handles ends a process of Dash, and fails this test. */
  it('rejects, and ends nothing else, when PostgreSQL goes away in the middle of it (R45)', async () => {
    const url = await emptyServerDatabase();
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    await other.query('select pg_advisory_lock(7410, 0)');
    const { hostname, port } = new URL(url);
    const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
    const behindProxy = new URL(url);
    behindProxy.port = String(proxy.port);
    const migration = migrate({ url: behindProxy.href, log, directory });
    const ended = migration.catch((error: unknown) => error);
    await eventually(async () => {
      const { rowCount } = await other.query(
        `select from pg_stat_activity
         where datname = current_database() and application_name = 'dash migrate' and wait_event_type = 'Lock'`,
      );
      return rowCount === 1;
    });
    proxy.cut();
    expect(await ended).toMatchObject({
      message: expect.stringMatching(/ECONNRESET|connection/i),
    });
    await proxy.close();
    await other.end();
  });

  it('applies a function again when its file has changed, and only then', async () => {
    const url = await emptyServerDatabase();
    await migrate({ url, log, directory });
    expect(await migrate({ url, log, directory })).toEqual({ applied: [] });
    const path = join(directory, 'functions', 'reads.sql');
    await writeFile(path, `${await readFile(path, 'utf8')}\n-- changed\n`);
    expect(await migrate({ url, log, directory })).toEqual({ applied: ['functions/reads.sql'] });
  });

  it('refuses a migration whose file changed after it was applied, by name, and changes nothing', async () => {
    const url = await emptyServerDatabase();
    await migrate({ url, log, directory });
    const path = join(directory, 'migrations', '0001_founding.sql');
    const before = await readFile(path, 'utf8');
    await writeFile(path, `${before}\n-- changed\n`);
    await expect(migrate({ url, log, directory })).rejects.toThrow(
      /0001_founding\.sql.*new migration/,
    );
    await writeFile(path, before);
  });

  it('leaves no half of a migration that fails behind', async () => {
    const url = await emptyServerDatabase();
    await migrate({ url, log, directory });
    const path = join(directory, 'migrations', '0002_broken.sql');
    await writeFile(path, 'create table dash.half (id integer); select nonsense;');
    await expect(migrate({ url, log, directory })).rejects.toThrow(/0002_broken\.sql.*nonsense/);
    const db = createDatabase({ url, applicationName: 'test', log });
    expect(await db.rows(`select to_regclass('dash.half') as half`)).toEqual([{ half: null }]);
    await db.close();
    await rm(path);
  });

  it('leaves the functions of a newer version alone', async () => {
    const url = await emptyServerDatabase();
    await migrate({ url, log, directory });
    const db = createDatabase({ url, applicationName: 'test', log });
    await db.rows(
      `insert into dash.schema_migrations (name, checksum) values ('9999_of_tomorrow.sql', 'x')`,
    );
    await db.rows(
      `update dash.schema_functions set checksum = 'of tomorrow' where name = 'reads.sql'`,
    );
    expect(await migrate({ url, log, directory })).toEqual({ applied: [] });
    await db.close();
  });
});
