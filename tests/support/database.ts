import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import pg from 'pg';
import { createDatabase, type Database } from '../../src/db/database.ts';
import { databaseUrl, prepareTemplateDatabase } from './template-database.ts';

export interface TestDatabase {
  readonly db: Database;
  readonly url: string;
  /** Another process of Dash, as far as the database can tell: connections of its own, closed with the rest. */
  connect(applicationName: string, maxConnections?: number): Database;
  close(): Promise<void>;
}

/** A fresh copy of the migrated template, on the server of the test run. */
export async function createTestDatabase(
  options: { maxConnections?: number } = {},
): Promise<TestDatabase> {
  const server = process.env['DASH_TEST_POSTGRES_URL'];
  if (server === undefined) {
    throw new Error(
      'DASH_TEST_POSTGRES_URL is not set: run this test through jest, or name a PostgreSQL there',
    );
  }
  const template = await prepareTemplateDatabase(server);
  const name = `dash_test_${randomBytes(6).toString('hex')}`;
  await onServer(server, `create database ${name} template ${template}`);
  const url = databaseUrl(server, name);
  const opened: Database[] = [];
  const connect = (applicationName: string, maxConnections = 5): Database => {
    const db = createDatabase({ url, applicationName, maxConnections, log: warningsOnly });
    opened.push(db);
    return db;
  };
  return {
    db: connect('test', options.maxConnections ?? 10),
    url,
    connect,
    close: async () => {
      await Promise.all(opened.map((db) => db.close()));
      await onServer(server, `drop database if exists ${name} with (force)`);
    },
  };
}

/** One database for a test file: made before its first test, dropped after its last. */
export function withDatabase(options: { maxConnections?: number } = {}): () => TestDatabase {
  let database: TestDatabase | undefined;
  beforeAll(async () => {
    database = await createTestDatabase(options);
  }, 60_000);
  afterAll(async () => {
    await database?.close();
  });
  return () => {
    if (database === undefined) throw new Error('the test database is made before the first test');
    return database;
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

const warningsOnly = {
  info: () => undefined,
  warn: () => undefined,
};
