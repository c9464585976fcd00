import pg from 'pg';
import { migrate, schemaChecksum } from '../../src/db/migrate.ts';

/**
 * The migrated database that every test database is a copy of. Its name says which schema it holds, so that it is
 * made once per run, and a changed schema never meets an old copy.
 */
export async function prepareTemplateDatabase(url: string): Promise<string> {
  const name = await templateName();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    // Of test files that start at once one prepares, the others wait.
    await client.query('select pg_advisory_lock(7410, 10)');
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (rowCount === 1) return name;
    const unfinished = `${name}_unfinished`;
    await client.query(`drop database if exists ${unfinished} with (force)`);
    await client.query(`create database ${unfinished}`);
    await migrate({ url: databaseUrl(url, unfinished), log: silent });
    await client.query(`alter database ${unfinished} rename to ${name}`);
    return name;
  } finally {
    await client.end();
  }
}

/** The same server, another database. */
export function databaseUrl(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.toString();
}

async function templateName(): Promise<string> {
  return `dash_template_${(await schemaChecksum()).slice(0, 12)}`;
}

const silent = { info: () => undefined, warn: () => undefined };
