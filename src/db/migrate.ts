import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { connectionConfig, type Database, type DatabaseLog } from './database.ts';

/**
 * Brings the schema to what this version of Dash needs: numbered forward-only migrations for tables, and the files
 * of `functions/`, which are applied whenever their content changed, so that a change of a function reads as a diff.
 *
 * An own runner instead of Kysely's `Migrator`, which knows neither repeatable files nor checksums; what remains of
 * it would be the lock, and PostgreSQL has that in one call.
 */

export interface MigrateOptions {
  readonly url: string;
  readonly log: DatabaseLog;
  /** Default: the files beside this one. */
  readonly directory?: string;
}

interface SqlFile {
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

const OLDEST_SERVER = 170_000;

const LEDGERS = `
  create schema if not exists dash;
  create table if not exists dash.schema_migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null default now());
  create table if not exists dash.schema_functions (
    name text primary key, checksum text not null, applied_at timestamptz not null default now());`;

/**
 * Applies what is missing and answers its names. Any number of processes may call it at once: one works, the others
 * wait and find nothing to do. Refuses a server older than 17, and a migration whose file changed after it was
 * applied, by name.
 */
export async function migrate(options: MigrateOptions): Promise<{ applied: string[] }> {
  const directory = options.directory ?? import.meta.dirname;
  const migrations = await sqlFiles(join(directory, 'migrations'));
  const functions = await sqlFiles(join(directory, 'functions'));
  const client = new pg.Client(connectionConfig(options.url, 'dash migrate', 0));
  // A connection that breaks is told to the statement that needs it; the event would end the process as well.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await refuseOldServer(client);
    await client.query('select pg_advisory_lock(7410, 0)');
    await client.query(LEDGERS);
    const applied = [
      ...(await applyMigrations(client, migrations)),
      ...(await applyFunctions(client, functions, migrations)),
    ];
    if (applied.length > 0)
      options.log.info({ applied }, 'the database schema was brought up to date');
    return { applied };
  } finally {
    // The lock ends with the session.
    await client.end();
  }
}

/** Names of the migrations that this version has and the database has not: empty means ready. */
export async function pendingMigrations(db: Database): Promise<string[]> {
  const files = await sqlFiles(join(import.meta.dirname, 'migrations'));
  const [ledger] = await db.rows<{ there: boolean }>(
    `select to_regclass('dash.schema_migrations') is not null as there`,
  );
  if (ledger?.there !== true) return files.map((file) => file.name);
  const done = await db.rows<{ name: string }>('select name from dash.schema_migrations');
  const names = new Set(done.map((row) => row.name));
  return files.map((file) => file.name).filter((name) => !names.has(name));
}

/** A value that changes with every change of the schema's files; names prepared copies of it. */
export async function schemaChecksum(): Promise<string> {
  const files = [
    ...(await sqlFiles(join(import.meta.dirname, 'migrations'))),
    ...(await sqlFiles(join(import.meta.dirname, 'functions'))),
  ];
  return checksumOf(files.map((file) => `${file.name} ${file.checksum}`).join('\n'));
}

async function refuseOldServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: number; text: string }>(
    `select current_setting('server_version_num')::integer as number, current_setting('server_version') as text`,
  );
  const version = rows[0];
  if (version !== undefined && version.number >= OLDEST_SERVER) return;
  throw new Error(
    `Dash needs PostgreSQL 17 or newer (transaction_timeout), and this server is ${version?.text ?? 'unknown'}. ` +
      'Name a newer one in DATABASE_URL, or unset it to use the one that Dash brings along.',
  );
}

async function applyMigrations(client: pg.Client, files: readonly SqlFile[]): Promise<string[]> {
  const done = await ledgerOf(client, 'schema_migrations');
  const changed = files.filter((file) => (done.get(file.name) ?? file.checksum) !== file.checksum);
  if (changed.length > 0) {
    throw new Error(
      `Migration ${changed.map((file) => file.name).join(', ')} was applied to this database and its file has ` +
        'changed since. Restore the file, and put the change into a new migration.',
    );
  }
  const missing = files.filter((file) => !done.has(file.name));
  for (const file of missing) {
    await inTransaction(client, async () => {
      await run(client, file);
      await remember(client, 'schema_migrations', file);
    });
  }
  return missing.map((file) => file.name);
}

/**
 * Functions call each other across files, so their bodies are checked when all are there. A database that a newer
 * version has migrated keeps that version's functions: the older one runs on them.
 */
async function applyFunctions(
  client: pg.Client,
  files: readonly SqlFile[],
  migrations: readonly SqlFile[],
): Promise<string[]> {
  const done = await ledgerOf(client, 'schema_functions');
  const changed = files.filter((file) => done.get(file.name) !== file.checksum);
  if (changed.length === 0 || (await isNewer(client, migrations))) return [];
  await inTransaction(client, async () => {
    await client.query('set local check_function_bodies = off');
    for (const file of changed) await run(client, file);
    await client.query('set local check_function_bodies = on');
    for (const file of changed) {
      await run(client, file);
      await remember(client, 'schema_functions', file);
    }
  });
  return changed.map((file) => `functions/${file.name}`);
}

async function isNewer(client: pg.Client, migrations: readonly SqlFile[]): Promise<boolean> {
  const known = new Set(migrations.map((file) => file.name));
  const done = await ledgerOf(client, 'schema_migrations');
  return [...done.keys()].some((name) => !known.has(name));
}

async function run(client: pg.Client, file: SqlFile): Promise<void> {
  try {
    await client.query(file.text);
  } catch (error) {
    throw new Error(`${file.name}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

async function remember(client: pg.Client, ledger: string, file: SqlFile): Promise<void> {
  await client.query(
    `insert into dash.${ledger} (name, checksum) values ($1, $2)
     on conflict (name) do update set checksum = excluded.checksum, applied_at = now()`,
    [file.name, file.checksum],
  );
}

async function ledgerOf(client: pg.Client, ledger: string): Promise<Map<string, string>> {
  const { rows } = await client.query<{ name: string; checksum: string }>(
    `select name, checksum from dash.${ledger}`,
  );
  return new Map(rows.map((row) => [row.name, row.checksum]));
}

async function inTransaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query('begin');
  try {
    await work();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function sqlFiles(directory: string): Promise<SqlFile[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(directory, name), 'utf8');
      return { name, text, checksum: checksumOf(text) };
    }),
  );
}

function checksumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
