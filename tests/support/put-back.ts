import pg from 'pg';
import { databaseUrl } from './template-database.ts';

/** A copy of a database, to be put back later while everything that uses it goes on. */
export interface DatabaseCopy {
  /** Replaces the database by the copy; `prepare` sees the copy before anybody else can. */
  putBack(prepare: (url: string) => Promise<void>): Promise<void>;
}

/** Copies a database that is in use: its connections are cut for that moment, as a backup by files would. */
export async function copyDatabase(url: string): Promise<DatabaseCopy> {
  const name = new URL(url).pathname.slice(1);
  const copy = `${name}_copy`;
  await onServer(url, async (run) => {
    await whileClosed(run, name, () => run(`create database ${copy} template ${name}`));
  });
  return {
    async putBack(prepare) {
      await prepare(databaseUrl(url, copy));
      await onServer(url, async (run) => {
        await run(`alter database ${name} allow_connections false`);
        await run(`drop database ${name} with (force)`);
        await run(`alter database ${copy} rename to ${name}`);
      });
    },
  };
}

type Run = (statement: string) => Promise<unknown>;

async function whileClosed(run: Run, name: string, work: () => Promise<unknown>): Promise<void> {
  await run(`alter database ${name} allow_connections false`);
  try {
    await run(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${name}'`,
    );
    await work();
  } finally {
    await run(`alter database ${name} allow_connections true`);
  }
}

async function onServer(url: string, work: (run: Run) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl(url, 'postgres') });
  await client.connect();
  try {
    await work((statement) => client.query(statement));
  } finally {
    await client.end();
  }
}
