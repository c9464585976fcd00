import { afterEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { readRecords } from '../../../src/local/process-record.ts';
import { startPostgresServer, type PostgresServer } from '../../../src/local/postgres-server.ts';
import { identityOf, isLiving } from '../../../src/platform/processes.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { recordingProgress, type RecordingProgress } from '../../support/recording-progress.ts';
import { tempDir } from '../../support/temp-dir.ts';

const servers: PostgresServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function start(
  dir: string,
  more: { port?: number; clusterDir?: string; progress?: RecordingProgress } = {},
): Promise<PostgresServer> {
  const server = await startPostgresServer({
    clusterDir: join(dir, 'postgres'),
    outsideDir: join(dir, 'outside'),
    logFile: join(dir, 'postgres.log'),
    home: { recordsDir: join(dir, 'processes'), launchId: 'test' },
    env: process.env,
    clock: systemClock(),
    progress: recordingProgress(),
    settings: { fsync: 'off' },
    ...more,
  });
  servers.push(server);
  return server;
}

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(text);
    return rows.map((row) => Object.values(row)[0]);
  } finally {
    await client.end();
  }
}

describe('the embedded PostgreSQL', () => {
  test('is made once, listens on loopback alone, wants its password and keeps its data', async () => {
    using dir = tempDir();
    const progress = recordingProgress();
    const first = await start(dir.path, { progress });
    expect(await ask(first.url, 'show listen_addresses')).toEqual(['127.0.0.1']);
    expect(await ask(first.url, 'select current_database()')).toEqual(['dash']);
    await expect(ask(first.url.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow(
      'password authentication failed',
    );
    const password = statSync(join(dir.path, 'postgres.password'));
    expect(password.mode & 0o077).toBe(0);
    await ask(first.url, 'create table kept as select 7 as n');
    await first.stop();
    expect(readRecords(join(dir.path, 'processes'))).toEqual([]);

    const second = await start(dir.path, { progress });
    expect(await ask(second.url, 'select n from kept')).toEqual([7]);
    expect(progress.lines.filter((line) => line.startsWith('start'))).toHaveLength(1);
  });

  test('takes another port when the wanted one is in use, and says so', async () => {
    using dir = tempDir();
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    const wanted = typeof address === 'object' && address !== null ? address.port : 0;
    const progress = recordingProgress();
    try {
      const server = await start(dir.path, { port: wanted, progress });
      expect(server.port).not.toBe(wanted);
      expect(progress.lines.join('\n')).toContain(`Port ${wanted} is in use`);
      expect(await ask(server.url, 'select 1')).toEqual([1]);
    } finally {
      holder.close();
    }
  });

  test('starts after SIGKILL of the whole server, and has what was committed', async () => {
    using dir = tempDir();
    const first = await start(dir.path);
    await ask(first.url, 'create table kept as select 7 as n');
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    expect(existsSync(join(dir.path, 'postgres', 'postmaster.pid'))).toBe(true);
    const second = await start(dir.path);
    expect(await ask(second.url, 'select n from kept')).toEqual([7]);
  });

  test('ends the server that an earlier launch left on its data before it starts (P37)', async () => {
    using dir = tempDir();
    const left = await start(dir.path);
    const identity = identityOf(left.pid)!;
    const progress = recordingProgress();
    const server = await start(dir.path, { progress });
    expect(isLiving(identity)).toBe(false);
    expect(progress.lines.join('\n')).toContain(`earlier start (pid ${left.pid})`);
    expect(await ask(server.url, 'select 1')).toEqual([1]);
  });

  test('starts although the pid in a stale postmaster.pid belongs to another process now, which lives on (P37)', async () => {
    using dir = tempDir();
    const first = await start(dir.path);
    await first.stop();
    const pidFile = join(dir.path, 'postgres', 'postmaster.pid');
    const { uid, gid } = statSync(join(dir.path, 'postgres'));
    // PostgreSQL takes a living process of its own user for its rival, whatever it is.
    const innocent = spawn('sleep', ['300'], { stdio: 'ignore', uid, gid });
    try {
      writeFileSync(pidFile, `${innocent.pid}\n${join(dir.path, 'postgres')}\n1\n`);
      const second = await start(dir.path);
      expect(await ask(second.url, 'select 1')).toEqual([1]);
      expect(innocent.exitCode ?? innocent.signalCode).toBeNull();
    } finally {
      innocent.kill('SIGKILL');
    }
  });

  test('repairs a first start that was interrupted while the data directory was being made', async () => {
    using dir = tempDir();
    mkdirSync(join(dir.path, 'postgres.part'));
    writeFileSync(join(dir.path, 'postgres.part', 'PG_VERSION'), '18\n');
    writeFileSync(join(dir.path, 'postgres.password'), 'of another try\n');
    const server = await start(dir.path);
    expect(await ask(server.url, 'select 1')).toEqual([1]);
    expect(existsSync(join(dir.path, 'postgres.part'))).toBe(false);
  });

  test('never touches a directory that holds something else', async () => {
    using dir = tempDir();
    const precious = join(dir.path, 'postgres', 'thesis.txt');
    mkdirSync(join(dir.path, 'postgres'));
    writeFileSync(precious, 'ten years');
    await expect(start(dir.path)).rejects.toMatchObject({
      code: 'postgres-unavailable',
      message: expect.stringContaining('no data directory of PostgreSQL'),
    });
    expect(readFileSync(precious, 'utf8')).toBe('ten years');
  });

  test('refuses the data of another major version, with the ways out', async () => {
    using dir = tempDir();
    mkdirSync(join(dir.path, 'postgres'));
    writeFileSync(join(dir.path, 'postgres', 'PG_VERSION'), '16\n');
    await expect(start(dir.path)).rejects.toMatchObject({
      code: 'postgres-unavailable',
      message: expect.stringMatching(/PostgreSQL 16.*DATABASE_URL/),
    });
  });

  test('a server that cannot start shows the end of its log', async () => {
    using dir = tempDir();
    await (await start(dir.path)).stop();
    writeFileSync(join(dir.path, 'postgres', 'postgresql.conf'), 'no_such_setting = 1\n');
    await expect(start(dir.path)).rejects.toMatchObject({
      code: 'postgres-start-failed',
      message: expect.stringContaining('no_such_setting'),
    });
    expect(readRecords(join(dir.path, 'processes'))).toEqual([]);
  });
});

const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;
describeAsRoot('PostgreSQL for root, whose directories are closed to others', () => {
  test('keeps its data where its own user can reach it, says where, and finds it again', async () => {
    using open = tempDir();
    using closed = tempDir();
    chmodSync(closed.path, 0o700);
    const progress = recordingProgress();
    const where = { clusterDir: join(closed.path, 'data', 'postgres'), progress };
    const first = await start(open.path, where);
    expect(first.clusterDir).toBe(join(open.path, 'outside', 'cluster'));
    expect(progress.lines.join('\n')).toContain(first.clusterDir);
    await ask(first.url, 'create table kept as select 7 as n');
    await first.stop();

    // That the wish became reachable meanwhile does not make the data vanish.
    chmodSync(closed.path, 0o755);
    const second = await start(open.path, where);
    expect(await ask(second.url, 'select n from kept')).toEqual([7]);
  });

  test('says which directory to open when existing data is out of reach', async () => {
    using dir = tempDir();
    const clusterDir = join(dir.path, 'inner', 'postgres');
    await (await start(dir.path, { clusterDir })).stop();
    chmodSync(join(dir.path, 'inner'), 0o700);
    await expect(start(dir.path, { clusterDir })).rejects.toMatchObject({
      code: 'not-writable',
      message: expect.stringContaining('chmod o+x'),
    });
  });
});
