import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { tempDir } from '../support/temp-dir.ts';
import { databaseUrl } from '../support/template-database.ts';
import { createTestNamespace, testTemporalAddress } from '../support/temporal-namespace.ts';
import {
  BUNDLED,
  killEverything,
  startUp,
  UP_WITH_FAKE_GATEWAY,
  type UpProcess,
} from '../support/up-process.ts';

const started: UpProcess[] = [];
afterEach(() => {
  for (const launched of started.splice(0)) killEverything(launched);
});

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: process.env['DASH_TEST_POSTGRES_URL'] });
  await client.connect();
  await client.query(statement);
  await client.end();
}

test('with DATABASE_URL and TEMPORAL_ADDRESS nothing is started beside them; --json writes one milestone per line', async () => {
  using dir = tempDir();
  const database = `dash_up_${randomBytes(6).toString('hex')}`;
  await onServer(`create database ${database}`);
  const run = startUp({
    program: UP_WITH_FAKE_GATEWAY,
    dataDir: dir.path,
    args: ['--first-swarm', 'examples/first-swarm.yaml', '--once', '--json'],
    env: {
      ...BUNDLED,
      DATABASE_URL: databaseUrl(process.env['DASH_TEST_POSTGRES_URL'] ?? '', database),
      TEMPORAL_ADDRESS: testTemporalAddress(),
      TEMPORAL_NAMESPACE: await createTestNamespace(),
    },
  });
  started.push(run);
  await run.endsWith(0);
  const lines = run
    .stdout()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string });
  expect(lines.map(({ kind }) => kind)).toEqual([
    'ready',
    ...Array.from({ length: 6 }, () => 'answer'),
    'swarm',
  ]);
  expect(lines.at(-1)).toMatchObject({ swarm: { name: 'first-swarm', state: 'completed' } });
  expect(existsSync(join(dir.path, 'postgres'))).toBe(false);
  expect(existsSync(join(dir.path, 'temporal'))).toBe(false);
  await onServer(`drop database ${database} with (force)`);
}, 240_000);
